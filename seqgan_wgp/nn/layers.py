"""Layers for the networks of all kinds of data: activations, normalizations, and context layers (attention, mixing).

All are twice differentiable, as a gradient penalty needs. The normalization "batch" mixes samples, so a critic with a
penalty cannot use it. The normalization "weight" changes the layers themselves: `apply_weight_norm`.

A context layer stands between 1-d convolutions and lets every position of a string see all others. It adds a residual
branch whose gain starts at 0, so a network starts as if the layer were absent, and tolerates learning rates that suit
convolutions (Bachlechner et al. 2021, "ReZero is All You Need"; one gain for each output as in Touvron et al. 2021,
"Going Deeper with Image Transformers"). torch's fused attention kernels are not twice differentiable, so attention is
written as plain matrix products.

Shape suffixes: B batch, C channels, U units, L length, H heads, D channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from ..registry import CONTEXTS as CONTEXTS
from ..registry import NORMALIZATIONS, Context, Normalization
from .initialization import InitializedParameter


def relu(x: Tensor) -> Tensor:
    """Return max(0, x); unlike `F.relu`, its double backward does no work on zeros.

    The second derivative of a ReLU is zero almost everywhere. torch represents it by a tensor of zeros and runs a
    backward pass of all earlier layers on it; this function passes on no gradient instead. The gradients are equal bit
    for bit. It never works in place: at the start of a residual block, that would change the skip connection too.
    """
    if torch.compiler.is_compiling():
        return x * (x > 0)  # the compiler makes one pass of it
    y: Tensor = _Relu.apply(x)  # type: ignore[no-untyped-call]
    return y


@final
class _Relu(torch.autograd.Function):
    """`relu` as an autograd function. A product with the mask x > 0 would be correct too, but ten times slower."""

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
    """Return x where it is positive and leak * x elsewhere; its double backward does no work on zeros, as in `relu`.

    The gradients equal those of `F.leaky_relu` bit for bit.

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
    """`leaky_relu` as an autograd function: one operation forward and one backward."""

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


def apply_weight_norm(network: nn.Module) -> None:
    """Apply weight normalization: learn direction and length of every layer's weights. Salimans and Kingma 2016, eq. 2.

    The weights themselves stay as they are. A length belongs to a unit: to a row of the weights, and of a transposed
    convolution, whose weights are (in, out, ...), to a column.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            parametrizations.weight_norm(layer)
        elif isinstance(layer, nn.ConvTranspose2d):
            parametrizations.weight_norm(layer, dim=1)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each position, (B, C, ...) -> (B, C, ...), with scale and shift per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized input."""
        normed: Tensor = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return normed


_BATCH_NORMS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
"""Number of axes after the channels -> batch norm."""


def _identity(_size: int, _axes: int = 0) -> nn.Module:
    return nn.Identity()


# One group: mean and variance over all channels and positions of a sample, scale and shift per channel, as in the
# layer normalization of Gulrajani et al. 2017. It does not mix samples, so the gradient penalty stays per sample.
def _layer(channels: int, _axes: int) -> nn.Module:
    return nn.GroupNorm(1, channels)


def _instance(channels: int, _axes: int) -> nn.Module:
    return nn.GroupNorm(channels, channels)  # one group per channel: instance norm with scale and shift


NORMALIZATIONS.add("none", Normalization(channels=_identity, units=_identity))
NORMALIZATIONS.add("layer", Normalization(channels=_layer, units=nn.LayerNorm))
NORMALIZATIONS.add("layer-channels", Normalization(channels=lambda channels, _axes: ChannelNorm(channels)))
NORMALIZATIONS.add("instance", Normalization(channels=_instance))
NORMALIZATIONS.add("weight", Normalization(channels=_identity, units=_identity))
NORMALIZATIONS.add(
    "batch",
    Normalization(
        channels=lambda channels, axes: _BATCH_NORMS[axes](channels), units=nn.BatchNorm1d, mixes_samples=True
    ),
)

NORMALIZATIONS.add(
    "batch-nonaffine",
    Normalization(
        channels=lambda channels, axes: _BATCH_NORMS[axes](channels, eps=1e-3, affine=False, track_running_stats=False),
        mixes_samples=True,
        needs_training_batch=True,
    ),
)

CHANNEL_NORMS = tuple(name for name, each in NORMALIZATIONS.items() if not each.needs_training_batch)
"""Names of the normalizations for (B, C, ...)."""

UNIT_NORMS = tuple(name for name, normalization in NORMALIZATIONS.items() if normalization.units is not None)
"""Names of the normalizations for (B, U)."""


