"""What a trainer knows after a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .domain import Items


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known after a step."""

    step: int
    seconds: float
    """Training time in all, over every interruption."""

    losses: dict[str, float] = field(default_factory=dict)
    """critic_loss, wasserstein, penalty, slope_mean, generator_loss, and the norms of the gradients."""

    measures: dict[str, float] = field(default_factory=dict)
    """The domain's measures of the samples; at evaluations only."""

    samples: Items | None = None
    """Compact generated items of an evaluation."""

    diagnosis: dict[str, Any] = field(default_factory=dict)
    """What `diagnose` says, as JSON values; at the cadence of diagnoses only."""

    health: list[dict[str, str]] = field(default_factory=list)
    """What is wrong with the training, found at this record and not before: name, message and remedy of each. Whoever
    keeps the records fills it in."""

    def due(self, every: int) -> bool:
        """Say whether to keep the record: the first, one with samples or a diagnosis, or one in `every` steps."""
        return self.samples is not None or bool(self.diagnosis) or self.step == 1 or self.step % every == 0
