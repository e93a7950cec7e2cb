"""Send the numbers of metrics.jsonl and the settings to experiment trackers: Weights & Biases and MLflow.

Where a tracker is and who may write to it is set by its own environment variables. What a tracker does wrong never
stops training: it ends with a warning, and training goes on without it.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, final

from .. import config as configs
from ..config import Config
from ..config.serialization import each_setting
from ..errors import CheckpointError, one_line
from ..utils.atomic_files import new_file
from ..utils.file_schema import read_json
from ..utils.installed import check_installed
from ..utils.messages import warn
from .folder import RunFolder
from .tensorboard import check_tensorboard, flattened

PROJECT = "seqgan-wgp"
"""Project at Weights & Biases and experiment of MLflow, unless an environment variable names another."""


class Connection(Protocol):
    """A run at a tracker."""

    run_id: str
    """Its name there, by which a resumed run continues."""

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Send the numbers of a step."""

    def close(self) -> None:
        """Send what is left and end the run there."""


class _WeightsAndBiases:
    """A run at Weights & Biases; WANDB_PROJECT, WANDB_ENTITY, WANDB_MODE and others apply."""

    def __init__(self, run: RunFolder, config: Config, run_id: str | None) -> None:
        wandb: Any = importlib.import_module("wandb")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.path.name,
            id=run_id,
            resume="allow",
            dir=str(run.path),
            config=configs.to_dict(config),
        )
        self.run_id: str = self._run.id

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        self._run.finish()


class _Mlflow:
    """A run of MLflow; MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and others apply."""

    def __init__(self, run: RunFolder, config: Config, run_id: str | None) -> None:
        mlflow: Any = importlib.import_module("mlflow")
        self._entities: Any = importlib.import_module("mlflow.entities")
        self._client = mlflow.MlflowClient()
        if run_id is not None:
            self.run_id = run_id
            self._client.update_run(run_id, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        found = self._client.get_experiment_by_name(name)
        experiment = self._client.create_experiment(name) if found is None else found.experiment_id
        self.run_id = self._client.create_run(experiment, run_name=run.path.name).info.run_id
        settings = each_setting(configs.to_dict(config))
        pairs = [self._entities.Param(name, str(value)[:_MAX_CHARACTERS]) for name, value in settings]
        for first in range(0, len(pairs), _MAX_PARAMETERS):
            self._client.log_batch(self.run_id, params=pairs[first : first + _MAX_PARAMETERS])

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        milliseconds = int(time.time() * 1000)
        metrics = [self._entities.Metric(name, value, milliseconds, step) for name, value in numbers.items()]
        self._client.log_batch(self.run_id, metrics=metrics)

    def close(self) -> None:
        self._client.set_terminated(self.run_id)


_MAX_PARAMETERS, _MAX_CHARACTERS = 100, 500
"""Parameters that MLflow takes at a time, and characters of one."""


@final
@dataclass(frozen=True, kw_only=True)
class Tracker:
    """One tracker, by the name of its setting in `log` and of its extra."""

    package: str
    title: str
    connect: Callable[[RunFolder, Config, str | None], Connection]
    """(run, config, name of the run there, if it has one) -> the run there."""


TRACKERS: dict[str, Tracker] = {
    "wandb": Tracker(package="wandb", title="Weights & Biases", connect=_WeightsAndBiases),
    "mlflow": Tracker(package="mlflow", title="MLflow", connect=_Mlflow),
}


def check_log_packages(config: Config) -> None:
    """Raise ConfigError when `log` asks for TensorBoard or a tracker whose package is not installed."""
    check_tensorboard(config)
    for name in _asked(config):
        check_installed(f"log.{name} = true", TRACKERS[name].package, extra=name)


def _asked(config: Config) -> list[str]:
    return [name for name in TRACKERS if getattr(config.log, name)]


class TrackedRun:
    """The run at every tracker that `log` asks for. The names that it has there are kept in the run folder.

    Args:
        run: the run.
        config: of the run.
    """

    def __init__(self, run: RunFolder, config: Config) -> None:
        check_log_packages(config)
        self._open: dict[str, Connection] = {}
        known = _known(run)
        for name in _asked(config):
            self._guard(name, partial(self._connect, name, run, config, known.get(name)))
        ids = known | {name: connection.run_id for name, connection in self._open.items()}
        if ids != known:
            with new_file(run.tracking) as file:
                file.write((json.dumps(ids, indent=2) + "\n").encode())

    def write(self, entry: Mapping[str, Any], *, sampled: bool) -> None:
        """Send the finite numbers of a record of metrics.jsonl. Samples are not sent."""
        del sampled
        numbers = {
            name: float(value)
            for name, value in flattened(entry).items()
            if isinstance(value, int | float) and math.isfinite(value)
        }
        for name, connection in list(self._open.items()):
            self._guard(name, partial(connection.log, numbers, entry["step"]))

    def flush(self) -> None:
        """Do nothing: trackers send by themselves."""

    def close(self) -> None:
        """End the run at every tracker."""
        for name, connection in list(self._open.items()):
            self._guard(name, connection.close)

    def _connect(self, name: str, run: RunFolder, config: Config, run_id: str | None) -> None:
        self._open[name] = TRACKERS[name].connect(run, config, run_id)

    def _guard(self, name: str, act: Callable[[], None]) -> None:
        """Run what may fail on the way to a tracker; after a failure the tracker gets nothing more."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  (their errors have no common class)
            self._open.pop(name, None)
            warn(f"{TRACKERS[name].title} failed ({one_line(error)}); training goes on without it", stacklevel=3)


def _known(run: RunFolder) -> dict[str, str]:
    """Return the names that a run has at trackers; none where the file is missing or not readable."""
    try:
        found = read_json(run.tracking, "")
    except CheckpointError:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
