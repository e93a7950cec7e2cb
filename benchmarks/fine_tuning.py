"""Fine-tuning on few lines against training anew on the same lines, after equal processor time.

    python -m benchmarks.fine_tuning split spanish.txt --encoding latin-1 --count 500 --out lines
    python -m benchmarks.fine_tuning run lines --from runs/names --minutes 1 --seeds 0,1,2
    python -m benchmarks.fine_tuning table lines

`split` takes lines by a hash, so that those to learn and those to be held out do not depend on the order of the file.
`run` trains both ways, measures the strings on the other lines (JS-3, unique, hits; see docs/metrics.md) and adds a
result to lines/results.jsonl; what is there already is not trained again. `--rows` chooses one of the two.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import seqgan_wgp
from seqgan_wgp import config as configs
from seqgan_wgp.domains import DOMAINS
from seqgan_wgp.runs.calibrate import calibrate
from seqgan_wgp.runs.evaluate import evaluate
from seqgan_wgp.runs.fine_tune import starting_model
from seqgan_wgp.runs.folder import claimed_run
from seqgan_wgp.runs.prepare import prepare_run
from seqgan_wgp.runs.train import run_training

LEARNT, OTHERS, RESULTS = "learnt.txt", "others.txt", "results.jsonl"
ROWS = ("fine-tuned", "anew")
MODELS = ("latest", "best")
GUESSES = (10_000, 30_000)
HELD_OUT = 0.2
STEPS = 1_000_000
"""More than fit into the time, which ends a run."""


def split(source: Path, encoding: str, count: int, longest: int, out: Path) -> None:
    """Write `count` lines to learn and all others, in lower case and in the order of a hash."""
    text = source.read_text(encoding=encoding)
    lines = {line.strip().lower() for line in text.splitlines()}
    fitting = [line for line in lines if 2 <= len(line) <= longest]
    fitting.sort(key=lambda line: hashlib.sha256(line.encode()).hexdigest())
    out.mkdir(parents=True, exist_ok=True)
    for name, part in ((LEARNT, fitting[:count]), (OTHERS, fitting[count:])):
        (out / name).write_text("".join(line + "\n" for line in part), encoding="utf-8")
    print(f"{count:,} lines to learn, {len(fitting) - count:,} others")


def trained(row: str, learnt: Path, model: Path, seconds: float, seed: int, folder: Path) -> dict[str, float]:
    """Train for some seconds of processor time in a folder; return the rounds and the seconds."""
    changes = {"training.seed": seed, "training.threads": 1, "training.device": "cpu", "training.steps": STEPS}
    changes["corpus.held_out"] = HELD_OUT
    start = starting_model(model) if row == "fine-tuned" else None
    if start is None:
        length = starting_model(model).spec.length  # equal lengths, so that both learn the same strings
        given = configs.recipe("fast", {**changes, "corpus.length": length, "evaluation.patience": None})
    else:
        given = start.settings({**changes, "evaluation.patience": None})
    found = DOMAINS[given.domain].scan(str(learnt), given)
    config = calibrate(found, given, found.decide(given)).config
    weights = None if start is None else start.initial(found.trial(config).spec, config).tensors
    with claimed_run(folder) as claim:
        run = prepare_run(claim, found, config, initial=weights)
        began = time.process_time()
        outcome = run_training(run, should_stop=lambda: time.process_time() - began >= seconds)
        return {"rounds": outcome.step, "seconds": time.process_time() - began}


def measured(folder: Path, others: Path, *, best: bool) -> dict[str, Any]:
    """Return the measures of a model's strings on lines that it never saw."""
    strings = seqgan_wgp.Model.load(folder, device="cpu", best=best).generate(max(GUESSES), decode="argmax")
    tree = evaluate(
        strings={"model": strings}, reference=str(others), guesses=GUESSES, c2st_steps=0, baseline_seconds=0.0
    ).to_json()["strings"]["model"]
    return {
        "js3": tree["js"][2],
        "js3_floor": tree["js_floor"][2],
        "unique": tree["unique"],
        "hits": tree["hits"],
        "n": tree["n"],
    }


def run(folder: Path, model: Path, minutes: float, seeds: list[int], rows: list[str]) -> None:
    """Train and measure what is not in the results yet."""
    results = folder / RESULTS
    done = {(one["row"], one["seed"]) for one in read(folder)}
    for seed in seeds:
        for row in rows:
            if (row, seed) in done:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                spent = trained(row, folder / LEARNT, model, 60 * minutes, seed, Path(scratch) / "run")
                found = {
                    model: measured(Path(scratch) / "run", folder / OTHERS, best=model == "best") for model in MODELS
                }
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"row": row, "seed": seed, "minutes": minutes, **spent, **found}) + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the results so far."""
    file = folder / RESULTS
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def table(folder: Path) -> None:
    """Print a row for each way and seed, and the means."""
    heads = [
        "row",
        "model",
        "seed",
        "rounds",
        "seconds",
        "JS-3",
        "floor",
        "unique",
        *(f"hits in {n:,}" for n in GUESSES),
    ]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    results = read(folder)
    for row, model in itertools.product(ROWS, MODELS):
        own = sorted((one for one in results if one["row"] == row), key=lambda one: int(one["seed"]))
        for one in own:
            _print_row(f"{row} | {model} | {one['seed']}", [one], model)
        if own:
            _print_row(f"{row} | {model} | mean", own, model)


def _print_row(heads: str, results: list[dict[str, Any]], model: str) -> None:
    found = [one | one[model] for one in results]
    numbers = [f"{mean(one[name] for one in found):.0f}" for name in ("rounds", "seconds")]
    numbers += [f"{mean(one[name] for one in found):.4f}" for name in ("js3", "js3_floor")]
    shares = [[one["unique"] for one in found], *([one["hits"][str(n)] for one in found] for n in GUESSES)]
    print("| " + " | ".join([heads, *numbers, *(f"{mean(of):.2%}" for of in shares)]) + " |")


def main() -> None:
    """Run one of the three parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    splitting = parts.add_parser("split")
    splitting.add_argument("source", type=Path)
    splitting.add_argument("--encoding", default="utf-8-sig")
    splitting.add_argument("--count", type=int, default=500)
    splitting.add_argument("--longest", type=int, default=15)
    splitting.add_argument("--out", type=Path, required=True)
    running = parts.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("--from", dest="model", type=Path, required=True)
    running.add_argument("--minutes", type=float, default=1.0)
    running.add_argument("--seeds", default="0,1,2")
    running.add_argument("--rows", default=",".join(ROWS))
    parts.add_parser("table").add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.part == "split":
        split(options.source, options.encoding, options.count, options.longest, options.out)
    elif options.part == "run":
        seeds = [int(seed) for seed in options.seeds.split(",")]
        run(options.folder, options.model, options.minutes, seeds, options.rows.split(","))
    else:
        table(options.folder)


if __name__ == "__main__":
    main()
