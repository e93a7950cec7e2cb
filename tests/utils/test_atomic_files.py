"""Files and folders take their place whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.utils.atomic_files import check_file, new_file, new_folder


def test_a_file_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with new_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    with pytest.raises(RuntimeError, match="boom"), new_file(path) as file:
        file.write(b"half")
        raise RuntimeError("boom")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    check_file(tmp_path / "new", overwrite=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_bytes(b"old")
    check_file(tmp_path / "old", overwrite=True)
    assert (tmp_path / "old").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "old"]


@pytest.mark.parametrize(
    ("name", "overwrite", "message"),
    [
        ("file", False, "exists already"),
        ("folder", True, "is a folder or a device"),
        ("none/file", False, "cannot be written"),
        ("file/in it", False, "cannot be written"),
        ("n" * 5_000, False, "cannot be written"),
    ],
)
def test_a_file_that_may_not_be_written_is_told_with_a_remedy(
    name: str, overwrite: bool, message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=message) as caught:
        check_file(tmp_path / name, overwrite=overwrite)
    assert "choose another -o" in caught.value.remedy
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_takes_the_place_of_a_former_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    for name in ("one", "two"):
        with new_folder(path, "-o") as folder:
            (folder / name).write_text("x")
        assert [each.name for each in path.iterdir()] == [name]
        assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_fails_leaves_the_former_one_and_nothing_else(tmp_path: Path) -> None:
    with new_folder(tmp_path / "folder", "-o") as folder:
        (folder / "old").write_text("x")
    for path in (tmp_path / "folder", tmp_path / "deep" / "new"):
        with pytest.raises(KeyboardInterrupt), new_folder(path, "-o") as folder:
            (folder / "half").write_text("x")
            raise KeyboardInterrupt
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["folder", "folder/old"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be written") as caught, new_folder(tmp_path / "file" / "in", "--out"):
        pass
    assert caught.value.remedy == "choose another --out"
