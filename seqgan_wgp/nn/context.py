"""Layers through which every position of a string sees all others, to stand between 1-d convolutions.

Each adds to its input a branch that starts at 0, so that a network begins as if the layer were not there, and a rate of
learning that suits convolutions does not throw it off (Bachlechner et al. 2021, "ReZero is All You Need"; a gain for
each output as in Touvron et al. 2021, "Going Deeper with Image Transformers"). All is written in operations that can
be differentiated twice, as a gradient penalty needs; the fused kernels of attention cannot.

Shape suffixes: B batch, C channels, L length, H heads, D channels of a head.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..registry import CONTEXTS as CONTEXTS
from ..registry import Context
from .activations import relu
from .initialization import GivenStart
from .normalizations import ChannelNorm

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
