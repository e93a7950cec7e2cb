"""Count distinct lines and their frequencies: exactly while they are few, then from a sample.

Shape suffixes: N lines, K kept hashes.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from ..readers.lines import Lines, Units
from .hash_set import Hashes

KEPT = 1_000_000
"""Number of distinct lines that are counted exactly; beyond that the lowest hashes are kept as a sample."""

_WAITING = 500_000
"""Number of hashes added together, since each addition costs a pass over all kept hashes."""

_SHORT = 256
"""Longer lines are hashed one by one, since the time of `Lines.hashes` depends on the longest line."""


class LongLineHash:
    """The hash of a long line that is read in parts, independent of where it is cut."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=8)

    def update(self, units_M: Units) -> None:
        """Add the next part."""
        self._hash.update(units_M.astype("<u4").tobytes())

    @property
    def value(self) -> int:
        """Return the 64-bit hash."""
        return int.from_bytes(self._hash.digest(), "little")


def line_hashes(lines: Lines) -> Hashes:
    """Return a 64-bit hash of each whole line."""
    is_short_N = lines.sizes_N <= _SHORT
    if is_short_N.all():
        return lines.hashes(_SHORT)
    hash_N = np.empty(len(lines.sizes_N), np.uint64)
    hash_N[is_short_N] = lines.select(is_short_N).hashes(_SHORT)
    for place in np.flatnonzero(~is_short_N).tolist():
        digest, start = LongLineHash(), lines.starts_N[place]
        digest.update(lines.units_M[start : start + lines.sizes_N[place]])
        hash_N[place] = digest.value
    return hash_N


class DistinctCounter:
    """Counts distinct hashes in bounded memory.

    The lowest KEPT hashes are kept with their frequencies. When there are more, they are a random sample, and the
    highest of them gives an estimate of the total number (k minimum values: Bar-Yossef et al. 2002, Counting distinct
    elements in a data stream). The error is about 1 / sqrt(KEPT), a thousandth.

    Args:
        kept: number of kept hashes.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.exact = True
        self._hash_K: Hashes = np.zeros(0, np.uint64)
        self._count_K = np.zeros(0, np.int64)
        self._waiting: list[Hashes] = []

    def add(self, hash_N: Hashes) -> None:
        """Add the hashes of some lines."""
        if not self.exact:
            hash_N = hash_N[hash_N <= self._hash_K[-1]]
        self._waiting.append(hash_N)
        if sum(map(len, self._waiting)) >= _WAITING:
            self._settle()

    def count(self) -> int:
        """Return the number of distinct hashes, or an estimate."""
        self._settle()
        if self.exact:
            return len(self._hash_K)
        return round((self.kept - 1) / (int(self._hash_K[-1]) + 1) * 2**64)

    def frequent(self, number: int) -> dict[int, int]:
        """Return the most frequent hashes, which occurred at least twice, with their counts; none if it is a sample."""
        self._settle()
        if not self.exact:
            return {}
        # Ties go to the lowest hash, so that the order of the lines does not matter.
        best_K = np.argsort(-self._count_K, kind="stable")[:number]
        pairs = zip(self._hash_K[best_K].tolist(), self._count_K[best_K].tolist(), strict=True)
        return {value: count for value, count in pairs if count > 1}

    def _settle(self) -> None:
        new_N = np.sort(np.concatenate([np.zeros(0, np.uint64), *self._waiting]))
        self._waiting = []
        hash_K, count_K = _merged(new_N, np.ones(len(new_N), np.int64))
        both_K = np.concatenate([self._hash_K, hash_K])
        order_K = np.argsort(both_K, kind="stable")  # fast, since these are two sorted runs
        hash_K, count_K = _merged(both_K[order_K], np.concatenate([self._count_K, count_K])[order_K])
        self.exact = self.exact and len(hash_K) <= self.kept
        self._hash_K, self._count_K = hash_K[: self.kept], count_K[: self.kept]


def _merged(hash_N: Hashes, count_N: npt.NDArray[np.int64]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return sorted hashes without repetition, and the sums of their counts."""
    if not len(hash_N):
        return hash_N, count_N
    first_K = np.flatnonzero(np.concatenate([[True], hash_N[1:] != hash_N[:-1]]))
    return hash_N[first_K], np.add.reduceat(count_N, first_K)
