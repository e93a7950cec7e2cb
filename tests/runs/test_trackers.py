"""Trackers get the numbers of metrics.jsonl, a resumed run continues there, and no failure stops training."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.config import Config, to_dict
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.tensorboard import flattened
from seqgan_wgp.runs.trackers import PROJECT, check_log_packages
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data

from ..stopping import stop_at

Prepare = Callable[..., RunFolder]


class Service:
    """What a tracker has been sent."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.numbers: list[tuple[int, dict[str, float]]] = []
        self.settings: dict[str, Any] = {}
        self.ended = 0
        self.fails_at: int | None = None

    def log(self, numbers: dict[str, float], step: int) -> None:
        if step == self.fails_at:
            raise ValueError("no network")
        self.numbers.append((step, numbers))


def module(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    made = types.ModuleType(name)
    made.__spec__ = ModuleSpec(name, None)
    vars(made).update(contents)
    monkeypatch.setitem(sys.modules, name, made)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A module with as much of wandb as is used."""
    service = Service()

    def init(**given: Any) -> Any:
        service.started.append(given)
        service.settings = given["config"]
        run = types.SimpleNamespace(id=given["id"] or "abc")
        run.log = lambda numbers, step: service.log(numbers, step)
        run.finish = lambda: setattr(service, "ended", service.ended + 1)
        return run

    module(monkeypatch, "wandb", init=init)
    return service


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Modules with as much of MLflow as is used."""
    service = Service()

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            service.started.append({"experiment": name})

        def create_experiment(self, name: str) -> str:
            return f"number of {name}"

        def create_run(self, experiment: str, run_name: str) -> Any:
            service.started[-1] |= {"id": None, "name": run_name, "in": experiment}
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id="abc"))

        def update_run(self, run_id: str, status: str) -> None:
            service.started.append({"id": run_id, "status": status})

        def log_batch(self, run_id: str, metrics: Any = (), params: Any = ()) -> None:
            assert run_id == "abc"
            assert len(params) <= 100
            service.settings |= dict(params)
            if metrics:
                assert len({step for _name, _value, _time, step in metrics}) == 1
                service.log({name: value for name, value, _time, _step in metrics}, metrics[0][3])

        def set_terminated(self, run_id: str) -> None:
            assert run_id == "abc"
            service.ended += 1

    module(monkeypatch, "mlflow", MlflowClient=Client)
    module(monkeypatch, "mlflow.entities", Metric=lambda *parts: parts, Param=lambda *parts: parts)
    return service


@pytest.fixture
def prepare(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Prepare:
    def make(**settings: object) -> RunFolder:
        found, config = scan_data(tiny_lines, tiny_config(**{"training.steps": 4, **settings}))
        return create(found, config, tmp_path / "run")

    return make


def expected(run: RunFolder) -> list[tuple[int, dict[str, float]]]:
    return [
        (entry["step"], {name: value for name, value in flattened(entry).items() if isinstance(value, int | float)})
        for entry in read_records(run.metrics)
    ]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_numbers_are_those_of_the_records_and_a_resumed_run_continues(
    name: str, prepare: Prepare, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    service: Service = request.getfixturevalue(name)
    for variable in ("WANDB_PROJECT", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(variable, raising=False)
    run = prepare(**{f"log.{name}": True})
    run_training(run, should_stop=stop_at(2))
    assert json.loads(run.tracking.read_text()) == {name: "abc"}
    run_training(run)
    assert [started["id"] for started in service.started] == [None, "abc"]
    assert PROJECT in str(service.started[0])
    assert service.ended == 2
    assert service.numbers == expected(run)
    width = service.settings["generator"]["width"] if name == "wandb" else service.settings["generator.width"]
    assert int(width) == 8


def test_a_tracker_that_fails_is_left_and_training_goes_on(
    prepare: Prepare, wandb: Service, caplog: pytest.LogCaptureFixture
) -> None:
    wandb.fails_at = 2
    run = prepare(**{"log.wandb": True})
    run_training(run)
    assert "Weights & Biases failed (no network); training goes on without it" in caplog.text
    assert [step for step, _numbers in wandb.numbers] == [1]
    assert [entry["step"] for entry in read_records(run.metrics)][-1] == 4


def test_without_the_settings_nothing_is_imported_or_written(prepare: Prepare, wandb: Service, mlflow: Service) -> None:
    run = prepare()
    run_training(run)
    assert (wandb.started, mlflow.started) == ([], [])
    assert not run.tracking.exists()


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_without_the_package_it_is_refused(
    name: str, tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=f"log.{name} = true needs {name}, which is not installed") as caught:
        check_log_packages(tiny_config(**{f"log.{name}": True}))
    assert f"seqgan-wgp[{name}]" in caught.value.remedy
    assert to_dict(tiny_config())["log"][name] is False
