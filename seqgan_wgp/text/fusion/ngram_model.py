"""An n-gram model of the training lines, with back-off, as a table of states: a row of log probabilities for each.

A state is a context: the ids at hand, as many of the last n - 1 as training lines have followed by anything. The rows
are those of `metrics.markov` with Witten-Bell smoothing (Witten and Bell 1991; interpolated as by Chen and Goodman
1998), so P(c|h) = (count(hc) + T(h) P(c|h')) / (n(h) + T(h)). What is kept of a model is only how often each n-gram
occurs; the shorter ones are its ends.

Shape suffixes: N n-grams, K ids of an n-gram, S states, V vocabulary, B strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import final

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats, Ints
from ..hashing.row_hashes import BLOCK_IDS, row_blocks
from ..metrics.markov import witten_bell
from ..metrics.ngrams import Counts, merge_counts
from ..vocabulary import PAD

MAX_NGRAMS = 2**18
"""Different n-grams that are kept at most: three megabytes in a model file at order 8."""

MAX_CELLS = 2**23
"""States times ids at most, of 8 bytes each: it bounds the memory of the table."""

_KEY_BITS = 62


@final
@dataclass(frozen=True, kw_only=True)
class NgramTable:
    """The automaton of contexts; `start` is the state in front of a string."""

    log_probability_SV: npt.NDArray[np.float32]
    """Natural logs."""

    next_SV: npt.NDArray[np.int32]
    """State behind an id. Behind a pad a string has ended, and what stands there means nothing."""

    start: int


@final
@dataclass(frozen=True, eq=False)
class NgramModel:
    """How often each n-gram occurs in training lines. Make one with `fit`.

    Before a string stand n - 1 start symbols, which are id V; its end, a pad, is an id like any other. A line without a
    pad was cropped, and nothing is learnt of what follows its last id.

    Args:
        vocabulary_size: V.
        order: n.
        key_N: n-grams as numbers in base V + 1, first id first, sorted.
        count_N: how often each occurs.
    """

    vocabulary_size: int
    order: int
    key_N: npt.NDArray[np.int64]
    count_N: npt.NDArray[np.int64]

    @classmethod
    def fit(cls, blocks: Iterable[Ints], vocabulary_size: int, order: int) -> NgramModel:
        """Count the n-grams of (N, L) ids.

        Raises:
            ValueError: an order below 1, or so large that n-grams are no 63-bit numbers; no rows.
        """
        if not 1 <= order <= order_most(vocabulary_size):
            raise ValueError(f"order (={order}) must be 1 to {order_most(vocabulary_size)}")
        parts = [
            _counts(part_NL, vocabulary_size, order) for ids_NL in blocks for part_NL in row_blocks(ids_NL, BLOCK_IDS)
        ]
        if not parts:
            raise ValueError("there are no rows")
        keys, counts = reduce(merge_counts, parts)
        return cls(vocabulary_size, order, keys, counts)

    def of_order(self, order: int) -> NgramModel:
        """Return the model of a lower order, or of this one, that the same lines give."""
        if not 1 <= order <= self.order:
            raise ValueError(f"order (={order}) must be 1 to {self.order}")
        keys, counts = _summed(self.key_N % (self.vocabulary_size + 1) ** order, self.count_N)
        return NgramModel(self.vocabulary_size, order, keys, counts)

    @property
    def ngram_NK(self) -> Ints:
        """The n-grams as ids, start symbols V."""
        base = self.vocabulary_size + 1
        power_K = base ** np.arange(self.order - 1, -1, -1, dtype=np.int64)
        out: Ints = self.key_N[:, None] // power_K % base
        return out

    @classmethod
    def of_ngrams(cls, ngram_NK: Ints, count_N: Ints, vocabulary_size: int) -> NgramModel:
        """Return the model that has these n-grams. Raises ValueError where they are not those of one."""
        order = ngram_NK.shape[1]
        if not 1 <= order <= order_most(vocabulary_size) or len(ngram_NK) != len(count_N) or not len(count_N):
            raise ValueError("the n-grams and their counts do not fit each other")
        if ngram_NK.min() < 0 or ngram_NK.max() > vocabulary_size or count_N.min() < 1:
            raise ValueError("an n-gram has an id out of bounds, or no count")
        keys = _keys(ngram_NK.astype(np.int64), vocabulary_size + 1)
        if (np.diff(keys) <= 0).any():
            raise ValueError("the n-grams are not sorted")
        return cls(vocabulary_size, order, keys, count_N.astype(np.int64))

    @property
    def cells(self) -> int:
        """States times ids."""
        base = self.vocabulary_size + 1
        states = 0
        for length in range(self.order):
            states += len(np.unique(self.key_N // base % base**length))
        return states * self.vocabulary_size

    @cached_property
    def table(self) -> NgramTable:
        """The automaton."""
        size, base, order = self.vocabulary_size, self.vocabulary_size + 1, self.order
        row_SV: Floats = np.full((1, size), 1 / size)
        rows: list[npt.NDArray[np.float32]] = []
        contexts: list[npt.NDArray[np.int64]] = []
        suffixes: list[npt.NDArray[np.int64]] = []  # of each context the place of what is left without its oldest id
        for length in range(order):
            keys, counts = _summed(self.key_N % base ** (length + 1), self.count_N)
            context_E, id_E = np.divmod(keys, base)
            context_S, state_E = np.unique(context_E, return_inverse=True)
            seen_SV = np.zeros((len(context_S), size))
            seen_SV[state_E, id_E] = counts
            suffix_S = np.zeros(1, np.int64)
            if length:
                suffix_S = np.searchsorted(contexts[-1], context_S % base ** (length - 1))
            row_SV = _smoothed(seen_SV, row_SV[suffix_S])
            rows.append(np.log(row_SV).astype(np.float32))
            contexts.append(context_S)
            suffixes.append(suffix_S)
        begun = _keys(np.full((1, order - 1), size, np.int64), base)[0]
        first = sum(map(len, contexts[:-1]))
        return NgramTable(
            log_probability_SV=np.concatenate(rows),
            next_SV=_next_states(contexts, suffixes, size),
            start=int(first + np.searchsorted(contexts[-1], begun)),
        )

    def nll(self, ids_NL: Ints) -> float:
        """Return the mean negative log-likelihood of (N, L) ids in nats per id, each string's first pad counted."""
        table, total, count = self.table, 0.0, 0
        state_N, open_N = np.full(len(ids_NL), table.start), np.ones(len(ids_NL), np.bool_)
        for place in range(ids_NL.shape[1]):
            id_N = ids_NL[:, place].astype(np.int64)
            total -= float(table.log_probability_SV[state_N, id_N][open_N].sum(dtype=np.float64))
            count += int(open_N.sum())
            state_N, open_N = table.next_SV[state_N, id_N], open_N & (id_N != PAD)
        return total / count


