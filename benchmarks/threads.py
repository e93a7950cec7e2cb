"""Time training rounds with each number of threads, beside the number that a trial chooses.

    python -m benchmarks.threads --widths 64 128 --rounds 30

Rounds of the recipe `fast` on the bundled corpus `words`, alternating between the numbers of threads, so that what else
the machine does falls on all alike. "chosen" is what `seqgan-wgp train` would take at that moment. Prints a Markdown
table of medians; `--json FILE` writes its rows. Do not set OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import torch

from seqgan_wgp.config import override, recipe
from seqgan_wgp.runs.calibrate import Machine, with_threads
from seqgan_wgp.text.adapter import TextAdapter
from seqgan_wgp.training.calibration import thread_counts
from seqgan_wgp.training.trial import ROUNDS, RoundTimer
from seqgan_wgp.utils.malloc import keep_memory
from seqgan_wgp.utils.threads import max_threads

CPU = torch.device("cpu")


def row(width: int, rounds: int, corpus: str) -> dict[str, Any]:
    """Return the median milliseconds of a round with each number of threads, and the number that a trial chooses."""
    given = recipe("fast", {"generator.width": width, "critic.width": width, "training.device": "cpu"})
    found = TextAdapter().scan(corpus, given)
    decided = found.decide(given)
    chosen = with_threads(found, decided, Machine(device=CPU, threads_set=None, max_threads=max_threads()))
    timer = RoundTimer(found.trial(decided), override(decided, {"training.threads": None}), CPU)
    trainer, counts = timer.trainer({}), thread_counts(max_threads())
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(max(1, rounds // ROUNDS)):
        for count in counts:
            times[count].append(1_000 * timer.seconds_of(trainer, count))
    medians = {str(count): statistics.median(measured) for count, measured in times.items()}
    return {"width": width, "milliseconds": medians, "chosen": chosen.config.training.threads}


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table."""
    counts = list(rows[0]["milliseconds"])
    lines = ["| width |" + "".join(f" {count} threads |" for count in counts) + " chosen |"]
    lines.append("| --- |" + " --- |" * (len(counts) + 1))
    for each in rows:
        cells = "".join(f" {each['milliseconds'][count]:.0f} ms |" for count in counts)
        lines.append(f"| {each['width']} |{cells} {each['chosen']} |")
    return "\n".join(lines)


def main() -> None:
    """Parse, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="words")
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=30, help="with each number of threads")
    parser.add_argument("--json", type=Path, help="file of the rows")
    options = parser.parse_args()
    keep_memory()
    rows = [row(width, options.rounds, options.corpus) for width in options.widths]
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
