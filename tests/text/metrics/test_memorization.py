"""The audit against plain sets and a plain edit distance, and its estimates against sources whose truth is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqgan_wgp.text.corpus.dataset import Items
from seqgan_wgp.text.metrics.edit_distance import COMPARED, nearest_lines
from seqgan_wgp.text.metrics.memorization import copies, nearest
from seqgan_wgp.text.vocabulary import mask_after_pad

from ..strategies import string

Ints = NDArray[np.integer[Any]]
Rows = list[list[int]]

KINDS = 3_000
"""Different strings of a source; string k is written as its two digits to the base 60."""


def rows_of(kinds_N: Ints) -> Ints:
    return np.stack([2 + kinds_N // 60, 2 + kinds_N % 60, np.zeros_like(kinds_N)], axis=1).astype(np.uint8)


def source(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how likely each string is, few often and many rarely, and which fifth of them is held out by lot."""
    rng = np.random.default_rng(seed)
    share_K = rng.permutation(1 / np.arange(3, KINDS + 3))
    return share_K / share_K.sum(), rng.random(KINDS) < 0.2


def plain_edits(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Levenshtein 1966, by the table of Wagner and Fischer 1974."""
    row = list(range(len(right) + 1))
    for place, one in enumerate(left, 1):
        last, row[0] = row[0], place
        for at, other in enumerate(right, 1):
            last, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, last + (one != other))
    return row[-1]


rows = st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=30)


class TestCopies:
    """Strings that are training lines."""

    @given(rows, rows, rows, st.integers(0, 30))
    def test_shares_equal_those_of_sets(self, ids: Rows, train: Rows, held_out: Rows, cut: int) -> None:
        train_RL = np.array(train, np.uint8)
        blocks = [part for part in (train_RL[:cut], train_RL[cut:]) if len(part)]
        found = copies(np.array(ids, np.uint16), iter(blocks), np.array(held_out, np.uint8))
        strings, trained, held = ([string(row) for row in side] for side in (ids, train, held_out))
        odds = len(set(trained)) / len(set(held))
        different = set(strings)
        unseen = len(different & set(held)) / len(different)
        known = len(different & set(held + trained))
        again = Counter(held)
        repeated = sum(again[one] > 1 for one in held) / len(held)
        assert vars(found) == pytest.approx(
            {
                "share": len(different & set(trained)) / len(different),
                "held_out_share": unseen,
                "odds": odds,
                "expected": odds * unseen,
                "expected_error": (odds * known) ** 0.5 / len(different),
                "of_source": repeated * odds / (1 + odds),
            }
        )

    def test_by_hand(self) -> None:
        train = np.array([[2, 3], [2, 3], [3, 0], [4, 0], [5, 0]], np.uint8)  # four different lines
        held_out = np.array([[6, 0], [7, 0], [7, 0], [8, 8]], np.uint8)  # three, one of them twice
        # Of five different strings two are training lines and one is held out.
        ids = np.array([[2, 3], [2, 3], [3, 9], [3, 0], [6, 0], [9, 9]], np.uint8)
        found = copies(ids, [train], held_out)
        assert (found.share, found.held_out_share, found.odds) == (0.4, 0.2, 4 / 3)
        assert found.expected == pytest.approx(4 / 15)
        assert found.expected_error == pytest.approx((4 / 3 * 3) ** 0.5 / 5)
        assert found.of_source == pytest.approx(2 / 4 * 4 / 7)

    def test_a_model_that_does_not_know_the_lot_has_no_excess(self) -> None:
        """Over 200 lots of one source the excess is 0 on average, and spread as it says."""
        deviations = []
        for seed in range(200):
            share_K, held_K = source(seed)
            drawn_N = np.random.default_rng(seed + 1_000).choice(KINDS, 1_000, p=share_K)
            everything = np.arange(KINDS)
            found = copies(rows_of(drawn_N), [rows_of(everything[~held_K])], rows_of(everything[held_K]))
            deviations.append((found.share - found.expected) / found.expected_error)
        assert abs(np.mean(deviations)) < 5 / 200**0.5
        assert np.std(deviations) == pytest.approx(1, abs=0.25)

    def test_a_model_that_says_what_it_was_shown_has_an_excess(self) -> None:
        share_K, held_K = source(0)
        shown_K = np.where(held_K, share_K / 2, share_K)
        drawn_N = np.random.default_rng(1).choice(KINDS, 1_000, p=shown_K / shown_K.sum())
        everything = np.arange(KINDS)
        found = copies(rows_of(drawn_N), [rows_of(everything[~held_K])], rows_of(everything[held_K]))
        assert found.share > found.expected + 3 * found.expected_error

    def test_a_fresh_draw_is_a_training_line_as_often_as_estimated(self) -> None:
        """Against the sum of the source's probabilities of the training lines, in the mean over 30 corpora."""
        errors = []
        for seed in range(30):
            share_K, held_K = source(seed)
            lines_R = np.random.default_rng(seed + 2_000).choice(KINDS, 4_000, p=share_K)
            train_R, held_R = lines_R[~held_K[lines_R]], lines_R[held_K[lines_R]]
            found = copies(rows_of(lines_R[:1]), [rows_of(train_R)], rows_of(held_R))
            errors.append(found.of_source - share_K[np.unique(train_R)].sum())
        assert abs(np.mean(errors)) < 0.03
        assert np.std(errors) < 0.1

    def test_lists_without_repeats_say_nothing_of_the_source(self) -> None:
        lines = rows_of(np.arange(100))
        assert copies(lines, [lines[:80]], lines[80:]).of_source == 0

    def test_windows_are_lines(self) -> None:
        text = np.random.default_rng(0).integers(2, 90, (6, 12)).astype(np.uint8)
        train, held_out = Items(rows_NS=text[:5], length=5), Items(rows_NS=text[5:], length=5)
        ids = np.concatenate(
            [train[np.array([0, 9])], held_out.apart(), np.arange(2, 32).reshape(6, 5).astype(np.uint8)]
        )
        found = copies(ids, train.blocks(), held_out.apart())
        assert (found.share, found.held_out_share) == (0.2, 0.2)
        assert found.odds == len({bytes(row) for block in train.blocks() for row in block}) / 2

    def test_lines_that_differ_in_one_bit_are_different(self) -> None:
        every = np.stack(np.meshgrid(*[np.arange(2, 18)] * 4), axis=-1).reshape(-1, 4).astype(np.uint8)
        assert copies(every[:9], [every, every[::-1]], every[:1]).odds == 16**4

    def test_repeats_change_nothing(self) -> None:
        lines = rows_of(np.arange(100))
        ids = lines[40:95]
        once = copies(ids, [lines[:80]], lines[80:])
        assert copies(np.concatenate([ids, ids[:7], ids]), [lines[:80]], lines[80:]) == once

    def test_no_rows_and_other_lengths_are_refused(self) -> None:
        lines = rows_of(np.arange(9))
        for ids, train, held_out in ((lines[:0], lines, lines), (lines, lines[:0], lines), (lines, lines, lines[:0])):
            with pytest.raises(ValueError, match="one row or more"):
                copies(ids, [train], held_out)
        with pytest.raises(ValueError, match="row shape"):
            copies(lines, [lines[:, :2]], lines)


class TestNearest:
    """Nearest training lines."""

    @given(rows, rows, rows)
    @settings(max_examples=50)
    def test_distances_equal_a_plain_search(self, ids: Rows, train: Rows, held_out: Rows) -> None:
        sides = [np.array(side, np.uint8) for side in (ids, train, held_out)]
        found = nearest(*sides, workers=1)
        for side, distances in ((ids, found.generated), (held_out, found.held_out)):
            for row, edits, normalised in zip(side, distances.edits_N, distances.normalised_N, strict=True):
                one = string(row)
                others = [(plain_edits(one, other), max(1, len(one), len(other))) for other in map(string, train)]
                assert normalised == min(least / longer for least, longer in others)
                assert any(edits == least and normalised == least / longer for least, longer in others)
        assert found.copies == sum(string(row) in set(map(string, train)) for row in ids)
        assert found.train == len(train)

    @given(rows, rows, st.integers(0, 5))
    @settings(max_examples=50)
    def test_pairs_are_the_closest_different_strings(self, ids: Rows, train: Rows, pairs: int) -> None:
        found = nearest(np.array(ids, np.uint8), np.array(train, np.uint8), np.array(train), pairs=pairs, workers=1)
        strings = [string(pair.string_L.tolist()) for pair in found.pairs]
        trained = set(map(string, train))
        others = set(map(string, ids)) - trained
        assert len(set(strings)) == len(strings) == min(pairs, len(others))
        assert set(strings) <= others
        distances = [pair.normalised for pair in found.pairs]
        assert distances == sorted(distances)
        for one, pair in zip(strings, found.pairs, strict=True):
            line = string(pair.line_L.tolist())
            assert line in trained
            assert pair.edits == plain_edits(one, line)
            assert pair.normalised == pair.edits / max(len(one), len(line))

    def test_by_hand(self) -> None:
        train = np.array([[2, 3, 4, 5], [6, 6, 0, 0]], np.uint8)
        ids = np.array([[2, 3, 4, 5], [2, 3, 4, 0], [2, 3, 4, 9], [6, 0, 9, 9]], np.uint8)
        held_out = np.array([[6, 7, 0, 0], [2, 3, 4, 6]], np.uint8)
        found = nearest(ids, train, held_out)
        assert found.generated.edits_N.tolist() == [0, 1, 1, 1]
        assert found.generated.normalised_N.tolist() == [0, 0.25, 0.25, 0.5]
        assert found.copies == 1
        assert [pair.string_L.tolist() for pair in found.pairs] == [[2, 3, 4, 0], [2, 3, 4, 9], [6, 0, 0, 0]]
        assert found.margin == 0.25 - (0.25 + 0.5) / 2

    def test_copies_do_not_count_as_near(self) -> None:
        """A model half of whose strings are copies, the others as far away as held-out lines, is told by `copies`."""
        rng = np.random.default_rng(0)
        train, held_out, own = rng.integers(2, 6, (3, 500, 8)).astype(np.uint8)
        found = nearest(np.concatenate([train, own]), train, held_out)
        assert found.copies > 400
        assert found.margin == 0
        changed = train.copy()
        changed[:, 3] = 9
        assert nearest(changed, train, held_out).margin == 0.125 - found.held_out.median
        assert nearest(train, train, held_out).margin == -found.held_out.median

    def test_no_more_is_compared_than_asked_for(self) -> None:
        rng = np.random.default_rng(1)
        train, ids = rng.integers(2, 90, (2, 600, 6)).astype(np.uint8)
        found = nearest(ids, train, ids[:30], sample=50, most=200, seed=3)
        assert (len(found.generated.edits_N), len(found.held_out.edits_N), found.train) == (50, 30, 200)
        again = nearest(ids, train, ids[:30], sample=50, most=200, seed=3, workers=1)
        assert np.array_equal(found.generated.normalised_N, again.generated.normalised_N)
        other = nearest(ids, train, ids[:30], sample=50, most=200, seed=4)
        assert not np.array_equal(found.generated.normalised_N, other.generated.normalised_N)
        every = nearest(ids, train, ids[:30])
        assert np.array_equal(every.held_out.normalised_N, every.generated.normalised_N[:30])

    def test_training_lines_may_be_on_disk_or_windows(self, tmp_path: Path) -> None:
        text = np.random.default_rng(2).integers(2, 6, (8, 16)).astype(np.uint8)
        np.save(tmp_path / "rows.npy", text)
        items = Items(rows_NS=np.load(tmp_path / "rows.npy", mmap_mode="r"), length=6)
        whole = np.concatenate(list(items.blocks()))
        ids = np.random.default_rng(3).integers(2, 6, (40, 6)).astype(np.uint8)
        assert np.array_equal(
            nearest(ids, items, ids).generated.normalised_N, nearest(ids, whole, ids).generated.normalised_N
        )

    @pytest.mark.parametrize("vocabulary_size", [4, 256, 60_000])
    def test_any_id_is_one_character(self, vocabulary_size: int) -> None:
        """Ids that as code points are control characters, combining marks or halves of pairs are like all others."""
        rng = np.random.default_rng(4)
        drawn = rng.integers(0, vocabulary_size, (2, 60, 7)).astype(np.uint16)
        ids, lines = (mask_after_pad(rows) for rows in drawn)
        if vocabulary_size == 60_000:
            ids[:, 0], lines[:, 0] = 0xD800, 0xDC00
        distances, line_N = nearest_lines(ids, lines)
        for row, edits, line in zip(ids.tolist(), distances.edits_N, line_N, strict=True):
            assert edits == plain_edits(string(row), string(lines[line].tolist()))

    def test_of_long_rows_the_first_part_is_compared(self) -> None:
        train = np.random.default_rng(5).integers(2, 9, (20, COMPARED + 30)).astype(np.uint8)
        ids = train.copy()
        ids[:, COMPARED:] = 9
        assert nearest(ids, train, train).copies == 20
        ids[:, COMPARED - 1] = 10
        assert nearest(ids, train, train).generated.edits_N.tolist() == [1] * 20

    def test_nothing_to_compare_is_refused(self) -> None:
        ids = np.ones((3, 4), np.uint8)
        for sides in ((ids[:0], ids, ids), (ids, ids[:0], ids), (ids, ids, ids[:0])):
            with pytest.raises(ValueError, match="one or more of each"):
                nearest(*sides)
        with pytest.raises(ValueError, match=r"sample \(=0\)"):
            nearest(ids, ids, ids, sample=0)
        with pytest.raises(ValueError, match=r"most \(=0\)"):
            nearest(ids, ids, ids, most=0)
