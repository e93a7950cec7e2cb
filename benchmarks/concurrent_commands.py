"""Two commands on one folder at once, in all pairs.

Each pair begins after random delays. Survived: no command ends with a traceback; each ends well, or with a message and
nothing done; then the run is whole, and goes on to the end that it would have come to.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Container
from pathlib import Path

from .drill_limits import SECONDS_MOST
from .faulty_commands import STEPS, Words, called, comparing, eager_saving, jobs
from .surroundings import reading, writing

DELAY_SECONDS = 0.4
"""The later of two commands begins at most so much later."""


def commands(folder: Path, base: Path) -> dict[str, Words]:
    """Return the commands on one folder. Args: base: the folder that `jobs` was given."""
    run = folder / "run"
    overwriting = next(job for job in jobs(base) if job.name == "train --overwrite")
    replaced = overwriting.command(folder)
    found = {name: words for name, words in reading(run, folder).items() if name in _READING}
    return {
        **found,
        **writing(run),
        "train": [word for word in replaced if word != "--overwrite"],
        "train --overwrite": replaced,
        "generate --continue": ["generate", run, "-n", "3000", "--continue", folder / "out.txt", "--device", "cpu"],
        "compare": comparing(base).command(folder),
    }


_READING = ("generate", "evaluate", "generate -o", "export")


def pairs(times: int = 1, seed: int = 0, only: Container[str] | None = None) -> tuple[int, list[str]]:
    """Run all pairs of commands, some times each; return how many, and what was not survived.

    Args:
        times: how often each pair.
        seed: of the delays.
        only: names of commands; None: all.
    """
    chance, faults, tried = random.Random(seed), list[str](), 0
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), eager_saving():
        warnings.simplefilter("ignore")
        scratch = Path(name).resolve()
        (scratch / "base").mkdir()
        folder = scratch / "at"
        every = commands(folder, scratch / "base")
        words = {name: words for name, words in every.items() if only is None or name in only}
        for one, two in list(itertools.combinations_with_replacement(words, 2)) * times:
            shutil.copytree(scratch / "base" / "begun", folder / "run")
            tried += 1
            problem = _together(folder, words[one], words[two], chance) or _whole(folder / "run")
            if problem is not None:
                faults.append(f"{one} and {two}: {problem}")
            shutil.rmtree(folder)
    return tried, faults


def _together(folder: Path, one: Words, two: Words, chance: random.Random) -> str | None:
    """Run two commands in processes of their own; return what no user should see."""
    children = {}
    for number, words in enumerate((one, two)):
        child = os.fork()
        if child == 0:
            _child(words, chance.random() * DELAY_SECONDS * number, folder / f"end{number}.json")
        children[child] = number
    end = time.monotonic() + SECONDS_MOST
    while children and time.monotonic() < end:
        child, _status = os.waitpid(-1, os.WNOHANG)
        children.pop(child, None)
        time.sleep(0.002)
    if children:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
        return "it hangs"
    for number in (0, 1):
        told = json.loads((folder / f"end{number}.json").read_text(encoding="utf-8"))
        if told["error"] or (told["code"] and "error:" not in told["told"]):
            return f"{number + 1}. ended with {told['code']}: {told['error'] or told['told'][-200:]}"
    return None


def _child(words: Words, seconds: float, file: Path) -> None:
    """Call a command in this process, and end it."""
    try:
        time.sleep(seconds)
        found = called(*words)
        file.write_text(json.dumps({"code": found.code, "told": found.told, "error": found.error}), encoding="utf-8")
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(0)


def _whole(run: Path) -> str | None:
    """Return what is wrong with a run that should go on."""
    goes_on: list[Words] = [["resume", run, "--steps", str(STEPS + 3)], ["generate", run, "-n", "3"]]
    for words in goes_on:
        found = called(*words)
        if found.code or found.error:
            return f"then {words[0]}: {found.error or found.told[-200:].strip()}"
    return None
