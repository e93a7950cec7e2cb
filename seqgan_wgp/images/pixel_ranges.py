"""Ranges of pixel values for the critic: the generator's last activation, and the conversion to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PixelRange:
    """A range of pixel values, and the conversion byte = scale x + shift."""

    squash: Callable[[Tensor], Tensor]
    """Maps any number to the range; the last operation of generators."""

    scale: float
    shift: float


RANGES: dict[str, PixelRange] = {
    "unit": PixelRange(squash=torch.sigmoid, scale=255.0, shift=0.0),
    "symmetric": PixelRange(squash=torch.tanh, scale=127.5, shift=127.5),
}
"""Name, for `images.range` -> range of pixel values: unit is [0, 1], symmetric is [-1, 1]."""
