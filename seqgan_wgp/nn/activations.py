"""Activations for critics, which must be twice differentiable for the gradient penalty."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor


def relu(x: Tensor) -> Tensor:
    """Return max(0, x), so that its double backward does no work on zeros.

    `F.relu`'s second derivative is a tensor of zeros that a whole backward pass is then run on; here there is none. The
    gradients are the same, bit for bit. Never in place: at the head of a residual block that would change the skip
    connection too.
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
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _gated(gradient, ctx.saved_tensors[0].detach())


@final
class _Gate(torch.autograd.Function):
    """The gradient where y > 0, else 0: linear in the gradient, and constant in y almost everywhere."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return torch.ops.aten.threshold_backward(gradient, y, 0)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _gated(gradient, ctx.saved_tensors[0]), None


def _gated(gradient: Tensor, y: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return torch.ops.aten.threshold_backward(gradient, y, 0)  # type: ignore[no-any-return]
    gated: Tensor = _Gate.apply(gradient, y)  # type: ignore[no-untyped-call]
    return gated
