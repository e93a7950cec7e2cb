"""Compare models after the same processor time: one table with every column, wherever the package loses too.

    python -m benchmarks.equal_time run names.txt --minutes 1 10 --seeds 0 1 2 --work work --out names.jsonl
    python -m benchmarks.equal_time run qm9.txt --minutes 1 10 --valid rdkit --work work --out qm9.jsonl
    python -m benchmarks.equal_time show names.jsonl

Rows: Markov chains of order 3, 4 and 5; a GRU in plain PyTorch (gru.py) after 15 and 60 seconds and after each of the
minutes; the entries of `--rows`. An entry is a recipe, NAME or NAME:KEY=VALUE,KEY=VALUE. With +fuse behind it an n-gram
model is chosen that strings are drawn by too, which takes some seconds more; with +refine, last, a quarter of its time
trains the refiner, with +refine=.5 a half. A recipe that trains by likelihood gets as many steps as fit into its time,
by the pace of its first steps; the others are stopped when their time is over, and go on to the next of the minutes.

Minutes are processor time of one thread, evaluations and checkpoints counted. Every model is the one that its
validation half chose, and is measured on the test half: JS-4 above its floor, different strings, new ones (no training
lines), test lines that 100,000 strings hit, the accuracy of a classifier that tells strings from real lines (C2ST), and
with `--valid` the share that a validator calls valid.

`run` appends a JSON line for each row to `--out` and leaves out what is there, so it can be stopped at any time; what
was trained stays in `--work`. Sixty minutes and four hours are rows as the others are: `--minutes 60 240`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.ablation import drop_torn_line, read_rows
from benchmarks.gru import fit
from benchmarks.workshop import Entry, Workshop
from seqgan_wgp import Model
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.evaluation.baselines import Bench
from seqgan_wgp.text.evaluation.options import TextEvalOptions
from seqgan_wgp.text.evaluation.two_sample_test import StringSource, two_sample_test
from seqgan_wgp.text.generation.filters import validity
from seqgan_wgp.text.metrics.coverage import hits
from seqgan_wgp.text.metrics.markov import MarkovChain
from seqgan_wgp.text.vocabulary import mask_after_pad
from seqgan_wgp.utils.malloc import keep_memory
from seqgan_wgp.utils.progress import ignore_step

CPU = torch.device("cpu")
MARKOV_ORDERS = 3, 4, 5
ROWS = ["fast", "fast+fuse", "fast+refine", "fast+fuse+refine", "causal", "causal+refine"]

VALID = "valid", "valid_unique", "valid_novel"
"""Columns of `valid_of`."""

VALIDATED = 5_000
"""Strings that a validator is asked about."""


@dataclass(frozen=True)
class Chain:
    """A Markov chain."""

    chain: MarkovChain
    length: int
    device = CPU

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[npt.NDArray[Any]]:
        """Yield (N, L) ids number `start` on, n in all."""
        for first in range(start, start + n, 1 << 14):
            yield self.chain.sample(min(1 << 14, start + n - first), self.length, seed=seed, start=first)


def measure(model: StringSource, corpus: Corpus, options: argparse.Namespace) -> dict[str, Any]:
    """Return all columns of a model, by the test half."""
    asked = TextEvalOptions(guesses=(max(options.guesses),))
    bench = Bench(corpus=corpus, asked=asked, on_step=ignore_step)
    ids_NL = np.concatenate(list(model.samples(max(bench.n, VALIDATED if options.valid else 0))))
    own, floor = bench.profile(ids_NL[: bench.n]), bench.profile(bench.floor_NL)
    found: dict[str, Any] = {"js": own.js, "js_floor": floor.js, "unique": own.unique, "unique_floor": floor.unique}
    found |= {"novel": own.novel, "n": bench.n}
    at = options.guesses
    found["hits"] = {str(g): share for g, share in hits(model.samples(max(at)), bench.test_RL, at).items()}
    if options.c2st_steps:
        strings_NL = mask_after_pad(ids_NL[: bench.n])
        test = two_sample_test(model, corpus, strings_NL, steps=options.c2st_steps, seed=0, on_step=ignore_step)
        found["c2st"], found["c2st_floor"] = test.generated.accuracy, test.floor.accuracy
    if options.valid:
        found |= valid_of(ids_NL[:VALIDATED], corpus, options.valid)
    return found


def valid_of(ids_NL: npt.NDArray[Any], corpus: Corpus, name: str) -> dict[str, float]:
    """Return the share that is valid, and of the valid ones the shares that are different, and new."""
    ids_NL = mask_after_pad(ids_NL)
    valid_NL = ids_NL[validity(name, corpus.vocabulary)(ids_NL)]
    if not len(valid_NL):
        return dict.fromkeys(VALID, 0.0)
    return {
        "valid": len(valid_NL) / len(ids_NL),
        "valid_unique": len(np.unique(valid_NL, axis=0)) / len(valid_NL),
        "valid_novel": corpus.novel(valid_NL),
    }


def plan(options: argparse.Namespace) -> Iterator[tuple[str, float, int]]:
    """Yield the rows: name, minutes (0 for what is not trained for a time), seed. Earlier ones are cheaper."""
    for seed in options.seeds:
        if "markov" in options.baselines:
            yield from ((f"Markov {order}", 0.0, seed) for order in MARKOV_ORDERS)
        if "gru" in options.baselines:
            yield from (("GRU", minutes, seed) for minutes in gru_minutes(options.gru_seconds, options.minutes))
        rows = [(text, minutes) for minutes in options.minutes for text in options.rows]
        # in order of training time, since rows of one recipe share one run, which only goes on
        yield from ((*row, seed) for row in sorted(rows, key=lambda row: Entry.of(row[0]).trained_seconds(row[1])))


def gru_minutes(seconds: list[float], minutes: list[float]) -> list[float]:
    """Return the times at which the GRU is looked at."""
    return sorted({*(one / 60 for one in seconds), *minutes})


def run(options: argparse.Namespace) -> int:
    """Train and measure what the results file lacks; return the exit status."""
    torch.set_num_threads(1)
    keep_memory()
    drop_torn_line(options.out)
    name = Path(options.corpus).stem
    done = {key_of(row) for row in read_rows(options.out)}
    for seed in options.seeds:
        workshop = Workshop(options.corpus, options.work / name, seed, parse_assignments(options.set))
        corpus = workshop.corpus_at(Entry.of(options.rows[0]))
        grus: dict[float, Any] = {}
        for row, minutes, row_seed in plan(options):
            if row_seed != seed or (name, row, minutes, seed) in done:
                continue
            model, facts = made(row, minutes, workshop, corpus, grus, options)
            found = {"corpus": name, "row": row, "minutes": minutes, "seed": seed, **facts}
            found |= measure(model, corpus, options)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(f"{name}  {row}  {minutes:g} min  seed {seed}  {json.dumps(facts)}", flush=True)
    print("\n".join(table(read_rows(options.out))))
    return 0


def made(
    row: str,
    minutes: float,
    workshop: Workshop,
    corpus: Corpus,
    grus: dict[float, Any],
    options: argparse.Namespace,
) -> tuple[StringSource, dict[str, Any]]:
    """Return the model of a row, and what there is to say about its making. GRUs are trained once for all times."""
    size, length = corpus.vocabulary.size, corpus.facts.length
    if row.startswith("Markov"):
        began = time.process_time()
        chain = MarkovChain.fit([corpus.train.apart()], size, int(row.split()[1]))
        return Chain(chain, length), {"trained_seconds": time.process_time() - began}
    if row == "GRU":
        if not grus:
            marks = gru_minutes(options.gru_seconds, options.minutes)
            seconds, held_out_NL = [60 * mark for mark in marks], np.asarray(corpus.validation_NL)
            grus |= dict(zip(marks, fit(corpus.train, size, length, seconds, workshop.seed, held_out_NL), strict=True))
        gru, step = grus[minutes]
        return gru, {"trained_seconds": 60 * minutes, "chosen_step": step}
    entry = Entry.of(row)
    file, facts = workshop.model(entry, minutes)
    loaded = Model.load(file, device="cpu")
    return (loaded.refined() if entry.refined else loaded), facts


def key_of(row: dict[str, Any]) -> tuple[str, str, float, int]:
    """Return what makes it this row."""
    return row["corpus"], row["row"], row["minutes"], row["seed"]


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the Markdown table of rows: means over seeds, with their standard deviation where there are several."""
    valid = any("valid" in row for row in rows)
    heads = ["corpus", "model", "minutes", "seeds", "JS-4 over floor", "different", "new", "hits", "C2ST"]
    heads += ["valid", "different of these", "new of these"] if valid else []
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for corpus, name, minutes in dict.fromkeys(key_of(row)[:3] for row in rows):
        same = [row for row in rows if key_of(row)[:3] == (corpus, name, minutes)]
        last = [list(row["hits"].values())[-1] for row in same]
        cells = [corpus, name, f"{minutes:g}" if minutes else "", str(len(same))]
        cells += [spread([row["js"][3] - row["js_floor"][3] for row in same], ".4f")]
        cells += [spread([row[key] for row in same], ".1%") for key in ("unique", "novel")]
        cells += [spread(last, ".1%"), spread([row.get("c2st", math.nan) for row in same], ".1%")]
        if valid:
            cells += [spread([row.get(key, math.nan) for row in same], ".1%") for key in VALID]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def spread(values: list[float], form: str) -> str:
    """Return the mean, and the standard deviation of several; nothing where there is none."""
    if any(map(math.isnan, values)):
        return ""
    mean = format(statistics.fmean(values), form)
    return f"{mean} ± {format(statistics.stdev(values), form)}" if len(values) > 1 else mean


