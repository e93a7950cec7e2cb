"""Normalization layers for networks of any kind of data.

"batch" mixes samples, so no critic with a penalty may have it. "weight" is done to the layers themselves: build.py.

Shape suffixes: B batch, C channels, U units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from torch import Tensor, nn

from ..registry import NORMALIZATIONS, Normalization


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
