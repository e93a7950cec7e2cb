"""N-gram statistics against plain Python: Counter for the divergences, set for the repeated and the novel rows."""

from collections import Counter
from collections.abc import Iterable
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqgan_wgp.text.hashing.hash_index import HashIndex
from seqgan_wgp.text.hashing.novelty import novel_fraction
from seqgan_wgp.text.hashing.row_hashes import polynomial_hashes, window_hashes
from seqgan_wgp.text.metrics.ngrams import (
    NgramReference,
    extended_keys,
    js_divergence,
    kl_divergence,
    ngram_entropy,
    unique_fraction,
)

Ints = NDArray[np.integer[Any]]

# (reference rows, rows, L, V, orders, dtype): one id, all-dense, dense below 4, mostly sparse, L equal to the orders.
CASES = [
    (3, 2, 2, 1, 2, np.int64),
    (50, 40, 7, 3, 4, np.uint8),
    (200, 150, 16, 40, 4, np.uint8),
    (200, 150, 16, 100, 4, np.uint8),
    (60, 90, 5, 256, 2, np.uint8),
    (120, 100, 8, 8192, 4, np.uint16),
    (120, 100, 9, 5000, 6, np.int64),
    (1, 1, 4, 65536, 4, np.uint16),
    (30, 30, 3, 5_000_000, 3, np.uint64),
]


def skewed_ids(rng: np.random.Generator, rows: int, length: int, vocabulary_size: int, dtype: Any = np.int64) -> Ints:
    """Frequent and rare ids, the highest possible one among them, so that some n-grams are shared and some are not."""
    ids = np.minimum(rng.geometric(0.3, (rows, length)) - 1, vocabulary_size - 1)
    ids[rng.random((rows, length)) < 0.05] = vocabulary_size - 1
    return ids.astype(dtype)


def counter(ids: Iterable[Iterable[int]], order: int) -> "Counter[tuple[int, ...]]":
    rows = [tuple(int(i) for i in row) for row in ids]
    return Counter(row[k : k + order] for row in rows for k in range(len(row) - order + 1))


def counter_divergence(left: Ints, right: Ints, order: int) -> float:
    p, q = counter(left, order), counter(right, order)
    p_total, q_total = p.total(), q.total()  # each adds all counts up
    total = 0.0
    for gram in p | q:
        pair = (p[gram] / p_total, q[gram] / q_total)
        total += sum(x * log2(2 * x / sum(pair)) / 2 for x in pair if x > 0)
    return total


@pytest.mark.parametrize(("rows_r", "rows_n", "length", "vocabulary_size", "orders", "dtype"), CASES)
@pytest.mark.parametrize("options", [{}, {"dense_cells": 0}, {"dense_cells": 50, "block_ids": 29}])
def test_divergences_equal_those_of_plain_counters(
    rows_r: int, rows_n: int, length: int, vocabulary_size: int, orders: int, dtype: Any, options: dict[str, int]
) -> None:
    rng = np.random.default_rng(1)
    reference = skewed_ids(rng, rows_r, length, vocabulary_size, dtype)
    ids = skewed_ids(rng, rows_n, length, vocabulary_size, dtype)
    got = NgramReference(reference, vocabulary_size, orders, **options).divergences(ids)
    expected = [counter_divergence(reference, ids, n) for n in range(1, orders + 1)]
    assert got == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize(("vocabulary_size", "orders"), [(5000, 6), (8192, 4), (65536, 8)])
def test_keys_of_large_vocabularies_do_not_wrap(vocabulary_size: int, orders: int) -> None:
    """Ids that a code of int64 or int32 would confuse: uniform over the whole vocabulary, rows shared in half."""
    rng = np.random.default_rng(2)
    reference = rng.integers(0, vocabulary_size, (400, 10))
    ids = np.concatenate([reference[:200], rng.integers(0, vocabulary_size, (200, 10))])
    got = NgramReference(reference, vocabulary_size, orders).divergences(ids)
    expected = [counter_divergence(reference, ids, n) for n in range(1, orders + 1)]
    assert got == pytest.approx(expected, rel=0, abs=1e-12)


def test_keys_are_int64() -> None:
    got = extended_keys(np.array([[2**31 - 1], [0]], np.int32), np.array([[0], [7]], np.uint8), 65536)
    assert got.tolist() == [[(2**31 - 1) * 65536 + 7]]


