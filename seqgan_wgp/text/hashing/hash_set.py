"""A growing set of 64-bit hashes, vectorized; beyond a memory limit it uses the disk. NumPy only.

Shape suffixes: N hashes, M distinct ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

MEMORY_BYTES = 1 << 29
"""Default memory limit: 512 MiB."""

_LEAST_SLOTS = 1 << 10
_FULLEST = 0.625
"""Largest load factor. A fuller table saves memory, but has long probe sequences."""

_TOGETHER = 1 << 16
"""Largest number of hashes looked up or added together."""

_MAX_RUNS = 8
"""Largest number of files; then they are merged into one."""

_MERGED = 1 << 20
"""Approximate number of hashes merged at a time."""


@final
class HashSet:
    """A set of 64-bit hashes.

    A hash table with linear probing, 8 bytes per slot. When it reaches the memory limit it is sorted, written to an
    unnamed temporary file, and emptied; files are searched by bisection.

    Args:
        memory_bytes: memory limit of the table, including the old one while it grows. On disk it takes 8 bytes per
            hash, in the folder for temporary files (TMPDIR).
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        # The largest power of two of which one and a half fit: the table and, while it grows, the old one of half the
        # size.
        most = max(memory_bytes * 2 // 3 // 8, _LEAST_SLOTS)
        self._most_slots = 1 << (most.bit_length() - 1)
        self._together = min(_TOGETHER, self._most_slots // 2)
        self._table = np.zeros(_LEAST_SLOTS, np.uint64)  # 0 is a free slot
        self._taken = 0
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return self._taken + sum(map(len, self._runs))

    def add(self, hashes_N: Hashes) -> npt.NDArray[np.bool_]:
        """Add hashes; return the mask (N,) of those that were new, of equal ones only the first.

        Raises OSError when the disk is full.
        """
        new_N = np.zeros(len(hashes_N), np.bool_)
        for first in range(0, len(hashes_N), self._together):
            hashes_M, places_M = np.unique(_not_zero(hashes_N[first : first + self._together]), return_index=True)
            self._make_room(len(hashes_M))  # first, since it may move the table to disk
            fresh_M = ~self._in_runs(hashes_M)
            fresh_M[fresh_M] = self._put(hashes_M[fresh_M])
            new_N[first + places_M[fresh_M]] = True
        return new_N

    def has(self, hashes_N: Hashes) -> npt.NDArray[np.bool_]:
        """Return the mask (N,) of hashes in the set."""
        found_N = np.zeros(len(hashes_N), np.bool_)
        for first in range(0, len(hashes_N), self._together):
            hashes_M, places_N = np.unique(_not_zero(hashes_N[first : first + self._together]), return_inverse=True)
            found_M = self._in_runs(hashes_M) | (self._table[self._slots(hashes_M)] == hashes_M)
            found_N[first : first + self._together] = found_M[places_N]
        return found_N

    def _slots(self, hashes_M: Hashes) -> npt.NDArray[np.int64]:
        """Return the slot of each hash: the one that has it, or the free one where it would go."""
        slots_M = self._first_slots(hashes_M)
        found_M = self._table[slots_M]
        pending = np.flatnonzero((found_M != 0) & (found_M != hashes_M))
        while len(pending):
            slots_M[pending] = (slots_M[pending] + 1) & (len(self._table) - 1)
            found = self._table[slots_M[pending]]
            pending = pending[(found != 0) & (found != hashes_M[pending])]
        return slots_M

    def _put(self, hashes_M: Hashes) -> npt.NDArray[np.bool_]:
        """Add distinct hashes to the table; return the mask of new ones."""
        slots_M = self._slots(hashes_M)
        new_M: npt.NDArray[np.bool_] = self._table[slots_M] == 0
        left, slots = hashes_M[new_M], slots_M[new_M]
        self._taken += len(left)
        while len(left):
            self._table[slots] = left  # of several hashes for one slot the last one gets it
            homeless = self._table[slots] != left
            left = left[homeless]
            slots = self._slots(left)
        return new_M

    def _first_slots(self, hashes_M: Hashes) -> npt.NDArray[np.int64]:
        bits = len(self._table).bit_length() - 1
        return (hashes_M >> np.uint64(64 - bits)).view(np.int64)

    def _make_room(self, count: int) -> None:
        """Grow until so many more fit, or write the table to disk."""
        while self._taken + count > _FULLEST * len(self._table):
            if len(self._table) >= self._most_slots:
                self._spill()  # which makes room for _TOGETHER hashes
                return
            former, self._table = self._table, np.zeros(2 * len(self._table), np.uint64)
            self._taken = 0
            for first in range(0, len(former), self._together):
                part = former[first : first + self._together]
                self._put(part[part != 0])

    def _spill(self) -> None:
        self._table.sort()  # in place; free slots (0) come first
        first = len(self._table) - self._taken
        parts = (self._table[place : place + _MERGED] for place in range(first, len(self._table), _MERGED))
        self._runs.append(_run(parts, self._taken))
        self._table.fill(0)
        self._taken = 0
        if len(self._runs) == _MAX_RUNS:
            self._runs = [_run(_merged(self._runs), sum(map(len, self._runs)))]

    def _in_runs(self, hashes_M: Hashes) -> npt.NDArray[np.bool_]:
        found_M = np.zeros(len(hashes_M), np.bool_)
        for run in self._runs:
            places_M = np.minimum(np.searchsorted(run, hashes_M), len(run) - 1)
            found_M |= run[places_M] == hashes_M
        return found_M


def _not_zero(hashes_N: Hashes) -> Hashes:
    return np.maximum(hashes_N, np.uint64(1))


def _run(parts: Iterator[Hashes], count: int) -> Hashes:
    """Write sorted parts, `count` hashes in all, to an unnamed file; return it as an array on disk."""
    try:
        with tempfile.TemporaryFile() as file:
            for part in parts:
                file.write(part.tobytes())
            file.flush()
            return np.memmap(file, np.uint64, "r", shape=(count,)).view(np.ndarray)
    except OSError as error:
        raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None


def _merged(runs: Sequence[Hashes]) -> Iterator[Hashes]:
    """Merge sorted arrays, one range of hashes at a time; hashes are uniformly distributed."""
    ranges = -(-sum(map(len, runs)) // _MERGED)
    bounds = np.array([k * ((1 << 64) // ranges) for k in range(1, ranges)], np.uint64)
    cuts = [[0, *np.searchsorted(run, bounds).tolist(), len(run)] for run in runs]
    for k in range(ranges):
        yield np.sort(np.concatenate([run[cut[k] : cut[k + 1]] for run, cut in zip(runs, cuts, strict=True)]))