def _smoothed(seen_SV: Floats, shorter_SV: Floats) -> Floats:
    """Return the rows of contexts, given how often each id followed, and the rows of the next shorter contexts."""
    total_S, kinds_S = seen_SV.sum(axis=1), (seen_SV > 0).sum(axis=1)
    share_S1 = witten_bell(total_S.astype(np.int64), kinds_S)[:, None]
    row_SV: Floats = share_S1 * seen_SV / total_S[:, None] + (1 - share_S1) * shorter_SV
    return row_SV


def _next_states(
    contexts: Sequence[npt.NDArray[np.int64]], suffixes: Sequence[npt.NDArray[np.int64]], size: int
) -> npt.NDArray[np.int32]:
    """Return the state (S, V) behind each id: the longest context that the ids at hand end with."""
    first = np.cumsum([0, *map(len, contexts)])
    nexts: list[npt.NDArray[np.int64]] = []
    for length, context_S in enumerate(contexts):
        # A context with its oldest id left out goes on in the same way, if less far back.
        next_SV = nexts[-1][suffixes[length]] if length else np.zeros((1, size), np.int64)
        if length + 1 < len(contexts):
            longer_S, key_SV = contexts[length + 1], context_S[:, None] * (size + 1) + np.arange(size)
            place_SV = np.minimum(np.searchsorted(longer_S, key_SV), len(longer_S) - 1)
            next_SV = np.where(longer_S[place_SV] == key_SV, first[length + 1] + place_SV, next_SV)
        nexts.append(next_SV)
    return np.concatenate(nexts).astype(np.int32)


def order_most(vocabulary_size: int) -> int:
    """Return the highest order whose n-grams are 62-bit numbers."""
    return int(_KEY_BITS / np.log2(vocabulary_size + 1))


def _counts(ids_NL: Ints, vocabulary_size: int, order: int) -> Counts:
    base = vocabulary_size + 1
    key_N = _keys(np.full((len(ids_NL), order), vocabulary_size, np.int64), base)
    keys, most = [], base ** (order - 1)
    for place in range(ids_NL.shape[1]):
        key_N = key_N % most * base + ids_NL[:, place]
        keys.append(key_N)
        going_N = ids_NL[:, place] != PAD
        ids_NL, key_N = ids_NL[going_N], key_N[going_N]
    found, times = np.unique(np.concatenate(keys), return_counts=True)
    return found, times


def _keys(ngram_NK: npt.NDArray[np.int64], base: int) -> npt.NDArray[np.int64]:
    key_N = np.zeros(len(ngram_NK), np.int64)
    for column in ngram_NK.T:
        key_N = key_N * base + column
    return key_N


def _summed(key_N: npt.NDArray[np.int64], count_N: npt.NDArray[np.int64]) -> Counts:
    """Return the different keys, sorted, and the sum of the counts of each."""
    keys, place_N = np.unique(key_N, return_inverse=True)
    return keys, np.bincount(place_N, weights=count_N, minlength=len(keys)).astype(np.int64)
