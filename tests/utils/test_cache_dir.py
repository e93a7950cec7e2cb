"""The cache keeps what was used last, and a disk that refuses it is no error."""

from __future__ import annotations

import os
from pathlib import Path

from seqgan_wgp.utils import cache_dir


def test_what_was_used_longest_ago_goes_first_and_other_endings_stay(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    for age, name in enumerate(["c.json", "a.json", "b.json", "x.txt"]):
        cache_dir.keep_file(folder / name, name.encode(), most=3)
        os.utime(folder / name, (1_000 - age, 1_000 - age))
    os.utime(folder / "b.json", (2_000, 2_000))  # used again
    cache_dir.keep_file(folder / "d.json", b"new", most=3)
    assert sorted(path.name for path in folder.iterdir()) == ["b.json", "c.json", "d.json", "x.txt"]
    assert (folder / "d.json").read_bytes() == b"new"


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        cache_dir.keep_file(tmp_path / "a.json", content, most=1)
    assert (tmp_path / "a.json").read_bytes() == b"second"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a folder")
    cache_dir.keep_file(tmp_path / "file" / "a.json", b"lost", most=1)
    assert (tmp_path / "file").read_bytes() == b"not a folder"
