"""Lengths, characters and entropies against counts by plain Python, and by hand."""

from __future__ import annotations

from collections import Counter
from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqgan_wgp.text.hashing.row_hashes import BLOCK_IDS
from seqgan_wgp.text.metrics.distances import (
    character_distance,
    entropy_by_position,
    length_distance,
    lengths_N,
    total_variation,
)
from seqgan_wgp.text.vocabulary import PAD

from ..strategies import string

Rows = list[list[int]]

rows_of = st.integers(1, 7).flatmap(
    lambda length: st.lists(st.lists(st.integers(0, 4), min_size=length, max_size=length), min_size=1, max_size=25)
)


def plain_distance(left: Counter[Any], right: Counter[Any]) -> float:
    left_total, right_total = left.total(), right.total()
    return sum(abs(left[key] / left_total - right[key] / right_total) for key in left | right) / 2


@given(rows_of)
def test_lengths_are_those_of_the_strings(rows: Rows) -> None:
    got = lengths_N(np.array(rows, np.uint8))
    assert got.tolist() == [len(string(row)) for row in rows]
    assert got.dtype == np.int64


@given(rows_of, rows_of)
def test_distances_equal_those_of_plain_counts(rows: Rows, reference: Rows) -> None:
    ids_NL, reference_RL = np.array(rows, np.uint8), np.array(reference, np.uint16)
    lengths = [Counter(len(string(row)) for row in side) for side in (rows, reference)]
    assert length_distance(ids_NL, reference_RL) == pytest.approx(plain_distance(*lengths), abs=1e-12)
    characters = [Counter(symbol for row in side for symbol in string(row)) for side in (rows, reference)]
    expected = plain_distance(*characters) if all(characters) else float(characters[0] != characters[1])
    assert character_distance(ids_NL, reference_RL, 5) == pytest.approx(expected, abs=1e-12)


@given(rows_of)
def test_entropy_equals_that_of_plain_counts(rows: Rows) -> None:
    length = len(rows[0])
    columns = zip(*[[*string(row), *[PAD] * length][:length] for row in rows], strict=True)
    expected = [
        -sum(count / len(rows) * log2(count / len(rows)) for count in Counter(column).values()) for column in columns
    ]
    assert entropy_by_position(np.array(rows, np.uint8), 5).tolist() == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    assert total_variation(np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])) == 0.5
    ids = np.array([[2, 0, 0], [2, 3, 0], [2, 3, 4], [0, 4, 4]])  # "a", "ab", "abc", ""
    assert lengths_N(ids).tolist() == [1, 2, 3, 0]
    assert length_distance(ids, np.array([[2, 2, 2]])) == 0.75
    assert character_distance(ids, np.array([[2, 0]]), 5) == pytest.approx(0.5)  # half of all six characters are "a"
    entropy_last = -(0.25 * log2(0.25) + 0.75 * log2(0.75))
    assert entropy_by_position(ids, 5).tolist() == pytest.approx([entropy_last, 1.0, entropy_last])


def test_uniform_ids_have_log2_of_their_number() -> None:
    ids = np.repeat(np.arange(1, 9), 3)[:, None].astype(np.uint8)
    assert entropy_by_position(ids, 9).tolist() == pytest.approx([3.0])
    assert entropy_by_position(ids[:1], 9).tolist() == [0.0]


def test_large_vocabularies_and_many_blocks() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(2, 5_000, (BLOCK_IDS // 16 + 1_000, 16)).astype(np.uint16)
    assert length_distance(ids, ids[:10]) == 0
    assert character_distance(ids, ids[::-1], 5_000) == 0
    assert entropy_by_position(ids, 5_000) == pytest.approx(log2(4_998), abs=0.05)


def test_what_cannot_be_compared_is_refused() -> None:
    ids: NDArray[np.uint8] = np.ones((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        total_variation(np.ones(2) / 2, np.ones(3) / 3)
    with pytest.raises(ValueError, match=r"id \(=1\) must lie in 0..vocabulary_size-1 \(=0\)"):
        entropy_by_position(ids, 1)
    for empty in (ids[:0], ids[:, :0]):
        with pytest.raises(ValueError, match="one row or more"):
            length_distance(empty, ids)
        with pytest.raises(ValueError, match="one row or more"):
            entropy_by_position(empty, 3)
