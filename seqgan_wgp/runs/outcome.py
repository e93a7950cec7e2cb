"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from .health.findings import HealthFinding

INTERRUPTED = "interrupted"
"""Reason for the end of a run that was interrupted and can be resumed."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    reason: str
    """"steps", "minutes", "patience" or "interrupted"."""

    step: int
    seconds: float
    validation: dict[str, float] = field(default_factory=dict)
    """Measures of the final generator on the validation split."""

    test: dict[str, float] = field(default_factory=dict)
    """The same on the test split, which was not used for any choice."""

    best_step: int | None = None
    findings: list[HealthFinding] = field(default_factory=list)
    """Problems in the training, over the whole run."""

    samples: list[str] = field(default_factory=list)
    real: list[str] = field(default_factory=list)
