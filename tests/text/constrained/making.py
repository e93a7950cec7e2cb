"""A tiny alphabet with all its strings, and random constraints over it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.vocabulary import PAD, Vocabulary

ABC = Vocabulary("abc")
LENGTH = 4
SIZE = ABC.size

IDS = [ids for size in range(1, LENGTH + 1) for ids in itertools.product(range(2, SIZE), repeat=size)]
"""All strings that are not empty and have no unknown."""

STRINGS = dict(zip(ABC.decode(np.array([[*ids, *[PAD] * (LENGTH - len(ids))] for ids in IDS])), IDS, strict=True))


def padded(ids: tuple[int, ...]) -> list[int]:
    return [*ids, *[PAD] * (LENGTH - len(ids))]


maybe = st.none()
words = st.text("abc", max_size=3) | st.text("abx", min_size=1, max_size=2)
charsets = st.sampled_from(["ab", "c", "?l", "?dbc", "a??", "xyz", "?u"])
masks = st.lists(st.sampled_from(["a", "b", "?l", "?a", "?1", "?2", "?d", "x"]), min_size=1, max_size=5).map("".join)
lengths = st.builds(
    lambda least, more: (least, None if more is None else least + more), st.integers(0, 5), maybe | st.integers(0, 3)
)
regexes = st.recursive(
    st.sampled_from(["a", "b", "c", "[ab]", "[^a]", ".", r"\w", "x", "é?"]),
    lambda smaller: (
        st.lists(smaller, min_size=1, max_size=3).map("".join)
        | st.builds("(?:{}|{})".format, smaller, smaller)
        | st.builds("({}){}".format, smaller, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}"]))
    ),
    max_leaves=5,
)
lookaheads = st.lists(
    st.builds("(?{}{}{})".format, st.sampled_from("=!"), regexes, st.sampled_from(["", "$"])), max_size=2
).map("".join)
policies = st.builds("{}(?:{})".format, lookaheads, regexes)
counts = st.builds("{}:{}".format, charsets, st.integers(0, 3))
avoided = st.builds(
    lambda words, ignore_case: {"without": tuple(words), "ignore_case": ignore_case},
    st.lists(st.text("abcBx", min_size=1, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)


@st.composite
def all_constraints(draw: st.DrawFn) -> Constraints:
    """Each constraint is there in about every third case, so that most cases combine two or three."""

    def sometimes(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(strategy) if draw(st.integers(0, 2)) == 0 else None

    mask = sometimes(masks)
    sets = ["ab", "?dc"]
    return Constraints(
        prefix=sometimes(words),
        suffix=sometimes(words),
        contains=tuple(sometimes(st.lists(words, min_size=1, max_size=2)) or ()),
        mask=mask,
        sets=tuple(own if f"?{place}" in (mask or "") else None for place, own in enumerate(sets, 1)),
        length=sometimes(lengths),
        charset=sometimes(charsets),
        regex=tuple(sometimes(st.lists(policies, min_size=1, max_size=2)) or ()),
        at_least=tuple(sometimes(st.lists(counts, min_size=1, max_size=2)) or ()),
        at_most=tuple(sometimes(st.lists(counts, min_size=1, max_size=2)) or ()),
        **(sometimes(avoided) or {}),
    )
