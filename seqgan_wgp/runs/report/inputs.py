"""Read everything a report needs from the files of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...config import Config
from ...domains import DOMAINS
from ...errors import ConfigError
from ...model import Model
from ...training.report_data import ITEMS, ReportData
from ...utils.devices import pick_device
from ..folder import RunFolder, read_config
from ..measures import measures_in, selection_value
from ..metrics_log import Records, look_through
from .frames import Frames, read_frames


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """Contents of a run's files, as input to the report."""

    config: Config
    records: Sequence[Mapping[str, Any]]
    model: Model | None
    exhibits: ReportData
    frames: Frames
    notes: Sequence[str] = ()
    """What of the run could not be read."""

    @property
    def evaluations(self) -> list[Mapping[str, Any]]:
        """The records that have the criterion."""
        return [record for record in self.records if self.exhibits.criterion in measures_in(record)]

    @property
    def finished(self) -> bool:
        """Whether the run ended normally; only then its model was measured on the test split."""
        return "test" in self.metrics

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Split -> measures of the model; for an interrupted run, those of its last evaluation."""
        return {} if self.model is None else self.model.facts.get("metrics", {})

    @property
    def step(self) -> int:
        """Number of training rounds: of the model or, without one, of the last record."""
        if self.model is not None:
            return int(self.model.facts["step"])
        return int(self.records[-1]["step"]) if self.records else 0

    @property
    def seconds(self) -> float:
        """Training time."""
        if self.model is not None:
            return float(self.model.facts.get("seconds", 0.0))
        return float(self.records[-1].get("seconds", 0.0)) if self.records else 0.0

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The record of the first evaluation with the lowest nll or criterion, as for the best model."""
        regular = [record for record in self.evaluations if not record.get("final")]
        return min(regular, key=lambda record: selection_value(record, self.exhibits.criterion), default=None)

    @property
    def stale(self) -> int:
        """Number of evaluations since the best one, as early stopping counts them."""
        after = -1 if self.best is None else self.best["step"]
        return sum(record["step"] > after and not record.get("final") for record in self.evaluations)


def read_report_inputs(run: RunFolder) -> ReportInputs:
    """Read a run. Raises CheckpointError when a file is damaged, or a required file is missing."""
    config = read_config(run)
    read = look_through(run.metrics) if run.metrics.is_file() else Records(found=[], notes=[])
    records = read.found
    model = Model.load(run.path, device=_device(config)) if run.model.is_file() else None
    samples = None
    if model is not None:
        samples = np.concatenate(list(model.samples(ITEMS, seed=config.training.seed)))
    exhibits = DOMAINS[config.domain].report_data(run.path, config, samples)
    evaluated = {record["step"] for record in records if exhibits.criterion in record}
    return ReportInputs(
        config=config,
        records=records,
        model=model,
        exhibits=exhibits,
        frames=read_frames(run, evaluated),
        notes=read.notes,
    )


def _device(config: Config) -> str:
    """Return the run's device if this machine has it, otherwise the CPU, so that reports can be made elsewhere."""
    try:
        pick_device(config.training.device)
    except ConfigError:
        return "cpu"
    return config.training.device
