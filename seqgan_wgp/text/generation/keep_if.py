"""Ask a program, or a function, which strings to keep.

A program is started for a batch of strings: one string per line on its standard input, written like `--format txt`, and
for each one line on its standard output, 1 to keep the string and 0 to drop it. It ends after the last line. Several
batches run at the same time. So any program will do that reads lines, without regard to buffers.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError, one_line
from .formats import as_txt, printable

KeepIf: TypeAlias = Callable[[Sequence[str]], npt.NDArray[np.bool_]]
"""Strings -> whether each is to be kept."""

BATCH = 4_096
"""Largest number of lines that a program is given."""

_SHOWN = 200
"""Number of characters of a program's message that are shown."""

_AGAIN = "correct it; with --continue FILE the same command then goes on from where it stopped"


@final
@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that decides, called with any number of strings.

    Args:
        command: the program and its arguments, as in a shell, but no shell runs it.
        seconds: time limit of a batch.
        jobs: number of batches that run at the same time; None: one for each processor core.

    Raises:
        ConfigError: at once, no such program, or an invalid number. When called: it failed, took too long, or did not
            write one line of 0 or 1 for each string.
    """

    command: str
    seconds: float = 60.0
    jobs: int | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigError(f"--keep-if-seconds is {self.seconds:g}, but it must be above 0")
        if self.jobs is not None and self.jobs < 1:
            raise ConfigError(f"--keep-if-jobs is {self.jobs}, but it must be at least 1")
        words = self.words
        if not words or shutil.which(words[0]) is None:
            raise ConfigError(
                f"--keep-if {printable(self.command)!r}: there is no such program", "give a program that can be run"
            )

    @property
    def words(self) -> list[str]:
        """The program and its arguments."""
        try:
            return shlex.split(self.command)
        except ValueError as error:
            raise ConfigError(f"--keep-if {printable(self.command)!r}: {one_line(error)}", "correct it") from None

    @property
    def workers(self) -> int:
        """Number of batches that run at the same time."""
        return self.jobs or os.cpu_count() or 1

    def __call__(self, strings: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return whether each string (N,) is to be kept, in order."""
        size = max(1, min(BATCH, -(-len(strings) // self.workers)))
        batches = [strings[first : first + size] for first in range(0, len(strings), size)]
        with ThreadPoolExecutor(self.workers) as pool:
            return np.concatenate([np.zeros(0, np.bool_), *pool.map(self._batch, batches)])

    def _batch(self, strings: Sequence[str]) -> npt.NDArray[np.bool_]:
        given = "".join(as_txt(string) + "\n" for string in strings).encode("utf-8", "replace")
        try:
            done = subprocess.run(self.words, input=given, capture_output=True, timeout=self.seconds, check=False)
        except subprocess.TimeoutExpired:
            what = f"took more than {self.seconds:g} seconds for {len(strings):,} lines"
            raise self._failed(what, "give it more time with --keep-if-seconds, or make it faster") from None
        except OSError as error:
            raise self._failed(f"cannot be run ({one_line(error)})", _AGAIN) from None
        if done.returncode:
            said = printable(done.stderr.decode("utf-8", "replace").strip()[-_SHOWN:])
            raise self._failed(f"failed with exit code {done.returncode}" + (f": {said}" if said else ""), _AGAIN)
        answers = done.stdout.split()
        if len(answers) != len(strings):
            what = f"wrote {len(answers):,} answers to {len(strings):,} lines"
            raise self._failed(what, "it must write one line for each line that it reads: 1 to keep it, 0 to drop it")
        for string, answer in zip(strings, answers, strict=True):
            if answer not in (b"0", b"1"):
                shown = printable(answer[:_SHOWN].decode("utf-8", "replace"))
                raise self._failed(f"wrote {shown!r} about {printable(string)!r}", "it must write 1 or 0")
        return np.array([answer == b"1" for answer in answers], np.bool_)

    def _failed(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(f"the program of --keep-if, {printable(self.command)!r}, {what}", remedy)


def each(function: Callable[[str], object]) -> KeepIf:
    """Return the decision of a function of one string, whose result counts as true or false."""
    return lambda strings: np.array([bool(function(string)) for string in strings], np.bool_)
