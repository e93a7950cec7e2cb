"""A trellis has the strings that all automata accept, in as few states as can be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.trellis import Trellis, everything, intersect
from seqgan_wgp.text.constrained.utf8 import automaton_of

from .trellises import ABC, LENGTH, has, of

STRINGS = ["".join(parts) for size in range(LENGTH + 1) for parts in itertools.product("abc", repeat=size)]

patterns = st.sampled_from(
    [".*", "", ".*ab.*", "a.*", ".*c", "[ab]*", "(ab|c)*", ".{2}", ".{1,3}", "a*b*c*", "(.*a){2}.*", ".*a..", "[^a]*"]
)


@given(patterns, patterns)
def test_an_intersection_has_the_strings_of_both(one: str, other: str) -> None:
    first, second, both = of(one), of(other), of(one, other)
    assert first is not None
    assert second is not None
    for string in STRINGS:
        ids = ABC.encode([string], LENGTH)[0][: len(string)].tolist()
        expected = has(first, ids) and has(second, ids)
        assert (both is not None and has(both, ids)) == expected, string


def test_everything_is_everything_but_a_pad() -> None:
    trellis = everything(5, 3)
    for size in range(4):
        for ids in itertools.product(range(1, 5), repeat=size):
            assert has(trellis, list(ids))


def test_nothing_in_common_is_none() -> None:
    assert of("a+", "b+") is None
    assert of("a{5,}") is None
    assert of("a+", ".{3}") is not None


@pytest.mark.parametrize(
    "given",
    [
        {"mask": "?lab?l"},
        {"prefix": "ab"},
        {"length": (2, 5)},
        {"charset": "ab"},
        {"prefix": "a", "length": (3, 6), "charset": "ab"},
        {"regex": "a(b|c)[ab].?"},
    ],
)
def test_what_concerns_single_positions_leaves_one_state_a_layer(given: dict[str, object]) -> None:
    trellis: Trellis | None = everything(ABC.size, 6)
    for language in Constraints(**given).languages().values():  # type: ignore[arg-type]
        assert trellis is not None
        trellis = intersect(trellis, automaton_of(language, ABC, 6))
    assert trellis is not None
    for layer in trellis.layers:
        assert layer.target_SC.shape == (1, 1)


def test_states_and_classes_are_merged_where_they_are_alike() -> None:
    word = of(".*abab", length=9)
    assert word is not None
    assert max(layer.target_SC.shape for layer in word.layers) <= (5, 3)
    spelled, written = of("(a|b|c)(aa|ab|ac|bc)", length=9), of("[abc](a[abc]|bc)", length=9)
    assert spelled is not None
    assert written is not None
    for one, other in zip(spelled.layers, written.layers, strict=True):
        assert np.array_equal(one.target_SC, other.target_SC)
        assert np.array_equal(one.class_V, other.class_V)


def test_a_trellis_ends_where_its_strings_do() -> None:
    short = of("ab?", length=9)
    assert short is not None
    assert len(short.layers) == 2
