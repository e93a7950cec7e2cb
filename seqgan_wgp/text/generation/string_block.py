"""Blocks of generated strings, with their indices and further columns.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..vocabulary import PAD, mask_after_pad


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StringBlock:
    """Strings with their indices, in order, and further columns, from one or a few blocks of candidates."""

    index_N: npt.NDArray[np.int64]
    ids_NL: npt.NDArray[np.integer[Any]]
    score_N: npt.NDArray[np.float32] | None = None
    """Critic scores, if requested; see `scoring`."""

    log_probability_N: npt.NDArray[np.float64] | None = None
    """Natural log probabilities under the generator at temperature 1, if scores or constraints are requested."""

    given_up_N: npt.NDArray[np.float64] | None = None
    """Log probability lost to the constraints, if any; see `constrained`. Not a number for enumerated strings."""

    accepted_N: npt.NDArray[np.bool_] | None = None
    """Whether the refiner accepts the candidate, if the request has `refine`."""

    def __len__(self) -> int:
        return len(self.index_N)

    def select(self, keep: npt.NDArray[Any] | slice) -> StringBlock:
        """Return the strings selected by a mask, indices or a slice."""
        return together([self], keep)


def together(blocks: Sequence[StringBlock], keep: npt.NDArray[Any] | slice = slice(None)) -> StringBlock:
    """Join one or more blocks, and select strings by a mask, indices or a slice."""
    columns: dict[str, Any] = {}
    for field in fields(StringBlock):
        arrays = [getattr(block, field.name) for block in blocks]
        columns[field.name] = None if arrays[0] is None else np.concatenate(arrays)[keep]
    return StringBlock(**columns)


def gathered(blocks: Iterator[StringBlock], most: int) -> Iterator[StringBlock]:
    """Yield the same strings in larger blocks: first one block, then twice as many as before, up to `most`."""
    count = 1
    while taken := list(itertools.islice(blocks, count)):
        yield together(taken) if len(taken) > 1 else taken[0]
        count = min(2 * count, most)


COSTLY = 2.0
"""Log probability per character, in nats, above which what the constraints cost a string is large."""


def is_costly(block: StringBlock) -> npt.NDArray[np.bool_]:
    """Return which strings (N,) of a block with constraints lost much to them."""
    assert block.given_up_N is not None
    sizes_N = (mask_after_pad(block.ids_NL) != PAD).sum(axis=1)
    costly_N: npt.NDArray[np.bool_] = block.given_up_N > COSTLY * sizes_N
    return costly_N


def best(blocks: Iterable[StringBlock], count: int) -> StringBlock | None:
    """Return the `count` strings with the highest scores, highest first, earlier ones first. None without blocks."""
    kept: list[StringBlock] = []
    for block in blocks:
        kept.append(block)
        if sum(map(len, kept)) >= 2 * count + _GATHERED:
            kept = [_best(kept, count)]
    return _best(kept, count) if kept else None


_GATHERED = 1 << 15
"""Number of further strings that are collected before sorting."""


def _best(blocks: list[StringBlock], count: int) -> StringBlock:
    block = together(blocks)
    assert block.score_N is not None
    return block.select(np.lexsort((block.index_N, -block.score_N))[:count])
