"""How many damaged files, killed commands, races for a folder and odd surroundings a run survives.

    python -m benchmarks.drills
    python -m benchmarks.drills --damages 3000 --kills 1000 --races 50 --pairs 2 --triples 364 --json drills.json

* damages (damages.py): a file of a run of text, points or images, of a comparison, or of an output that is continued is
  damaged. All that reads it is called. Survived: each call ends well or with an error that tells the user what to do.
* kills (kills.py): a run that saves after every step, and every other command that writes, is ended with SIGKILL at
  random moments and resumed or called again. Survived: the end is that of a command that was never killed, bit for bit.
* races: three processes make a run in one folder at once, one of them with `overwrite`, after random delays. Survived:
  the folder is one whole run, and who did not make it was refused.
* pairs, triples (concurrent_commands.py): two commands on one folder at once, all pairs of 12 commands, and three.
  Survived: what they did is what some order of those that were not refused does, one after the other.
* surroundings (surroundings.py): every command on a run that was moved, is read-only, on a file system without locks,
  with a wrong clock, or whose corpus was replaced or is gone.

No call may take more than a minute, and the whole no more than 2 GB of memory (drill_limits.py). Processes are forked,
so each costs milliseconds. Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["SEQGAN_WGP_CACHE"] = ""

import torch

from seqgan_wgp.errors import SeqganError
from seqgan_wgp.runs.folder import CONFIG, open_run, read_config
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.text.adapter import scan_data

from .concurrent_commands import pairs, triples
from .damages import damaged_files
from .drill_limits import MAX_MEMORY_BYTES, peak_memory_bytes
from .kills import killed_commands, killed_runs
from .small_runs import small_config
from .surroundings import surroundings

# Races


def races(count: int, seed: int = 0) -> list[str]:
    """Let three processes make a run in one folder, `count` times; return what went wrong."""
    chance, faults, context = random.Random(seed), [], multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            run, told = Path(scratch) / str(number), context.Queue()
            processes = [
                context.Process(target=_claimant, args=(run, steps, chance.random() / 10, told)) for steps in (5, 6, 7)
            ]
            for process in processes:
                process.start()
            ends = dict(told.get(timeout=60) for _ in processes)
            for process in processes:
                process.join()
            winners = {steps for steps, end in ends.items() if end == "made"}
            refused = [end for end in ends.values() if end != "made"]
            steps = read_config(open_run(run)).training.steps
            if (
                steps not in winners
                or {5, 6} <= winners
                or any("another process" not in end and "not empty" not in end for end in refused)
            ):
                faults.append(f"race {number}: {ends}, and the folder has the run of {steps} steps")
    return faults


def _claimant(run: Path, steps: int, seconds: float, told: Any) -> None:
    time.sleep(seconds)
    try:
        found, config = scan_data([f"line{k * steps % 1009}" for k in range(300)], small_config(steps))
        create(found, config, run, overwrite=steps == 7)
        told.put((steps, "made" if (run / CONFIG).is_file() else "nothing"))
    except SeqganError as error:
        told.put((steps, error.message))


def main() -> None:
    """Run the drills and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=40, help="half of runs of text, half of all commands")
    parser.add_argument("--races", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=1, help="how often each pair of commands")
    parser.add_argument("--triples", type=int, default=20, help="threes of commands, of which there are 364")
    parser.add_argument("--only", nargs="+", choices=DRILLS, default=DRILLS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| drill | tried | survived |\n| --- | ---: | ---: |")
    rows = []
    for row in _rows(given):
        name, tried, faults = row
        print(f"| {name} | {tried:,} | {tried - len(faults):,} |", flush=True)
        for fault in faults:
            print(fault, file=sys.stderr, flush=True)
        rows.append(row)
    if given.json is not None:
        table = {name: {"tried": tried, "faults": faults} for name, tried, faults in rows}
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(faults for _name, _tried, faults in rows))


DRILLS = ("damages", "kills", "races", "pairs", "triples", "surroundings")


def _rows(given: argparse.Namespace) -> Iterator[tuple[str, int, list[str]]]:
    """Yield the rows of the table: name, how many tries, and what was not survived."""
    if "damages" in given.only:
        yield "damaged files", *damaged_files(given.damages, given.seed)
    if "kills" in given.only:
        yield "killed: training on text", *killed_runs(given.kills - given.kills // 2, given.seed)
        kills, faults = killed_commands(given.kills // 2, given.seed)
        for command, count in kills.items():
            yield f"killed: {command}", count, [fault for fault in faults if fault.startswith(f"{command}, ")]
    if "races" in given.only:
        yield "races of three processes for one folder", given.races, races(given.races, given.seed)
    if "pairs" in given.only:
        yield "pairs of commands on one folder", *pairs(given.pairs, given.seed)
    if "triples" in given.only:
        yield "three commands on one folder at once", *triples(given.triples, given.seed)
    if "surroundings" in given.only:
        for title, row in surroundings().items():
            yield f"commands, {title}", *row
    memory = peak_memory_bytes()
    large = [f"{memory:,} bytes of memory were used"] if memory > MAX_MEMORY_BYTES else []
    yield f"memory below {MAX_MEMORY_BYTES / 1e9:g} GB", 1, large


if __name__ == "__main__":
    main()
