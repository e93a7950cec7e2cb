"""A set of strings by 32 bits of a hash each, small enough for a model file. NumPy only.

A string that is not in a set of R is taken for one of them with a probability of about R / 2^32: 1 in 43,000 for
100,000 strings. So it serves where a few mistakes do no harm. Ids after the first pad are ignored.

Shape suffixes: N rows, L length, R distinct hashes, sorted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Ints
from ..vocabulary import mask_after_pad
from .row_hashes import BLOCK_IDS, counting_hashes, row_blocks

_LEFT_OUT = np.uint64(32)


@final
@dataclass(frozen=True, eq=False)
class ShortHashes:
    """The sorted, distinct hashes of some strings, and how often these occurred."""

    hash_R: NDArray[np.uint32]

    count_R: NDArray[np.int64]
    """How often each occurred; ones where that is not known."""

    @classmethod
    def of(cls, blocks: Iterable[Ints]) -> ShortHashes:
        """Collect the strings of blocks of (N, L) ids."""
        parts = [_hashes(rows_NL) for block_NL in blocks for rows_NL in row_blocks(block_NL, BLOCK_IDS)]
        return cls(*np.unique(np.concatenate([np.zeros(0, np.uint32), *parts]), return_counts=True))

    @property
    def unseen(self) -> float:
        """Probability that one more string of the same source is none of these: the share of those that occurred once.

        The estimate of Good 1953 and Turing. 1 for no strings.
        """
        total = int(self.count_R.sum())
        return float((self.count_R == 1).sum()) / total if total else 1.0

    def __len__(self) -> int:
        """Return the number of hashes."""
        return len(self.hash_R)

    def has(self, ids_NL: Ints) -> NDArray[np.bool_]:
        """Return the mask (N,) of rows of (N, L) ids whose hash is in the set."""
        if not len(self) or not len(ids_NL):
            return np.zeros(len(ids_NL), np.bool_)
        hash_N = _hashes(ids_NL)
        found_N: NDArray[np.bool_] = (
            self.hash_R[np.minimum(np.searchsorted(self.hash_R, hash_N), len(self) - 1)] == hash_N
        )
        return found_N


def _hashes(ids_NL: Ints) -> NDArray[np.uint32]:
    return (counting_hashes(mask_after_pad(ids_NL)) >> _LEFT_OUT).astype(np.uint32)