ids_of_four = st.integers(2, 6).flatmap(
    lambda length: st.tuples(
        *[st.lists(st.lists(st.integers(0, 3), min_size=length, max_size=length), min_size=1, max_size=12)] * 2
    )
)


@given(ids_of_four, st.sampled_from([0, 4, 16, 2**22]), st.integers(1, 40))
@settings(deadline=None)
def test_paths_and_blocks_agree_and_stay_in_bounds(
    pair: tuple[list[list[int]], list[list[int]]], dense_cells: int, block_ids: int
) -> None:
    reference, ids = np.array(pair[0], np.uint8), np.array(pair[1], np.uint8)
    plain = NgramReference(reference, 4, 2).divergences(ids)
    assert NgramReference(reference, 4, 2, dense_cells=dense_cells, block_ids=block_ids).divergences(ids) == plain
    assert NgramReference(ids, 4, 2).divergences(reference) == pytest.approx(plain, rel=0, abs=1e-12)
    assert all(0 <= value <= 1 for value in plain)
    assert plain == pytest.approx([counter_divergence(reference, ids, n) for n in (1, 2)], rel=0, abs=1e-12)


@pytest.mark.parametrize("dense_cells", [0, 2**22])
class TestDivergences:
    """Properties that hold on the sparse and on the dense path alike."""

    def test_by_hand(self, dense_cells: int) -> None:
        # 1-grams: P = (1/4, 3/4), Q = (1, 0), M = (5/8, 3/8): (1/4 log2 2/5 + 3/4 log2 2 + log2 8/5) / 2.
        # 2-grams: P = half 01, half 11; Q = all 00: nothing in common.
        reference, ids = np.array([[0, 1], [1, 1]]), np.array([[0, 0]])
        js1, js2 = NgramReference(reference, 2, 2, dense_cells=dense_cells).divergences(ids)
        assert js1 == pytest.approx((0.25 * log2(0.4) + 0.75 + log2(1.6)) / 2, rel=0, abs=1e-15)
        assert js2 == 1

    def test_windows_do_not_cross_rows(self, dense_cells: int) -> None:
        reference = NgramReference(np.array([[0, 1], [2, 0]]), 3, 2, dense_cells=dense_cells)
        assert reference.divergences(np.array([[1, 2]]))[1] == 1

    def test_itself_is_zero(self, dense_cells: int) -> None:
        ids = skewed_ids(np.random.default_rng(3), 70, 9, 11)
        reference = NgramReference(ids, 11, 5, dense_cells=dense_cells)
        assert reference.divergences(ids) == [0] * 5
        assert reference.divergences(np.repeat(ids, 4, axis=0)) == [0] * 5

    def test_disjoint_is_one_bit(self, dense_cells: int) -> None:
        ids = np.random.default_rng(4).integers(0, 5, (70, 9))
        got = NgramReference(ids, 10, 4, dense_cells=dense_cells).divergences(ids + 5)
        assert got == pytest.approx([1] * 4, rel=0, abs=1e-12)

    def test_order_of_rows_does_not_matter(self, dense_cells: int) -> None:
        rng = np.random.default_rng(5)
        reference, ids = skewed_ids(rng, 80, 9, 7), skewed_ids(rng, 60, 9, 7)
        plain = NgramReference(reference, 7, 4, dense_cells=dense_cells).divergences(ids)
        mixed = NgramReference(rng.permutation(reference), 7, 4, dense_cells=dense_cells)
        assert mixed.divergences(rng.permutation(ids)) == plain

    def test_lengths_may_differ(self, dense_cells: int) -> None:
        rng = np.random.default_rng(6)
        reference, ids = skewed_ids(rng, 80, 5, 7), skewed_ids(rng, 60, 12, 7)
        got = NgramReference(reference, 7, 4, dense_cells=dense_cells).divergences(ids)
        assert got == pytest.approx([counter_divergence(reference, ids, n) for n in range(1, 5)], rel=0, abs=1e-12)

    def test_orders_are_independent(self, dense_cells: int) -> None:
        rng = np.random.default_rng(7)
        reference, ids = skewed_ids(rng, 80, 9, 7), skewed_ids(rng, 60, 9, 7)
        longest = NgramReference(reference, 7, 5, dense_cells=dense_cells).divergences(ids)
        for orders in range(1, 5):
            assert NgramReference(reference, 7, orders, dense_cells=dense_cells).divergences(ids) == longest[:orders]

    def test_errors_name_the_numbers(self, dense_cells: int) -> None:
        good = np.zeros((3, 4), np.uint8)
        with pytest.raises(ValueError, match=r"orders \(=5\) must not exceed the row length \(=4\)"):
            NgramReference(good, 7, 5, dense_cells=dense_cells)
        reference = NgramReference(good, 7, 4, dense_cells=dense_cells)
        with pytest.raises(ValueError, match=r"orders \(=4\) must not exceed the row length \(=3\)"):
            reference.divergences(good[:, :3])
        with pytest.raises(ValueError, match=r"id \(=7\) must lie in 0..vocabulary_size-1 \(=6\)"):
            reference.divergences(good + np.uint8(7))
        with pytest.raises(ValueError, match=r"id \(=-1\)"):
            reference.divergences(good.astype(np.int8) - np.int8(1))
        with pytest.raises(ValueError, match=r"one row or more; got uint8 of shape \(0, 4\)"):
            reference.divergences(good[:0])
        with pytest.raises(ValueError, match="got float64"):
            reference.divergences(good.astype(np.float64))
        with pytest.raises(ValueError, match=r"got uint8 of shape \(4,\)"):
            reference.divergences(good[0])


