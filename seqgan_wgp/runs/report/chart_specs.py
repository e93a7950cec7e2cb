"""Which charts the records of a run give: how training went, and how good the samples were on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...config import Config
from ...training.report_data import Histogram
from ...training.schedule import learning_rate
from ..measures import SHARES, measures_in, wording
from .charts import Chart, Series

RecordList = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ChartSpec:
    """A chart of numbers that records have."""

    title: str
    y_label: str
    lines: Mapping[str, str]
    """Key in the records -> what the line is called."""

    note: str
    factor: float = 1.0
    y_axis: str = "auto"
    """As a Chart has it."""

    optional: bool = False
    """Whether a line that is 0 throughout is left out: what it measures is not part of this run."""


TRAINING: tuple[ChartSpec, ...] = (
    ChartSpec(
        title="Wasserstein estimate",
        y_label="score, real minus generated",
        lines={"wasserstein": "training batches"},
        note="The critic's estimate of the distance, free of the penalty.",
    ),
    ChartSpec(
        title="Penalty",
        y_label="part of the critic's loss",
        lines={"penalty": "penalty, weighted"},
        note="What the critic pays for slopes that its constraint does not want.",
        optional=True,
    ),
    ChartSpec(
        title="Slope of the critic",
        y_label="norm of the gradient",
        lines={
            "slope_mean": "where the penalty is taken",
            "segment_slope_p05": "on segments, 5 %",
            "segment_slope_p50": "on segments, 50 %",
            "segment_slope_p95": "on segments, 95 %",
        },
        note="Segments lie between real and generated items. The constraint gp keeps slopes near 1, lp below 1.",
        optional=True,
    ),
    ChartSpec(
        title="Learning by heart",
        y_label="critic's objective",
        lines={"critic_loss_objective": "training items", "held_out_loss": "held-out items"},
        note="Without the penalty. Where the two part, the critic knows the training items by heart.",
    ),
    ChartSpec(
        title="Losses",
        y_label="loss",
        lines={"critic_loss": "critic", "generator_loss": "generator"},
        note="What each network lowers. They tell little of quality.",
    ),
    ChartSpec(
        title="Gradients",
        y_label="norm of the gradient",
        lines={"critic_gradient": "critic", "generator_gradient": "generator"},
        note="Of each network's loss in its weights.",
    ),
    ChartSpec(
        title="Learning rates",
        y_label="learning rate",
        lines={"critic_learning_rate": "critic", "generator_learning_rate": "generator"},
        note="The step sizes that the two optimizers had in each round.",
        y_axis="zero",
    ),
    ChartSpec(
        title="Peakedness",
        y_label="largest probability",
        lines={"peak_mean": "mean over positions"},
        note="Real rows are one-hot, with a peak of 1; generated ones come near it as they learn.",
        y_axis="linear",
    ),
    ChartSpec(
        title="Entropy of a position",
        y_label="entropy (bits)",
        lines={"entropy_bits": "mean over positions"},
        note="How undecided the generator is about a character; 0 for real rows.",
    ),
)
"""What is drawn of the training, where records have it."""


def training_charts(records: RecordList, config: Config) -> list[Chart]:
    """Return the charts of TRAINING that the records have numbers for.

    Records of older versions have no learning rates: they get those of their round by the schedule of the config.
    """
    records = [_scheduled_rates(config, record["step"]) | dict(record) for record in records]
    return [chart for course in TRAINING if (chart := _chart(course, records)) is not None]


def quality_charts(records: RecordList) -> list[Chart]:
    """Return charts of all measures, each with its floor: those of n-grams in one, and those that are shares."""
    evaluations = [measures_in(record) | {"step": record["step"]} for record in records]
    bare = list(dict.fromkeys(name for each in evaluations for name in each if not name.endswith(("_floor", "step"))))
    ngrams = [name for name in bare if name.startswith("js") and name[2:].isdigit()]
    shares = [name for name in bare if name in SHARES]
    courses = []
    if ngrams:
        lines = {name: wording(name).title for name in ngrams}
        note = "How far runs of characters are from those of held-out lines."
        courses.append(ChartSpec(title="N-grams", y_label="divergence JS-n (bits)", lines=lines, note=note))
    courses += [_alone(name) for name in bare if name not in (*ngrams, *shares)]
    if shares:
        lines = {name: wording(name).title for name in shares}
        note = " ".join(f"{title.capitalize()}: {wording(name).meaning}" for name, title in lines.items())
        courses.append(
            ChartSpec(title="Shares", y_label="share (%)", lines=lines, note=note, factor=100.0, y_axis="linear")
        )
    return [chart for course in courses if (chart := _chart(course, evaluations)) is not None]


def position_charts(records: RecordList) -> list[Chart]:
    """Return how peaked generated rows are by position, at the first and the last diagnosis."""
    seen = [record for record in records if record.get("peaks_by_position")]
    if not seen:
        return []
    labels = {f"round {record['step']:,}": record["peaks_by_position"] for record in (seen[0], seen[-1])}
    series = tuple(
        Series(label=label, x=range(1, len(peaks) + 1), y=peaks, place=place)
        for place, (label, peaks) in enumerate(labels.items())
    )
    return [
        Chart(
            title="Peakedness by position",
            x_label="position",
            y_label="largest probability",
            series=series,
            note="Of long rows, means over stretches of positions.",
            y_axis="linear",
        )
    ]


def histogram_chart(histogram: Histogram) -> Chart:
    """Return the chart of a number's spread over held-out and over generated items."""
    return Chart(
        title=histogram.title,
        x_label=histogram.axis,
        y_label="share (%)",
        edges=histogram.edges,
        series=tuple(
            Series(label=label, x=(), y=[100 * share for share in shares], place=place)
            for label, shares, place in (("held-out", histogram.held_out, 0), ("generated", histogram.generated, 1))
        ),
        note=histogram.note,
    )


def _scheduled_rates(config: Config, step: int) -> dict[str, float]:
    """Return the learning rates of the round that ended with a step; rounds count from 0."""
    optimizers = {"critic": config.optimizer.critic, "generator": config.optimizer.generator}
    return {f"{name}_learning_rate": learning_rate(settings, max(0, step - 1)) for name, settings in optimizers.items()}


def _alone(name: str) -> ChartSpec:
    words = wording(name)
    y_label = f"{words.title} ({words.unit})" if words.unit else words.title
    return ChartSpec(title=words.title, y_label=y_label, lines={name: "generated"}, note=words.meaning)


def _chart(course: ChartSpec, records: RecordList) -> Chart | None:
    series: list[Series] = []
    for name, label in course.lines.items():
        x, y = _numbers(records, name, course.factor)
        if not x or (course.optional and not any(y)):
            continue
        place = sum(not one.floor for one in series)
        series.append(Series(label=label, x=x, y=y, place=place))
        x, y = _numbers(records, f"{name}_floor", course.factor)
        if x:
            series.append(Series(label=f"floor of {label}", x=x, y=y, place=place, floor=True))
    if not series:
        return None
    return Chart(
        title=course.title,
        x_label="rounds",
        y_label=course.y_label,
        series=tuple(series),
        note=course.note,
        x_zero=True,
        y_axis=course.y_axis,
    )


def _numbers(records: RecordList, name: str, factor: float) -> tuple[list[int], list[float]]:
    """Return the steps and values of a key where it is a finite number."""
    found = [
        (record["step"], factor * value)
        for record in records
        if isinstance(value := record.get(name), int | float) and math.isfinite(value)
    ]
    return [step for step, _ in found], [value for _, value in found]
