"""A set of hashes is a set: in memory, while it grows, and on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.text.hashing.hash_set import HashSet

ROOT = Path(__file__).parents[3]
LITTLE = 1 << 14
"""Bytes that some hundred hashes fill, so that most go to disk, and there to one file of many again and again."""

numbers = st.integers(0, 2**64 - 1) | st.integers(0, 40) | st.integers(2**64 - 40, 2**64 - 1)


def added(known: set[int], hashes: list[int]) -> list[bool]:
    """Return what a set of Python says of hashes that are put in one after another."""
    new = []
    for each in hashes:
        new.append(each not in known)
        known.add(each)
    return new


@given(st.lists(st.lists(numbers, max_size=60), max_size=12))
def test_it_says_what_a_set_says(blocks: list[list[int]]) -> None:
    ours, theirs = HashSet(LITTLE), set[int]()
    for block in blocks:
        # 0 and 1 are one hash to it.
        hashes = [max(each, 1) for each in block]
        known = [each in theirs for each in hashes]
        assert ours.has(np.array(block, np.uint64)).tolist() == known
        assert ours.add(np.array(block, np.uint64)).tolist() == added(theirs, hashes)
        assert len(ours) == len(theirs)


@pytest.mark.parametrize("memory_bytes", [LITTLE, 1 << 20, 1 << 29])
@pytest.mark.parametrize("size", [1, 37, 512, 5_000])
def test_what_was_put_in_is_in_it_whether_it_is_in_memory_or_on_disk(memory_bytes: int, size: int) -> None:
    rng = np.random.default_rng(size)
    count = 30_000 if size > 1 else 2_000
    hashes_N = rng.integers(0, 2**64, count, dtype=np.uint64)
    ours = HashSet(memory_bytes)
    for first in range(0, count, size):
        assert ours.add(hashes_N[first : first + size]).all()
        assert not ours.add(hashes_N[: first + size][-size:]).any()
    assert len(ours) == count
    assert ours.has(hashes_N).all()
    assert not ours.has(rng.integers(0, 2**64, 10_000, dtype=np.uint64)).any()
    assert not ours.add(hashes_N[::-1]).any()


def test_hashes_that_crowd_find_room() -> None:
    low_M = np.arange(2, 150, dtype=np.uint64)
    hashes_N = np.concatenate([low_M, ~low_M])
    for memory_bytes in (LITTLE, 1 << 20):
        ours = HashSet(memory_bytes)
        assert ours.add(hashes_N).all()
        assert ours.has(hashes_N).all()
        assert not ours.add(hashes_N).any()


def test_the_first_of_equal_ones_is_the_new_one() -> None:
    ours = HashSet()
    assert ours.add(np.array([7, 9, 7, 8, 9, 7], np.uint64)).tolist() == [True, True, False, True, False, False]
    assert ours.add(np.array([5, 7, 5], np.uint64)).tolist() == [True, False, False]
    assert ours.add(np.array([], np.uint64)).tolist() == []


def test_a_full_disk_is_told_with_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="this system has no limits on the size of files")
    program = """
import resource, numpy as np
from seqgan_wgp.text.hashing.hash_set import HashSet
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    HashSet(1 << 14).add(np.arange(1, 2_000, dtype=np.uint64) << np.uint64(50))
except OSError as error:
    print(error.filename, error.strerror)
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "PATH": ""},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (result.stdout, result.stderr) == (f"{tmp_path} File too large\n", "")
    assert list(tmp_path.iterdir()) == []
