"""Train by processes of the command `train`, one at a time; further runs wait in a queue.

A run is paused by a signal on which the command saves, and resumed by `resume`. So what the studio does can always be
continued from the command line, and the other way round.
"""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, final

from ..config import recipe as recipe_named
from ..errors import ConfigError

MAX_MINUTES, MAX_STEPS = 24 * 60, 10_000_000
MAX_WAITING = 20
"""Largest number of runs that wait."""

_TAIL_BYTES = 4_000
_STOPPED = 130
"""Exit code of a command that was interrupted and has saved."""


class JobState(StrEnum):
    """State of a run in the studio."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


ENDED = (JobState.PAUSED, JobState.DONE, JobState.FAILED)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to train. Raises ConfigError for a number out of range, an unknown recipe, or settings that do not fit."""

    corpus: str
    """As `train` takes it: a name of the catalogue or the path of an uploaded file."""

    name: str
    """What the run's folder is called after."""

    recipe: str = "fast"
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise ConfigError("neither minutes nor rounds are given", "give one of them")
        if self.minutes is not None and not 0 < self.minutes <= MAX_MINUTES:
            raise ConfigError(f"{self.minutes:g} minutes are out of range", f"give up to {MAX_MINUTES:,}")
        if self.steps is not None and not 1 <= self.steps <= MAX_STEPS:
            raise ConfigError(f"{self.steps:,} rounds are out of range", f"give 1 to {MAX_STEPS:,}")
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError(f"the seed {self.seed} is out of range", "give 0 or more")
        recipe_named(self.recipe, self.settings)

    def words(self, run: Path) -> list[str]:
        """Return the arguments of the command that trains in a new folder."""
        words = ["train", self.corpus, "--out", str(run), "--recipe", self.recipe, "--seed", str(self.seed)]
        words += [] if self.minutes is None else ["--minutes", f"{self.minutes:g}"]
        words += [] if self.steps is None else ["--steps", str(self.steps)]
        return words + [word for key, value in self.settings.items() for word in ("--set", f"{key}={value}")]


@final
@dataclass(eq=False)
class Job:
    """A run that the studio trains."""

    run: Path
    words: list[str]
    """Arguments of the command."""

    state: JobState = JobState.WAITING
    error: str = ""
    """What the command said, if it failed."""

    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None


@final
class TrainingQueue:
    """Runs jobs one after another. All methods may be called from any thread.

    Args:
        command: words that start the command, without arguments.
        runs: folder in which new runs are made.
    """

    def __init__(self, command: Sequence[str], runs: Path) -> None:
        self._command, self._runs = list(command), runs
        self._jobs: list[Job] = []
        self._lock = threading.Lock()

    def submit(self, order: Order) -> Job:
        """Put a new run at the end of the queue. Raises ConfigError when too many wait."""
        with self._lock:
            run = self._free_folder(f"{_plain(order.name)}-{order.recipe}")
            return self._put(Job(run, order.words(run)))

    def resume(self, run: Path, *, minutes: float | None = None) -> Job:
        """Put a paused or finished run at the end of the queue, with a later end if given.

        Raises ConfigError when too many wait, or the run is waiting or being trained already.
        """
        with self._lock:
            self._advance()
            if any(job.run == run and job.state not in ENDED for job in self._jobs):
                raise ConfigError(f"{run.name} is already being trained", "wait for it")
            words = ["resume", str(run)] + ([] if minutes is None else ["--minutes", f"{minutes:g}"])
            return self._put(Job(run, words))

    def pause(self, job: Job) -> None:
        """Have a run save and stop; take a waiting one out of the queue. Nothing happens to one that has ended."""
        with self._lock:
            self._advance()
            if job.state == JobState.WAITING:
                job.state = JobState.PAUSED
            elif job.state == JobState.RUNNING and job.process is not None:
                job.state = JobState.PAUSING
                job.process.send_signal(signal.SIGTERM)

    def state(self, job: Job) -> tuple[JobState, int]:
        """Return a job's present state, and how many jobs are before it."""
        with self._lock:
            self._advance()
            ahead = itertools.takewhile(lambda other: other is not job, self._jobs)
            return job.state, sum(other.state not in ENDED for other in ahead)

    def close(self) -> None:
        """Have the present run save, and wait for it; the others are dropped."""
        with self._lock:
            for job in self._jobs:
                if job.state == JobState.WAITING:
                    job.state = JobState.PAUSED
                if job.process is not None and job.process.poll() is None:
                    job.state = JobState.PAUSING
                    job.process.send_signal(signal.SIGTERM)
                    job.process.wait()
            self._advance()

    def _put(self, job: Job) -> Job:
        if sum(other.state == JobState.WAITING for other in self._jobs) >= MAX_WAITING:
            raise ConfigError(f"{MAX_WAITING} runs are waiting already", "try again later")
        self._jobs.append(job)
        self._advance()
        return job

    def _advance(self) -> None:
        """Take note of a process that has ended, and start the next job where none runs."""
        for job in self._jobs:
            if job.process is not None and job.state not in ENDED and job.process.poll() is not None:
                _settle(job)
        if any(job.state in (JobState.RUNNING, JobState.PAUSING) for job in self._jobs):
            return
        for job in self._jobs:
            if job.state == JobState.WAITING:
                job.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the process has ended
                job.process = subprocess.Popen(
                    [*self._command, *job.words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=job.log
                )
                job.state = JobState.RUNNING
                break
        self._jobs = [job for job in self._jobs if job.state not in ENDED]

    def _free_folder(self, stem: str) -> Path:
        taken = {job.run for job in self._jobs}
        runs = (self._runs / f"{stem}-{k:03d}" for k in itertools.count(1))
        return next(run for run in runs if run not in taken and not run.exists())


def _settle(job: Job) -> None:
    """Set the state of a job whose process has ended."""
    assert job.process is not None and job.log is not None
    code = job.process.returncode
    job.state = JobState.DONE if code == 0 else JobState.PAUSED if code == _STOPPED else JobState.FAILED
    if job.state == JobState.FAILED:
        size = job.log.seek(0, 2)
        job.log.seek(max(size - _TAIL_BYTES, 0))
        said = job.log.read().decode("utf-8", "replace")
        job.error = said.rpartition("error:")[2].strip() or f"the command ended with code {code}"
    job.log.close()


def _plain(name: str) -> str:
    """Return a name that is safe in a path."""
    return re.sub(r"[^\w-]+", "-", Path(name).stem).strip("-")[:40] or "corpus"
