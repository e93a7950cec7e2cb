"""The health of a run: said once, and the same however often the run was stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.health.detectors import DETECTORS
from seqgan_wgp.runs.health.findings import Health, HealthFinding, findings_of
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.training.record import Record
from seqgan_wgp.utils import tensor_file

from ...stopping import stop_at

Records = list[dict[str, Any]]

SICK: Records = [
    {"generator_gradient": 0.0, "critic_loss": 0.0, "penalty": 0.0, "js4": 0.2 + 0.2 * (k % 2), "class_kl": 3.0}
    for k in range(30)
]


@pytest.mark.parametrize("stop", [0, 1, 3, 5, 11, 12, 30])
def test_health_that_goes_on_from_records_finds_what_one_that_never_stopped_finds(stop: int) -> None:
    config = recipe("fast", {"objective.loss": "gan-ns"})
    whole, kept = Health(config, "js4"), []
    for number, record in enumerate(SICK, 1):
        entry = {"step": number, **record}
        told = [finding.to_json() for finding in whole.look(entry)]
        kept.append(json.loads(json.dumps(entry | ({"health": told} if told else {}))))
    names = [finding.name for finding in whole.findings]
    assert names == ["dead-critic", "saturated-critic", "collapse", "oscillation"]
    assert [finding for record in kept for finding in findings_of(record)] == whole.findings
    parts = Health(config, "js4", kept[:stop])
    assert parts.findings == [finding for record in kept[:stop] for finding in findings_of(record)]
    for record in kept[stop:]:
        assert parts.look({name: value for name, value in record.items() if name != "health"}) == findings_of(record)
    assert parts.findings == whole.findings


Start = Callable[..., RunFolder]


@pytest.fixture
def start(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Start:
    """Prepare a run whose critic is all but flat, in a folder of its own."""

    def prepare(name: str, **settings: object) -> RunFolder:
        flat = {
            "objective.constraint": "clip",
            "objective.clip": 1e-6,
            "objective.penalty_weight": 0,
            "training.steps": 8,
        }
        found, config = scan_data(tiny_lines, tiny_config(**(flat | settings)))
        return create(found, config, tmp_path / name)

    return prepare


def timeless(run: RunFolder) -> Records:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in read_records(run.metrics)]


def test_a_run_says_once_what_is_wrong_in_its_records_and_to_who_watches(start: Start) -> None:
    run, seen = start("run"), list[Record]()
    outcome = run_training(run, on_record=lambda record, _domain: seen.append(record))
    told = {record["step"]: record["health"] for record in read_records(run.metrics) if "health" in record}
    assert told.keys() == {3}
    assert [finding["name"] for finding in told[3]] == ["dead-critic"]
    assert told[3][0].keys() == {"name", "message", "remedy"}
    assert {record.step: record.health for record in seen if record.health} == told
    assert outcome.findings == [HealthFinding(step=3, **told[3][0])]
    assert math.isfinite(outcome.validation["js2"])


@pytest.mark.parametrize("stops", [[1, 1], [2, 3], [3], [4], [5]])
def test_stopping_and_going_on_finds_the_same_at_the_same_steps(start: Start, stops: list[int]) -> None:
    whole, parts = start("whole"), start("parts")
    run_training(whole)
    for stop in stops:
        run_training(parts, should_stop=stop_at(stop))
    assert [finding.step for finding in run_training(parts).findings] == [3]
    assert timeless(whole) == timeless(parts)


def test_what_a_kill_dropped_is_found_again(start: Start) -> None:
    whole, killed = start("whole"), start("killed")
    run_training(whole)
    run_training(killed, should_stop=stop_at(2))
    # Records of steps that the checkpoint does not know of, the last one cut off, as a kill leaves them.
    later = b"".join(whole.metrics.read_bytes().splitlines(keepends=True)[2:])
    killed.metrics.write_bytes(killed.metrics.read_bytes() + later[:-10])
    assert "health" in read_records(killed.metrics)[2]
    run_training(killed)
    assert timeless(whole) == timeless(killed)


def test_a_closing_record_that_a_longer_run_drops_takes_its_findings_with_it(start: Start) -> None:
    settings = {"evaluation.every": 2, "log.every": 2}
    whole, parts = start("whole", **settings), start("parts", **settings, **{"training.steps": 3})
    assert [finding.step for finding in run_training(parts).findings] == [3]
    assert timeless(parts)[-1]["final"]
    assert [finding.step for finding in run_training(whole).findings] == [4]
    run_training(parts, {"training.steps": 8})
    assert timeless(whole) == timeless(parts)


def test_looking_changes_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, alone = start("watched"), start("alone")
    run_training(watched)
    for name in list(DETECTORS):
        monkeypatch.delitem(DETECTORS, name)
    assert run_training(alone).findings == []
    assert [{key: value for key, value in record.items() if key != "health"} for record in timeless(watched)] == (
        timeless(alone)
    )
    for name in ("model", "best", "checkpoint"):
        left, right = (tensor_file.read_tensor_file(getattr(run, name))[0] for run in (watched, alone))
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left)


def test_a_sound_run_has_nothing_to_say(start: Start) -> None:
    sound = {"objective.constraint": "lp", "objective.clip": None, "objective.penalty_weight": 10, "training.steps": 20}
    run = start("run", **sound, **{"log.diagnostics": 5})
    assert run_training(run).findings == []
    assert not any("health" in record for record in read_records(run.metrics))
