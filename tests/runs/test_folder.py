"""Run folders: names, claims, locks, and nothing half-made or lost."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.runs.folder import CONFIG, RunFolder, claimed_number, claimed_run, open_run
from seqgan_wgp.utils import claimed_folder

A_CONFIG = '{"format_version": 1}'


def fill(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Make a run of three files, all of which say the same."""
    with claimed_run(path, overwrite=overwrite) as claim, claim.filling() as folder:
        (folder / "ids.npy").write_text(text)
        (folder / "samples").mkdir()
        (folder / "samples" / "00000001.txt").write_text(text)
        (folder / CONFIG).write_text(A_CONFIG.replace("1", text))


def texts(path: Path) -> set[str]:
    """Return what the files of a run say."""
    own = [entry for entry in path.iterdir() if entry.name not in claimed_folder.OWN_NAMES | {CONFIG}]
    files = [file for entry in own for file in (entry.rglob("*") if entry.is_dir() else [entry])]
    found = {file.read_text() for file in files}
    return found | {(path / CONFIG).read_text().partition(": ")[2].rstrip("}")}


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_numbers_go_up_and_fill_no_gap_that_is_taken(tmp_path: Path) -> None:
    for taken in ("x-001", "x-002", "x-old"):
        (tmp_path / taken).mkdir()
    with claimed_number(tmp_path, "x") as three, claimed_number(tmp_path, "x") as four:
        assert (three.path, four.path) == (tmp_path / "x-003", tmp_path / "x-004")
    assert names(tmp_path) == {"x-001", "x-002", "x-old"}
    with claimed_number(tmp_path / "none", "x") as first, first.filling() as folder:
        (folder / CONFIG).write_text(A_CONFIG)
    assert names(tmp_path / "none" / "x-001") == {CONFIG, ".lock"}


def test_a_folder_is_claimed_before_it_is_filled_and_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run"
    with claimed_run(target) as claim:
        for overwrite in (False, True):
            with pytest.raises(ConfigError, match="another process"), claimed_run(target, overwrite=overwrite):
                pass
        with pytest.raises(CheckpointError, match="has not been prepared yet"):
            open_run(target)
        with claim.filling() as folder:
            (folder / "ids.npy").write_text("x")
            (folder / CONFIG).write_text(A_CONFIG)
            assert not (target / "ids.npy").exists()
        with pytest.raises(ConfigError, match="another process"), open_run(target).locked():
            pass
    assert names(target) == {"ids.npy", CONFIG, ".lock"}
    assert names(target.parent) == {"run"}


@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_no_trace(tmp_path: Path, there: bool) -> None:
    run = tmp_path / "a" / "b" / "run"
    if there:
        run.mkdir(parents=True)
    with pytest.raises(RuntimeError, match="boom"), claimed_run(run) as claim, claim.filling() as folder:
        (folder / "ids.npy").write_text("x")
        raise RuntimeError("boom")
    assert list(tmp_path.rglob("*")) == ([tmp_path / "a", tmp_path / "a" / "b", run] if there else [])


def test_a_failure_leaves_the_run_that_was_to_be_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "run", "1")
    with (
        pytest.raises(RuntimeError, match="boom"),
        claimed_run(tmp_path / "run", overwrite=True) as claim,
        claim.filling(),
    ):
        raise RuntimeError("boom")
    assert texts(tmp_path / "run") == {"1"}
    fill(tmp_path / "run", "2", overwrite=True)
    assert texts(tmp_path / "run") == {"2"}


class Killed(BaseException):
    """A process that ends here, without cleaning up."""


def killed_before(place: int, run: Path, patch: pytest.MonkeyPatch) -> bool:
    """Replace or make a run and end before rename or deletion number `place`; say whether there was one."""
    left = iter(range(place))

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object) -> object:
            if next(left, None) is None:
                raise Killed
            return real(*args)

        return step

    for name in ("rename", "replace", "rmdir"):
        patch.setattr(Path, name, dying(getattr(Path, name)))
    # Whoever is killed cleans nothing up.
    patch.setattr(claimed_folder, "_remove", dying(claimed_folder._remove))
    patch.setattr(claimed_folder, "_forget", lambda _path: None)
    try:
        fill(run, "2", overwrite=True)
    except Killed:
        return True
    return False


def failed_at(place: int, run: Path, patch: pytest.MonkeyPatch) -> bool:
    """Replace a run where rename, mkdir or rmdir number `place` fails, once; say whether there was one."""
    count, failed = itertools.count(), list[int]()

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **options: object) -> object:
            if next(count) == place:
                failed.append(place)
                raise OSError(5, "Input/output error")
            return real(*args, **options)

        return step

    for name in ("rename", "replace", "mkdir", "rmdir"):
        patch.setattr(Path, name, failing(getattr(Path, name)))
    with contextlib.suppress(OSError, ConfigError):
        fill(run, "2", overwrite=True)
    return bool(failed)