def channel_norms(axes: int, names: Iterable[str] = CHANNEL_NORMS) -> dict[str, Callable[[int], nn.Module]]:
    """Return name -> (C -> module that normalizes (B, C, ...) with `axes` axes after the channels)."""
    return {name: partial(_of_channels, name, axes) for name in names}


def _of_channels(name: str, axes: int, channels: int) -> nn.Module:
    return NORMALIZATIONS[name].channels(channels, axes)


def unit_norm(name: str, units: int) -> nn.Module:
    """Return a module that normalizes (B, U) with U = `units`."""
    build = NORMALIZATIONS[name].units
    assert build is not None, "the config is checked for normalizations that a network can have"
    return build(units)


HEADS = 4
"""Largest number of attention heads; the number used divides the channels evenly."""


def sinusoids(channels: int, length: int) -> Tensor:
    """Return sines and cosines of positions in geometrically rising wavelengths, (C, L).

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5, sines first.
    """
    half = -(-channels // 2)
    rate_C1 = 10_000 ** (-torch.arange(half, dtype=torch.float64) / half)[:, None]
    angle_CL = rate_C1 * torch.arange(length, dtype=torch.float64)
    return torch.cat([angle_CL.sin(), angle_CL.cos()])[:channels].float()


def _scaled(layer: nn.Linear, x: Tensor, gain: Tensor) -> Tensor:
    """Return layer(x) times a gain for each output. The gain is applied to the weights, which are fewer."""
    return functional.linear(x, layer.weight * gain[:, None], layer.bias * gain)


@final
class PositionAttention(nn.Module):
    """x + gain * attention(norm(x) + positions): multi-head self-attention over positions, (B, C, L) -> (B, C, L).

    The position embeddings are learned; they start as sinusoids.
    """

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.heads = math.gcd(channels, HEADS)
        self.norm = ChannelNorm(channels)
        self.position = InitializedParameter(sinusoids(channels, length))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)
        self.gain = InitializedParameter(torch.zeros(channels))

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Return x plus the branch."""
        batch, channels, length = x_BCL.shape
        seen_BLC = (self.norm(x_BCL) + self.position()).transpose(1, 2)
        split = self.qkv(seen_BLC).view(batch, length, 3, self.heads, channels // self.heads)
        query_BHLD, key_BHLD, value_BHLD = split.permute(2, 0, 3, 1, 4)
        weight_BHLL = (query_BHLD @ key_BHLD.transpose(2, 3) * (channels // self.heads) ** -0.5).softmax(dim=3)
        mixed_BLC = (weight_BHLL @ value_BHLD).transpose(1, 2).reshape(batch, length, channels)
        return x_BCL + _scaled(self.output, mixed_BLC, self.gain()).transpose(1, 2)


@final
class PositionMixing(nn.Module):
    """x + gain * mlp(norm(x)): one MLP across positions for all channels, (B, C, L) -> (B, C, L).

    Tolstikhin et al. 2021, "MLP-Mixer", eq. 1, with ReLU and twice as many hidden units as positions.
    """

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.inner = nn.Linear(length, 2 * length)
        self.outer = nn.Linear(2 * length, length)
        self.gain = InitializedParameter(torch.zeros(length))

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Return x plus the branch."""
        return x_BCL + _scaled(self.outer, relu(self.inner(self.norm(x_BCL))), self.gain())


CONTEXTS.add("none", Context())
CONTEXTS.add("attention", Context(build=PositionAttention, normalizes=True))
CONTEXTS.add("mixing", Context(build=PositionMixing, normalizes=True))


@final
class ContextLayers(nn.ModuleList):
    """The context layers of a network, which may have a learning rate of their own."""


def context_layers(name: str, channels: int, length: int, blocks: int) -> ContextLayers:
    """Return the context layers of a stack of residual blocks: one after each block but the last.

    A single block has one too. The list is empty for the name "none".
    """
    build = CONTEXTS[name].build
    count = 0 if build is None or not blocks else max(1, blocks - 1)
    return ContextLayers(build(channels, length) for _ in range(count)) if build is not None else ContextLayers()


def dilations(growth: int, kernel: int, length: int, count: int) -> list[int]:
    """Return the dilations of `count` successive convolutions: 1, growth, growth^2, ...

    The sequence restarts at 1 where the outer taps would lie outside the string at every position.
    """
    reach, distance, found = kernel // 2, 1, []
    for _ in range(count):
        found.append(distance)
        distance = distance * growth if distance * growth * reach < length else 1
    return found if reach else [1] * count
