"""EXPERIMENTS: what can be tried, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from . import checks, depth, figures, gradients, loss_vs_quality, parallel_lines, surfaces, tables
from .checks import Check
from .critics import Progress
from .tables import Table


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question and how it is answered; `Any` is what its own module returns, numbers alone."""

    question: str
    run: Callable[[int, float, Progress], Any]
    """(seed, share of the steps, told what is about to be done) -> what was found."""

    tables: Callable[[Any], tuple[Table, ...]]
    checks: Callable[[Any], tuple[Check, ...]]
    figure: Callable[[Any], Figure]


EXPERIMENTS: dict[str, Experiment] = {
    "lines": Experiment(
        question="Which distance says how far apart two lines are?",
        run=parallel_lines.run,
        tables=tables.lines,
        checks=checks.lines,
        figure=figures.lines,
    ),
    "gradients": Experiment(
        question="What does a well-trained discriminator leave the generator to learn from?",
        run=gradients.run,
        tables=tables.gradients,
        checks=checks.gradients,
        figure=figures.gradients,
    ),
    "surfaces": Experiment(
        question="What do clipped and penalised critics see?",
        run=surfaces.run,
        tables=tables.surfaces,
        checks=checks.surfaces,
        figure=figures.surfaces,
    ),
    "depth": Experiment(
        question="What does clipping do to deep critics?",
        run=depth.run,
        tables=tables.depth,
        checks=checks.depth,
        figure=figures.depth,
    ),
    "meaning": Experiment(
        question="Does the loss say how good the samples are?",
        run=loss_vs_quality.run,
        tables=tables.meaning,
        checks=checks.meaning,
        figure=figures.meaning,
    ),
}
