"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from .health.findings import HealthFinding

INTERRUPTED = "interrupted"
"""Why a run ended that was told to stop, and can go on."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    reason: str
    """"steps", "minutes", "patience" or "interrupted"."""

    step: int
    seconds: float
    validation: dict[str, float] = field(default_factory=dict)
    """Measures of the final generator against the validation half."""

    test: dict[str, float] = field(default_factory=dict)
    """The same against the test half, which chose nothing."""

    best_step: int | None = None
    findings: list[HealthFinding] = field(default_factory=list)
    """What was wrong with the training, over the whole run."""

    samples: list[str] = field(default_factory=list)
    real: list[str] = field(default_factory=list)
