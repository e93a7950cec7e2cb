"""Rows as strings, against Python's own lists and sets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqgan_wgp.text.hashing.row_hashes import polynomial_hashes
from seqgan_wgp.text.hashing.row_set import RowSet
from seqgan_wgp.text.vocabulary import PAD, mask_after_pad

from ..strategies import dtypes, row_pairs, string

Ints = NDArray[np.integer[Any]]


@given(row_pairs, dtypes)
def test_settled_rows_are_strings_and_pads(pair: tuple[list[list[int]], list[list[int]]], dtype: Any) -> None:
    ids_NL = np.array(pair[0], dtype)
    expected = [[*string(row), *[PAD] * (len(row) - len(string(row)))] for row in pair[0]]
    got = mask_after_pad(ids_NL)
    assert got.tolist() == expected
    assert got.dtype == dtype
    assert np.array_equal(mask_after_pad(got), got)
    assert ids_NL.tolist() == pair[0]  # as they were


@given(row_pairs, dtypes, dtypes, st.integers(1, 40))
def test_a_row_set_finds_what_a_set_of_strings_finds(
    pair: tuple[list[list[int]], list[list[int]]], dtype: Any, other: Any, block_ids: int
) -> None:
    rows, others = pair
    wanted = RowSet.of(np.array(rows, dtype))
    counts = Counter(map(string, rows))
    assert len(wanted) == len(counts)
    assert sorted(wanted.counts_D.tolist()) == sorted(counts.values())
    found_D = wanted.found_in(np.array(others, other), block_ids=block_ids)
    among = set(map(string, others))
    assert found_D.sum() == len(set(counts) & among)
    assert wanted.counts_D[found_D].sum() == sum(string(row) in among for row in rows)


def test_equal_hashes_do_not_make_rows_equal() -> None:
    left, right = np.array([[900, 1200, 3000, 1, 3000]]), np.array([[737, 412, 150, 2935, 211]])
    assert polynomial_hashes(left) == polynomial_hashes(right)  # found by lattice reduction, as in test_ngrams
    assert not RowSet.of(left).found_in(right).any()
    assert RowSet.of(np.concatenate([left, right])).found_in(right).sum() == 1


def test_rows_on_disk_are_found(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 4, (500, 6)).astype(np.uint16)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert RowSet.of(rows[:100]).found_in(mapped, block_ids=60).all()
    assert RowSet.of(mapped).found_in(rows).all()


def test_other_lengths_and_no_rows_are_refused() -> None:
    rows = np.ones((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"row shape \(2,\) must equal that of the rows looked for, \(3,\)"):
        RowSet.of(rows).found_in(rows[:, :2])
    for empty in (rows[:0], rows[:, :0]):
        with pytest.raises(ValueError, match="one row or more"):
            RowSet.of(empty)
    with pytest.raises(ValueError, match="one row or more"):
        RowSet.of(rows).found_in(rows[:0])