def test_reference_refuses_no_vocabulary_and_no_orders() -> None:
    with pytest.raises(ValueError, match=r"vocabulary_size \(=0\)"):
        NgramReference(np.zeros((1, 4), np.uint8), 0)
    with pytest.raises(ValueError, match=r"orders \(=0\)"):
        NgramReference(np.zeros((1, 4), np.uint8), 3, 0)


def test_reference_reads_a_memory_map(tmp_path: Path) -> None:
    ids = skewed_ids(np.random.default_rng(8), 90, 6, 9, np.uint8)
    np.save(tmp_path / "ids.npy", ids)
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    assert NgramReference(mapped, 9, 4, block_ids=50).divergences(ids) == [0] * 4
    assert novel_fraction(ids, [mapped], block_ids=50) == 0
    assert unique_fraction(mapped) == unique_fraction(ids)


def test_formulas_by_hand() -> None:
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25])
    assert kl_divergence(p, q) == 0.5
    assert js_divergence(p, q) == js_divergence(q, p)
    assert js_divergence(p, q) == pytest.approx((0.5 * log2(4 / 3) + 0.25 * log2(2 / 3) + 0.25) / 2, rel=0, abs=1e-15)


@given(st.sets(st.integers(0, 2**62), min_size=1, max_size=80), st.lists(st.integers(0, 2**62), max_size=20))
@settings(deadline=None)
def test_rank_table_ranks_its_keys_and_no_others(keys: set[int], others: list[int]) -> None:
    known = sorted(keys)
    asked = known + others
    expected = [known.index(key) + 1 if key in keys else 0 for key in asked]
    assert HashIndex.of(np.array(known, np.int64)).ranks(np.array(asked, np.int64)).tolist() == expected


def test_rank_table_survives_collisions() -> None:
    """500 keys that all wish for slot 0 sit in one run of neighbours, and a key that is not there ends behind it."""
    candidates = np.arange(2_000_000)
    wanted = HashIndex.of(np.arange(500))._first_slots(candidates)  # as in any table of 500 keys
    keys, others = np.split(candidates[wanted == 0], [500])
    table = HashIndex.of(keys)
    assert np.count_nonzero(table.slots[: len(keys)]) == len(keys)
    assert table.ranks(keys[None]).tolist() == [list(range(1, len(keys) + 1))]
    assert len(others)
    assert not table.ranks(others).any()


row_pairs = st.integers(1, 9).flatmap(
    lambda length: st.tuples(
        *[st.lists(st.lists(st.integers(0, 1), min_size=length, max_size=length), min_size=1, max_size=30)] * 2
    )
)


