"""The values that pixels take in critic space: what brings a generator's numbers there, and the way back to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PixelRange:
    """An interval of values, and byte = scale x + shift."""

    squash: Callable[[Tensor], Tensor]
    """Any number -> the interval; the last operation of generators."""

    scale: float
    shift: float


RANGES: dict[str, PixelRange] = {
    "unit": PixelRange(squash=torch.sigmoid, scale=255.0, shift=0.0),
    "symmetric": PixelRange(squash=torch.tanh, scale=127.5, shift=127.5),
}
"""Name, for `images.range` -> the values of pixels: unit is [0, 1], symmetric [-1, 1]."""
