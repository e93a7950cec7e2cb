"""Measure how long `fast` takes to reach the quality of `paper` after ten minutes.

    python -m benchmarks.recipes run --plan published --jobs 2 --out published.jsonl
    python -m benchmarks.recipes run --plan default --jobs 2 --out default.jsonl
    python -m benchmarks.time_to_quality pace --out pace.json
    python -m benchmarks.time_to_quality show pace.json published.jsonl default.jsonl --png curve.png

The trials run two at a time, a core each, and say what is reached after so many rounds. `pace` then measures, on a
machine that does nothing else, how many rounds a second both cores do of one run: rounds by pace are minutes of two
cores.

`paper` is the published recipe with nothing changed but the width, of 64 and 128 the better one on each corpus, and
the length of its rows, which all recipes share. JS-4 over its floor is that of the validation half, as in training.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.ablation import HALVES, Curve, Row, excess, minutes_to, number, read_rows, spread
from benchmarks.plans import CORPORA, PAPER_MINUTES, Trial, default, published
from benchmarks.recipes import domain_of, trainer_of
from seqgan_wgp.runs.compare.curves import COLORS
from seqgan_wgp.text.metrics.markov import MarkovChain
from seqgan_wgp.utils.malloc import keep_memory

CHAIN = 4
"""Order of the Markov chain that stands beside."""

LINES = {"paper, width 128": COLORS[6], "paper, width 64": COLORS[1], "fast": COLORS[0]}
"""Trial's name -> the color of its lines."""

Pace = dict[str, dict[str, Any]]
"""Corpus -> `rounds_per_second`, by trial's name, and `markov`, the chain's measures by half."""


def pace_of(trial: Trial, corpus: Path, seconds: float) -> float:
    """Return the rounds a second that a trial's recipe does in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        trainer = trainer_of(trial, corpus, Path(scratch))
        began, first = math.inf, 0
        while True:
            trainer.round()
            now = time.perf_counter()
            if trainer.step == 3:  # the first rounds are slower
                began, first = now, trainer.step
            if now - began >= seconds:
                return (trainer.step - first) / (now - began)


def chain_of(trial: Trial, corpus: Path) -> dict[str, dict[str, float]]:
    """Return the measures of a Markov chain of the training lines, without smoothing, by half."""
    with tempfile.TemporaryDirectory() as scratch:
        domain = domain_of(trial, corpus, Path(scratch))
        train, vocabulary = domain.corpus.train, domain.corpus.vocabulary
        chain = MarkovChain.fit([train.apart()], vocabulary.size, CHAIN, smoothing="none")
        samples = chain.sample(domain.samples, domain.corpus.facts.length, seed=0)
        return {half: domain.score(samples, half=half) for half in HALVES}


def measure(data: Path, seconds: float, threads: int) -> Pace:
    """Measure all recipes on all corpora, one after the other, and print the rounds a second."""
    torch.set_num_threads(threads)
    keep_memory()
    found: Pace = {name: {"rounds_per_second": {}} for name in CORPORA}
    for trial in [*published(0.0), *default(0.0)]:
        rates = found[trial.corpus]["rounds_per_second"]
        if trial.name not in rates:
            rates[trial.name] = pace_of(trial, data / CORPORA[trial.corpus][0], seconds)
            print(f"{trial.corpus:<8} {trial.name:<18} {rates[trial.name]:8.3f} rounds/s", flush=True)
        if "markov" not in found[trial.corpus]:
            found[trial.corpus]["markov"] = chain_of(trial, data / CORPORA[trial.corpus][0])
    return found


def curve_of(row: Row, rounds_per_second: float) -> Curve:
    """Return a trial's curve over the minutes of two cores that its rounds take."""
    return [(point["rounds"] / rounds_per_second / 60, excess(point, "validation")) for point in row["curve"]]


def at(curve: Curve, minutes: float) -> float:
    """Return a curve's value after so many minutes, between two measurements on the line through them."""
    times, values = zip(*curve, strict=True)
    if not times[0] <= minutes <= times[-1]:
        raise SystemExit(f"{minutes:g} minutes are not between the measurements, {times[0]:.2f} to {times[-1]:.2f}")
    return float(np.interp(minutes, times, values))