@given(row_pairs, st.sampled_from([np.uint8, np.uint16, np.int64]), st.integers(1, 60))
@settings(deadline=None)
def test_unique_and_novel_equal_those_of_sets(
    pair: tuple[list[list[int]], list[list[int]]], dtype: Any, block_ids: int
) -> None:
    rows, train = ([tuple(row) for row in side] for side in pair)
    ids_NL, train_RL = np.array(rows, dtype), np.array(train, np.uint8)
    assert unique_fraction(ids_NL) == len(set(rows)) / len(rows)
    expected = sum(row not in set(train) for row in rows) / len(rows)
    assert novel_fraction(ids_NL, [train_RL], block_ids=block_ids) == expected
    assert novel_fraction(ids_NL, (row[None] for row in train_RL), block_ids=block_ids) == expected
    assert novel_fraction(ids_NL, np.array_split(train_RL, min(3, len(train))), block_ids=block_ids) == expected


@given(st.lists(st.lists(st.integers(0, 1), min_size=8, max_size=8), min_size=1, max_size=9), st.integers(1, 7))
@settings(deadline=None)
def test_training_rows_may_be_windows(train: list[list[int]], length: int) -> None:
    """All that begin at one place are one array, not contiguous in memory."""
    train_RS = np.array(train, np.uint8)
    ids_NL = np.random.default_rng(9).integers(0, 2, (40, length)).astype(np.uint8)
    windows = {tuple(row[at : at + length]) for row in train for at in range(9 - length)}
    expected = sum(tuple(row) not in windows for row in ids_NL.tolist()) / 40
    assert novel_fraction(ids_NL, (train_RS[:, at : at + length] for at in range(9 - length))) == expected
    assert novel_fraction(ids_NL, [train_RS]) == novel_fraction(ids_NL, [train_RS], block_ids=1) == expected


@pytest.mark.parametrize("length", [*range(1, 20), 32, 33, 63, 64])
def test_hashes_of_windows_are_those_of_rows(length: int) -> None:
    ids_NS = np.random.default_rng(length).integers(0, 1 << 16, (3, 64 + length % 5), np.uint16)
    hashes_WN = window_hashes(ids_NS, length)
    assert len(hashes_WN) == ids_NS.shape[1] - length + 1
    for place, hashes_N in enumerate(hashes_WN):
        assert np.array_equal(hashes_N, polynomial_hashes(ids_NS[:, place : place + length]))


def test_novel_compares_values_across_integer_types() -> None:
    """256 is not 0 in uint8, and equal numbers are equal in any type, on both sides, in any memory order."""
    small, wide = np.array([[0, 1], [2, 3]], np.uint8), np.array([[256, 1], [2, 3]], np.uint16)
    assert novel_fraction(wide, [small]) == 0.5
    assert novel_fraction(small, [wide]) == 0.5
    assert novel_fraction(small, [wide[:1], small[1:].astype(np.uint32)]) == 0.5
    assert novel_fraction(np.asfortranarray(small), [small.astype(np.int64)]) == 0
    assert novel_fraction(np.array([[65_536, 1], [2, 3]]), [small]) == 0.5
    assert novel_fraction(small, [np.array([[65_536, 1], [2, 3]])]) == 0.5


@pytest.mark.parametrize(
    ("difference", "dtype"),
    [
        ([15, -24, 9, 49, -3, 30, 9, -5, -47, -45], np.uint8),
        ([163, 788, 2850, -2934, 2789], np.uint16),
        ([163, 788, 2850, -2934, 2789], np.int64),
    ],
)
def test_equal_hashes_do_not_make_rows_equal(difference: list[int], dtype: Any) -> None:
    """Two rows with one hash: the multiples of the powers of the base, their difference, come to 0 modulo 2**64."""
    base = 0x9E3779B97F4A7C15
    assert sum(step * base**place for place, step in enumerate(reversed(difference))) % 2**64 == 0
    left = np.array([[max(step, 0) for step in difference]], dtype)
    right = np.array([[max(-step, 0) for step in difference]], dtype)
    assert polynomial_hashes(left) == polynomial_hashes(right)
    assert novel_fraction(left, [right]) == 1
    assert novel_fraction(np.concatenate([left, right]), [right]) == 0.5
    assert novel_fraction(np.concatenate([left, right]), [left, right]) == 0


