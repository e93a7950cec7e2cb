"""What a run takes from the machine it begins on: decided once, kept in its config, and said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from seqgan_wgp import train
from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.runs import calibrate as module
from seqgan_wgp.runs.calibrate import (
    LIKELIHOOD_ROUNDS,
    Machine,
    calibrate,
    threads_here,
    threads_note,
    with_likelihood_steps,
    with_threads,
)
from seqgan_wgp.runs.folder import RunFolder, read_config
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import PreparedText, scan_data
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.training.trial import RoundTimer, TrialData
from seqgan_wgp.utils.threads import cores


class StandInTimer(RoundTimer):
    """A device whose rounds take as long as a formula says; it computes nothing."""

    def trainer(self, settings: Mapping[str, object]) -> Trainer:
        return cast(Trainer, dict(settings))

    def seconds_of(self, trainer: Trainer, threads: int | None = None, rounds: int = 1) -> float:
        assert rounds >= 1
        if threads is not None:
            return {1: 0.060, 2: 0.090}[threads]
        settings = cast(dict[str, Any], trainer)
        config = override(self._config, settings)
        work = config.generator.width**2 * config.training.batch_size / 64**3
        way = {"auto": 1.0, "direct": 1.0, "fourier": 0.9, "toom-cook": 1.5}[config.training.convolution]
        return 0.002 * way * max(1.0, work / 10)  # ten times the work of a CPU's sizes costs nothing

    def round_seconds(self, settings: Mapping[str, object]) -> float:
        return self.seconds_of(self.trainer(settings))

    def evaluation_seconds(self, trainer: Trainer) -> tuple[float, float]:
        del trainer
        return 0.05, 0.4


GPU = Machine(device=torch.device("cuda"), threads_set=None, max_threads=2, timer=StandInTimer)
SHARED_CPU = Machine(device=torch.device("cpu"), threads_set=None, max_threads=2, timer=StandInTimer)


@pytest.fixture
def found(tiny_lines: list[str]) -> PreparedText:
    return scan_data(tiny_lines * 20, recipe("fast"))[0]


def test_on_a_gpu_the_sizes_follow_from_what_a_round_costs(found: PreparedText) -> None:
    given = recipe("fast")
    result = calibrate(found, given, found.decide(given), GPU)
    config = result.config
    assert (config.generator.width, config.critic.width) == (128, 128)  # 256 would be 16 times the work
    assert config.training.batch_size == 128  # 8 times; twice that would be 16 times
    assert config.training.convolution == "fourier"
    assert config.evaluation.every == 600  # generating takes .05 s, a twentieth of 1 s; a round takes .0018 s
    (note,) = result.notes
    for words in ("measured on cuda", "generator.width = 128", "training.batch_size = 128", "1.8 ms"):
        assert words in note


def test_what_was_set_is_left_as_it_is(found: PreparedText) -> None:
    given = recipe("fast", {"generator.width": 32, "critic.width": 32, "training.convolution": "direct"})
    given = override(given, {"training.batch_size": 16, "evaluation.every": 70})
    decided = found.decide(given)
    assert calibrate(found, given, decided, GPU).config == decided
    assert calibrate(found, given, decided, GPU).notes == ()


def test_a_batch_stays_at_most_half_of_what_there_is(tiny_lines: list[str]) -> None:
    given = recipe("fast")
    few, _ = scan_data(tiny_lines[:150], given)
    config = calibrate(few, given, few.decide(given), GPU).config
    assert config.training.batch_size <= 60


def test_the_number_of_threads_is_chosen_by_trial_said_and_kept(found: PreparedText) -> None:
    decided = found.decide(recipe("fast"))
    result = calibrate(found, recipe("fast"), decided, SHARED_CPU)
    assert result.config == override(decided, {"training.threads": 1})
    assert result.notes == (
        "threads: 1 (a trial round took 60 ms with 1, 90 ms with 2; to choose, use --set training.threads=N)",
    )


@pytest.mark.parametrize(("threads_set", "max_threads"), [(5, 2), (1, 64)])
def test_the_environment_is_obeyed_without_a_trial(found: PreparedText, threads_set: int, max_threads: int) -> None:
    machine = Machine(device=torch.device("cpu"), threads_set=threads_set, max_threads=max_threads)
    result = with_threads(found, found.decide(recipe("fast")), machine)
    assert (result.config.training.threads, result.notes) == (threads_set, ())


def test_a_setting_is_obeyed_and_one_core_needs_no_trial(found: PreparedText) -> None:
    decided = found.decide(recipe("fast", {"training.threads": 3}))
    assert with_threads(found, decided, SHARED_CPU).config == decided
    one = Machine(device=torch.device("cpu"), threads_set=None, max_threads=1)
    assert with_threads(found, found.decide(recipe("fast")), one).config.training.threads == 1


def test_a_run_computes_with_its_own_threads_whenever_it_goes_on(
    tiny_lines: list[str], tiny_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cores", lambda: 2)
    small, config = scan_data(tiny_lines, tiny_config(**{"training.threads": 2}))
    run, seen = create(small, config, tmp_path / "run"), list[int]()
    before = torch.get_num_threads()
    for steps in (1, 2):
        run_training(run, {"training.steps": steps}, on_record=lambda *_: seen.append(torch.get_num_threads()))
    assert seen == [2, 2]
    assert torch.get_num_threads() == before
    assert read_config(run).training.threads == 2


def test_train_keeps_the_number_that_the_environment_names(
    tiny_lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = {"generator.width": 4, "critic.width": 4, "training.batch_size": 4}
    train(tiny_lines, settings=settings, steps=1, device="cpu", out=tmp_path / "run")
    assert read_config(RunFolder(tmp_path / "run")).training.threads == 1


def test_a_run_of_an_older_version_has_no_number_and_is_left_alone() -> None:
    config = recipe("paper", {"corpus.length": 8})
    assert config.training.threads is None
    assert threads_here(config) is None
    assert threads_note(config) is None


def test_another_number_in_the_environment_is_said_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    config = recipe("paper", {"corpus.length": 8, "training.threads": 2})
    assert threads_here(config) == 2
    assert "OMP_NUM_THREADS=4" in str(threads_note(config))


def test_a_machine_with_fewer_cores_computes_with_these_and_says_so() -> None:
    config = recipe("paper", {"corpus.length": 8, "training.threads": 4_096})
    assert threads_here(config) == cores()
    assert "4096 threads" in str(threads_note(config))


class LikelihoodTimer(RoundTimer):
    """A machine whose rounds of maximum likelihood take 20 ms and evaluations 1.25 s; it computes nothing."""

    def trainer(self, settings: Mapping[str, object]) -> Trainer:
        return cast(Trainer, dict(settings))

    def seconds_of(self, trainer: Trainer, threads: int | None = None, rounds: int = 1) -> float:
        assert (threads, rounds) == (1, LIKELIHOOD_ROUNDS)
        assert cast(dict[str, Any], trainer)["training.likelihood_steps"]
        return 0.02

    def evaluation_seconds(self, trainer: Trainer) -> tuple[float, float]:
        assert cast(dict[str, Any], trainer)["training.likelihood_steps"]
        return 1.0, 0.25


LIKELIHOOD_CPU = Machine(device=torch.device("cpu"), threads_set=1, max_threads=1, timer=LikelihoodTimer)


@dataclass(frozen=True)
class SaidSize:
    """A prepared corpus that says to have another size."""

    found: PreparedText
    size: int

    def trial(self, config: Config) -> TrialData:
        return replace(self.found.trial(config), size=self.size)


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"training.minutes": 10}, 21_600),  # 600 s less a tenth, of .02 s and a 250th of 1.25 s each
        ({"training.minutes": 1e-5}, 1),
        ({"training.minutes": 10, "training.steps": 70}, 70),
        ({}, 3_000),
        ({"training.minutes": 10, "training.likelihood_steps": 500}, None),  # adversarial rounds fill the rest
    ],
    ids=str,
)
def test_as_many_steps_of_likelihood_are_planned_as_fit_into_the_minutes(
    found: PreparedText, changes: dict[str, object], steps: int | None
) -> None:
    given = recipe("causal", changes)
    result = calibrate(cast(Any, SaidSize(found, 1_000_000)), given, found.decide(given), LIKELIHOOD_CPU)
    assert result.config.training.steps == steps
    assert result.config.training.minutes == changes.get("training.minutes")
    planned = changes.keys() == {"training.minutes"}
    assert [f"steps: {steps:,}" in note for note in result.notes] == [True] * planned


@pytest.mark.parametrize(
    ("size", "steps", "passes"), [(64_000, 10_000, "20"), (12_800, 3_000, "30"), (181_000, 21_600, "")]
)
def test_no_more_passes_of_likelihood_are_planned_than_pay(
    found: PreparedText, size: int, steps: int, passes: str
) -> None:
    given = recipe("causal", {"training.minutes": 10})
    result = calibrate(cast(Any, SaidSize(found, size)), given, found.decide(given), LIKELIHOOD_CPU)
    assert (given.training.batch_size, result.config.training.steps) == (128, steps)
    (note,) = result.notes
    assert f"more than {passes} passes" in note if passes else "a trial step took 25 ms" in note


def test_only_likelihood_is_planned(found: PreparedText) -> None:
    given = recipe("fast", {"training.minutes": 10})
    assert with_likelihood_steps(found, found.decide(given), LIKELIHOOD_CPU).config == found.decide(given)


def test_a_run_by_likelihood_of_some_minutes_has_planned_steps(tmp_path: Path, tiny_lines: list[str]) -> None:
    small = {"generator.width": 8, "generator.blocks": 1, "training.batch_size": 8, "training.device": "cpu"}
    train(tiny_lines * 20, recipe="causal", minutes=0.03, settings=small, out=tmp_path / "run")
    steps = read_config(RunFolder(tmp_path / "run")).training.steps
    last = [
        record for record in read_records(tmp_path / "run" / "metrics.jsonl") if "generator_learning_rate" in record
    ]
    assert steps is not None
    assert last[-1]["step"] <= steps < 3_000
