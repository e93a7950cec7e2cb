"""Look-up table from large keys to small ranks, for whole arrays at a time. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Ints
from ...utils.counter_rng import GOLDEN


@final
@dataclass(frozen=True, eq=False)
class HashIndex:
    """A look-up from int64 keys >= 0 to ranks: 1, 2, ... for the given distinct keys in their order, 0 for all others.

    A hash table with linear probing, at most half full: a few gathers per key, fewer than a binary search needs.
    """

    keys: NDArray[np.int64]  # by rank; cell 0 holds -1, which no key equals
    slots: Ints  # ranks, 0 = empty; the length is a power of two

    @classmethod
    def of(cls, keys: Ints) -> HashIndex:
        """Build the table of distinct keys."""
        bits = (2 * len(keys)).bit_length()
        slots = np.zeros(2**bits, np.int32 if len(keys) < 2**31 else np.int64)
        table = cls(np.concatenate([[-1], keys]).astype(np.int64), slots)
        ranks, wanted = np.arange(1, len(keys) + 1, dtype=slots.dtype), table._first_slots(table.keys[1:])
        while len(ranks):
            free = slots[wanted] == 0
            slots[wanted[free]] = ranks[free]  # of several keys for one slot the last one stays
            homeless = slots[wanted] != ranks
            ranks, wanted = ranks[homeless], (wanted[homeless] + 1) & (len(slots) - 1)
        return table

    def ranks(self, keys: NDArray[np.int64]) -> Ints:
        """Return the rank of every key, in the shape of `keys`."""
        flat = keys.ravel()
        slots = self._first_slots(flat)
        ranks = self.slots[slots]
        pending = np.flatnonzero((ranks != 0) & (self.keys[ranks] != flat))
        while len(pending):
            slots[pending] = (slots[pending] + 1) & (len(self.slots) - 1)
            found = ranks[pending] = self.slots[slots[pending]]
            pending = pending[(found != 0) & (self.keys[found] != flat[pending])]
        return ranks.reshape(keys.shape)

    def _first_slots(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        bits = len(self.slots).bit_length() - 1
        # Multiplying by an odd number near 2^64 / golden ratio spreads keys (Knuth, TAOCP vol. 3, 6.4).
        mixed = keys.view(np.uint64) * np.uint64(GOLDEN)
        mixed ^= mixed >> np.uint64(32)  # otherwise keys of the form rank * V + id would form long runs
        return (mixed * np.uint64(GOLDEN) >> np.uint64(64 - bits)).view(np.int64)
