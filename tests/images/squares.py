"""Images of bright squares on dark ground."""

from __future__ import annotations

import numpy as np


def squares(count: int, seed: int, side: int = 12) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return (N, H, W) grey images of one bright square each."""
    chance = np.random.default_rng(seed)
    images_NHW = chance.integers(0, 40, (count, side, side), dtype=np.uint8)
    for image_HW in images_NHW:
        row, column = chance.integers(1, side - 5, 2)
        image_HW[row : row + 4, column : column + 4] = 220
    return images_NHW