def main(arguments: list[str] | None = None) -> int:
    """Parse, run or print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    runs = modes.add_parser("run", help="train and measure what the results file lacks")
    runs.add_argument("corpus")
    runs.add_argument("--minutes", nargs="+", type=float, default=[1.0, 10.0])
    runs.add_argument("--seeds", nargs="+", type=int, default=[0])
    runs.add_argument("--rows", nargs="+", default=ROWS, metavar="ENTRY")
    runs.add_argument("--baselines", nargs="*", default=["markov", "gru"], choices=["markov", "gru"])
    runs.add_argument("--gru-seconds", nargs="+", type=float, default=[15.0, 60.0], help="besides the minutes")
    runs.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every recipe")
    runs.add_argument("--guesses", nargs="+", type=int, default=[10_000, 100_000])
    runs.add_argument("--c2st-steps", type=int, default=500, help="0 leaves the test out")
    runs.add_argument("--valid", metavar="NAME", help="validator, e.g. rdkit for molecules")
    runs.add_argument("--work", type=Path, default=Path("work"), help="folder for what is trained")
    runs.add_argument("--out", type=Path, required=True, help="results file, a JSON line for each row")
    shows = modes.add_parser("show", help="print the table of results files")
    shows.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    if options.mode == "show":
        print("\n".join(table([row for file in options.files for row in read_rows(file)])))
        return 0
    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())
