"""Layers for networks of any kind of data: activations, normalizations, and layers that see whole strings.

All can be differentiated twice, as a gradient penalty needs. The normalization "batch" mixes samples, so no critic with
a penalty may have it; "weight" is done to the layers themselves, see build.py.

Context layers stand between 1-d convolutions; through them every position of a string sees all others. Each adds to its
input a branch that starts at 0, so that a network begins as if the layer were not there, and a rate of learning that
suits convolutions does not throw it off (Bachlechner et al. 2021, "ReZero is All You Need"; a gain for each output as
in Touvron et al. 2021, "Going Deeper with Image Transformers"). The fused kernels of attention cannot be differentiated
twice, so plain products are used.

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

from ..registry import CONTEXTS as CONTEXTS
from ..registry import NORMALIZATIONS, Context, Normalization
from .initialization import GivenStart


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


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place, (B, C, ...) -> (B, C, ...), with a scale and shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        normed: Tensor = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return normed


_BATCH_NORMS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
"""Axes behind the channels -> batch norm."""


def _identity(_size: int, _axes: int = 0) -> nn.Module:
    return nn.Identity()


# One group: mean and variance over channels and places of each sample, scale and shift a channel, as in the
# authors' own layer normalisation. It mixes no samples, so the penalty of each stays its own.
def _layer(channels: int, _axes: int) -> nn.Module:
    return nn.GroupNorm(1, channels)


def _instance(channels: int, _axes: int) -> nn.Module:
    return nn.GroupNorm(channels, channels)  # a group each: instance norm with scale and shift


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

FOR_CHANNELS = tuple(name for name, each in NORMALIZATIONS.items() if not each.needs_training_batch)
"""Names of the normalizations of (B, C, ...)."""

FOR_UNITS = tuple(name for name, normalization in NORMALIZATIONS.items() if normalization.units is not None)
"""Names of the normalizations of (B, U)."""


def channel_norms(axes: int, names: Iterable[str] = FOR_CHANNELS) -> dict[str, Callable[[int], nn.Module]]:
    """Return name -> module that normalises (B, C, ...) with so many axes behind the channels, given C."""
    return {name: partial(_of_channels, name, axes) for name in names}


def _of_channels(name: str, axes: int, channels: int) -> nn.Module:
    return NORMALIZATIONS[name].channels(channels, axes)


def unit_norm(name: str, units: int) -> nn.Module:
    """Return the module that normalises (B, U), given U."""
    build = NORMALIZATIONS[name].units
    assert build is not None, "the config is checked for normalizations that a network can have"
    return build(units)


HEADS = 4
"""Heads of attention at most: as many as the channels can be split into evenly."""


def sinusoids(channels: int, length: int) -> Tensor:
    """Return sines and cosines of positions in geometrically rising wavelengths, (C, L).

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5, sines first.
    """
    half = -(-channels // 2)
    rate_C1 = 10_000 ** (-torch.arange(half, dtype=torch.float64) / half)[:, None]
    angle_CL = rate_C1 * torch.arange(length, dtype=torch.float64)
    return torch.cat([angle_CL.sin(), angle_CL.cos()])[:channels].float()


def _scaled(layer: nn.Linear, x: Tensor, gain: Tensor) -> Tensor:
    """Return what a layer gives, times a gain for each of its outputs; the weights are fewer than what it gives."""
    return functional.linear(x, layer.weight * gain[:, None], layer.bias * gain)


@final
class PositionAttention(nn.Module):
    """x + gain * attention(norm(x) + positions): multi-head self-attention over positions, (B, C, L) -> (B, C, L).

    Positions start as sinusoids and are learnt.
    """

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.heads = math.gcd(channels, HEADS)
        self.norm = ChannelNorm(channels)
        self.position = GivenStart(sinusoids(channels, length))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)
        self.gain = GivenStart(torch.zeros(channels))

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Apply the layer."""
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
        self.gain = GivenStart(torch.zeros(length))

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Apply the layer."""
        return x_BCL + _scaled(self.outer, relu(self.inner(self.norm(x_BCL))), self.gain())


CONTEXTS.add("none", Context())
CONTEXTS.add("attention", Context(build=PositionAttention, normalizes=True))
CONTEXTS.add("mixing", Context(build=PositionMixing, normalizes=True))


def context_layers(name: str, channels: int, length: int, blocks: int) -> nn.ModuleList:
    """Return the layers of a stack of residual blocks: one behind each but the last, which follows what it has seen.

    A single block has one too. None where the name says so.
    """
    build = CONTEXTS[name].build
    count = 0 if build is None or not blocks else max(1, blocks - 1)
    return nn.ModuleList(build(channels, length) for _ in range(count)) if build is not None else nn.ModuleList()


def dilations(growth: int, kernel: int, length: int, count: int) -> list[int]:
    """Return the distance between the taps of each of `count` convolutions, one behind the other.

    It is 1, growth, growth^2, ...; begun anew where the outer taps would lie beyond the string from every position.
    """
    reach, distance, found = kernel // 2, 1, []
    for _ in range(count):
        found.append(distance)
        distance = distance * growth if distance * growth * reach < length else 1
    return found if reach else [1] * count
