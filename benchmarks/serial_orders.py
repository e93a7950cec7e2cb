"""What commands come to one after the other: what the same commands must come to when they run at once."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from seqgan_wgp.runs.folder import BEST, CONFIG, MODEL, RunFolder
from seqgan_wgp.utils.tensor_file import read_tensor_file

from .faulty_commands import Words, called, run_result
from .file_calls import Call, watched

RUN = "run"
"""The folder of the run that the commands share, below theirs."""


@dataclass(frozen=True)
class Command:
    """One of the commands on a folder."""

    words: Words
    own: str | None = None
    """What it writes beside the run: a folder, or a file and others whose names begin as the file's."""

    changes: bool = False
    """Does it write to the run?"""

    prints: bool = False
    """Does the run alone determine what it prints?"""


@dataclass(frozen=True)
class _Step:
    """What a command comes to on a run: pictures of the run and of what the command writes beside it, afterwards."""

    failed: bool
    printed: str
    run: str
    own: str
    between: tuple[str, ...]
    """Names of the states of the run that others could read while the command ran."""


def picture(folder: Path, name: str | None) -> str:
    """Return a hash of a file and those whose names begin as its name, or of what a run or comparison must be.

    Args:
        folder: where they lie.
        name: of the file, run or comparison; None: nothing.
    """
    found = hashlib.sha256()
    for path in _belonging(folder, name):
        found.update(f"{path.name}\n".encode())
        found.update(repr(_of_runs(path)).encode() if path.is_dir() else _of_file(path))
    return found.hexdigest()


def _of_file(path: Path) -> bytes:
    """Return the bytes of a file; of a model what does not depend on the seconds of its training."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    tensors, facts = read_tensor_file(path)
    numbers = {name: tensor.numpy().tobytes() for name, tensor in sorted(tensors.items())}
    return repr((numbers, sorted({**facts, "seconds": 0}.items()))).encode()


def _of_runs(folder: Path) -> list[object]:
    """Return the results of the runs in a folder, or of the run that it is, and the names of its files."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    results = [run_result(run) for run in (folder, *sorted(folder.iterdir())) if RunFolder(run).config.is_file()]
    return [sorted(name for name in names if "." not in {part[0] for part in Path(name).parts}), *results]


def _belonging(folder: Path, name: str | None) -> list[Path]:
    return [] if name is None else sorted(folder.glob(f"{name}*"))


@final
class _Saves:
    """An observer that copies a run whenever a file of it that others read has been replaced."""

    def __init__(self, run: Path, kept: Path) -> None:
        self._run, self._kept = run, kept
        self.names: list[str] = []

    def before(self, call: Call) -> None:
        """Do nothing."""

    def after(self, call: Call) -> None:
        """Copy the run after a file has got one of the names."""
        if call.kind == "rename" and call.to is not None and call.to.name in (MODEL, BEST, CONFIG):
            self.names.append(f"between-{len(list(self._kept.iterdir()))}")
            shutil.copytree(self._run, self._kept / self.names[-1] / RUN)


@final
class SerialOrders:
    """The results of commands on a run, one after the other.

    Args:
        begun: the run that is there at first.
        commands: the commands on a folder by name.
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

        Those that only read the run may have read what another had saved so far.

        Args:
            ended: the commands that ended well, and what each of them printed.
            pictures: of the run and of what any command, whether it ended well or not, may have written beside it.
        """
        writers = [name for name, _printed in ended if self._commands[name].changes]
        readers: dict[str | None, list[tuple[str, str]]] = {own: [] for own in pictures if own != RUN}
        for name, printed in ended:
            if not self._commands[name].changes:
                readers.setdefault(self._commands[name].own, []).append((name, printed))
        return any(
            states[-1] == pictures[RUN]
            and all(self._have_read(group, states, pictures.get(own or "")) for own, group in readers.items())
            for states in map(self._states, itertools.permutations(writers))
            if states
        )

    def _have_read(self, group: Sequence[tuple[str, str]], states: Sequence[str], last: str | None) -> bool:
        """Say whether some order of commands that read the run prints and leaves what they did."""
        orders = itertools.permutations(group)
        return any(self._read(order, states, self._nothing, last or self._nothing) for order in orders)

    def _states(self, order: Sequence[str]) -> list[str]:
        """Return the states of the run while commands change it one after the other; none if one of them cannot."""
        states = [self._first]
        for name in order:
            step = self._step(name, states[-1], self._nothing)
            if step.failed:
                return []
            states += [*step.between, step.run]
        return states

    def _read(self, order: Sequence[tuple[str, str]], states: Sequence[str], own: str, last: str) -> bool:
        """Say whether commands that read the run, each in some state, print what they did and leave what they left."""
        if not order:
            return own == last
        (name, printed), *rest = order
        for state in states:
            step = self._step(name, state, own)
            same = not step.failed and (step.printed == printed or not self._commands[name].prints)
            if same and self._read(rest, states, step.own, last):
                return True
        return False

    def _step(self, name: str, run: str, own: str) -> _Step:
        key = (name, run, own)
        if key not in self._steps:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()
            for kept in {run, own}:
                shutil.copytree(self._kept / kept, self._folder, dirs_exist_ok=True)
            command, saves = self._commands[name], _Saves(self._folder / RUN, self._kept)
            with watched(self._folder / RUN, saves) if command.changes else contextlib.nullcontext():
                found = called(*command.words)
            self._steps[key] = _Step(
                failed=bool(found.code or found.error),
                printed=found.printed,
                run=self._keep(RUN) if command.changes else run,
                own=self._keep(command.own),
                between=tuple(saves.names),
            )
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
