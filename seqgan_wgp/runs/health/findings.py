"""Health of a run: report each problem found in its records once, with a remedy.

A finding is written into the record that it was made at, and of each name there is one in a run. So a run that goes on
from a checkpoint finds, step for step, what one finds that never stopped: what a kill dropped of the records takes its
findings with it. Nothing here changes the training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Config
from .detectors import DETECTORS, History, remedy


@dataclass(frozen=True, kw_only=True)
class HealthFinding:
    """What is wrong with a training."""

    name: str
    """One of DETECTORS."""

    step: int
    message: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        """Return what the record of its step has of it."""
        return {"name": self.name, "message": self.message, "remedy": self.remedy}


class Health:
    """The findings of a run.

    Args:
        config: of the run.
        criterion: name of the measure of quality, the lower the better.
        records: what the run has kept so far, as it is in metrics.jsonl.
    """

    def __init__(self, config: Config, criterion: str, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self.history = History(config, criterion)
        self.findings: list[HealthFinding] = []
        for record in records:
            self.history.add(record)
            self.findings += findings_of(record)

    def look(self, record: Mapping[str, Any]) -> list[HealthFinding]:
        """Take in the next record that is kept; return what is found at it that was not before."""
        self.history.add(record)
        known = {finding.name for finding in self.findings}
        new = [
            HealthFinding(name=name, step=record["step"], message=message, remedy=remedy(name, self.history.config))
            for name, detect in DETECTORS.items()
            if name not in known and (message := detect(self.history)) is not None
        ]
        self.findings += new
        return new


def findings_of(record: Mapping[str, Any]) -> list[HealthFinding]:
    """Return the findings that stand in a record."""
    return [HealthFinding(step=record["step"], **finding) for finding in record.get("health", [])]
