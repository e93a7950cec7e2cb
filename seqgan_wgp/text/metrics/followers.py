"""What follows the contexts of a Markov chain, and how far their own counts are to be trusted. NumPy only.

Shape suffixes: N draws, C contexts of one length, cell 0 for all that were never seen, E pairs of a context and an id
that follows it, sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from ..hashing.hash_index import Ints
from .ngrams import Counts, Floats


def witten_bell(seen_N: NDArray[np.int64], kinds_N: NDArray[np.int64]) -> Floats:
    """Return n / (n + T), the part of the probability that goes by a context's own counts; 0 where it has none.

    n: how often the context was seen, T: different ids that followed it. The other part, T / (n + T), goes by the next
    shorter context: the more kinds have followed, the likelier is a new one. Witten and Bell 1991, "The zero-frequency
    problem", method C, interpolated as by Chen and Goodman 1998:
    P(c|h) = (count(hc) + T(h) P(c|h')) / (n(h) + T(h)), h' being h without its oldest id.
    """
    share_N: Floats = seen_N / np.maximum(seen_N + kinds_N, 1)
    return share_N


def maximum_likelihood(seen_N: NDArray[np.int64], _kinds_N: NDArray[np.int64]) -> Floats:
    """Return 1 where a context has been followed by anything, else 0: nothing is drawn that was not seen.

    What was only ever seen at the end of cropped lines has no follower; then the next shorter context is taken.
    """
    return (seen_N > 0).astype(np.float64)


SMOOTHINGS: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]] = {
    "witten-bell": witten_bell,
    "none": maximum_likelihood,
}
"""Name -> (times seen, different followers) to the part of the probability that goes by these counts."""


@final
@dataclass(frozen=True, eq=False)
class ContextCounts:
    """How often each id followed each context of one length."""

    ids_E: Ints
    sums_E: Ints
    """Sums of the counts of all pairs before each, and at the end of all."""

    firsts_C: Ints
    """Places in `ids_E` of each context's first follower, and at the end their number."""

    @classmethod
    def of(cls, counts: Counts, contexts: int, base: int) -> ContextCounts:
        """Sort counts of keys `context * base + id`, in their order, out by context; a count of 0 is no follower."""
        followed = counts[1] > 0
        context_E, ids_E = np.divmod(counts[0][followed], base)
        kinds_C = np.bincount(context_E, minlength=contexts)
        sums_E = np.cumsum(np.append(0, counts[1][followed]))
        return cls(_narrow(ids_E), _narrow(sums_E), _narrow(np.cumsum(np.append(0, kinds_C))))

    def seen(self, context_N: Ints) -> NDArray[np.int64]:
        """Return n(h), how often anything followed each context."""
        return self._first_sums(context_N + 1) - self._first_sums(context_N)

    def kinds(self, context_N: Ints) -> NDArray[np.int64]:
        """Return T(h), how many different ids followed each context."""
        return (self.firsts_C[context_N + 1] - self.firsts_C[context_N]).astype(np.int64)

    def draw(self, context_N: Ints, uniform_N: Floats) -> Ints:
        """Return an id for each context by its counts, of which there are some: the inverse of their distribution."""
        seen_N = self.seen(context_N)
        # A quotient of two doubles below 1 may round up to it.
        count_N = np.minimum((uniform_N * seen_N).astype(np.int64), seen_N - 1)
        wanted_N = (self._first_sums(context_N) + count_N).astype(self.sums_E.dtype)
        return self.ids_E[np.searchsorted(self.sums_E, wanted_N, side="right") - 1]

    def _first_sums(self, context_N: Ints) -> NDArray[np.int64]:
        return self.sums_E[self.firsts_C[context_N]].astype(np.int64)


def _narrow(values: NDArray[np.int64]) -> Ints:
    """Return numbers as int32 where they fit: of these arrays there are some for each different n-gram."""
    return values.astype(np.int32) if values.max(initial=0) < 2**31 else values
