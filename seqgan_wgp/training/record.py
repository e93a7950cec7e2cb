"""Record: the metrics that the trainer yields after each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

from torch import Tensor

from .domain import Items


@final
class RoundMetrics(Mapping[str, float]):
    """Metrics of a round by name. They are copied from the device when the first one is read.

    Args:
        names: names of the metrics.
        values: their values, a tensor of the same length.
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
    """Metrics of a step, with samples and a diagnosis if they are due."""

    step: int
    seconds: float
    """Total training time, including the time before each resume."""

    losses: Mapping[str, float] = field(default_factory=dict)
    """critic_loss, wasserstein, penalty, slope_mean, generator_loss, and the norms of the gradients."""

    learning_rates: dict[str, float] = field(default_factory=dict)
    """generator_learning_rate and critic_learning_rate of this round; only in records that are kept (`due`)."""

    measures: dict[str, float] = field(default_factory=dict)
    """Measures of the samples, such as js4; only at evaluations."""

    samples: Items | None = None
    """Generated compact items (N, ...); only at evaluations."""

    diagnosis: dict[str, Any] = field(default_factory=dict)
    """The result of `diagnose`, JSON values; only every `log.diagnostics` steps."""

    notes: tuple[str, ...] = ()
    """Messages for the user, for example that the eager engine has replaced another one."""

    health: list[dict[str, str]] = field(default_factory=list)
    """Problems of the training that were first found at this record, each with name, message and remedy. The session
    that writes the records fills this in."""

    def due(self, every: int) -> bool:
        """Return whether to keep the record: the first one, one with samples or a diagnosis, or every `every`-th."""
        return self.samples is not None or bool(self.diagnosis) or self.step == 1 or self.step % every == 0
