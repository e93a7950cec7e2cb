"""Print tables of ablation results: the gain of each recipe over the base, and the base's spread."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

Row = dict[str, Any]

HALVES = ("validation", "test")


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a results file, none if there is no such file; a last line that was cut off is left out."""
    if not file.exists():
        return []
    whole = file.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def drop_torn_line(file: Path) -> None:
    """Take a last line that was cut off out of a results file, before another is added behind it."""
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)


MEASURES = {"js4": "JS-4", "composite": "composite"}
"""What recipes are ordered by: key in a row -> name in a table."""


def excess(point: Row, half: str, measure: str = "js4") -> float:
    """Return a measure over its floor, in bits, at one point of a curve."""
    return float(point[half][measure] - point[half][f"{measure}_floor"])


Curve = list[tuple[float, float]]
"""Minutes, and a measure over its floor on validation."""


def mean_curve(rows: list[Row], measure: str) -> Curve:
    """Return the mean of several runs' curves, measurement by measurement, up to the end of the shortest."""
    points = zip(*(row["curve"] for row in rows), strict=False)
    return [
        (statistics.fmean(p["minutes"] for p in each), statistics.fmean(excess(p, "validation", measure) for p in each))
        for each in points
    ]


def minutes_to(curve: Curve, target: float) -> float:
    """Return the minutes after which a curve is first at or below a target; infinity if it never is.

    Straight lines are drawn between measurements; nothing is known before the first, so its own minutes count.
    """
    before: tuple[float, float] | None = None
    for minutes, value in curve:
        if value <= target:
            if before is None:
                return minutes
            return before[0] + (minutes - before[0]) * (before[1] - target) / (before[1] - value)
        before = minutes, value
    return math.inf


def spread(values: list[float]) -> float:
    """Return the standard deviation of runs that differ in their seed; not a number for a single one."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


def when(minutes: float) -> str:
    """Return minutes as text; infinitely many are "not"."""
    return "not" if math.isinf(minutes) else f"{minutes:.2f}"


def number(mean: float, deviation: float) -> str:
    """Return a mean with its spread where there is one."""
    return f"{mean:.4f}" if math.isnan(deviation) else f"{mean:.4f} ± {deviation:.4f}"


def cells(name: str, rows: list[Row], base: list[Row], measure: str) -> list[str]:
    """Return the cells of one recipe's line; `rows` are its runs, `base` those of the base."""
    done = [row for row in rows if row["diverged"] is None]
    if not done:
        return [name, str(len(rows)), "diverged", *[""] * (len(HEAD) - 3)]
    finals = {half: [excess(row["curve"][-1], half, measure) for row in done] for half in HALVES}
    means = {half: statistics.fmean(finals[half]) for half in HALVES}
    shown = [number(means[half], spread(finals[half])) for half in HALVES]
    difference = deviations = reached = passed = ""
    if base:
        of_base = [excess(row["curve"][-1], "validation", measure) for row in base]
        target, deviation = statistics.fmean(of_base), spread(of_base)
        difference = f"{means['validation'] - target:+.4f}"
        if deviation > 0:
            error = deviation * math.sqrt(1 / len(done) + 1 / len(base))
            deviations = f"{(means['validation'] - target) / error:+.1f}"
        reached = when(minutes_to(mean_curve(done, measure), target))
        passed = when(minutes_to(mean_curve(base, measure), means["validation"]))
    rounds = statistics.fmean(row["rounds"] for row in done)
    unique = statistics.fmean(row["curve"][-1]["validation"]["unique"] for row in done)
    valid = [row["curve"][-1]["valid"] for row in done if "valid" in row["curve"][-1]]
    lost = len(rows) - len(done)
    runs = str(len(done)) + (f" ({lost} diverged)" if lost else "")
    return [
        name,
        runs,
        *shown,
        difference,
        deviations,
        reached,
        passed,
        f"{rounds:,.0f}",
        f"{unique:.1%}",
        *([f"{statistics.fmean(valid):.1%}"] if valid else []),
    ]


HEAD = [
    "recipe",
    "runs",
    "{measure} over floor, validation",
    "test",
    "difference",
    "in standard errors",
    "minutes to the base's end",
    "of the base to its own",
    "rounds",
    "unique",
]


def factor_of(name: str) -> str:
    """Return the factor of a trial named "FACTOR: VALUE"; of one without, nothing."""
    return name.rpartition(": ")[0]


def table(title: str, rows: list[Row], measure: str = "js4") -> str:
    """Return the Markdown table of one corpus at one length of training, and how alike the halves order it.

    Best first; the values of a factor ("FACTOR: VALUE") stay together, and factors in the order of the plan.
    Differences are from the mean of the runs named "base", in bits on validation; their standard error supposes that
    every recipe spreads as the base does.
    """
    of_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_name[row["name"]].append(row)
    base = [row for row in of_name.get("base", of_name.get("fast", [])) if row["diverged"] is None]

    def final(name: str, half: str) -> float:
        ends = [excess(row["curve"][-1], half, measure) for row in of_name[name] if row["diverged"] is None]
        return statistics.fmean(ends) if ends else math.inf

    factors = list(dict.fromkeys(factor_of(name) for name in ["base", *of_name]))
    order = sorted(of_name, key=lambda name: (factors.index(factor_of(name)), final(name, "validation")))
    head = [text.format(measure=MEASURES[measure]) for text in HEAD]
    if any("valid" in point for row in rows for point in row["curve"]):
        head.append("valid")
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cells(name, of_name[name], base, measure))} |" for name in order]
    finite = [name for name in order if math.isfinite(final(name, "validation"))]
    if len(finite) > 2:
        from scipy import stats  # type: ignore[import-untyped,unused-ignore]  # here, since its import takes a second

        pairs = [[final(name, half) for name in finite] for half in HALVES]
        rank = float(stats.spearmanr(*pairs).statistic)
        lines += ["", f"Spearman's rank correlation of validation and test over {len(finite)} recipes: {rank:.3f}"]
    return "\n".join(lines)


def report(rows: list[Row], measure: str = "js4") -> str:
    """Return the tables of all corpora and lengths of training, in the order of a measure in MEASURES."""
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["corpus"], row["minutes"]].append(row)
    return "\n\n".join(
        table(f"{corpus}, {minutes:g} minutes of processor time each", group, measure)
        for (corpus, minutes), group in groups.items()
    )
