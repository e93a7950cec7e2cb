"""Curves of quality over training, read from the records of runs and drawn in one picture."""

from __future__ import annotations

import math
import re
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from ...utils.atomic_files import new_file
from ..metrics_log import read_records

# The colour-blind safe palette of Okabe and Ito, without yellow, which is too light for lines.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "*")

LOG_RATIO = 4.0
"""Values that differ by more than this factor are drawn on a logarithmic axis."""

MAX_MARKERS = 12
"""Approximate number of markers on a line."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The result of one evaluation of a run."""

    step: int
    seconds: float
    value: float
    floor: float | None
    final: bool = False
    """Whether it is the final evaluation, outside the regular interval."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The criterion during one run."""

    title: str
    evaluations: Sequence[CurvePoint]
    diverged_step: int | None = None

    @property
    def regular(self) -> list[CurvePoint]:
        """The evaluations at the regular interval, which select the best model."""
        return [evaluation for evaluation in self.evaluations if not evaluation.final]

    def best(self) -> CurvePoint | None:
        """Return the first evaluation with the lowest value, or None without evaluations."""
        return min(self.regular, key=lambda evaluation: evaluation.value, default=None)

    def spread(self) -> float | None:
        """Return the standard deviation over the second half of the evaluations; None for fewer than two values."""
        values = [evaluation.value for evaluation in self.regular]
        half = values[len(values) // 2 :]
        return statistics.stdev(half) if len(half) > 1 else None


def read_curve(metrics: Path, criterion: str, *, title: str, diverged_step: int | None = None) -> Curve:
    """Read the curve of a measure from a run's records."""
    evaluations = [
        CurvePoint(
            step=record["step"],
            seconds=record.get("seconds", 0.0),
            value=value,
            floor=_number(record, f"{criterion}_floor"),
            final=record.get("final", False),
        )
        for record in (read_records(metrics) if metrics.is_file() else [])
        if (value := _number(record, criterion)) is not None
    ]
    return Curve(title=title, evaluations=evaluations, diverged_step=diverged_step)


def _number(record: Mapping[str, Any], name: str) -> float | None:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else None


def axis_title(criterion: str) -> str:
    """Return the axis title of a criterion, with its unit."""
    known = {"fcd": "Frechet distance, fcd", "w1": "Wasserstein distance W1"}
    if re.fullmatch(r"js\d+", criterion):
        return f"JS-{criterion[2:]} (bits)"
    return known.get(criterion, criterion)


def draw(curves: Sequence[Curve], *, criterion: str, title: str) -> Figure:
    """Plot curves against training time, with their floors.

    Args:
        curves: one line each; a curve without evaluations appears only in the legend.
        criterion: name of the measure.
        title: title of the plot.
    """
    figure = Figure(dpi=150, layout="constrained")
    axes = figure.subplots()
    longest = max((evaluation.seconds for curve in curves for evaluation in curve.evaluations), default=0.0)
    unit, size = ("minutes", 60.0) if longest >= 60 else ("seconds", 1.0)
    for number, curve in enumerate(curves):
        _draw_line(axes, curve, number, size)
    choose_scale(axes, [evaluation.value for curve in curves for evaluation in curve.evaluations])
    _draw_floors(axes, curves)
    axes.set_title(_drawable(title), loc="left", fontsize=12)
    axes.set_xlabel(f"training time ({unit})", fontsize=12)
    axes.set_ylabel(f"{axis_title(criterion)}, validation half", fontsize=12)
    axes.set_xlim(left=0)
    axes.tick_params(labelsize=11)
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    columns = max(1, min(len(labels), 3, 90 // (8 + max(map(len, labels), default=0))))
    lines = math.ceil(sum(label.count("\n") + 1 for label in labels) / columns)
    figure.set_size_inches(8, 4.6 + 0.25 * lines)
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=11, frameon=False)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG atomically."""
    with new_file(path) as file:
        figure.savefig(file, format="png")


def _draw_line(axes: Axes, curve: Curve, number: int, size: float) -> None:
    times = [evaluation.seconds / size for evaluation in curve.evaluations]
    values = [evaluation.value for evaluation in curve.evaluations]
    ending = "" if curve.diverged_step is None else f" (diverged at step {curve.diverged_step:,})"
    color = COLORS[number % len(COLORS)]
    axes.plot(
        times,
        values,
        color=color,
        linestyle=("-", "-.", ":")[number // len(COLORS) % 3],
        linewidth=1.8,
        marker=MARKERS[number % len(MARKERS)],
        markersize=6,
        markevery=max(1, len(times) // MAX_MARKERS),
        label=textwrap.fill(_drawable(curve.title + ending), 82, break_on_hyphens=False),
    )
    if curve.diverged_step is not None and times:
        axes.plot(times[-1], values[-1], marker="x", markersize=13, markeredgewidth=2.5, color=color)


def _draw_floors(axes: Axes, curves: Sequence[Curve]) -> None:
    every = [evaluation.floor for curve in curves for evaluation in curve.evaluations]
    floors = {floor for floor in every if floor is not None and (floor > 0 or axes.get_yscale() == "linear")}
    for number, floor in enumerate(sorted(floors)):
        label = "_" if number else "floor: training data"
        axes.axhline(floor, color="#666666", linestyle="--", linewidth=1.4, label=label, zorder=1)


def choose_scale(axes: Axes, values: Sequence[float]) -> None:
    """Use a logarithmic axis with plain numbers when the values differ much."""
    if not values or min(values) <= 0 or max(values) < LOG_RATIO * min(values):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _drawable(text: str) -> str:
    """Return a text without characters that the font lacks or that start a formula."""
    font = get_font(findfont(FontProperties()))
    return "".join(sign if font.get_char_index(ord(sign)) else "?" for sign in text).replace("$", r"\$")
