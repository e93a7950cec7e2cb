"""The picture of the README: strings at a few steps of one run, above the curve of its quality.

    seqgan-wgp train names.txt --steps 60 --set evaluation.every=10 --out runs/early
    seqgan-wgp train names.txt --steps 5500 --out runs/late
    python -m dev.training_picture runs/early runs/late --steps 10 60 500 5500 --out docs/names-in-training.png

Evaluating more often does not change training, so two runs with the same seed show the same training: the first one its
beginning, the second one the rest.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqgan_wgp import read_records

BLUE, GREY = "#0072B2", "#555555"
STRINGS = 9
WIDTH = 14
"""Characters of a string that are shown at most."""


def strings_at(runs: Sequence[Path], step: int) -> list[str]:
    """Return the first strings of an evaluation, from the first run that has it. Raises ValueError where none has."""
    for run in runs:
        path = run / "samples" / f"{step:08}.txt"
        if path.exists():
            return path.read_text(encoding="utf-8").split("\n")[:STRINGS]
    raise ValueError(f"no run has samples of step {step}")


def excess_by_step(runs: Sequence[Path]) -> dict[int, float]:
    """Return JS-4 less its floor, in bits, at every evaluation of the runs."""
    found: dict[int, float] = {}
    for run in runs:
        for record in read_records(run / "metrics.jsonl"):
            if "js4" in record and not record.get("final"):
                found.setdefault(int(record["step"]), float(record["js4"]) - float(record["js4_floor"]))
    return dict(sorted(found.items()))


def draw_strings(axes: Axes, runs: Sequence[Path], steps: Sequence[int]) -> None:
    """Write one column of strings for each step."""
    axes.set_axis_off()
    for column, step in enumerate(steps):
        x = column / len(steps)
        name = f"step {step:,}"
        axes.text(x, 1.0, name, color=BLUE, weight="bold", size=11, va="top", transform=axes.transAxes)
        for row, string in enumerate(strings_at(runs, step)):
            y = 0.88 - row * 0.88 / STRINGS
            shown = string[:WIDTH]
            axes.text(x, y, shown, family="DejaVu Sans Mono", size=11, va="top", transform=axes.transAxes)


def draw_curve(axes: Axes, excess: dict[int, float], steps: Sequence[int]) -> None:
    """Draw JS-4 above its floor against the steps, with a mark at each step whose strings are shown."""
    axes.plot(list(excess), list(excess.values()), color=BLUE, linewidth=1.8)
    shown = [step for step in steps if step in excess]
    axes.plot(shown, [excess[step] for step in shown], "o", color=BLUE)
    for step in shown:
        axes.annotate(
            f"{excess[step]:.2f}", (step, excess[step]), xytext=(4, 5), textcoords="offset points", color=GREY, size=9
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xticks(list(steps), [f"{step:,}" for step in steps])
    axes.minorticks_off()
    axes.set_xlabel("training step")
    axes.set_ylabel("JS-4 above its floor, bits")
    axes.spines[["top", "right"]].set_visible(False)


def draw(runs: Sequence[Path], steps: Sequence[int], out: Path) -> None:
    """Write the picture."""
    figure = Figure(figsize=(8, 5.2), dpi=110, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1.1, 1))
    draw_strings(above, runs, steps)
    draw_curve(below, excess_by_step(runs), steps)
    figure.savefig(out, metadata={"Software": None})


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders, the first one that has a step is shown")
    parser.add_argument("--steps", nargs="+", type=int, required=True, help="steps whose strings are shown")
    parser.add_argument("--out", type=Path, required=True, help="PNG file")
    arguments = parser.parse_args()
    draw(arguments.runs, arguments.steps, arguments.out)


if __name__ == "__main__":
    main()
