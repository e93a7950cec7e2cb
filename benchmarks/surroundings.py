"""Commands on a run that was moved or is read-only, without locks, with a wrong clock, or with another corpus."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

from seqgan_wgp.text.adapter import PreparedText

from .drill_limits import not_hanging
from .faulty_commands import STEPS, Ended, Words, called, eager_saving, jobs, run_result
from .file_calls import Call, watched

Surrounding = Callable[[Path], AbstractContextManager[Path]]
"""Changes what is around a run's folder, and gives where the folder is then."""


def reading(run: Path, beside: Path) -> dict[str, Words]:
    """Return the commands that read a run. Args: beside: a folder for what they write."""
    few: Words = ["--samples", "60", "--guesses", "60", "--orders", "2", "--c2st-steps", "0", "--baseline-seconds", "0"]
    return {
        "generate": ["generate", run, "-n", "20"],
        "generate --best": ["generate", run, "-n", "20", "--best", "--scores"],
        "generate -o": ["generate", run, "-n", "20", "-o", beside / "strings.txt", "--overwrite"],
        "evaluate": ["evaluate", run, *few],
        "score": ["score", run, beside / "lines.txt"],
        "similar": ["similar", run, "line7", "-n", "3"],
        "interpolate": ["interpolate", run, "1", "2"],
        "export": ["export", run, "--slim", "-o", beside / "slim.safetensors", "--overwrite"],
        "report -o": ["report", run, "-o", beside / "report.html", "--overwrite"],
    }


def writing(run: Path) -> dict[str, Words]:
    """Return the commands that change a run."""
    return {
        "resume": ["resume", run, "--steps", str(STEPS + 2)],
        "refine": ["refine", run, "--steps", "1"],
        "fuse": ["fuse", run, "--new", "0", "--different", "0"],
        "report": ["report", run],
    }


@contextlib.contextmanager
def _moved(run: Path) -> Iterator[Path]:
    (run.parent / "another place").mkdir()
    yield run.rename(run.parent / "another place" / "named anew")


class _ReadOnly:
    """An observer that lets no call change anything."""

    def before(self, call: Call) -> None:
        """Raise OSError unless the call only reads."""
        if call.kind != "open" or call.creates or call.empties:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(call.path))

    def after(self, call: Call) -> None:
        """Do nothing."""


@contextlib.contextmanager
def _read_only(run: Path) -> Iterator[Path]:
    with watched(run, _ReadOnly()):
        yield run


def _no_lock(*_args: object, **_options: object) -> None:
    raise NotImplementedError


@contextlib.contextmanager
def _without_locks(run: Path) -> Iterator[Path]:
    with mock.patch("filelock.FileLock.acquire", _no_lock):
        yield run


@contextlib.contextmanager
def _clock_set_back(run: Path) -> Iterator[Path]:
    for path in run.rglob("*"):
        os.utime(path, (4e9, 4e9))  # the year 2096
    with mock.patch("time.time", lambda: 0.0), mock.patch("time.time_ns", lambda: 0):
        yield run


@contextlib.contextmanager
def _corpus_replaced(run: Path) -> Iterator[Path]:
    corpus = run.parents[1] / "base" / "lines.txt"
    former = corpus.read_bytes()
    corpus.write_text("".join(f"other{number}\n" for number in range(500)), encoding="utf-8")
    try:
        yield run
    finally:
        corpus.write_bytes(former)


@contextlib.contextmanager
def _corpus_gone(run: Path) -> Iterator[Path]:
    corpus = run.parents[1] / "base" / "lines.txt"
    former = corpus.read_bytes()
    corpus.unlink()
    try:
        yield run
    finally:
        corpus.write_bytes(former)


SURROUNDINGS: dict[str, Surrounding] = {
    "folder moved": _moved,
    "folder read-only": _read_only,
    "no locks": _without_locks,
    "clock set back": _clock_set_back,
    "corpus replaced since": _corpus_replaced,
    "corpus gone": _corpus_gone,
}


def surroundings(
    only: Container[str] | None = None, commands: Container[str] | None = None
) -> dict[str, tuple[int, list[str]]]:
    """Call every command in every surrounding; return for each how many were called, and what was not survived.

    Args:
        only: names of SURROUNDINGS; None: all.
        commands: names of commands; None: all.
    """
    found: dict[str, tuple[int, list[str]]] = {}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), eager_saving():
        warnings.simplefilter("ignore")
        scratch = Path(name).resolve()
        (scratch / "base").mkdir()
        jobs(scratch / "base")
        begun = scratch / "base" / "begun"
        names = [name for name in _names(begun) if commands is None or name in commands]
        right = {name: _outcome(begun, name, scratch / "right", contextlib.nullcontext) for name in names}
        for title, surrounding in SURROUNDINGS.items():
            if only is not None and title not in only:
                continue
            faults = []
            for command, expected in right.items():
                outcome = _outcome(begun, command, scratch / "at", surrounding)
                refused = surrounding is _read_only and command in writing(begun)
                problem = _refusal(outcome) if refused else _difference(outcome, expected)
                faults += [f"{title}, {command}: {problem}"] * (problem is not None)
            found[title] = (len(right), faults)
        found["corpus replaced between the passes"] = (1, _between_passes(scratch))
    return found


def _names(run: Path) -> list[str]:
    return [*reading(run, run), *writing(run)]


Outcome = tuple[Ended, str, Any, Any]
"""How a command ended, what it printed, and the run before and after it."""


def _outcome(begun: Path, command: str, folder: Path, surrounding: Callable[[Path], Any]) -> Outcome:
    shutil.copytree(begun, folder / "run")
    shutil.copy(begun.parent / "lines.txt", folder / "lines.txt")
    before = run_result(folder / "run")
    with not_hanging(), surrounding(folder / "run") as at:
        run = at or folder / "run"
        ended = called(*{**reading(run, folder), **writing(run)}[command])
        printed = ended.printed.replace(str(run), "RUN").replace(str(folder), "FOLDER")
        after = run_result(run)
    shutil.rmtree(folder)
    return ended, printed, before, after


def _difference(found: Outcome, right: Outcome) -> str | None:
    if found[0].error or found[0].code:
        return found[0].error or found[0].told[-200:].strip()
    return None if found[1:] == right[1:] else "another result"


def _refusal(found: Outcome) -> str | None:
    ended, _, before, after = found
    if ended.error or ended.code == 0 or "error:" not in ended.told:
        return ended.error or f"exit code {ended.code} without a message"
    return None if before == after else "the run was changed"


def _between_passes(scratch: Path) -> list[str]:
    """Replace the corpus by another of as many lines between the first and the second pass."""
    corpus, run = scratch / "lines.txt", scratch / "run"
    corpus.write_text("".join(f"line{number}\n" for number in range(300)), encoding="utf-8")
    write = PreparedText.write

    def replacing(self: PreparedText, folder: Path, on_bytes: Any) -> None:
        corpus.write_text("".join(f"LINE{number}\n" for number in range(300)), encoding="utf-8")
        write(self, folder, on_bytes)

    with mock.patch.object(PreparedText, "write", replacing):
        ended = called("train", corpus, "--steps", "1", "--out", run)
    if ended.error or ended.code != 2 or "error:" not in ended.told:
        return [f"corpus replaced between the passes: {ended}"]
    return ["corpus replaced between the passes: a folder was left"] if run.exists() else []
