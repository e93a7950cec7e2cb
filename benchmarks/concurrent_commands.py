"""Two or three commands on one folder at once.

Each begins after a random delay. Survived: no command ends with a traceback; each ends well, or with a message and
nothing done; the run, what was printed and what was written are those of some order of the commands that ended well
(serial_orders.py); then the run goes on to the end that it would have come to.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from .drill_limits import MAX_SECONDS
from .faulty_commands import STEPS, Ended, Words, called, comparing, eager_saving, jobs
from .serial_orders import RUN, Command, SerialOrders, picture
from .surroundings import reading, writing

DELAY_SECONDS = 0.4
"""All commands begin within so much time of the first."""


def commands(folder: Path, base: Path) -> dict[str, Command]:
    """Return the commands on one folder. Args: base: the folder that `jobs` was given."""
    run = folder / RUN
    overwriting = next(job for job in jobs(base) if job.name == "train --overwrite")
    replaced: Words = [*overwriting.command(folder), "--set", "training.seed=1"]
    reads = reading(run, folder)
    return {
        "generate": Command(reads["generate"], prints=True),
        "evaluate": Command(reads["evaluate"], prints=True),
        "generate -o": Command(reads["generate -o"], own="strings.txt", prints=True),
        "export": Command(reads["export"], own="slim.safetensors", prints=True),
        **{name: Command(words, changes=True) for name, words in writing(run).items()},
        "train": Command([word for word in replaced if word != "--overwrite"], changes=True),
        "train --overwrite": Command(replaced, changes=True),
        "generate --continue": Command(
            ["generate", run, "-n", "3000", "--continue", folder / "out.txt", "--device", "cpu"], own="out.txt"
        ),
        "compare": Command(comparing(base).command(folder), own="both"),
    }


def pairs(times: int = 1, seed: int = 0, only: Container[str] | None = None) -> tuple[int, list[str]]:
    """Run all pairs of commands, some times each; return how many, and what was not survived.

    Args:
        times: how often each pair.
        seed: of the delays.
        only: names of commands; None: all.
    """
    with _prepared(only) as place:
        groups = list(itertools.combinations_with_replacement(place.commands, 2)) * times
        return _all_survived(place, groups, random.Random(seed))


def triples(count: int, seed: int = 0, only: Container[str] | None = None) -> tuple[int, list[str]]:
    """Run three commands at once, `count` times; return how many, and what was not survived.

    Args:
        count: the number of threes; each comes once before any comes twice.
        seed: of the choice and of the delays.
        only: names of commands; None: all.
    """
    chance = random.Random(seed)
    with _prepared(only) as place:
        every = list(itertools.combinations_with_replacement(place.commands, 3))
        chance.shuffle(every)
        return _all_survived(place, list(itertools.islice(itertools.cycle(every), count)), chance)


@final
@dataclass(frozen=True)
class _Place:
    """Where commands run at once, and what they come to one after the other."""

    folder: Path
    begun: Path
    commands: Mapping[str, Command]
    orders: SerialOrders


@contextlib.contextmanager
def _prepared(only: Container[str] | None) -> Iterator[_Place]:
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), eager_saving():
        warnings.simplefilter("ignore")
        scratch = Path(name).resolve()
        base, folder = scratch / "base", scratch / "at"
        for made in (base, folder, scratch / "kept"):
            made.mkdir()
        every = commands(folder, base)
        chosen = {name: command for name, command in every.items() if only is None or name in only}
        yield _Place(folder, base / "begun", chosen, SerialOrders(base / "begun", chosen, folder, scratch / "kept"))


def _all_survived(place: _Place, groups: Sequence[Sequence[str]], chance: random.Random) -> tuple[int, list[str]]:
    faults = []
    for group in groups:
        shutil.rmtree(place.folder)
        place.folder.mkdir()
        shutil.copytree(place.begun, place.folder / RUN)
        ends = _together(place.folder, [place.commands[name].words for name in group], chance)
        problem = "it hangs" if ends is None else _problem(place, group, ends)
        if problem is not None:
            faults.append(f"{' and '.join(group)}: {problem}")
    return len(groups), faults


def _problem(place: _Place, group: Sequence[str], ends: Sequence[Ended]) -> str | None:
    """Return what no user should see of commands that ended."""
    for number, end in enumerate(ends, 1):
        if end.error or (end.code and "error:" not in end.told):
            return f"{number}. ended with {end.code}: {end.error or end.told[-200:]}"
    own = {place.commands[name].own for name in group} - {None}
    pictures = {name: picture(place.folder, name) for name in (RUN, *filter(None, own))}
    problem = _whole(place.folder / RUN)
    well = [(name, end.printed) for name, end in zip(group, ends, strict=True) if not end.code]
    if problem is None and not place.orders.explain(well, pictures):
        return f"no order of {[name for name, _printed in well]} comes to that"
    return problem


def _together(folder: Path, group: Sequence[Words], chance: random.Random) -> list[Ended] | None:
    """Run commands in processes of their own; return how they ended, or None if one hangs."""
    children = {}
    for number, words in enumerate(group):
        seconds = chance.random() * DELAY_SECONDS if number else 0.0
        child = os.fork()
        if child == 0:
            _child(words, seconds, _end(folder, number))
        children[child] = number
    end = time.monotonic() + MAX_SECONDS
    while children and time.monotonic() < end:
        child, _status = os.waitpid(-1, os.WNOHANG)
        children.pop(child, None)
        time.sleep(0.002)
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    if children:
        return None
    return [Ended(**json.loads(_end(folder, number).read_text(encoding="utf-8"))) for number in range(len(group))]


def _end(folder: Path, number: int) -> Path:
    return folder / f"end{number}.json"


def _child(words: Words, seconds: float, file: Path) -> None:
    """Call a command in this process, and end it."""
    try:
        time.sleep(seconds)
        file.write_text(json.dumps(asdict(called(*words))), encoding="utf-8")
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