def test_a_system_call_that_fails_at_any_place_leaves_the_former_run_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, failed, place = set[str](), True, 0
    while failed:
        run = tmp_path / str(place)
        fill(run, "1")
        with monkeypatch.context() as patch:
            failed = failed_at(place, run, patch)
        found = texts(open_run(run).path)
        assert len(found) == 1
        seen |= found
        assert names(run) == {"ids.npy", "samples", CONFIG, ".lock"}
        place += 1
    assert place > 8
    assert seen == {"1", "2"}


@pytest.mark.parametrize("there", [True, False])
def test_killed_at_any_place_leaves_the_former_run_or_the_new_one(
    tmp_path: Path, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, killed, place = set[str](), True, 0
    while killed:
        run = tmp_path / str(place)
        if there:
            fill(run, "1")
        with monkeypatch.context() as patch:
            killed = killed_before(place, run, patch)
        if not there and not (run / CONFIG).is_file() and not claimed_folder.is_unsettled(run):
            fill(run, "3")  # nothing had been there, so the same command goes on without --overwrite
        found = texts(open_run(run).path)
        assert len(found) == 1
        seen |= found
        fill(run, "4", overwrite=True)
        assert texts(run) == {"4"}
        assert names(run) == {"ids.npy", "samples", CONFIG, ".lock"}
        place += 1
    assert place > 8
    assert seen == ({"1", "2"} if there else {"2", "3"})


@pytest.mark.parametrize("left", [".ready", ".former"])
def test_what_a_killed_process_left_behind_a_whole_run_goes_when_the_run_is_used(tmp_path: Path, left: str) -> None:
    run = tmp_path / "run"
    fill(run, "1")
    (run / left).mkdir()
    if left == ".former":
        (run / left / "ids.npy").write_text("0")
    with open_run(run).locked():
        assert names(run) == {"ids.npy", "samples", CONFIG, ".lock"}
    assert texts(run) == {"1"}


def test_what_is_there_is_protected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, overwrite, words in (
        (tmp_path / "file", True, "is a file"),
        (tmp_path, False, "is not empty"),
        (tmp_path, True, "is not a run"),
        (tmp_path / "file" / "run", False, "is a file, not a folder"),
        (tmp_path / "a\0b", False, "cannot be written"),
        (tmp_path / "\ud800", False, "cannot be written"),
        (tmp_path / ("x" * 300), False, "cannot be written"),
    ):
        with pytest.raises(ConfigError, match=words), claimed_run(path, overwrite=overwrite):
            pass
    assert names(tmp_path) == {"file"}


@pytest.mark.parametrize("config", ["{}", "[1]", "not json", '{"name": "mine"}', "[" * 100_000])
def test_a_config_of_something_else_makes_no_run(tmp_path: Path, config: str) -> None:
    (tmp_path / CONFIG).write_text(config)
    with pytest.raises(ConfigError, match="is not a run"), claimed_run(tmp_path, overwrite=True):
        pass
    assert (tmp_path / CONFIG).read_text() == config
    assert names(tmp_path) == {CONFIG}


def test_a_run_with_a_users_file_in_it_is_not_deleted(tmp_path: Path) -> None:
    fill(tmp_path / "run", "1")
    with claimed_run(tmp_path / "run", overwrite=True):
        pass
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"), claimed_run(tmp_path / "run", overwrite=True):
        pass
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(A_CONFIG)
    run = RunFolder(tmp_path)
    with run.locked():
        with pytest.raises(ConfigError, match="another process"), RunFolder(tmp_path).locked():
            pass
        with pytest.raises(ConfigError, match="another process"), claimed_run(tmp_path, overwrite=True):
            pass
        with RunFolder(tmp_path, held=True).locked():
            pass
    with run.locked():
        pass


def claimant(run: Path, text: str, seconds: float, told: Queue[tuple[str, str]]) -> None:
    """Try to make a run, taking some time over it, and tell how it went."""
    time.sleep(seconds)
    try:
        with claimed_run(run, overwrite=text == "9") as claim, claim.filling() as folder:
            (folder / "ids.npy").write_text(text)
            time.sleep(seconds / 2)
            (folder / CONFIG).write_text(A_CONFIG.replace("1", text))
            held = RunFolder(run, held=True)
        with held.locked():
            told.put((text, "whole"))
    except ConfigError as error:
        told.put((text, error.message))


def test_of_many_that_claim_a_folder_each_has_it_whole_or_is_refused(tmp_path: Path) -> None:
    choice, context = random.Random(0), multiprocessing.get_context("fork")
    for number in range(8):
        told: Queue[tuple[str, str]] = context.Queue()
        run = tmp_path / str(number)
        processes = [
            context.Process(target=claimant, args=(run, text, choice.random() / 50, told)) for text in ("2", "3", "9")
        ]
        for process in processes:
            process.start()
        ends = dict(told.get(timeout=60) for _ in processes)
        for process in processes:
            process.join()
        whole = {text for text, end in ends.items() if end == "whole"}
        assert all("another process" in end or "not empty" in end for end in ends.values() if end != "whole")
        assert whole & {"2", "3"} != {"2", "3"}
        assert len(whole) >= 1
        assert texts(run) <= whole
        assert len(texts(run)) == 1


def test_a_folder_without_a_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a run folder"):
        open_run(tmp_path)
    with pytest.raises(CheckpointError, match="no such run folder"):
        open_run(tmp_path / "missing")