def curves_of(rows: list[Row], pace: Pace, corpus: str) -> dict[str, list[Curve]]:
    """Return the curves of a corpus by the trials' names, a curve for each seed."""
    found: dict[str, list[Curve]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["seed"])):
        rates = pace[corpus]["rounds_per_second"]
        if row["corpus"] == corpus and row["name"] in rates:
            found[row["name"]].append(curve_of(row, rates[row["name"]]))
    return found


def lines_of(rows: list[Row], pace: Pace) -> list[str]:
    """Return a Markdown table: where `paper` is after its minutes, and when each seed of `fast` is there.

    Of several widths of `paper` the one that is lower then, in the mean over its seeds, is what `fast` has to reach.
    """
    head = ["corpus", f"`paper` after {PAPER_MINUTES:g} minutes", "minutes of `fast` to there, by seed", "the slowest"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for corpus in CORPORA:
        curves = curves_of(rows, pace, corpus)
        if not {"fast"} < set(curves):
            continue
        ends = {name: [at(curve, PAPER_MINUTES) for curve in curves[name]] for name in curves if name != "fast"}
        best = min(ends, key=lambda name: statistics.fmean(ends[name]))
        minutes = [minutes_to(curve, statistics.fmean(ends[best])) for curve in curves["fast"]]
        paper = [
            f"{number(statistics.fmean(ends[name]), spread(ends[name]))} ({name}, seeds: {len(ends[name])})"
            for name in sorted(ends, key=lambda name: name != best)
        ]
        cells = [corpus, "; ".join(paper), ", ".join(f"{m:.2f}" for m in minutes)]
        lines.append(f"| {' | '.join(cells)} | 1/{PAPER_MINUTES / max(minutes):.0f} |")
    return lines


def picture(rows: list[Row], pace: Pace) -> Figure:
    """Return JS-4 over its floor against minutes, a panel for each corpus that has both, a line for each run."""
    of_corpus = {corpus: curves_of(rows, pace, corpus) for corpus in CORPORA}
    whole = {corpus: curves for corpus, curves in of_corpus.items() if {"fast"} < set(curves)}
    figure = Figure(figsize=(1.4 + 3.2 * max(2, len(whole)), 4.2), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(whole), squeeze=False)[0]
    for axes, (corpus, curves) in zip(panels, whole.items(), strict=True):
        for name, found in curves.items():
            for place, curve in enumerate(found):
                times, values = zip(*curve, strict=True)
                axes.plot(times, values, color=LINES[name], linewidth=1.6, label="_" if place else name)
        chain = excess(pace[corpus]["markov"], "validation")
        axes.axhline(chain, color="#666666", linestyle="--", linewidth=1.2, label=f"Markov chain of order {CHAIN}")
        axes.set_title(f"{corpus}, L = {CORPORA[corpus][1]['corpus.length']}", loc="left", fontsize=12)
        axes.set_xlim(0, PAPER_MINUTES)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("minutes of two cores", fontsize=11)
        axes.grid(visible=True, color="#dddddd", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("JS-4 over its floor (bits)", fontsize=11)
    lines = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines.keys(), loc="outside lower left", ncols=4, frameon=False)
    return figure


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure or show; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    paces = modes.add_parser("pace", help="measure rounds a second on a quiet machine")
    paces.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the corpora")
    paces.add_argument("--seconds", type=float, default=15.0, help="for each recipe on each corpus")
    paces.add_argument("--threads", type=int, default=2)
    paces.add_argument("--out", type=Path, required=True)
    shows = modes.add_parser("show", help="print the table of results files, and draw the curves")
    shows.add_argument("pace", type=Path)
    shows.add_argument("files", type=Path, nargs="+", help="of `benchmarks.recipes run`")
    shows.add_argument("--png", type=Path)
    options = parser.parse_args(arguments)
    if options.mode == "pace":
        found = measure(options.data, options.seconds, options.threads)
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return 0
    pace: Pace = json.loads(options.pace.read_text(encoding="utf-8"))
    rows = [row for file in options.files for row in read_rows(file)]
    print("\n".join(lines_of(rows, pace)))
    for corpus in CORPORA:
        print(f"{corpus}: Markov chain of order {CHAIN}: {excess(pace[corpus]['markov'], 'validation'):.4f}")
    if options.png is not None:
        picture(rows, pace).savefig(options.png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
