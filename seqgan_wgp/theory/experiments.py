"""EXPERIMENTS: the theory experiments by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from . import checks, depth, figures, gradients, loss_vs_quality, parallel_lines, surfaces, tables
from .checks import Check
from .critics import ShowProgress
from .tables import TheoryTable


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question and how it is answered. `Any` stands for the numerical results of the experiment's own module."""

    question: str
    run: Callable[[int, float, ShowProgress], Any]
    """(seed, share of the steps, progress callback) -> results."""

    tables: Callable[[Any], tuple[TheoryTable, ...]]
    checks: Callable[[Any], tuple[Check, ...]]
    figure: Callable[[Any], Figure]


EXPERIMENTS: dict[str, Experiment] = {
    "lines": Experiment(
        question="Which distance measures how far apart two lines are?",
        run=parallel_lines.run_lines,
        tables=tables.tabulate_lines,
        checks=checks.check_lines,
        figure=figures.draw_lines,
    ),
    "gradients": Experiment(
        question="How much gradient does a well-trained discriminator leave for the generator?",
        run=gradients.run_gradients,
        tables=tables.tabulate_gradients,
        checks=checks.check_gradients,
        figure=figures.draw_gradients,
    ),
    "surfaces": Experiment(
        question="What do critics learn with weight clipping and with a gradient penalty?",
        run=surfaces.run_surfaces,
        tables=tables.tabulate_surfaces,
        checks=checks.check_surfaces,
        figure=figures.draw_surfaces,
    ),
    "depth": Experiment(
        question="What does weight clipping do to the gradients of deep critics?",
        run=depth.run_depth,
        tables=tables.tabulate_depth,
        checks=checks.check_depth,
        figure=figures.draw_depth,
    ),
    "meaning": Experiment(
        question="Does the loss track sample quality?",
        run=loss_vs_quality.run_meaning,
        tables=tables.tabulate_meaning,
        checks=checks.check_meaning,
        figure=figures.draw_meaning,
    ),
}
