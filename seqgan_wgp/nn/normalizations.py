"""Normalisations that any kind of data may have in its networks.

"batch" mixes samples, so no critic with a penalty may have it. "weight" is done to the layers themselves: pair.py.

Shape suffixes: B batch, C channels, U units.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place, (B, C, ...) -> (B, C, ...), with a scale and shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        normed: Tensor = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return normed


CHANNEL_NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _channels: nn.Identity(),
    # One group: mean and variance over channels and places of each sample, scale and shift a channel, as in the
    # authors' own layer normalisation. It mixes no samples, so the penalty of each stays its own.
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "layer-channels": ChannelNorm,
    "instance": lambda channels: nn.GroupNorm(channels, channels),  # a group each: instance norm with scale and shift
    "weight": lambda _channels: nn.Identity(),
}
"""Name -> module that normalises (B, C, ...), given C. "batch" is missing: torch has one for each number of axes."""

UNIT_NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _units: nn.Identity(),
    "layer": nn.LayerNorm,
    "weight": lambda _units: nn.Identity(),
    "batch": nn.BatchNorm1d,
}
"""Name -> module that normalises (B, U), given U."""
