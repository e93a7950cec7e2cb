"""Record: what the trainer reports after a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

from torch import Tensor

from .domain import Items


@final
class RoundMetrics(Mapping[str, float]):
    """What a round measured, by name. The numbers come from the device when the first of them is asked for.

    Args:
        names: of the numbers.
        values: a tensor of as many.
    """

    def __init__(self, names: tuple[str, ...], values: Tensor) -> None:
        self._names, self._tensor = names, values

    @cached_property
    def _values(self) -> dict[str, float]:
        return dict(zip(self._names, self._tensor.tolist(), strict=True))

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Metrics of a step, with its samples and diagnosis if they were due."""

    step: int
    seconds: float
    """Training time in all, over every interruption."""

    losses: Mapping[str, float] = field(default_factory=dict)
    """critic_loss, wasserstein, penalty, slope_mean, generator_loss, and the norms of the gradients."""

    learning_rates: dict[str, float] = field(default_factory=dict)
    """generator_learning_rate and critic_learning_rate: the step sizes of this round; in records that are due only."""

    measures: dict[str, float] = field(default_factory=dict)
    """The domain's measures of the samples; at evaluations only."""

    samples: Items | None = None
    """Compact generated items of an evaluation."""

    diagnosis: dict[str, Any] = field(default_factory=dict)
    """What `diagnose` says, as JSON values; at the cadence of diagnoses only."""

    notes: tuple[str, ...] = ()
    """What whoever trains should know of how it is done, such as that another engine has taken over."""

    health: list[dict[str, str]] = field(default_factory=list)
    """What is wrong with the training, found at this record and not before: name, message and remedy of each. Whoever
    keeps the records fills it in."""

    def due(self, every: int) -> bool:
        """Say whether to keep the record: the first, one with samples or a diagnosis, or one in `every` steps."""
        return self.samples is not None or bool(self.diagnosis) or self.step == 1 or self.step % every == 0
