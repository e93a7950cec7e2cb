"""Fingerprints: membership and number of rows, against a plain set."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.text.corpus.id_file import IdFile
from seqgan_wgp.text.hashing.fingerprints import PAGE, Fingerprints, FingerprintWriter


def written(rows_NL: np.ndarray, folder: Path, blocks: int = 1) -> Fingerprints:
    with FingerprintWriter(folder) as writer:
        for block_NL in np.array_split(rows_NL, blocks):
            writer.add(block_NL)
        writer.write(folder / "prints")
    assert [file.name for file in folder.iterdir()] == ["prints"]
    return Fingerprints(folder / "prints", rows_NL.dtype)


@settings(max_examples=30)
@given(
    count=st.integers(1, 3 * PAGE) | st.sampled_from([PAGE, 2 * PAGE, 2 * PAGE + 1]),
    length=st.integers(1, 20),
    wide=st.booleans(),
    blocks=st.integers(1, 4),
    values=st.integers(2, 40),
)
@example(count=1, length=1, wide=False, blocks=1, values=2)
def test_rows_are_found_and_no_others(count: int, length: int, wide: bool, blocks: int, values: int) -> None:
    chance = np.random.default_rng(count)
    dtype = np.uint16 if wide else np.uint8
    known_NL = chance.integers(0, values, (count, length), dtype=dtype)
    asked_NL = np.concatenate([chance.integers(0, values, (200, length), dtype=dtype), known_NL[::3]])
    known = set(map(bytes, known_NL))
    with tempfile.TemporaryDirectory() as folder:
        prints = written(known_NL, Path(folder), blocks)
        assert prints.has(asked_NL).tolist() == [bytes(row) in known for row in asked_NL]
        assert prints.has(asked_NL.astype(np.int64)).tolist() == prints.has(asked_NL).tolist()
        assert len(prints) == len(known)
        assert prints.has(known_NL[:0]).tolist() == []


def test_many_pages_are_found(tmp_path: Path) -> None:
    rows_NL = np.arange(100_000, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    prints = written(rows_NL[::2], tmp_path, 7)
    assert len(prints) == 50_000
    assert prints.has(rows_NL).tolist() == [True, False] * 50_000


@pytest.mark.parametrize("size", [0, 8, PAGE * 8, PAGE * 8 + 16])
def test_a_file_that_is_not_whole_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "prints").write_bytes(bytes(size))
    with pytest.raises(CheckpointError, match="prints: is incomplete"):
        Fingerprints(tmp_path / "prints", np.uint8)


def test_a_file_is_read_at_its_places(tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"head" + np.arange(50, dtype=np.uint16).tobytes())
    file = IdFile(tmp_path / "ids", 4, np.uint16)
    assert file.read(np.array([3, 47, 0]), 3).tolist() == [[3, 4, 5], [47, 48, 49], [0, 1, 2]]
    assert file.read(np.array([], np.int64), 3).shape == (0, 3)
    assert file.read(np.array([1]), 2).flags.writeable
    with pytest.raises(CheckpointError, match="ids: is shorter than before"):
        file.read(np.array([0, 48]), 3)
