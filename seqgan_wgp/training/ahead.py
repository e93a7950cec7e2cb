"""Noise of many rounds drawn in one call, and handed out step by step.

A number is a function of its seed, stream, index and column alone, so it is the same bit for bit however many are
drawn with it. Drawing takes some forty small operations: in one call for many rounds, few of them fall on each.

Shape suffixes: S steps of a block, B this process's part of a batch, M items of all steps, C columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor

from .schedule import Number

NUMBERS_MOST = 1 << 18
"""Numbers of a block at most: 1 MiB, and 2 MiB for each of the integers that they are made of."""

ROUNDS_MOST = 64
"""Rounds of a block at most: what a run draws and no longer needs when it ends."""


def rounds_ahead(numbers: int) -> int:
    """Return how many rounds of so many numbers each to draw at once; 0: one round alone is too large for a block."""
    return min(ROUNDS_MOST, NUMBERS_MOST // max(1, numbers))


@final
class NoiseBlock:
    """The noise of one stream for the steps of some rounds. It stays at its place, so a recorded round can read it.

    Args:
        draw: index of items (M,), int64 on the device -> noise (M, C).
        index_B: places of this process's items in a batch.
        size: of the whole batch.
        steps: steps of a block.
    """

    def __init__(self, draw: Callable[[Tensor], Tensor], index_B: Tensor, size: int, steps: int) -> None:
        self._draw, self._index_B, self._size, self._steps = draw, index_B, size, steps
        self._first = 0
        self._first_step = torch.zeros((), dtype=torch.int64, device=index_B.device)
        self._noise_SBC = self._drawn()

    def fill(self, number: int) -> None:
        """Draw the block that step `number` lies in, unless it is there."""
        first = number - number % self._steps
        if first != self._first:
            self._first = first
            self._first_step.fill_(first)
            self._noise_SBC.copy_(self._drawn())

    def at(self, number: Number) -> Tensor:
        """Return the noise (B, C) of step `number`: a view that holds until another block is drawn.

        Where `number` is a tensor, the block must be there; see `fill`.
        """
        if isinstance(number, Tensor):
            return self._noise_SBC.index_select(0, (number - self._first_step)[None])[0]
        self.fill(number)
        return self._noise_SBC[number - self._first]

    def _drawn(self) -> Tensor:
        step_S = torch.arange(self._first, self._first + self._steps, device=self._index_B.device)
        index_SB = step_S[:, None] * self._size + self._index_B
        noise_MC = self._draw(index_SB.flatten())
        return noise_MC.view(*index_SB.shape, noise_MC.shape[1])
