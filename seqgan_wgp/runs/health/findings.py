"""Health of a run: report each problem found in its records once, with a remedy.

A finding is stored in the record at which it was made, and each problem is reported once per run. So a resumed run
reports the same as an uninterrupted one: records lost in a crash lose their findings too. Nothing here affects the
training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Config
from .detectors import DETECTORS, History, remedy


@dataclass(frozen=True, kw_only=True)
class HealthFinding:
    """A problem in the training of a run."""

    name: str
    """One of DETECTORS."""

    step: int
    message: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON values for the record of its step."""
        return {"name": self.name, "message": self.message, "remedy": self.remedy}


class Health:
    """The findings of a run.

    Args:
        config: of the run.
        criterion: name of the measure of quality; lower is better.
        records: the records so far, as in metrics.jsonl.
    """

    def __init__(self, config: Config, criterion: str, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self.history = History(config, criterion)
        self.findings: list[HealthFinding] = []
        for record in records:
            self.history.add(record)
            self.findings += findings_of(record)

    def look(self, record: Mapping[str, Any]) -> list[HealthFinding]:
        """Add the next stored record and return new findings."""
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
    """Return the findings stored in a record."""
    return [HealthFinding(step=record["step"], **finding) for finding in record.get("health", [])]
