"""Models that draw a string from left to right, and the mask that keeps them within constraints.

A GRU (gru.py) and a Markov chain as a table of probabilities: the baselines of `benchmarks.constrained`.

Shape suffixes: B batch, N strings, L length, V vocabulary, C contexts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.gru import BLOCK, Mask
from seqgan_wgp.text.constrained.automaton import NONE
from seqgan_wgp.text.constrained.trellis import Trellis
from seqgan_wgp.text.metrics.markov import witten_bell
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN

MAX_CELLS = 2**26
"""Probabilities in a table at most."""


class LeftToRight(Protocol):
    """What draws strings with or without a mask."""

    def samples(
        self, n: int, *, seed: int = 0, start: int = 0, allowed: Callable[[], Mask] | None = None
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield (N, L) ids of strings number `start` on, n in all; `allowed` makes the mask of a block."""


@final
class TrellisMask:
    """A mask that leaves what some allowed string goes on with; of one block, since it remembers where each is.

    Args:
        trellis: all allowed strings.
        count: strings of the block.
        size: V.
    """

    def __init__(self, trellis: Trellis, count: int, size: int) -> None:
        self.trellis, self.size = trellis, size
        self.state_B, self.target_BV = np.zeros(count, np.int64), np.zeros((count, size), np.int64)
        self.ended_B = np.zeros(count, np.bool_)

    def __call__(self, position: int, before_B: Tensor) -> Tensor:
        """Return what may be drawn at a position, bool (B, V); a string that has ended has pads alone."""
        if position:
            drawn_B = before_B.numpy()
            self.ended_B |= drawn_B == PAD
            self.state_B = np.where(self.ended_B, 0, self.target_BV[np.arange(len(drawn_B)), drawn_B])
        self.target_BV = np.full((len(self.state_B), self.size), NONE)
        if position < len(self.trellis.layers):
            layer = self.trellis.layers[position]
            state_B = np.where(self.ended_B, 0, self.state_B)
            self.target_BV[:, layer.id_K] = layer.target_SC[state_B][:, layer.class_K]
            self.target_BV[:, PAD] = np.where(layer.ends_S[state_B], 0, NONE)
        else:
            self.target_BV[:, PAD] = 0
        self.target_BV[self.ended_B] = NONE
        self.target_BV[self.ended_B, PAD] = 0
        return torch.from_numpy(self.target_BV != NONE)


@final
class MarkovTable:
    """A Markov chain with Witten-Bell smoothing whose probabilities are all in one table, so that they can be masked.

    The same model as `text.metrics.markov.MarkovChain`, which draws without a table.

    Args:
        rows_NL: training rows.
        vocabulary_size: V.
        order: characters that decide the next.
    """

    def __init__(self, rows_NL: npt.NDArray[Any], vocabulary_size: int, order: int) -> None:
        base, self.length, self.order = vocabulary_size + 1, rows_NL.shape[1], order
        if base ** (order + 1) > MAX_CELLS:
            raise SystemExit(f"a table of order {order} over {vocabulary_size} characters is too large")
        self.vocabulary_size, self.base = vocabulary_size, base
        padded_NL = np.pad(rows_NL.astype(np.int64), ((0, 0), (order, 0)), constant_values=vocabulary_size)
        inside_NL = np.pad(rows_NL[:, :-1] != PAD, ((0, 0), (1, 0)), constant_values=True)
        inside_NL = np.logical_and.accumulate(inside_NL, axis=1)
        known_V = np.ones(vocabulary_size)
        known_V[UNKNOWN] = 0.0
        table_CV = (known_V / known_V.sum())[None]
        for k in range(order + 1):
            context_NL = np.zeros_like(rows_NL, dtype=np.int64)
            for back in range(k, 0, -1):
                context_NL = context_NL * base + padded_NL[:, order - back : order - back + self.length]
            cell = (context_NL * vocabulary_size + rows_NL)[inside_NL]
            count_CV = np.bincount(cell, minlength=base**k * vocabulary_size).reshape(-1, vocabulary_size)
            seen_C, kinds_C = count_CV.sum(1), (count_CV > 0).sum(1)
            own_C = witten_bell(seen_C, kinds_C)[:, None]
            # The shorter context of number c is that of c without its oldest character.
            shorter_CV = np.resize(table_CV, (len(count_CV), vocabulary_size)) if k else table_CV
            table_CV = own_C * count_CV / np.maximum(seen_C, 1)[:, None] + (1 - own_C) * shorter_CV
        self.table_CV = torch.from_numpy(table_CV.astype(np.float32))

    def samples(
        self, n: int, *, seed: int = 0, start: int = 0, allowed: Callable[[], Mask] | None = None
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield (N, L) ids of strings number `start` on, n in all; `allowed` makes the mask of a block."""
        for block in range(start // BLOCK, math.ceil((start + n) / BLOCK)):
            noise = torch.Generator().manual_seed((seed * 1_000_003 + block) % 2**63)
            ids_BL = self._draw(noise, None if allowed is None else allowed())
            first = block * BLOCK
            yield ids_BL[max(start - first, 0) : start + n - first].numpy()

    def _draw(self, noise: torch.Generator, allowed: Mask | None) -> Tensor:
        start = sum(self.vocabulary_size * self.base**k for k in range(self.order))
        context_B = torch.full((BLOCK,), start)
        ids_BL, ended_B = torch.zeros(BLOCK, self.length, dtype=torch.int64), torch.zeros(BLOCK, dtype=torch.bool)
        for position in range(self.length):
            share_BV = self.table_CV[torch.where(ended_B, start, context_B)]
            if allowed is not None:
                share_BV = share_BV * allowed(position, ids_BL[:, position - 1] if position else ids_BL[:, 0])
            drawn_B = torch.multinomial(share_BV, 1, generator=noise)[:, 0]
            ids_BL[:, position] = drawn_B.masked_fill(ended_B, PAD)
            ended_B |= drawn_B == PAD
            context_B = (context_B * self.base + drawn_B) % self.base**self.order if self.order else context_B * 0
        return ids_BL
