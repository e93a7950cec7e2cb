"""Activations for critics, which must be twice differentiable for the gradient penalty."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor


def relu(x: Tensor) -> Tensor:
    """Return max(0, x), so that its double backward does no work on zeros.

    `F.relu`'s second derivative is a tensor of zeros that a whole backward pass is then run on; here there is none. The
    gradients are the same, bit for bit. Where the second derivative of a layer has no gradient for what went in, this
    passes none on: torch would fill in zeros, and run the backward pass of all layers before on them. Never in place:
    at the head of a residual block that would change the skip connection too.
    """
    if torch.compiler.is_compiling():
        return x * (x > 0)  # the compiler makes one pass of it
    y: Tensor = _Relu.apply(x)  # type: ignore[no-untyped-call]
    return y


@final
class _Relu(torch.autograd.Function):
    """A product with the mask x > 0 has the right derivatives too, and takes ten times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.clamp_min(0)
        ctx.save_for_backward(y)
        ctx.set_materialize_grads(False)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> Tensor | None:
        return None if gradient is None else _gated(gradient, ctx.saved_tensors[0].detach())


@final
class _Gate(torch.autograd.Function):
    """The gradient where y > 0, else 0: linear in the gradient, and constant in y almost everywhere."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        ctx.set_materialize_grads(False)
        return torch.ops.aten.threshold_backward(gradient, y, 0)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        return None if gradient is None else _gated(gradient, ctx.saved_tensors[0]), None


def _gated(gradient: Tensor, y: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return torch.ops.aten.threshold_backward(gradient, y, 0)  # type: ignore[no-any-return]
    gated: Tensor = _Gate.apply(gradient, y)  # type: ignore[no-untyped-call]
    return gated


def leaky_relu(x: Tensor, leak: float) -> Tensor:
    """Return x where it is above 0 and leak x elsewhere, so that its double backward does no work on zeros.

    See `relu`; the gradients are those of `F.leaky_relu`, bit for bit.

    Args:
        x: of any shape.
        leak: 0 or more.
    """
    if torch.compiler.is_compiling():
        return x * torch.where(x > 0, 1.0, leak)
    y: Tensor = _LeakyRelu.apply(x, leak)  # type: ignore[no-untyped-call]
    return y


@final
class _LeakyRelu(torch.autograd.Function):
    """One operation forward and one backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, leak: float) -> Tensor:
        y = torch.nn.functional.leaky_relu(x, leak)
        ctx.save_for_backward(y)
        ctx.set_materialize_grads(False)
        ctx.leak = leak
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        return None if gradient is None else _leaked(gradient, ctx.saved_tensors[0].detach(), ctx.leak), None


@final
class _LeakyGate(torch.autograd.Function):
    """The gradient where y > 0, else leak times it: linear in the gradient, and constant in y almost everywhere."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, y: Tensor, leak: float) -> Tensor:
        ctx.save_for_backward(y)
        ctx.set_materialize_grads(False)
        ctx.leak = leak
        return _leaked_plainly(gradient, y, leak)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None, None]:
        return None if gradient is None else _leaked(gradient, ctx.saved_tensors[0], ctx.leak), None, None


def _leaked(gradient: Tensor, y: Tensor, leak: float) -> Tensor:
    if not torch.is_grad_enabled():
        return _leaked_plainly(gradient, y, leak)
    gated: Tensor = _LeakyGate.apply(gradient, y, leak)  # type: ignore[no-untyped-call]
    return gated


def _leaked_plainly(gradient: Tensor, y: Tensor, leak: float) -> Tensor:
    return torch.ops.aten.leaky_relu_backward(gradient, y, leak, True)  # type: ignore[no-any-return]
