"""Evaluate a model of toy points on samples never trained on: its measures, and what they mean.

Shape suffixes: N points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..training.adapter import EvalTable, MeasureRow
from ..training.domain import Items
from ..utils.progress import OnStep, ignore_step
from .domain import SAMPLES, ToyDomain
from .spec import ToyFacts

AT_FLOOR = 2.0
"""w1 up to this many times its floor counts as real: floors of different samples of 1,000 points vary that much."""

REAL_QUALITY = 0.989
"""Share of real points within three standard deviations of a centre."""


@dataclass(frozen=True, kw_only=True)
class ToyEvaluation:
    """Result of evaluating a model of points; `to_json` has the keys."""

    n: int
    """Number of generated points."""

    measures: dict[str, float]
    """The result of `ToyDomain.score` for the test half."""

    facts: ToyFacts

    @property
    def summary(self) -> tuple[str, ...]:
        """The main results in a few sentences."""
        sentences = [f"distance: {self._distance()}"]
        if "modes" in self.measures:
            sentences.append(f"modes: {self._modes()}")
        return tuple(sentences)

    @property
    def method(self) -> str:
        """How it was measured, in one line."""
        return f"{self.n:,} generated points against new samples of {self.facts.name}; floor: as many real points"

    @property
    def rows(self) -> list[MeasureRow]:
        """For each measure: its name, its value, the value to compare it with, and what it means."""
        numbers = self.measures
        found = [("w1", f"{numbers['w1']:.4f}", f"floor {numbers['w1_floor']:.4f}", self._distance())]
        if "modes" in numbers:
            near = "points within three standard deviations of a mode; the others lie between modes"
            even = "KL divergence in bits of the mode frequencies from uniform"
            found += [
                ("modes", f"{numbers['modes']:.0f}", f"{len(self.facts.distribution.centres)}", self._modes()),
                ("high_quality", f"{numbers['high_quality']:.1%}", f"real points {REAL_QUALITY:.1%}", near),
                ("mode_kl", f"{numbers['mode_kl']:.4f}", "0", even),
            ]
        return found

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """No tables."""
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; docs/metrics.md explains the keys."""
        return {
            "domain": "toy",
            "data": self.facts.name,
            "n": self.n,
            **self.measures,
            "summary": list(self.summary),
        }

    def _distance(self) -> str:
        w1, floor = self.measures["w1"], self.measures["w1_floor"]
        if w1 <= AT_FLOOR * floor:
            return "as close to the distribution as real points are"
        return f"{w1 / floor:.1f} times as far from the distribution as real points are"

    def _modes(self) -> str:
        centres, held = len(self.facts.distribution.centres), round(self.measures["modes"])
        return f"all {centres} are covered" if held == centres else f"{centres - held} of {centres} are missing"


def evaluate_points(
    domain: ToyDomain,
    generate: Callable[[int], Iterator[Items]],
    *,
    samples: int | None,
    on_step: OnStep = ignore_step,
) -> ToyEvaluation:
    """Measure generated points against points that were not used in training.

    Args:
        domain: the domain of the distribution.
        generate: given N, yields N points in parts, each (n, 2).
        samples: N; None: SAMPLES.
        on_step: called with a description of the current step and the share of it that is done.
    """
    count = SAMPLES if samples is None else samples
    on_step(f"generating {count:,} points", 0.0)
    points_N2 = np.concatenate(list(generate(count)))
    on_step("measuring", 0.0)
    measures = domain.score(points_N2, half="test")
    return ToyEvaluation(n=count, measures=measures, facts=domain.spec.facts)
