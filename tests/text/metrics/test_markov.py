"""Markov chains against probabilities by plain dictionaries: every string's frequency, and what cannot be drawn.

Seeds are fixed, so tests by chance pass or fail for ever. Their bound is that of a chi-square variable at five standard
deviations.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqgan_wgp.text.metrics.markov import SAMPLED_IDS, SMOOTHINGS, MarkovChain, uniform_rows
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN, mask_after_pad

Ints = NDArray[np.integer[Any]]
Context = tuple[int, ...]

START = -1
ORDERS = range(6)


class PlainChain:
    """Counts in dictionaries and the formula by recursion, for one string at a time."""

    def __init__(self, rows: Iterable[Iterable[int]], vocabulary_size: int, order: int, smoothing: str) -> None:
        self.size, self.order, self.smoothing = vocabulary_size, order, smoothing
        self.counts: dict[Context, Counter[int]] = defaultdict(Counter)
        for row in rows:
            past: Context = (START,) * order
            for symbol in row:
                for length in range(order + 1):
                    self.counts[past[len(past) - length :]][symbol] += 1
                past = (*past, symbol)
                if symbol == PAD:
                    break

    def probability(self, symbol: int, context: Context | None) -> float:
        """Return P(symbol | context); below the empty context, None, all but the unknown are alike."""
        if context is None:
            return 0.0 if symbol == UNKNOWN else 1 / (self.size - 1)
        shorter = context[1:] if context else None
        followers = self.counts.get(context, Counter())
        seen, kinds = followers.total(), len(followers)
        if seen == 0:
            return self.probability(symbol, shorter)
        if self.smoothing == "none":
            return followers[symbol] / seen
        return (followers[symbol] + kinds * self.probability(symbol, shorter)) / (seen + kinds)

    def of_string(self, string: Context) -> float:
        """Return the probability of a string, its pad among its ids if it has one."""
        past, product = (START,) * self.order, 1.0
        for symbol in string:
            product *= self.probability(symbol, past[len(past) - self.order :])
            past = (*past, symbol)
        return product


def all_strings(vocabulary_size: int, length: int) -> list[Context]:
    """Every string of at most `length` ids, with its pad where it is shorter."""
    ids = range(1, vocabulary_size)
    whole = list(itertools.product(ids, repeat=length))
    return whole + [(*string, PAD) for size in range(length) for string in itertools.product(ids, repeat=size)]


def check_frequencies(counts: Counter[Any], expected: dict[Any, float], total: int) -> None:
    """Compare counts with probabilities: nothing that cannot be, and a chi-square that could."""
    assert sum(expected.values()) == pytest.approx(1)
    assert not {key for key in counts if expected.get(key, 0) == 0}
    often = {key: share * total for key, share in expected.items() if share * total >= 5}
    terms = [(counts[key] - wanted) ** 2 / wanted for key, wanted in often.items()]
    rest = total - sum(often.values())
    if rest >= 5:
        terms.append((total - sum(counts[key] for key in often) - rest) ** 2 / rest)
    freedom = len(terms) - 1
    assert sum(terms) < freedom + 5 * (2 * freedom) ** 0.5 + 1e-9


def strings_of(ids_NL: Ints) -> Counter[Context]:
    """Count the strings of rows, each with its pad."""
    rows = map(tuple, ids_NL.tolist())
    return Counter(row[: row.index(PAD) + 1] if PAD in row else row for row in rows)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_every_string_is_as_frequent_as_it_is_likely(order: int, smoothing: str) -> None:
    rng = np.random.default_rng(order)
    rows = mask_after_pad(np.array([0, 2, 3, 4], np.uint8)[rng.choice(4, (40, 4), p=[0.2, 0.5, 0.2, 0.1])])
    ids = MarkovChain.fit([rows], 5, order, smoothing=smoothing).sample(100_000, 4, seed=7)
    plain = PlainChain(rows.tolist(), 5, order, smoothing)
    check_frequencies(strings_of(ids), {string: plain.of_string(string) for string in all_strings(5, 4)}, len(ids))
    assert np.array_equal(mask_after_pad(ids), ids)


def test_witten_bell_by_hand() -> None:
    # "ab", "ab", "a": after a start a three times, one kind; after a b twice and an end once, two kinds.
    rows = np.array([[2, 3, 0], [2, 3, 0], [2, 0, 0]], np.uint8)
    # All in all, order 0: a 3, b 2, the end 3, of 8, three kinds; below it, three ids are alike.
    alone = {2: (3 + 1) / 11, 3: (2 + 1) / 11, 0: (3 + 1) / 11}
    first = {2: (3 + alone[2]) / 4, 3: alone[3] / 4, 0: alone[0] / 4}
    second = {2: 2 * alone[2] / 5, 3: (2 + 2 * alone[3]) / 5, 0: (1 + 2 * alone[0]) / 5}
    ids = MarkovChain.fit([rows], 4, 1).sample(50_000, 2, seed=0)
    check_frequencies(Counter(ids[:, 0].tolist()), first, len(ids))
    behind_a = ids[ids[:, 0] == 2, 1]
    check_frequencies(Counter(behind_a.tolist()), second, len(behind_a))


@pytest.mark.parametrize("order", [0, 1, 5])
def test_large_vocabularies(order: int) -> None:
    rng = np.random.default_rng(3)
    rows = (2 + rng.zipf(1.5, (3_000, 8)) % 4_998).astype(np.uint16)
    rows[np.arange(8) >= rng.integers(1, 9, (3_000, 1))] = PAD
    ids = MarkovChain.fit(np.split(rows, 3), 5_000, order).sample(60_000, 3, seed=1)
    assert ids.dtype == np.uint16
    plain = PlainChain(rows.tolist(), 5_000, order, "witten-bell")
    begun = (START,) * order
    usual = Counter(rows[:, 0].tolist()).most_common(1)[0][0]
    behind = (*begun, usual)[1:] if order else ()
    for drawn, context in ((ids[:, 0], begun), (ids[ids[:, 0] == usual, 1], behind)):
        expected = {symbol: plain.probability(symbol, context) for symbol in range(5_000)}
        check_frequencies(Counter(drawn.tolist()), expected, len(drawn))


@pytest.mark.parametrize(("vocabulary_size", "order"), [(5_000, 5), (65_000, 5), (256, 5), (28, 3)])
def test_without_smoothing_nothing_is_drawn_that_was_not_seen(vocabulary_size: int, order: int) -> None:
    """Keys of six ids of 65,000 would not fit 64 bits; one that wraps would let contexts run together."""
    rng = np.random.default_rng(4)
    rows = rng.integers(2, vocabulary_size, (400, 9)).astype(np.uint16)
    rows[:, 2:7] = rows[0, 2:7]  # here the rows meet, so that the chain can go over from one to another
    rows[:, 8] = PAD
    chain = MarkovChain.fit([rows], vocabulary_size, order, smoothing="none")
    ids = chain.sample(2_000, 9, seed=2)
    seen, drawn = (
        {(*[START] * order, *string)[at : at + order + 1] for string in strings_of(one) for at in range(len(string))}
        for one in (rows, ids)
    )
    assert drawn <= seen
    assert len(strings_of(ids)) > 400


def test_contexts_as_long_as_the_rows_give_the_rows_again() -> None:
    rng = np.random.default_rng(5)
    rows = mask_after_pad(rng.integers(0, 4, (50, 5)).astype(np.uint8))
    ids = MarkovChain.fit([rows], 4, 5, smoothing="none").sample(20_000, 5, seed=3)
    shares = {string: count / len(rows) for string, count in strings_of(rows).items()}
    check_frequencies(strings_of(ids), shares, len(ids))


def test_a_string_goes_on_where_all_lines_were_cropped() -> None:
    """Nothing ever followed "b", so that the frequencies alone decide: half a, half b, and no end, as none was seen."""
    rows = np.array([[2, 3]] * 10, np.uint8)
    ids = MarkovChain.fit([rows], 4, 1, smoothing="none").sample(20_000, 4, seed=4)
    assert ids[:, :2].tolist() == [[2, 3]] * 20_000
    check_frequencies(Counter(ids[:, 2].tolist()), {2: 0.5, 3: 0.5}, len(ids))
    assert ids[ids[:, 2] == 2, 3].tolist() == [3] * int((ids[:, 2] == 2).sum())


rows_of_four = st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=20)


@given(rows_of_four, st.integers(0, 5), st.sampled_from(list(SMOOTHINGS)), st.integers(0, 2**40), st.data())
def test_a_string_is_a_function_of_its_number(
    rows: list[list[int]], order: int, smoothing: str, seed: int, data: st.DataObject
) -> None:
    """Not of how many are drawn, how long they may be, how rows are cut, in what order, or what stands behind a pad."""
    ids_NL = np.array(rows, np.uint8)
    ids = MarkovChain.fit([ids_NL], 4, order, smoothing=smoothing).sample(30, 6, seed=seed)
    cut = data.draw(st.integers(0, len(rows)))
    parts = [part for part in (ids_NL[cut:], ids_NL[:cut].astype(np.int64)) if len(part)]
    other = MarkovChain.fit(iter(map(mask_after_pad, parts)), 4, order, smoothing=smoothing)
    first, count, length = data.draw(st.tuples(st.integers(0, 29), st.integers(0, 30), st.integers(1, 6)))
    again = other.sample(min(count, 30 - first), length, seed=seed, start=first)
    assert again.dtype == np.uint8
    assert np.array_equal(again, ids[first : first + count, :length])


@given(rows_of_four, st.sampled_from(list(SMOOTHINGS)))
@settings(max_examples=25)
def test_a_chain_holds_those_of_lower_orders(rows: list[list[int]], smoothing: str) -> None:
    ids_NL = np.array(rows, np.uint8)
    chain = MarkovChain.fit([ids_NL], 4, 5, smoothing=smoothing)
    for order in ORDERS:
        alone = MarkovChain.fit([ids_NL], 4, order, smoothing=smoothing)
        assert chain.of_order(order).order == alone.order == order
        assert np.array_equal(chain.of_order(order).sample(50, 5, seed=1), alone.sample(50, 5, seed=1))


def test_more_strings_than_are_drawn_at_a_time() -> None:
    rows = np.array([[2, 3, 0], [3, 3, 2]], np.uint8)
    chain = MarkovChain.fit([rows], 4, 2)
    whole = SAMPLED_IDS // 16
    ids = chain.sample(whole + 50, 16, seed=5)
    assert np.array_equal(ids[whole - 50 :], chain.sample(100, 16, seed=5, start=whole - 50))
    assert not np.array_equal(ids[:100], chain.sample(100, 16, seed=6))
    ids = uniform_rows(whole + 50, 16, 9, 5)
    assert np.array_equal(ids[: whole // 2], uniform_rows(whole // 2, 16, 9, 5))
    assert len(strings_of(ids[:50]) & strings_of(ids[whole : whole + 50])) < 25


def test_rows_are_read_from_disk(tmp_path: Path) -> None:
    rows = np.random.default_rng(6).integers(0, 6, (300, 7)).astype(np.uint8)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    ids = MarkovChain.fit([mapped], 6, 3).sample(100, 7, seed=0)
    assert np.array_equal(ids, MarkovChain.fit([rows], 6, 3).sample(100, 7, seed=0))


@pytest.mark.parametrize("vocabulary_size", [3, 28, 5_000])
def test_uniform_rows_have_every_id_but_the_unknown_alike(vocabulary_size: int) -> None:
    ids = uniform_rows(30_000, 4, vocabulary_size, 1)
    assert ids.dtype == (np.uint8 if vocabulary_size <= 256 else np.uint16)
    share = 1 / (vocabulary_size - 1)
    expected = {symbol: share for symbol in range(vocabulary_size) if symbol != UNKNOWN}
    for ids_N in ids.T:
        check_frequencies(Counter(ids_N.tolist()), expected, len(ids))
    assert np.array_equal(ids[:10, :2], uniform_rows(10, 2, vocabulary_size, 1))
    assert not np.array_equal(ids[:10], uniform_rows(10, 4, vocabulary_size, 2))


def test_nothing_is_drawn_of_nothing() -> None:
    chain = MarkovChain.fit([np.array([[2, 0]], np.uint8)], 3, 1)
    assert chain.sample(0, 5, seed=0).shape == (0, 5)
    assert uniform_rows(0, 5, 3, 0).shape == (0, 5)


def test_what_cannot_be_fitted_is_refused() -> None:
    rows = np.array([[2, 3]], np.uint8)
    with pytest.raises(ValueError, match=r"order \(=-1\)"):
        MarkovChain.fit([rows], 4, -1)
    with pytest.raises(ValueError, match="'kneser-ney'"):
        MarkovChain.fit([rows], 4, 1, smoothing="kneser-ney")
    with pytest.raises(ValueError, match=r"id \(=3\) must lie in 0..vocabulary_size-1 \(=2\)"):
        MarkovChain.fit([rows], 3, 1)
    with pytest.raises(ValueError, match=r"id \(=-2\)"):
        MarkovChain.fit([-rows.astype(np.int8) + np.int8(1)], 4, 1)
    with pytest.raises(ValueError, match="one row or more"):
        MarkovChain.fit([rows[:0]], 4, 1)
    with pytest.raises(ValueError, match="one row or more"):
        MarkovChain.fit([], 4, 1)
    with pytest.raises(ValueError, match=r"order \(=3\) must be 0 to 2"):
        MarkovChain.fit([rows], 4, 2).of_order(3)
