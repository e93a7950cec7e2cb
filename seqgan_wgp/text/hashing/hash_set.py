"""A growing set of 64-bit hashes, vectorized; beyond a memory limit it goes to disk. NumPy only.

Shape suffixes: N hashes, M different ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

MEMORY_BYTES = 1 << 29
"""What a set takes of memory at most, unless told otherwise: 512 MiB."""

_LEAST_SLOTS = 1 << 10
_FULLEST = 0.625
"""Share of the slots that are taken at most. Fuller tables take less memory, but long ways to a free slot."""

_TOGETHER = 1 << 16
"""Hashes that are looked up or put in together, at most."""

_RUNS_MOST = 8
"""Files that are looked into for each hash at most; then they become one."""

_MERGED = 1 << 20
"""Hashes of all files that are merged at a time, about."""


@final
class HashSet:
    """A set of hashes, whose members are told apart by their 64 bits alone.

    A hash table with linear probing, 8 bytes a slot. When it may not grow any more it is sorted, written to a file
    without a name, which vanishes with the process, and begun anew; files are searched by bisection.

    Args:
        memory_bytes: of the table, while it grows of both the old and the new one; what is written of it to disk is 8
            bytes a hash, in the folder for temporary files (TMPDIR).
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        # The largest power of two of which one and a half fit: a table and, while it grows, that of half the size.
        most = max(memory_bytes * 2 // 3 // 8, _LEAST_SLOTS)
        self._most_slots = 1 << (most.bit_length() - 1)
        self._together = min(_TOGETHER, self._most_slots // 2)
        self._table = np.zeros(_LEAST_SLOTS, np.uint64)  # 0 is a free slot
        self._taken = 0
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return self._taken + sum(map(len, self._runs))

    def add(self, hashes_N: Hashes) -> npt.NDArray[np.bool_]:
        """Put hashes in; return (N,) which of them were not in it: of equal ones among them the first.

        Raises OSError when the disk is full.
        """
        new_N = np.zeros(len(hashes_N), np.bool_)
        for first in range(0, len(hashes_N), self._together):
            hashes_M, places_M = np.unique(_not_zero(hashes_N[first : first + self._together]), return_index=True)
            self._make_room(len(hashes_M))  # first, as it may move what is known to disk
            fresh_M = ~self._in_runs(hashes_M)
            fresh_M[fresh_M] = self._put(hashes_M[fresh_M])
            new_N[first + places_M[fresh_M]] = True
        return new_N

    def has(self, hashes_N: Hashes) -> npt.NDArray[np.bool_]:
        """Return (N,) which hashes are in it."""
        found_N = np.zeros(len(hashes_N), np.bool_)
        for first in range(0, len(hashes_N), self._together):
            hashes_M, places_N = np.unique(_not_zero(hashes_N[first : first + self._together]), return_inverse=True)
            found_M = self._in_runs(hashes_M) | (self._table[self._slots(hashes_M)] == hashes_M)
            found_N[first : first + self._together] = found_M[places_N]
        return found_N

    def _slots(self, hashes_M: Hashes) -> npt.NDArray[np.int64]:
        """Return the slot of each hash: the one that has it, else the free one at which the search for it ends."""
        slots_M = self._first_slots(hashes_M)
        found_M = self._table[slots_M]
        pending = np.flatnonzero((found_M != 0) & (found_M != hashes_M))
        while len(pending):
            slots_M[pending] = (slots_M[pending] + 1) & (len(self._table) - 1)
            found = self._table[slots_M[pending]]
            pending = pending[(found != 0) & (found != hashes_M[pending])]
        return slots_M

    def _put(self, hashes_M: Hashes) -> npt.NDArray[np.bool_]:
        """Put different hashes into the table; return which were not in it."""
        slots_M = self._slots(hashes_M)
        new_M: npt.NDArray[np.bool_] = self._table[slots_M] == 0
        left, slots = hashes_M[new_M], slots_M[new_M]
        self._taken += len(left)
        while len(left):
            self._table[slots] = left  # of several that want one slot the last one gets it
            homeless = self._table[slots] != left
            left = left[homeless]
            slots = self._slots(left)
        return new_M

    def _first_slots(self, hashes_M: Hashes) -> npt.NDArray[np.int64]:
        bits = len(self._table).bit_length() - 1
        return (hashes_M >> np.uint64(64 - bits)).view(np.int64)

    def _make_room(self, count: int) -> None:
        """Grow until so many more find room, or write what is in the table to disk."""
        while self._taken + count > _FULLEST * len(self._table):
            if len(self._table) >= self._most_slots:
                self._spill()  # which leaves room for _together
                return
            former, self._table = self._table, np.zeros(2 * len(self._table), np.uint64)
            self._taken = 0
            for first in range(0, len(former), self._together):
                part = former[first : first + self._together]
                self._put(part[part != 0])

    def _spill(self) -> None:
        self._table.sort()  # in place; free slots come first
        first = len(self._table) - self._taken
        parts = (self._table[place : place + _MERGED] for place in range(first, len(self._table), _MERGED))
        self._runs.append(_run(parts, self._taken))
        self._table.fill(0)
        self._taken = 0
        if len(self._runs) == _RUNS_MOST:
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
    """Write sorted parts, `count` hashes in all, to a file without a name; return it as an array on disk."""
    try:
        with tempfile.TemporaryFile() as file:
            for part in parts:
                file.write(part.tobytes())
            file.flush()
            return np.memmap(file, np.uint64, "r", shape=(count,)).view(np.ndarray)
    except OSError as error:
        raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None


def _merged(runs: Sequence[Hashes]) -> Iterator[Hashes]:
    """Yield the hashes of sorted arrays in order, a range of them at a time: hashes are spread evenly."""
    ranges = -(-sum(map(len, runs)) // _MERGED)
    bounds = np.array([k * ((1 << 64) // ranges) for k in range(1, ranges)], np.uint64)
    cuts = [[0, *np.searchsorted(run, bounds).tolist(), len(run)] for run in runs]
    for k in range(ranges):
        yield np.sort(np.concatenate([run[cut[k] : cut[k + 1]] for run, cut in zip(runs, cuts, strict=True)]))
