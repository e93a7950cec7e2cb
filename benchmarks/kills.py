"""Runs and commands that are ended with SIGKILL at random moments, and then resumed or called again."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path

from seqgan_wgp.runs.train import run_training

from .drill_limits import MAX_SECONDS
from .faulty_commands import Job, Words, called, eager_saving, jobs, killed_only, must
from .small_runs import finished, made, same_run, saving_always


def killed_runs(count: int, seed: int = 0) -> tuple[int, list[str]]:
    """Kill runs of text, `count` times in all; return how many kills hit, and which did not end as if never killed."""
    chance, faults, kills, number = random.Random(seed), [], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = finished(Path(scratch) / "whole")
        while kills < count:
            run = made(Path(scratch) / str(number))
            while (killed := ended(partial(run_training, run), chance.random() * 0.6)) != 0:
                kills += killed == -signal.SIGKILL
                if killed not in (0, -signal.SIGKILL):
                    faults.append(f"run {number}: ended with {killed}")
                    break
            else:
                if not same_run(whole, run):
                    faults.append(f"run {number}: other weights")
            shutil.rmtree(run.path)
            number += 1
    return kills, faults


def killed_commands(count: int, seed: int = 0, only: Container[str] | None = None) -> tuple[dict[str, int], list[str]]:
    """Kill each command in turn, `count` times in all.

    Args:
        count: how often.
        seed: of the moments.
        only: names of commands; None: all.

    Returns:
        Command -> how many kills hit it, and what was not survived.
    """
    chance, faults = random.Random(seed), list[str]()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), eager_saving():
        warnings.simplefilter("ignore")
        scratch = Path(name).resolve()
        (scratch / "base").mkdir()
        every = [*jobs(scratch / "base"), *killed_only(scratch / "base")]
        found = [job for job in every if only is None or job.name in only]
        kills = {job.name: 0 for job in found}
        right = {job.name: _without_kills(job, scratch / "whole") for job in found}
        for number, job in enumerate(itertools.cycle(found)):
            if sum(kills.values()) >= count:
                return kills, faults
            folder = scratch / str(number)
            folder.mkdir()
            job.prepare(folder)
            result, seconds = right[job.name]
            hits, problem = killed_until_done(job, folder, chance, seconds, result)
            kills[job.name] += hits
            if problem is not None:
                faults.append(f"{job.name}, try {number}, after {hits} kills: {problem}")
            shutil.rmtree(folder)
    raise AssertionError("unreachable")


def _without_kills(job: Job, folder: Path) -> tuple[object, float]:
    """Return the result of a command that nobody kills, and how long a process with it takes."""
    folder.mkdir()
    job.prepare(folder)
    start = time.monotonic()
    code = ended(lambda: must(called(*job.command(folder))), MAX_SECONDS)
    seconds = time.monotonic() - start
    if code:
        raise SystemExit(f"{job.name} failed without a kill")
    result = job.result(folder)
    shutil.rmtree(folder)
    return result, seconds


MAX_KILLS = 12
"""So often is one command killed; then it may end."""


def killed_until_done(
    job: Job, folder: Path, chance: random.Random, seconds: float, right: object
) -> tuple[int, str | None]:
    """Kill a command again and again until it ends by itself; return how often, and what was not survived."""
    words, hits = job.command(folder), 0
    while True:
        wait = MAX_SECONDS if hits == MAX_KILLS else chance.random() * 1.1 * seconds
        code = ended(partial(_call, words), wait)
        if code == 0:
            return hits, None if job.result(folder) == right else "another result"
        if code != -signal.SIGKILL:
            return hits, f"then exit code {code}"
        hits += 1
        try:
            if not job.kept(folder):
                return hits, "something was lost"
            words = job.again(folder)
        except Exception as error:  # noqa: BLE001  (which is what is looked for)
            return hits, f"then {type(error).__name__}: {str(error)[:200]}"


def _call(words: Words) -> None:
    found = called(*words)
    if found.code or found.error:
        print(found.error or found.told[-300:], file=sys.stderr)
        raise SystemExit(1)


def ended(work: Callable[[], object], seconds: float) -> int:
    """Do something in a process of its own that is killed after some time; return what it exited with."""
    child = os.fork()
    if child == 0:
        code = 1
        with saving_always():
            try:
                work()
                code = 0
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
        os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        there, status = os.waitpid(child, os.WNOHANG)
        if there:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
