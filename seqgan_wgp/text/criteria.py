"""Criteria for text: the validation measure that selects the best model and stops training early. Lower is better.

A criterion is made of measures that every evaluation takes anyway, so it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

COMPOSITE_ORDERS = 4, 6, 8
"""n of the JS-n in the composite: what stands next to each other, half a word, and nearly a whole one."""

VARIED = 0.95
"""Share of the distinct strings of real lines below which repetition counts. Above it, the differences between
evaluations are mostly those of the samples, and would be noise in the choice."""

Measures: TypeAlias = Mapping[str, float]
"""Those of an evaluation, by name."""


def composite(js: Sequence[float], unique: float, unique_floor: float) -> float:
    """Return the mean of some JS-n in bits, plus the share of distinct strings that is missing.

    (JS-4 + JS-6 + JS-8) / 3 + max(0, 0.95 - unique / unique_floor). docs/metrics.md shows how well it predicts the
    two-sample test and the coverage of held-out lines. Without its second part, a generator that repeats a few good
    strings would score too well.

    Args:
        js: the divergences, one or more.
        unique: share of distinct strings among the generated ones.
        unique_floor: the same among as many real ones, above 0.
    """
    return sum(js) / len(js) + max(0.0, VARIED - unique / unique_floor)


@final
@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One way to choose."""

    orders: Callable[[int], tuple[int, ...]]
    """evaluation.orders -> n of the JS-n that it is made of; rows that are shorter have the longest n instead."""

    measure: Callable[[tuple[int, ...]], str]
    """These n -> name of the measure that is least for the best model."""

    derived: Callable[[Sequence[float], Sequence[float], Measures], dict[str, float]]
    """These JS-n, their floors, and the other measures -> what it adds to the measures."""


def _composite_measures(js: Sequence[float], js_floor: Sequence[float], measures: Measures) -> dict[str, float]:
    unique, floor = measures["unique"], measures["unique_floor"]
    return {"composite": composite(js, unique, floor), "composite_floor": composite(js_floor, floor, floor)}


CRITERIA: dict[str, Criterion] = {
    "js": Criterion(
        orders=lambda most: (most,), measure=lambda orders: f"js{orders[-1]}", derived=lambda _js, _floor, _measures: {}
    ),
    "composite": Criterion(
        orders=lambda _most: COMPOSITE_ORDERS, measure=lambda _orders: "composite", derived=_composite_measures
    ),
}
"""Name, as in evaluation.criterion -> the criterion."""


def orders_of(criterion: Criterion, most: int, length: int) -> tuple[int, ...]:
    """Return the n of the JS-n that a criterion is made of, for rows of a length, each once.

    Args:
        criterion: of a run.
        most: evaluation.orders.
        length: L; no n-gram is longer.
    """
    return tuple(sorted({min(n, length) for n in criterion.orders(most)}))
