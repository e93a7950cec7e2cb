"""A share of the injected errors and crashes of `python -m benchmarks.fault_injection`, and that it finds faults."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from benchmarks.crash_replay import Disk, Recorder
from benchmarks.fault_injection import crashed, injected
from benchmarks.faulty_commands import Job, called, eager_saving, jobs, run_result
from benchmarks.file_calls import Call, watched
from seqgan_wgp.runs import checkpoint
from seqgan_wgp.utils.tensor_file import write_tensor_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="paths of open files are read from /proc")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Job]]:
    """Return a function that gives a command by name, saving after every step."""
    with eager_saving(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {one.name: one for one in jobs(tmp_path_factory.mktemp("base").resolve())}
        yield found.__getitem__


@pytest.mark.parametrize(
    ("name", "fault", "every"),
    [
        ("train", "ENOSPC", 61),
        ("train --overwrite", "EIO", 151),
        ("resume", "EIO", 71),
        ("generate --continue", "ENOSPC", 25),
        ("generate -o", "EINTR", 5),
    ],
)
def test_errors_of_the_system_lose_nothing(
    name: str, fault: str, every: int, job: Callable[[str], Job], tmp_path: Path
) -> None:
    tried, faults = injected(job(name), tmp_path.resolve(), fault, every, first=every // 2 + 1)
    assert tried >= 1
    assert faults == []


def test_crashes_lose_nothing(job: Callable[[str], Job], tmp_path: Path) -> None:
    tried, faults = crashed(job("resume"), tmp_path.resolve(), every=9)
    assert tried == 3
    assert faults == []


def test_a_fault_is_found(
    job: Callable[[str], Job], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "file"

    def careless(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        write_tensor_file(elsewhere, tensors, facts)
        path.write_bytes(elsewhere.read_bytes())

    monkeypatch.setattr(checkpoint, "write_tensor_file", careless)
    faults = crashed(job("resume"), tmp_path.resolve(), every=4)[1]
    assert any("data lost" in fault for fault in faults)


def test_recorded_calls_make_the_same_folder(job: Callable[[str], Job], tmp_path: Path) -> None:
    folder, recorder, one = tmp_path.resolve() / "at", Recorder(), job("train --overwrite")
    folder.mkdir()
    one.prepare(folder)
    disk = Disk(folder)
    with watched(folder, recorder):
        assert called(*one.command(folder)).code == 0
    for call in recorder.calls:
        disk.make(call)
    disk.write(tmp_path / "copy", "kept")
    files = {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))
    }
    copied = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")}
    assert copied == set(files)
    assert run_result(tmp_path / "copy" / "run") == one.result(folder)


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("kept", {"a": b"new", "b": b"12", "d": b"34"}),
        ("data lost", {"a": b"old", "b": b"", "d": b""}),
        ("names lost", {"d": b""}),
    ],
)
def test_what_was_not_synced_is_lost(state: str, left: dict[str, bytes], tmp_path: Path) -> None:
    folder, recorder = tmp_path.resolve() / "at", Recorder()
    folder.mkdir()
    (folder / "d").write_text("there", encoding="utf-8")
    disk = Disk(folder)
    with watched(folder, recorder):
        with (folder / "a").open("wb") as file:
            file.write(b"old")
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            file.write(b"new")
        (folder / "c").write_text("12", encoding="utf-8")
        (folder / "c").rename(folder / "b")
        (folder / "d").write_text("34", encoding="utf-8")
    for call in recorder.calls:
        disk.make(call)
    disk.write(tmp_path / "left", state)
    assert {path.name: path.read_bytes() for path in (tmp_path / "left").iterdir()} == left


def test_every_call_is_seen_and_can_fail(tmp_path: Path) -> None:
    folder, kinds, refused = tmp_path.resolve(), list[str](), set[str]()

    class Refusing(Recorder):
        def before(self, call: Call) -> None:
            kinds.append(call.kind)
            if call.kind in refused:
                raise OSError(5, "no more")

    with watched(folder, Refusing()):
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
        (folder / "made").mkdir()
        (folder / "made" / "one").write_text("1", encoding="utf-8")
        os.link(folder / "made" / "one", folder / "two")
        (folder / "two").replace(folder / "three")
        with (folder / "three").open("r+b") as kept:
            kept.truncate(0)
            os.fsync(kept.fileno())
        (folder / "three").unlink()
        (folder / "made" / "one").unlink()
        (folder / "made").rmdir()
        assert kinds[:2] == ["open", "write"]
        assert set(kinds) == {"open", "write", "mkdir", "link", "rename", "truncate", "fsync", "unlink", "rmdir"}
        refused.add("mkdir")
        with pytest.raises(OSError, match="no more"):
            (folder / "never").mkdir()
        assert not (folder / "never").exists()
