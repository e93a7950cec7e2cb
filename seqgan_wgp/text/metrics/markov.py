"""Markov chains of characters, as baselines: fitted by counting, sampled exactly. NumPy only.

Contexts are stored by length, 0..order. The key of a context combines the rank of its prefix, a shorter context, with
its last id, so it fits int64 for any vocabulary and order. All strings are extended together, one character at a time.

Shape suffixes: N strings, L columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...utils.arrays import Floats, Ints
from ...utils.counter_rng import Stream, hash_numpy
from ..hashing.hash_index import HashIndex
from ..hashing.row_hashes import BLOCK_IDS, row_blocks
from ..vocabulary import PAD, UNKNOWN
from .ngrams import Counts, merge_counts


def witten_bell(seen_N: NDArray[np.int64], kinds_N: NDArray[np.int64]) -> Floats:
    """Return n / (n + T), the weight of a context's own counts; 0 without counts.

    n: how often the context was seen, T: number of distinct ids that followed it. The remaining weight, T / (n + T),
        goes to the next shorter context: the more distinct ids have followed, the more likely is a new one. Witten and
        Bell 1991, "The zero-frequency problem", method C, interpolated as by Chen and Goodman 1998: P(c|h) = (count(hc)
        + T(h) P(c|h')) / (n(h) + T(h)), where h' is h without its oldest id.
    """
    share_N: Floats = seen_N / np.maximum(seen_N + kinds_N, 1)
    return share_N


def maximum_likelihood(seen_N: NDArray[np.int64], _kinds_N: NDArray[np.int64]) -> Floats:
    """Return 1 if anything followed a context, otherwise 0: only seen n-grams are drawn.

    A context that was seen only at the end of cropped lines has no follower; then the next shorter context is used.
    """
    return (seen_N > 0).astype(np.float64)


SMOOTHINGS: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]] = {
    "witten-bell": witten_bell,
    "none": maximum_likelihood,
}
"""Name -> function (times seen, distinct followers) -> weight of these counts."""


@final
@dataclass(frozen=True, eq=False)
class ContextCounts:
    """Counts of the ids that follow each context of one length."""

    ids_E: Ints
    sums_E: Ints
    """Cumulative counts before each pair, and the total at the end."""

    firsts_C: Ints
    """Index in `ids_E` of each context's first follower, and their number at the end."""

    @classmethod
    def of(cls, counts: Counts, contexts: int, base: int) -> ContextCounts:
        """Group sorted counts of keys `context * base + id` by context; counts of 0 are ignored."""
        followed = counts[1] > 0
        context_E, ids_E = np.divmod(counts[0][followed], base)
        kinds_C = np.bincount(context_E, minlength=contexts)
        sums_E = np.cumsum(np.append(0, counts[1][followed]))
        return cls(_narrow(ids_E), _narrow(sums_E), _narrow(np.cumsum(np.append(0, kinds_C))))

    def seen(self, context_N: Ints) -> NDArray[np.int64]:
        """Return n(h), the total count of each context."""
        return self._first_sums(context_N + 1) - self._first_sums(context_N)

    def kinds(self, context_N: Ints) -> NDArray[np.int64]:
        """Return T(h), the number of distinct followers of each context."""
        return (self.firsts_C[context_N + 1] - self.firsts_C[context_N]).astype(np.int64)

    def draw(self, context_N: Ints, uniform_N: Floats) -> Ints:
        """Draw an id for each context, which has counts, by inverse transform sampling."""
        seen_N = self.seen(context_N)
        # A quotient of two doubles below 1 may round up to 1.
        count_N = np.minimum((uniform_N * seen_N).astype(np.int64), seen_N - 1)
        wanted_N = (self._first_sums(context_N) + count_N).astype(self.sums_E.dtype)
        return self.ids_E[np.searchsorted(self.sums_E, wanted_N, side="right") - 1]

    def _first_sums(self, context_N: Ints) -> NDArray[np.int64]:
        return self.sums_E[self.firsts_C[context_N]].astype(np.int64)


def _narrow(values: NDArray[np.int64]) -> Ints:
    """Return numbers as int32 if they fit, since these arrays have entries for each distinct n-gram."""
    return values.astype(np.int32) if values.max(initial=0) < 2**31 else values


SAMPLED_IDS = 2**20  # ids drawn at a time: limits memory, never changes a result

_EMPTY = HashIndex.of(np.zeros(1, np.int64))  # the only context of no ids has rank 1


@final
@dataclass(frozen=True, eq=False)
class MarkovChain:
    """A Markov chain: each character depends on the `order` characters before it. Make one with `fit`.

    A string begins after `order` start symbols, and its end, a pad, is drawn like any character. A row without a pad
    was cropped, so it has no end.
    """

    vocabulary_size: int
    smoothing: str
    _followers: tuple[ContextCounts, ...]  # by the length of the context, 0..order
    _contexts: tuple[HashIndex, ...]  # their ranks, likewise

    @classmethod
    def fit(
        cls, blocks: Iterable[Ints], vocabulary_size: int, order: int, *, smoothing: str = "witten-bell"
    ) -> MarkovChain:
        """Fit a chain to training rows by counting.

        The chain takes about 40 bytes for each distinct n-gram of up to order + 1 ids: at order 5 three megabytes for
        25,000 names, two gigabytes for a million random rows of 16.

        Args:
            blocks: arrays of (N, L) ids, memory-mapped or not; each is read order + 1 times, in parts.
            vocabulary_size: V; every id is below it.
            order: number of characters on which the next depends; 0 uses only character frequencies.
            smoothing: one of SMOOTHINGS. Below order 0, all ids except unknown are equally likely.

        Raises:
            ValueError: a negative order, no such smoothing, no rows, an id outside the vocabulary.
        """
        if order < 0 or smoothing not in SMOOTHINGS:
            raise ValueError(f"order (={order}) must be 0 or more, and smoothing (={smoothing!r}) in {[*SMOOTHINGS]}")
        parts, base = list(blocks), vocabulary_size + 1
        if not parts:
            raise ValueError("blocks must hold one row or more")
        contexts, followers = [_EMPTY], list[ContextCounts]()
        for length in range(order + 1):
            counts = reduce(merge_counts, _pairs(parts, contexts, base))
            # A start symbol is part of contexts, but never follows one.
            start = _starts(contexts, base, 1)[-1].astype(np.int64) * base + vocabulary_size
            counts = merge_counts(counts, (start, np.zeros(1, np.int64)))
            followers.append(ContextCounts.of(counts, len(contexts[-1].keys), base))
            if length < order:
                contexts.append(HashIndex.of(counts[0]))
        return cls(vocabulary_size, smoothing, tuple(followers), tuple(contexts))

    @property
    def order(self) -> int:
        """Number of characters on which the next depends."""
        return len(self._contexts) - 1

    def of_order(self, order: int) -> MarkovChain:
        """Return the chain of the same rows with a lower or equal order, at no cost."""
        if not 0 <= order <= self.order:
            raise ValueError(f"order (={order}) must be 0 to {self.order}")
        last = order + 1
        return MarkovChain(self.vocabulary_size, self.smoothing, self._followers[:last], self._contexts[:last])

    def sample(self, count: int, length: int, *, seed: int, start: int = 0) -> Ints:
        """Sample the strings from index `start`: (count, length) ids, uint8 or uint16, padded after the first pad.

        Each character is drawn exactly from the smoothed distribution: from the longest context's counts with their
        weight, otherwise from the next shorter context. String k depends only on the training rows, the order, the
        smoothing, the seed and k; `length` only crops it.
        """
        ids_NL = np.full((count, length), PAD, _id_type(self.vocabulary_size))
        for first, uniform_NL in _uniforms(seed, Stream.MARKOV, start, ids_NL.shape):
            self._fill(ids_NL[first : first + len(uniform_NL)], uniform_NL)
        return ids_NL

    def _fill(self, ids_NL: Ints, uniform_NL: Floats) -> None:
        base, going_N = self.vocabulary_size + 1, np.arange(len(ids_NL))
        ranks = _starts(self._contexts, base, len(ids_NL))
        for place in range(ids_NL.shape[1]):
            drawn_N = self._draw(ranks, uniform_NL[going_N, place])
            ids_NL[going_N, place] = drawn_N
            goes_on_N = drawn_N != PAD
            going_N = going_N[goes_on_N]
            ranks = _onward(self._contexts, base, [rank_N[goes_on_N] for rank_N in ranks], drawn_N[goes_on_N])

    def _draw(self, ranks: Sequence[Ints], uniform_N: Floats) -> Ints:
        """Return the next id of each string. One number in [0, 1) suffices: its rest after a decision is uniform."""
        ids_N, left_N = np.empty(len(uniform_N), np.int64), np.arange(len(uniform_N))
        for followers, rank_N in zip(reversed(self._followers), reversed(ranks), strict=True):
            context_N = rank_N[left_N]
            share_N = SMOOTHINGS[self.smoothing](followers.seen(context_N), followers.kinds(context_N))
            here_N = uniform_N < share_N
            ids_N[left_N[here_N]] = followers.draw(context_N[here_N], uniform_N[here_N] / share_N[here_N])
            left_N, uniform_N, share_N = left_N[~here_N], uniform_N[~here_N], share_N[~here_N]
            uniform_N = (uniform_N - share_N) / (1 - share_N)
        ids_N[left_N] = _any_known(uniform_N, self.vocabulary_size)
        return ids_N


def uniform_rows(count: int, length: int, vocabulary_size: int, seed: int) -> Ints:
    """Return (count, length) ids, uint8 or uint16, uniform over all ids except unknown, including the pad.

    This is a model that has learnt nothing. A string ends at its first pad, but ids after it are uniform too. Row k
    depends only on V, the seed and k.
    """
    ids_NL = np.empty((count, length), _id_type(vocabulary_size))
    for first, uniform_NL in _uniforms(seed, Stream.UNIFORM_ROWS, 0, ids_NL.shape):
        ids_NL[first : first + len(uniform_NL)] = _any_known(uniform_NL, vocabulary_size)
    return ids_NL


def _any_known(uniform: Floats, vocabulary_size: int) -> NDArray[np.int64]:
    """Convert numbers in [0, 1) to ids, all except unknown equally likely."""
    known = np.minimum((uniform * (vocabulary_size - 1)).astype(np.int64), vocabulary_size - 2)
    return known + (known >= UNKNOWN)


def _uniforms(seed: int, stream: Stream, start: int, shape: tuple[int, int]) -> Iterator[tuple[int, Floats]]:
    """Yield the first row index and numbers in [0, 1) of some rows at a time, multiples of 2**-53.

    Counts of millions and five nested decisions need more than the 24 bits of `uniform_numpy`.
    """
    rows, (count, length) = max(1, SAMPLED_IDS // shape[1]), shape
    for first in range(0, count, rows):
        index_N = np.arange(first, min(first + rows, count)) + start
        yield first, (hash_numpy(seed, stream, index_N, length) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _starts(contexts: Sequence[HashIndex], base: int, count: int) -> list[Ints]:
    """Return the ranks (N,) of the start contexts of `count` strings, for each length."""
    ranks: list[Ints] = [np.ones(count, np.int64)]
    for table in contexts[1:]:
        ranks.append(table.ranks(ranks[-1].astype(np.int64) * base + base - 1))
    return ranks


def _onward(contexts: Sequence[HashIndex], base: int, ranks: Sequence[Ints], ids_N: Ints) -> list[Ints]:
    """Return the ranks of the contexts after one more id; 0 for unseen contexts."""
    pairs = zip(contexts[1:], ranks[:-1], strict=True)
    return [ranks[0], *(table.ranks(rank_N.astype(np.int64) * base + ids_N) for table, rank_N in pairs)]


def _pairs(parts: Iterable[Ints], contexts: Sequence[HashIndex], base: int) -> Iterator[Counts]:
    """Count, block by block, the keys of the longest contexts with their followers, up to the end of each row."""
    for block_NL in (block_NL for ids_NL in parts for block_NL in row_blocks(ids_NL, BLOCK_IDS)):
        low, high = int(block_NL.min()), int(block_NL.max())
        if low < 0 or high > base - 2:
            raise ValueError(f"id (={low if low < 0 else high}) must lie in 0..vocabulary_size-1 (={base - 2})")
        going_NL, ranks, keys = block_NL, _starts(contexts, base, len(block_NL)), []
        for place in range(block_NL.shape[1]):
            ids_N = going_NL[:, place].astype(np.int64)
            keys.append(ranks[-1].astype(np.int64) * base + ids_N)
            goes_on_N = ids_N != PAD
            going_NL = going_NL[goes_on_N]
            ranks = _onward(contexts, base, [rank_N[goes_on_N] for rank_N in ranks], ids_N[goes_on_N])
        yield np.unique(np.concatenate(keys), return_counts=True)


def _id_type(vocabulary_size: int) -> DTypeLike:
    return np.uint8 if vocabulary_size <= 256 else np.uint16
