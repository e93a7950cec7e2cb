"""A run on disk: what it writes and when, and that stopping changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import seqgan_wgp
from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError, ConfigError, Diverged
from seqgan_wgp.model import Model
from seqgan_wgp.runs.folder import RunFolder, read_config
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.session import Outcome
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.utils import tensor_file

from ..stopping import stop_at

Start = Callable[..., RunFolder]

FALLING = {"learning_rate": 1e-3, "lr_decay_steps": 2}
"""Of an optimizer: step sizes that fall from round to round."""


@pytest.fixture
def start(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Start:
    """Prepare a run of the tiny config in a folder of its own."""

    def prepare(name: str, **settings: object) -> RunFolder:
        found, config = scan_data(tiny_lines, tiny_config(**settings))
        return create(found, config, tmp_path / name)

    return prepare


def records(run: RunFolder) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in read_records(run.metrics)]


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return tensor_file.read_tensor_file(path)[0]


def assert_same_run(one: RunFolder, two: RunFolder) -> None:
    assert records(one) == records(two)
    for name in ("model", "best", "checkpoint"):
        left, right = tensors(getattr(one, name)), tensors(getattr(two, name))
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left)
    assert [path.read_bytes() for path in sorted((one.path / "samples").glob("*0[02468].txt"))] == [
        path.read_bytes() for path in sorted((two.path / "samples").glob("*0[02468].txt"))
    ]


def test_a_run_leaves_what_is_promised(start: Start) -> None:
    run = start("run", **{"training.steps": 5, "evaluation.every": 2, "log.every": 3})
    outcome = run_training(run)
    assert (outcome.reason, outcome.step) == ("steps", 5)
    names = {path.name for path in run.path.iterdir() if not path.name.startswith(".")}
    assert names == {
        "best.safetensors", "checkpoint", "config.json", "corpus.json", "ids.npy", "metrics.jsonl", "model.safetensors",
        "samples", "tokenizer.json",
    }  # fmt: skip
    written = read_records(run.metrics)
    assert [record["step"] for record in written] == [1, 2, 3, 4, 5]
    assert [("js1" in record, record.get("final", False)) for record in written] == [
        (False, False), (True, False), (False, False), (True, False), (True, True),
    ]  # fmt: skip
    assert {"seconds", "critic_loss", "generator_loss", "wasserstein", "penalty", "slope_mean"} <= written[0].keys()
    assert {"js2", "js1_floor", "js2_floor", "unique", "novel"} <= written[1].keys()
    assert sorted(path.name for path in (run.path / "samples").iterdir()) == [
        "00000002.txt", "00000004.txt", "00000005.txt",
    ]  # fmt: skip
    assert json.loads(run.config.read_text())["generator"]["width"] == 8
    assert outcome.test.keys() == outcome.validation.keys()


def test_every_record_has_the_rates_of_its_round_also_the_closing_one_of_a_run_that_was_over(start: Start) -> None:
    falling = {f"optimizer.{part}.{name}": value for part in ("generator", "critic") for name, value in FALLING.items()}
    run = start("run", **falling, **{"training.steps": 5, "evaluation.every": 2, "log.every": 1})
    run_training(run)
    run_training(run)  # writes the closing record anew, without a round
    written = read_records(run.metrics)
    assert [record["step"] for record in written] == [1, 2, 3, 4, 5, 5]
    for record in written:
        rate = 1e-3 / (1 + (record["step"] - 1) / 2) ** 0.5
        assert [record[f"{part}_learning_rate"] for part in ("generator", "critic")] == pytest.approx([rate, rate])


@pytest.mark.parametrize("stops", [[1], [2, 3], [5], [3, 1, 1, 2]])
def test_stopping_and_going_on_is_the_same_as_never_stopping(start: Start, stops: list[int]) -> None:
    settings = {"training.steps": 8, "evaluation.every": 3, "log.every": 2, "log.diagnostics": 3}
    whole, parts = start("whole", **settings), start("parts", **settings)
    run_training(whole)
    for stop in stops:
        assert run_training(parts, should_stop=stop_at(stop)).reason == "interrupted"
    assert run_training(parts).reason == "steps"
    assert_same_run(whole, parts)


@pytest.mark.parametrize("first", [1, 4, 5, 6])
def test_a_finished_run_goes_on_to_a_larger_number_of_steps(start: Start, first: int) -> None:
    whole, parts = start("whole", **{"training.steps": 8}), start("parts", **{"training.steps": first})
    run_training(whole)
    run_training(parts)
    outcome = run_training(parts, {"training.steps": 8})
    assert outcome.step == 8
    assert read_config(parts).training.steps == 8
    assert_same_run(whole, parts)


def test_going_on_with_a_finished_run_changes_nothing(start: Start) -> None:
    run = start("run", **{"training.steps": 5})
    first = run_training(run)
    before = (records(run), tensors(run.model), run.checkpoint.read_bytes())
    second = run_training(run)
    assert (second.step, second.validation, second.test) == (first.step, first.validation, first.test)
    assert records(run) == before[0]
    assert all(torch.equal(tensor, before[1][name]) for name, tensor in tensors(run.model).items())
    assert run.checkpoint.read_bytes() == before[2]


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(start: Start) -> None:
    whole, killed = start("whole"), start("killed")
    run_training(whole)
    killed.metrics.write_bytes(b'{"step": 1, "critic_loss": 99}\n{"st')
    run_training(killed)
    assert_same_run(whole, killed)


def test_divergence_leaves_the_last_good_checkpoint(start: Start) -> None:
    run = start("run", **{"training.steps": 4})
    run_training(run)
    good = run.checkpoint.read_bytes(), run.model.read_bytes()
    wild = {"training.steps": 10_000, "optimizer.critic.learning_rate": 10.0, "objective.penalty_weight": 1e30}
    with pytest.raises(Diverged, match="at step"):
        run_training(run, wild)
    assert (run.checkpoint.read_bytes(), run.model.read_bytes()) == good


@pytest.mark.parametrize(("criterion", "measure"), [("js", "js2"), ("composite", "composite")])
def test_best_model_is_that_of_the_lowest_criterion_at_the_cadence(start: Start, criterion: str, measure: str) -> None:
    run = start("run", **{"training.steps": 9, "evaluation.every": 2, "evaluation.criterion": criterion})
    outcome = run_training(run)
    values = {record["step"]: record[measure] for record in records(run) if measure in record and "final" not in record}
    assert list(values) == [2, 4, 6, 8]
    best = min(values, key=lambda step: values[step])
    assert outcome.best_step == best
    assert tensor_file.read_tensor_file(run.best)[1]["step"] == best


def test_patience_ends_a_run_and_can_be_overruled(start: Start) -> None:
    still = {"optimizer.generator.learning_rate": 1e-9, "training.steps": 400}
    run = start("run", **still, **{"evaluation.every": 1, "evaluation.patience": 3})
    outcome = run_training(run)
    assert outcome.reason == "patience"
    assert outcome.best_step is not None
    assert outcome.step == outcome.best_step + 3
    assert run_training(run, {"training.steps": outcome.step + 1}).step == outcome.step + 1


def test_minutes_count_over_interruptions(start: Start) -> None:
    run = start("run", **{"training.steps": None, "training.minutes": 0.02})
    outcome = run_training(run)
    assert outcome.reason == "minutes"
    assert outcome.seconds >= 1.2
    assert run_training(run).step == outcome.step


def test_a_new_end_replaces_one_of_the_other_kind(start: Start) -> None:
    run = start("run", **{"training.steps": 2, "training.minutes": None})
    assert run_training(run).reason == "steps"
    timed = run_training(run, {"training.minutes": 0.02})
    assert (timed.reason, read_config(run).training.steps) == ("minutes", None)
    assert timed.step > 2
    counted = run_training(run, {"training.steps": timed.step + 2})
    assert (counted.reason, counted.step) == ("steps", timed.step + 2)
    assert read_config(run).training.minutes is None


def test_two_new_ends_hold_both(start: Start) -> None:
    run = start("run", **{"training.steps": 2})
    assert run_training(run, {"training.steps": 4, "training.minutes": 60}).reason == "steps"
    assert (read_config(run).training.steps, read_config(run).training.minutes) == (4, 60)


def test_a_run_in_use_is_refused(start: Start) -> None:
    run = start("run")
    with run.locked(), pytest.raises(ConfigError, match="another process"):
        run_training(run)


def test_a_damaged_checkpoint_is_named(start: Start) -> None:
    run = start("run", **{"training.steps": 2})
    run_training(run)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"state\.safetensors: damaged"):
        run_training(run, {"training.steps": 4})


def test_a_config_of_a_newer_format_is_refused(start: Start) -> None:
    run = start("run")
    tree = json.loads(run.config.read_text())
    run.config.write_text(json.dumps(tree | {"format_version": 999}))
    with pytest.raises(CheckpointError, match="999"):
        read_config(run)


def test_callbacks_see_every_step_in_order(start: Start) -> None:
    steps: list[int] = []
    outcome: Outcome = run_training(start("run"), on_record=lambda record, _domain: steps.append(record.step))
    assert steps == list(range(1, outcome.step + 1))


def test_train_from_python_returns_a_model_and_keeps_nothing(
    tmp_path: Path, tiny_lines: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[int] = []
    tiny = {"generator.width": 8, "critic.width": 8, "generator.blocks": 1, "critic.blocks": 1, "evaluation.every": 2}
    model = seqgan_wgp.train(tiny_lines, steps=3, settings=tiny, on_record=lambda record: seen.append(record.step))
    assert seen == [1, 2, 3]
    assert isinstance(model, Model)
    assert len(model.generate(5)) == 5
    assert list(tmp_path.iterdir()) == []
    kept = seqgan_wgp.train(tiny_lines, steps=3, settings=tiny, out=tmp_path / "run")
    assert kept.generate(5) == model.generate(5) == Model.load(tmp_path / "run").generate(5)
    assert "</html>" in RunFolder(tmp_path / "run").report.read_text(encoding="utf-8")

    def full(_run: RunFolder) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seqgan_wgp.runs.report.page.write_report", full)
    again = seqgan_wgp.train(tiny_lines, steps=3, settings=tiny, out=tmp_path / "full")
    assert "the report could not be written: [Errno 28] No space left" in caplog.text
    assert again.generate(5) == model.generate(5)


@pytest.mark.parametrize("patience", [None, 1])
def test_evaluations_beside_the_rounds_change_no_file(start: Start, patience: int | None) -> None:
    settings = {"evaluation.patience": patience, "training.steps": 12}
    runs = [start(name, **settings, **{"evaluation.overlap": name}) for name in ("never", "always")]
    reasons = [run_training(run).reason for run in runs]
    assert reasons[0] == reasons[1]
    assert_same_run(*runs)
