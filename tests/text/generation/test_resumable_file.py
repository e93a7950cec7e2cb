"""A file that stopped anywhere goes on and ends as the file of one run; nothing of anybody else's is touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.text.generation.request import Progress
from seqgan_wgp.text.generation.resumable_file import ResumableFile

Contents = Callable[[Path], dict[str, bytes | None]]

REQUEST: dict[str, Any] = {"--seed": 0, "--unique": True, "--not-in": ["ab"], "--shard": None, "--length": (1, 2)}
FIRST = Progress(next=100)
LINES = [f"line {k}\n".encode() * (k % 3) for k in range(16)]


def steps(begun: Progress) -> Iterator[tuple[bytes, Progress]]:
    """Yield lines and progress as a stream of strings does: `next` counts them."""
    for place in range(begun.next - FIRST.next, len(LINES)):
        strings = sum(lines.count(b"\n") for lines in LINES[: place + 1])
        yield LINES[place], Progress(strings=strings, next=FIRST.next + place + 1, idle=place)


def opened(file: Path, **changes: Any) -> ResumableFile:
    arguments: dict[str, Any] = {"header": b"text\n", "every_seconds": 1e9, **changes}
    return ResumableFile(file, arguments.pop("request", REQUEST), FIRST, **arguments)


def written(file: Path, *, most: int = 1_000, **changes: Any) -> bytes:
    with opened(file, **changes) as one:
        for count, step in enumerate(steps(one.begun)):
            if count == most:
                break
            one.write(*step)
    return file.read_bytes()


def test_a_file_has_all_lines_and_an_index_that_says_so(tmp_path: Path, contents: Contents) -> None:
    file = tmp_path / "out.txt"
    assert written(file) == b"text\n" + b"".join(LINES)
    assert sorted(contents(tmp_path)) == ["out.txt", "out.txt.index"]
    index = json.loads((tmp_path / "out.txt.index").read_text())
    assert (index["bytes"], index["at"]) == (file.stat().st_size, asdict(Progress(strings=15, next=116, idle=15)))
    assert index["request"] == {**REQUEST, "--length": [1, 2]}


@pytest.mark.parametrize("every_seconds", [0.0, 1e9])
def test_killed_anywhere_it_goes_on_to_the_same_file(every_seconds: float, tmp_path: Path) -> None:
    """A kill leaves what was on disk at some moment; here every moment between two writes, and half-written lines."""
    whole = written(tmp_path / "whole.txt")
    for most in range(0, len(LINES), 3):
        folder = tmp_path / str(most)
        folder.mkdir()
        with opened(tmp_path / "part.txt", overwrite=True, every_seconds=every_seconds) as one:
            for _, step in zip(range(most), steps(one.begun), strict=False):
                one.write(*step)
            one._file.flush()
            for name in ("part.txt", "part.txt.index"):
                shutil.copy(tmp_path / name, folder / name)
        (folder / ".part.txt.index.new").write_bytes(b"{half")
        with (folder / "part.txt").open("ab") as file:
            file.write(b"lin")
        assert written(folder / "part.txt") == whole
        assert not (folder / ".part.txt.index.new").exists()


def test_killed_before_there_is_a_file_it_begins(tmp_path: Path) -> None:
    with opened(tmp_path / "out.txt"):
        shutil.copy(tmp_path / "out.txt.index", tmp_path / "b.txt.index")
    (tmp_path / "c.txt").touch()
    assert written(tmp_path / "b.txt") == written(tmp_path / "c.txt") == written(tmp_path / "d.txt")


def test_stopped_by_an_error_it_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), opened(file) as one:
            for _, step in zip(range(5), steps(one.begun), strict=False):
                one.write(*step)
            raise KeyboardInterrupt
    assert written(file) == written(tmp_path / "whole.txt")


def test_what_fails_before_the_first_string_leaves_nothing(tmp_path: Path, contents: Contents) -> None:
    with pytest.raises(ZeroDivisionError), opened(tmp_path / "out.txt") as one:
        one.write(b"", Progress(next=612, idle=512))
        raise ZeroDivisionError
    assert contents(tmp_path) == {}


def test_a_finished_file_stays_as_it_is(tmp_path: Path, contents: Contents) -> None:
    whole = written(tmp_path / "out.txt")
    before = contents(tmp_path)
    assert written(tmp_path / "out.txt") == whole
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--seed": 1}, "was started with --seed 0, not with --seed 1"),
        ({"--unique": False}, "was started with --unique, not with no --unique"),
        ({"--not-in": []}, "was started with --not-in ab, not with no --not-in"),
        ({"--shard": "1/2"}, "was started with no --shard, not with --shard 1/2"),
        ({"--length": (1, 3)}, "was started with --length 1 2, not with --length 1 3"),
        ({"--new": 1}, "was started with no --new, not with --new 1"),
    ],
)
def test_another_request_is_refused(change: dict[str, Any], message: str, tmp_path: Path, contents: Contents) -> None:
    written(tmp_path / "out.txt", most=7)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=message) as caught:
        written(tmp_path / "out.txt", request={**REQUEST, **change})
    assert "--overwrite" in caught.value.remedy
    assert contents(tmp_path) == before
    assert written(tmp_path / "out.txt", request={**REQUEST, **change}, overwrite=True) == written(tmp_path / "b.txt")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, contents: Contents) -> None:
    file = tmp_path / "out.txt"
    file.write_bytes(b"mine\n")
    (tmp_path / "folder").mkdir()
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="already exists and was not written with --continue"):
        written(file)
    with pytest.raises(ConfigError, match="is a folder or a device"):
        written(tmp_path / "folder")
    assert contents(tmp_path) == before
    assert written(file, overwrite=True) == written(tmp_path / "b.txt")


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    whole = written(file)
    file.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError, match=r"has \d+ bytes, but out.txt.index expects \d+"):
        written(file)
    file.unlink()
    with pytest.raises(CheckpointError, match="has 0 bytes"):
        written(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format_version": 1}', '{"format_version": 9}', "\0"])
def test_an_index_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    written(tmp_path / "out.txt", most=7)
    (tmp_path / "out.txt.index").write_text(text)
    with pytest.raises(CheckpointError, match="out.txt.index: (cannot be read|has format 9)"):
        written(tmp_path / "out.txt")


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    with opened(tmp_path / "out.txt"), pytest.raises(ConfigError, match="another process is writing it"):
        written(tmp_path / "out.txt")
    assert written(tmp_path / "out.txt") == written(tmp_path / "b.txt")


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none/out.txt: there is no such folder"):
        written(tmp_path / "none" / "out.txt")
    assert list(tmp_path.iterdir()) == []
