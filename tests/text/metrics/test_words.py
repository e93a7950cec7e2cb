"""Word n-grams: by hand, and what they do not depend on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.text.metrics.coverage import words_in_test

lines = st.lists(st.text("ab ", max_size=12), min_size=1, max_size=10)


def test_by_hand() -> None:
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


@given(lines, lines, st.integers(1, 4))
def test_shares_equal_a_plain_count_and_repeats_do_not_matter(strings: list[str], held: list[str], n: int) -> None:
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
