"""N-gram statistics of id arrays: divergence from a reference, repeated rows, novel rows. NumPy only.

An n-gram is a window of n consecutive columns of one row; pads count like any other id.
Shape suffixes: N rows, R reference rows, L columns, V ids in the vocabulary, W windows in a row (L - n + 1),
K = V**n possible n-grams, S distinct n-grams of the reference plus cell 0, which stands for every other one.
Internally, ids are transposed to `ids_LN`, so that all slices for counting are contiguous.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from functools import reduce
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Floats, Ints
from ..hashing.hash_index import HashIndex
from ..hashing.row_hashes import BLOCK_IDS, as_bytes, row_blocks, window_codes

Counts: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

DENSE_CELLS = 2**22  # largest V**n for a table with a cell for every possible n-gram


def kl_divergence(p_S: Floats, q_S: Floats) -> float:
    """Return the Kullback-Leibler divergence KL(P||Q) in bits; q must be positive wherever p is."""
    support = p_S > 0
    p, q = p_S[support], q_S[support]
    return float(np.sum(p * np.log2(p / q)))


def js_divergence(p_S: Floats, q_S: Floats) -> float:
    """Return the Jensen-Shannon divergence in bits, JS(P,Q) = KL(P||M)/2 + KL(Q||M)/2 with M = (P+Q)/2.

    0 for equal distributions, 1 for disjoint ones (Lin 1991, "Divergence measures based on the Shannon entropy").
    Both arrays have probabilities of the same outcomes. Outcomes that occur on one side only may share a cell: each
    contributes half its probability, so only their sum counts.
    """
    m_S = (p_S + q_S) / 2
    # The clip removes only rounding errors: the exact value is in [0, 1].
    return float(np.clip((kl_divergence(p_S, m_S) + kl_divergence(q_S, m_S)) / 2, 0.0, 1.0))


def dense_counts(blocks: Iterable[Ints], vocabulary_size: int, orders: int) -> list[NDArray[np.int64]]:
    """Count every possible n-gram for n = 1..orders: int64 arrays of V, V**2, ... cells, in the order of their codes.

    Only the longest order is counted window by window. Summing over its last id gives the next lower order, except for
    the last window of each row, which is added.
    """
    counts = [np.zeros(vocabulary_size**n, np.int64) for n in range(1, orders + 1)]
    for ids_LN in blocks:
        for n, counts_K in enumerate(counts, start=1):
            tail_LN = ids_LN if n == orders else ids_LN[-n:]
            codes_WN = window_codes(tail_LN, vocabulary_size, n, np.min_scalar_type(vocabulary_size**n))
            counts_K += np.bincount(codes_WN.astype(np.intp, copy=False).ravel(), minlength=len(counts_K))
    for n in range(orders - 1, 0, -1):
        counts[n - 1] += counts[n].reshape(-1, vocabulary_size).sum(axis=1)
    return counts


def extended_keys(ranks_WN: Ints, ids_LN: Ints, vocabulary_size: int) -> NDArray[np.int64]:
    """Return the keys rank * V + id of n-grams, from the rank of their (n-1)-gram prefix and their last id."""
    windows = len(ranks_WN) - 1
    return ranks_WN[:windows].astype(np.int64) * vocabulary_size + ids_LN[-windows:].astype(np.int64)


def merge_counts(left: Counts, right: Counts) -> Counts:
    """Add two counts of keys, each as (sorted distinct keys, their counts)."""
    keys, counts = np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1]])
    by_key = np.argsort(keys, kind="stable")  # a stable sort only merges these two sorted runs
    keys, counts = keys[by_key], counts[by_key]
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[firsts], np.add.reduceat(counts, firsts)


@final
@dataclass(frozen=True, eq=False)
class NgramReference:
    """The n-gram distributions of reference ids, n = 1..orders, for comparison with other ids.

    `ids_RL` are integers of shape (R, L), memory-mapped or not, each below `vocabulary_size`; they are read in blocks
    and not kept. Raises ValueError for another shape or type, no rows, orders above L, or an id outside the vocabulary.

    Orders with V**n <= dense_cells are counted in a table of all n-grams. Above, the key of an n-gram is the rank of
    its first n - 1 ids among the reference's distinct ones, times V, plus its last id. It fits int64 for any V and n,
    and an n-gram whose prefix does not occur in the reference does not occur there either.
    """

    ids_RL: InitVar[Ints]
    vocabulary_size: int
    orders: int = 4
    dense_cells: int = field(default=DENSE_CELLS, kw_only=True)
    block_ids: int = field(default=BLOCK_IDS, kw_only=True)
    """Largest V**n for a table of all n-grams, and number of ids processed at a time; both affect only speed and
    memory."""
    _codes: tuple[Ints, ...] = field(init=False, repr=False)  # per dense order: the n-grams of the reference
    _tables: tuple[HashIndex, ...] = field(init=False, repr=False)  # for the last dense order and each one above
    _probabilities: tuple[Floats, ...] = field(init=False, repr=False)  # per order, (S,)

    def __post_init__(self, ids_RL: Ints) -> None:
        if self.vocabulary_size < 1 or self.orders < 1:
            raise ValueError(f"vocabulary_size (={self.vocabulary_size}) and orders (={self.orders}) must be 1 or more")
        dense = self._dense_orders
        counts = dense_counts(self._blocks(ids_RL), self.vocabulary_size, dense)
        codes = [np.flatnonzero(counts_K) for counts_K in counts]
        counts = [counts_K[codes_S] for counts_K, codes_S in zip(counts, codes, strict=True)]
        # Order 0 has a single empty n-gram, with code 0.
        tables = [HashIndex.of(codes[-1] if dense else np.zeros(1, np.int64))] if dense < self.orders else []
        for _ in range(dense, self.orders):
            blocks = (np.unique(keys_WN, return_counts=True) for keys_WN in self._next_keys(ids_RL, tables))
            keys_S, counts_S = reduce(merge_counts, blocks)
            tables.append(HashIndex.of(keys_S))
            counts.append(counts_S)
        object.__setattr__(self, "_codes", tuple(codes))
        object.__setattr__(self, "_tables", tuple(tables))
        object.__setattr__(self, "_probabilities", tuple(np.append(0, c) / c.sum() for c in counts))

    def divergences(self, ids_NL: Ints) -> list[float]:
        """Return the Jensen-Shannon divergence in bits of the ids' n-grams from the reference's, for n = 1..orders.

        Ids are integers of shape (N, L), read in blocks; L may differ. Raises ValueError as for the reference.
        """
        pairs = zip(self._counts(ids_NL), self._probabilities, strict=True)
        return [js_divergence(counts_S / counts_S.sum(), q_S) for counts_S, q_S in pairs]

    def _counts(self, ids_NL: Ints) -> list[NDArray[np.int64]]:
        """Count the reference's n-grams in other ids: (S,) per order, with all other n-grams in cell 0."""
        all_counts = dense_counts(self._blocks(ids_NL), self.vocabulary_size, self._dense_orders)
        counts = [
            np.append(counts_K.sum() - counts_K[codes_S].sum(), counts_K[codes_S])
            for counts_K, codes_S in zip(all_counts, self._codes, strict=True)
        ]
        ranked = [np.zeros(len(table.keys), np.int64) for table in self._tables[1:]]
        for ids_LN in self._blocks(ids_NL) if ranked else ():
            _, *ranks = self._ranks(ids_LN, self._tables)
            for counts_S, ranks_WN in zip(ranked, ranks, strict=True):
                counts_S += np.bincount(ranks_WN.ravel(), minlength=len(counts_S))
        return counts + ranked

    def _ranks(self, ids_LN: Ints, tables: Sequence[HashIndex]) -> Iterator[Ints]:
        """Yield the ranks (W, N) of all windows of the last dense order, then of each order above."""
        order = self._dense_orders
        codes_WN = window_codes(ids_LN, self.vocabulary_size, order, np.min_scalar_type(self.vocabulary_size**order))
        ranks_WN = tables[0].ranks(codes_WN.astype(np.int64))
        yield ranks_WN
        for table in tables[1:]:
            ranks_WN = table.ranks(extended_keys(ranks_WN, ids_LN, self.vocabulary_size))
            yield ranks_WN

    def _next_keys(self, ids_NL: Ints, tables: Sequence[HashIndex]) -> Iterator[NDArray[np.int64]]:
        """Yield, block by block, the keys of the first order without table."""
        for ids_LN in self._blocks(ids_NL):
            *_, ranks_WN = self._ranks(ids_LN, tables)
            yield extended_keys(ranks_WN, ids_LN, self.vocabulary_size)

    def _blocks(self, ids_NL: Ints) -> Iterator[Ints]:
        """Check the ids and yield them in blocks, transposed."""
        for block_NL in row_blocks(ids_NL, self.block_ids):
            if block_NL.shape[1] < self.orders:
                raise ValueError(f"orders (={self.orders}) must not exceed the row length (={block_NL.shape[1]})")
            low, high = int(block_NL.min()), int(block_NL.max())
            if low < 0 or high >= self.vocabulary_size:
                outside = low if low < 0 else high
                raise ValueError(f"id (={outside}) must lie in 0..vocabulary_size-1 (={self.vocabulary_size - 1})")
            yield np.ascontiguousarray(block_NL.T)

    @property
    def _dense_orders(self) -> int:
        return sum(self.vocabulary_size**n <= self.dense_cells for n in range(1, self.orders + 1))


