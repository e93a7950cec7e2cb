"""What commands come to one after the other: what the same commands must come to when they run at once."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from seqgan_wgp.runs.folder import RunFolder

from .faulty_commands import Words, called, run_result

RUN = "run"
"""The folder of the run that the commands share, below theirs."""


@dataclass(frozen=True)
class Command:
    """One of the commands on a folder."""

    words: Words
    own: str | None = None
    """What it writes beside the run: a folder, or a file and others whose names begin as the file's."""

    reads: bool = False
    """Does it print what depends on the run, and leave the run as it is?"""


@dataclass(frozen=True)
class _Step:
    """What a command comes to on a run."""

    failed: bool
    printed: str
    run: str
    own: str
    """Pictures of the run, and of what the command writes beside it, afterwards."""


def picture(folder: Path, name: str | None) -> str:
    """Return a hash of a file and those whose names begin as its name, or of what a run or comparison must be.

    Args:
        folder: where they lie.
        name: of the file, run or comparison; None: nothing.
    """
    found = hashlib.sha256()
    for path in _belonging(folder, name):
        found.update(f"{path.name}\n".encode())
        found.update(repr(_of_runs(path)).encode() if path.is_dir() else path.read_bytes())
    return found.hexdigest()


def _of_runs(folder: Path) -> list[object]:
    """Return the results of the runs in a folder, or of the run that it is, and the names of its files."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    results = [run_result(run) for run in (folder, *sorted(folder.iterdir())) if RunFolder(run).config.is_file()]
    return [sorted(name for name in names if "." not in {part[0] for part in Path(name).parts}), *results]


def _belonging(folder: Path, name: str | None) -> list[Path]:
    return [] if name is None else sorted(folder.glob(f"{name}*"))


@final
class SerialOrders:
    """The results of commands on a run, one after the other.

    Args:
        begun: the run that is there at first.
        commands: gives the commands on a folder by name.
        folder: where they are called, which is emptied each time.
        kept: an empty folder, for what they made.
    """

    def __init__(self, begun: Path, commands: Mapping[str, Command], folder: Path, kept: Path) -> None:
        self._commands, self._folder, self._kept = commands, folder, kept
        self._steps: dict[tuple[str, str, str], _Step] = {}
        shutil.copytree(begun, folder / RUN)
        self._first, self._nothing = self._keep(RUN), self._keep(None)

    def explain(self, ended: Sequence[tuple[str, str]], pictures: Mapping[str, str]) -> bool:
        """Say whether some order of commands comes to what they came to at once.

        Args:
            ended: the commands that ended well, and what each of them printed.
            pictures: of the run and of what any command, whether it ended well or not, may have written beside it.
        """
        return any(self._comes_to(order, pictures) for order in itertools.permutations(ended))

    def _comes_to(self, order: Sequence[tuple[str, str]], pictures: Mapping[str, str]) -> bool:
        state = {**dict.fromkeys(pictures, self._nothing), RUN: self._first}
        for name, printed in order:
            command = self._commands[name]
            step = self._step(name, state[RUN], state.get(command.own or "", self._nothing))
            if step.failed or (command.reads and step.printed != printed):
                return False
            state[RUN] = step.run
            if command.own is not None:
                state[command.own] = step.own
        return state == pictures

    def _step(self, name: str, run: str, own: str) -> _Step:
        key = (name, run, own)
        if key not in self._steps:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()
            for kept in {run, own}:
                shutil.copytree(self._kept / kept, self._folder, dirs_exist_ok=True)
            command = self._commands[name]
            found = called(*command.words)
            failed = bool(found.code or found.error)
            self._steps[key] = _Step(failed, found.printed, self._keep(RUN), self._keep(command.own))
        return self._steps[key]

    def _keep(self, name: str | None) -> str:
        """Keep a run or files, and return their picture."""
        found = picture(self._folder, name)
        if not (self._kept / found).exists():
            (self._kept / found).mkdir()
            for path in _belonging(self._folder, name):
                copy: Callable[..., object] = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, self._kept / found / path.name)
        return found
