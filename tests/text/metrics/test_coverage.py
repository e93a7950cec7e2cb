"""Coverage of held-out text: the guessing curve against sets of strings, and word n-grams against a plain count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.text.metrics.coverage import hits, words_in_test

from ..strategies import row_pairs, string

texts = st.lists(st.text("ab ", max_size=12), min_size=1, max_size=10)


# Strings


@given(row_pairs, st.data())
def test_shares_equal_those_of_sets(pair: tuple[list[list[int]], list[list[int]]], data: st.DataObject) -> None:
    rows, held = pair
    at = data.draw(st.lists(st.integers(1, len(rows)), min_size=1, max_size=4))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    blocks = np.split(np.array(rows, np.uint8), cuts)  # some of them empty
    wanted = set(map(string, held))
    expected = {guesses: len(wanted & set(map(string, rows[:guesses]))) / len(wanted) for guesses in at}
    assert hits(blocks, np.array(held, np.uint16), at) == pytest.approx(expected)


def test_by_hand() -> None:
    held = np.array([[2, 0], [2, 0], [3, 0], [4, 4]], np.uint8)  # three different strings
    guessed = np.array([[2, 9], [2, 0], [5, 5], [4, 4], [0, 0]], np.uint8)  # the first is no held-out string
    assert hits([guessed], held, at=(1, 2, 3, 4, 5)) == {1: 0, 2: 1 / 3, 3: 1 / 3, 4: 2 / 3, 5: 2 / 3}


def test_no_more_is_taken_than_is_needed() -> None:
    def blocks() -> Iterator[np.typing.NDArray[np.uint8]]:
        yield np.full((3, 2), 2, np.uint8)
        yield np.full((3, 2), 3, np.uint8)
        raise AssertionError

    assert hits(blocks(), np.array([[2, 2], [3, 3]]), at=(6, 2)) == {2: 0.5, 6: 1.0}


def test_too_few_and_none_are_refused() -> None:
    rows = np.ones((5, 2), np.uint8)
    with pytest.raises(ValueError, match=r"blocks end after 5 strings, but at \(=\[3, 6\]\) asks for 6"):
        hits([rows], rows, at=(6, 3))
    for at in ((), (0, 3)):
        with pytest.raises(ValueError, match="1 or more"):
            hits([rows], rows, at)
    with pytest.raises(ValueError, match="row shape"):
        hits([rows[:, :1]], rows, at=(1,))
    with pytest.raises(ValueError, match="one row or more"):
        hits([rows], rows[:0], at=(1,))


# Words


def test_words_by_hand() -> None:
    held_out = ["the cat sat", "a dog sat down"]
    # the, cat, down, bird: 3 of 4; the cat, cat down, down the, the bird: 1 of 4; no three words are known.
    assert words_in_test(["the cat down the bird"], held_out) == [0.75, 0.25, 0.0, 0.0]
    assert words_in_test(["the cat sat", "the cat sat"], held_out, n=3) == [1.0, 1.0, 1.0]
    assert words_in_test(["sat a"], held_out, n=2) == [1.0, 0.0]  # no words across two lines
    assert words_in_test(["cat", ""], held_out, n=2) == [1.0, 0.0]
    assert words_in_test([], held_out, n=1) == [0.0]


def test_spaces_only_separate() -> None:
    assert words_in_test(["  the   cat "], ["the cat"], n=2) == [1.0, 1.0]
    assert words_in_test(["the\tcat"], ["the cat"], n=1) == [0.0]


def test_text_without_words_has_none() -> None:
    names = ["emma"] * 990
    assert words_in_test(["emma"], [*names, *["a b"] * 9]) is None
    assert words_in_test(["emma"], [*names, *["a b"] * 10]) == [1.0, 0.0, 0.0, 0.0]
    assert words_in_test(["emma"], ["emma"]) is None
    assert words_in_test(["emma"], []) is None


@given(texts, texts, st.integers(1, 4))
def test_shares_of_words_equal_a_plain_count_and_repeats_do_not_matter(
    strings: list[str], held: list[str], n: int
) -> None:
    held = [*held, "a b"]
    expected = []
    for k in range(1, n + 1):
        grams = [
            {" ".join(line.split()[at : at + k]) for line in side for at in range(len(line.split()) - k + 1)}
            for side in (strings, held)
        ]
        expected.append(sum(gram in grams[1] for gram in grams[0]) / len(grams[0]) if grams[0] else 0.0)
    assert words_in_test(strings, held, n) == pytest.approx(expected)
    assert words_in_test([*strings, *reversed(strings)], held, n) == pytest.approx(expected)


def test_no_words_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n \(=0\)"):
        words_in_test(["a b"], ["a b"], 0)