def ngram_entropy(ids_NL: Ints, vocabulary_size: int, order: int, *, block_ids: int = BLOCK_IDS) -> float:
    """Return the entropy in bits of the n-grams with n = `order`, -sum p log2 p over their frequencies p.

    It is 0 for a single n-gram, and at most log2 of their number, N (L - order + 1); compare it for equal numbers of
    rows. Ids are integers of shape (N, L), each below `vocabulary_size`, read in blocks. Raises ValueError for another
    shape or type, no rows, an order outside 1..L, or vocabulary_size**order above 2**64.
    """
    if not (1 <= order <= ids_NL.shape[-1] and vocabulary_size**order <= 1 << 64):
        raise ValueError(f"order (={order}) must lie in 1..{ids_NL.shape[-1]}, and its n-grams have codes of 64 bits")
    blocks = (
        # As int64 some codes are negative, which does not matter for keys.
        np.unique(window_codes(block_NL.T, vocabulary_size, order, np.uint64).view(np.int64), return_counts=True)
        for block_NL in row_blocks(ids_NL, block_ids)
    )
    _, counts_S = reduce(merge_counts, blocks)
    share_S = counts_S / counts_S.sum()
    return float(-np.sum(share_S * np.log2(share_S))) + 0.0  # otherwise -0.0 for a single n-gram


def unique_fraction(ids_NL: Ints) -> float:
    """Return the number of distinct rows divided by N. Raises ValueError unless integers of shape (N > 0, L > 0)."""
    (rows_NL,) = row_blocks(ids_NL, ids_NL.size)
    return len(np.unique(as_bytes(rows_NL))) / len(ids_NL)
