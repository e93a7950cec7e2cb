"""Ablate recipes: what each setting gains in quality per minute.

    python -m benchmarks.recipes run --plan factors --out factors.jsonl --jobs 2
    python -m benchmarks.recipes table factors.jsonl

A trial trains one recipe (plans.py) for so many minutes and is measured on the way against both halves of the held-out
lines; nothing is chosen on the test half, which is there to show that the order on it is the order on the other.

Minutes are processor time of a single-threaded process, of training alone, so neither an evaluation nor what else the
machine does counts. (What shares the core's caches still slows it a little: rounds are in the table too.)
Each trial is a process of its own and one JSON line in the results file; one that is there already is not run again,
so `run` goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.ablation import HALVES, MEASURES, drop_torn_line, read_rows, report
from benchmarks.molecules import valid_share
from benchmarks.plans import FILES, MOLECULES, PLANS, Trial
from benchmarks.variations import Setup, Share, vary
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import Diverged
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus.dataset import open_corpus
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.malloc import keep_memory

CPU = torch.device("cpu")

EARLY, MARK = 0.05, 0.25
"""Minutes between measurements, before the first MARK and from there on."""


def config_of(trial: Trial) -> Config:
    """Return the config of a trial, what its corpus decides left open. Raises ConfigError when it is none."""
    fixed = {"training.seed": trial.seed, "training.device": "cpu"}
    return recipe(trial.recipe, trial.settings | fixed)


def domain_of(trial: Trial, corpus: Path, folder: Path) -> TextDomain:
    """Prepare a trial's corpus in a folder; return it as the domain of its training."""
    found, config = scan_data(corpus, config_of(trial))
    found.write(folder, lambda _bytes: None)
    return TextDomain(open_corpus(folder), config, CPU)


class Clock:
    """The time that a trial has trained for.

    Args:
        minutes: that it is given.
    """

    def __init__(self, minutes: float) -> None:
        self.minutes, self.seconds = minutes, 0.0

    def share(self) -> float:
        """Return the share of the time that has passed, 0 to 1."""
        return min(1.0, self.seconds / (60 * self.minutes))


def trainer_of(trial: Trial, corpus: Path, folder: Path, share: Share = lambda: 0.0) -> Trainer:
    """Prepare a trial's corpus in a folder; return its trainer, with its variations.

    Args:
        trial: what is tried.
        corpus: file of lines.
        folder: for what is prepared.
        share: the share of the trial's time that has passed, which some variations follow.
    """
    domain = domain_of(trial, corpus, folder)
    setup = vary(trial.variation, Setup(domain=domain, config=domain.config, share=share))
    return Trainer.from_config(setup.domain, setup.config, CPU)


def marks(minutes: float) -> list[float]:
    """Return the minutes at which a trial of so many is measured; the last are its end."""
    early = [EARLY * place for place in range(1, round(MARK / EARLY)) if EARLY * place < minutes]
    later = [MARK * place for place in range(1, math.ceil(minutes / MARK))]
    return [*early, *later, minutes]


def train(trial: Trial, trainer: Trainer, clock: Clock) -> dict[str, Any]:
    """Train for the trial's minutes or rounds; return rounds, the curve of measures, and why it diverged, or None."""
    curve: list[dict[str, Any]] = []
    diverged = None

    def ended() -> bool:
        return 0 < trial.rounds_most <= trainer.step

    try:
        for mark in marks(trial.minutes):
            while clock.seconds < 60 * mark and not ended():
                began = time.process_time()
                trainer.round()
                clock.seconds += time.process_time() - began
            samples = trainer.samples()
            scores = {half: trainer.domain.score(samples, half=half) for half in HALVES}
            curve.append({"minutes": clock.seconds / 60, "rounds": trainer.step, **scores})
            if trial.corpus in MOLECULES:
                curve[-1]["valid"] = valid_share(trainer.domain.spec.to_text(samples))
            if ended():
                break
    except Diverged as error:
        diverged = error.message
    return {"rounds": trainer.step, "diverged": diverged, "curve": curve}


def run_here(trial: Trial, data: Path) -> dict[str, Any]:
    """Run a trial in this process; return its row."""
    torch.set_num_threads(1)
    keep_memory()
    with tempfile.TemporaryDirectory() as scratch:
        clock = Clock(trial.minutes)
        trainer = trainer_of(trial, data / FILES[trial.corpus][0], Path(scratch), clock.share)
        measured = train(trial, trainer, clock)
    return asdict(trial) | measured


def run_apart(trial: Trial, data: Path) -> dict[str, Any]:
    """Run a trial in a process of its own, single-threaded; return its row. Raises RuntimeError when it fails."""
    command = [sys.executable, "-m", "benchmarks.recipes", "trial", json.dumps(asdict(trial)), "--data", str(data)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{trial.name}: exit {done.returncode}\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def missing(trials: list[Trial], rows: list[dict[str, Any]]) -> list[Trial]:
    """Return the trials that have no row yet."""
    there = {Trial(**{name: row[name] for name in Trial.__dataclass_fields__ if name in row}).key for row in rows}
    return [trial for trial in trials if trial.key not in there]


def run(trials: list[Trial], out: Path, data: Path, jobs: int) -> int:
    """Run what the results file lacks, so many trials at a time; return how many failed, which a next call redoes."""
    drop_torn_line(out)
    left, lock, failed = missing(trials, read_rows(out)), threading.Lock(), 0
    print(f"{len(trials)} trials, {len(left)} to run", flush=True)

    def one(trial: Trial) -> None:
        nonlocal failed
        try:
            row = run_apart(trial, data)
        except RuntimeError as error:
            with lock:
                failed += 1
            print(error, file=sys.stderr, flush=True)
            return
        with lock, out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        last = row["curve"][-1]["validation"] if row["curve"] else None
        said = row["diverged"] or (f"{last['js4'] - last['js4_floor']:.4f}" if last else "")
        print(f"{trial.corpus}  {trial.name}  seed {trial.seed}  {row['rounds']} rounds  {said}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, left))
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Parse, run or print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    runs = modes.add_parser("run", help="run what a plan's results file lacks")
    runs.add_argument("--plan", choices=PLANS, required=True)
    runs.add_argument("--out", type=Path, required=True, help="results file, a JSON line for each trial")
    runs.add_argument("--jobs", type=int, default=1, help="trials at a time")
    runs.add_argument("--minutes", type=float, help="of processor time for each trial; else the plan's")
    runs.add_argument("--only", default="*", metavar="GLOB", help="trials whose CORPUS/NAME is like this")
    tables = modes.add_parser("table", help="print Markdown tables of a results file")
    tables.add_argument("files", type=Path, nargs="+")
    tables.add_argument("--measure", choices=MEASURES, default="js4", help="what recipes are ordered by")
    single = modes.add_parser("trial", help="run one trial, given as JSON, and print its row")
    single.add_argument("trial", type=json.loads)
    for mode in (runs, single):
        mode.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the corpora")
    options = parser.parse_args(arguments)
    if options.mode == "trial":
        print(json.dumps(run_here(Trial(**options.trial), options.data)))
        return 0
    if options.mode == "table":
        print(report([row for file in options.files for row in read_rows(file)], options.measure))
        return 0
    plan, minutes = PLANS[options.plan]
    trials = [
        trial
        for trial in plan(minutes if options.minutes is None else options.minutes)
        if fnmatch.fnmatchcase(f"{trial.corpus}/{trial.name}", options.only)
    ]
    return min(1, run(trials, options.out, options.data, options.jobs))


if __name__ == "__main__":
    sys.exit(main())