def test_rows_that_are_equal_in_their_low_bits_and_in_hash_are_not_equal() -> None:
    times = np.array([60, 54, 58, 47, 58, 68, 51, 52, 71, 65])
    small = np.arange(20).reshape(2, 10)
    large = small + 65_536 * times
    assert np.array_equal(polynomial_hashes(small), polynomial_hashes(large))
    assert novel_fraction(small, [large]) == 1
    assert novel_fraction(large, [small]) == 1
    assert novel_fraction(small, [large, small[:1]]) == 0.5


def test_row_statistics_refuse_what_they_cannot_compare() -> None:
    ids = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"row shape \(3,\) must not exceed that of the training rows, \(2,\)"):
        novel_fraction(ids, [ids[:, :2]])
    with pytest.raises(ValueError, match=r"row shape \(3,\) must not exceed that of the training rows, \(2,\)"):
        novel_fraction(ids, [ids, ids[:, :2]])
    for empty in (ids[:0], ids[:, :0]):
        with pytest.raises(ValueError, match="one row or more"):
            unique_fraction(empty)
        with pytest.raises(ValueError, match="one row or more"):
            novel_fraction(empty, [empty])
    with pytest.raises(ValueError, match="one row or more"):
        novel_fraction(ids, [ids[:0]])


def counter_entropy(ids: Ints, order: int) -> float:
    counts = counter(ids, order)
    total = counts.total()
    return -sum(count / total * log2(count / total) for count in counts.values())


@pytest.mark.parametrize(("_rows", "rows", "length", "vocabulary_size", "orders", "dtype"), CASES[:-1])
@pytest.mark.parametrize("block_ids", [1, 29, 2**21])
def test_entropy_equals_that_of_plain_counters(
    _rows: int, rows: int, length: int, vocabulary_size: int, orders: int, dtype: Any, block_ids: int
) -> None:
    ids = skewed_ids(np.random.default_rng(3), rows, length, vocabulary_size, dtype)
    for order in range(1, min(orders, 4) + 1):
        expected = counter_entropy(ids, order)
        assert ngram_entropy(ids, vocabulary_size, order, block_ids=block_ids) == pytest.approx(expected, abs=1e-9)


def test_entropy_by_hand() -> None:
    assert ngram_entropy(np.zeros((5, 3), np.uint8), 2, 2) == 0
    assert str(ngram_entropy(np.zeros((5, 3), np.uint8), 2, 2)) == "0.0"
    assert ngram_entropy(np.array([[0, 1], [2, 3]]), 4, 1) == 2
    # Of 4-grams each once: log2 of their number. Ids this large have codes beyond int64.
    ids_NL = (np.arange(64) + 65_535 - 63).reshape(16, 4).astype(np.uint16)
    assert ngram_entropy(ids_NL, 65_536, 4) == 4
    # Half of the rows are one and the same: 1 bit for which half, and half of the 7 bits of the 128 others.
    other_NL = np.random.default_rng(4).permutation(256)[:128, None]
    ids_NL = np.concatenate([np.full((128, 1), 300), other_NL])
    assert ngram_entropy(ids_NL, 301, 1) == pytest.approx(1 + 7 / 2)


def test_entropy_is_that_of_shares_and_falls_when_rows_are_fewer_in_kind() -> None:
    ids_NL = skewed_ids(np.random.default_rng(5), 200, 8, 30)
    whole = ngram_entropy(ids_NL, 30, 3)
    assert ngram_entropy(np.concatenate([ids_NL, ids_NL]), 30, 3) == pytest.approx(whole)
    assert ngram_entropy(ids_NL[::-1], 30, 3) == whole
    assert ngram_entropy(np.repeat(ids_NL[:20], 10, axis=0), 30, 3) < whole - 1


@pytest.mark.parametrize(
    ("ids", "vocabulary_size", "order"),
    [
        (np.zeros((2, 3), int), 2, 4),
        (np.zeros((2, 3), int), 2, 0),
        (np.zeros((0, 3), int), 2, 1),
        (np.zeros((2, 3)), 2, 1),
        (np.zeros(3, int), 2, 1),
        (np.zeros((2, 4), int), 65_537, 4),
    ],
)
def test_entropy_refuses_what_it_cannot_count(ids: Any, vocabulary_size: int, order: int) -> None:
    with pytest.raises(ValueError, match="order|rows"):
        ngram_entropy(ids, vocabulary_size, order)
