"""Choose the charts of a run's report from its records: training curves and sample quality."""

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
    """A chart of keys of the records."""

    title: str
    y_label: str
    lines: Mapping[str, str]
    """Key in the records -> label of the line."""

    note: str
    factor: float = 1.0
    y_axis: str = "auto"
    """As in Chart."""

    optional: bool = False
    """Whether a line that is 0 throughout is left out, since its part is not used in this run."""


TRAINING: tuple[ChartSpec, ...] = (
    ChartSpec(
        title="Likelihood",
        y_label="nats per character",
        lines={"likelihood_loss": "training batches", "nll": "held-out lines"},
        note="The maximum-likelihood loss. If the two curves diverge, the generator memorises its training data.",
        optional=True,
    ),
    ChartSpec(
        title="Wasserstein estimate",
        y_label="score, real minus generated",
        lines={"wasserstein": "training batches"},
        note="The critic's estimate of the Wasserstein distance, without the penalty.",
    ),
    ChartSpec(
        title="Penalty",
        y_label="part of the critic's loss",
        lines={"penalty": "weighted penalty"},
        note="The gradient penalty times its weight: the cost of violating the critic's constraint.",
        optional=True,
    ),
    ChartSpec(
        title="Slope of the critic",
        y_label="gradient norm",
        lines={
            "slope_mean": "mean where the penalty is applied",
            "segment_slope_p05": "between real and generated, 5th percentile",
            "segment_slope_p50": "between real and generated, median",
            "segment_slope_p95": "between real and generated, 95th percentile",
        },
        note="Norm of the critic's gradient with respect to its input. gp keeps it near 1, lp at most 1.",
        optional=True,
    ),
    ChartSpec(
        title="Critic overfitting",
        y_label="critic loss",
        lines={"critic_loss_objective": "training items", "held_out_loss": "held-out items"},
        note="Without the penalty. If the two curves diverge, the critic overfits the training items.",
    ),
    ChartSpec(
        title="Losses",
        y_label="loss",
        lines={"critic_loss": "critic", "generator_loss": "generator"},
        note="What each network minimises. The losses say little about sample quality.",
    ),
    ChartSpec(
        title="Gradients",
        y_label="gradient norm",
        lines={"critic_gradient": "critic", "generator_gradient": "generator"},
        note="Norm of the gradient of each network's loss with respect to its weights.",
    ),
    ChartSpec(
        title="Learning rates",
        y_label="learning rate",
        lines={"critic_learning_rate": "critic", "generator_learning_rate": "generator"},
        note="Learning rate of each optimizer in each round.",
        y_axis="zero",
    ),
    ChartSpec(
        title="Peakedness",
        y_label="largest probability",
        lines={"peak_mean": "mean over positions"},
        note="Largest character probability per position. Real rows are one-hot, with a peak of 1; generated rows "
        "approach it during training.",
        y_axis="linear",
    ),
    ChartSpec(
        title="Entropy per position",
        y_label="entropy (bits)",
        lines={"entropy_bits": "mean over positions"},
        note="Entropy of the generator's character probabilities; 0 for real rows.",
    ),
)
"""Charts of the training, drawn if the records have their keys."""


def training_charts(records: RecordList, config: Config) -> list[Chart]:
    """Return the charts of TRAINING that the records have numbers for.

    Records of older versions have no learning rates; these are computed from the schedule.
    """
    records = [_scheduled_rates(config, record["step"]) | dict(record) for record in records]
    return [chart for course in TRAINING if (chart := _chart(course, records)) is not None]


def quality_charts(records: RecordList) -> list[Chart]:
    """Return charts of all measures with their floors. N-gram measures share a chart, and so do shares."""
    evaluations = [measures_in(record) | {"step": record["step"]} for record in records]
    bare = list(dict.fromkeys(name for each in evaluations for name in each if not name.endswith(("_floor", "step"))))
    ngrams = [name for name in bare if name.startswith("js") and name[2:].isdigit()]
    shares = [name for name in bare if name in SHARES]
    courses = []
    if ngrams:
        lines = {name: wording(name).title for name in ngrams}
        note = "Jensen-Shannon divergence of the n-grams from those of held-out lines; lower is better."
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
    """Chart the peak probability by position, at the first and the last diagnosis."""
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
            note="For long rows, averaged over neighbouring positions.",
            y_axis="linear",
        )
    ]


def histogram_chart(histogram: Histogram) -> Chart:
    """Return a histogram chart of held-out and generated items."""
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
    """Return the learning rates of the round that ended with this step; rounds count from 0."""
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
    """Return the steps and values of the records in which a key is a finite number."""
    found = [
        (record["step"], factor * value)
        for record in records
        if isinstance(value := record.get(name), int | float) and math.isfinite(value)
    ]
    return [step for step, _ in found], [value for _, value in found]
