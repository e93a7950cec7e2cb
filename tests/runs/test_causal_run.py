"""A run of the recipe causal: likelihood rounds, then adversarial ones; and what its model can do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seqgan_wgp
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.evaluate import evaluate
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.session import check_longer
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.causal_generator import CausalGenerator
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import TextModel, candidates

from ..stopping import stop_at

SMALL: dict[str, Any] = {
    "generator.width": 16,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 16,
    "training.likelihood_steps": 8,
    "training.steps": 12,
    "training.device": "cpu",
    "evaluation.every": 4,
    "evaluation.samples": 50,
    "log.every": 1,
}


def small(**changes: object) -> Config:
    return recipe("causal", {**SMALL, **changes})


def trained(lines: list[str], path: Path, stop: int | None = None) -> RunFolder:
    found, config = scan_data(lines, small())
    folder = create(found, config, path)
    if stop is not None:
        run_training(folder, should_stop=stop_at(stop))
    run_training(folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str]) -> RunFolder:
    return trained(tiny_lines, tmp_path_factory.mktemp("causal") / "run")


@pytest.fixture(scope="module")
def model(run: RunFolder) -> Model:
    return Model.load(run.path, device="cpu")


def text_model(model: Model) -> TextModel:
    return TextModel(
        spec=model.text_spec("test"),
        tables=model.tables,
        generator=model.generator,
        critic=model.critic,
        device=model.device,
    )


def test_likelihood_rounds_come_first(run: RunFolder) -> None:
    records = [record for record in read_records(run.metrics) if "likelihood_loss" in record or "penalty" in record]
    assert ["likelihood_loss" in record for record in records] == [True] * 8 + [False] * 4
    assert ["critic_loss" in record for record in records] == [False] * 8 + [True] * 4
    nll = [record["nll"] for record in records if "nll" in record]
    assert len(nll) == 3 and nll[1] < nll[0]
    assert "nll_floor" not in records[3]


def test_the_best_model_is_that_of_the_lowest_nll(run: RunFolder) -> None:
    nll = {record["step"]: record["nll"] for record in read_records(run.metrics) if "nll" in record}
    assert Model.load(run.path, device="cpu", best=True).facts["step"] == min(nll, key=lambda step: nll[step])


def test_stopping_changes_nothing(run: RunFolder, tiny_lines: list[str], tmp_path: Path) -> None:
    other = trained(tiny_lines, tmp_path / "stopped", stop=5)
    one, two = (
        [{key: value for key, value in record.items() if key != "seconds"} for record in read_records(folder.metrics)]
        for folder in (run, other)
    )
    assert one == two
    left, right = (Model.load(folder.path, device="cpu").generator.state_dict() for folder in (run, other))
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_a_string_depends_on_its_number_alone(model: Model) -> None:
    strings = model.generate(700, seed=3)
    assert model.generate(60, seed=3, start=600) == strings[600:660]
    streamed = candidates(text_model(model), Request(n=700, seed=3), range(700))
    spec = model.text_spec("test")
    assert [string for block in streamed for string in spec.to_text(block.ids_NL)] == strings
    (second,) = candidates(text_model(model), Request(n=700, seed=3, shard=(2, 2)), range(700))
    assert spec.to_text(second.ids_NL) == strings[512:]
    assert model.generate(20, seed=3, decode="sample", temperature=0.01) == model.generate(
        20, seed=4, decode="sample", temperature=0.01
    )


def test_scores_are_log_likelihoods(model: Model) -> None:
    (block,) = candidates(text_model(model), Request(n=50, seed=1, scores=True), range(50))
    generator = model.generator
    assert isinstance(generator, CausalGenerator)
    nats_N, _ = generator.network.log_likelihood(torch.from_numpy(block.ids_NL.astype(np.int64)))
    assert block.log_probability_N is not None and block.score_N is not None
    np.testing.assert_allclose(block.log_probability_N, nats_N.numpy(), atol=1e-4)


@pytest.mark.parametrize("decode", ["argmax", "sample"])
def test_constraints_are_fulfilled_left_to_right(model: Model, decode: str) -> None:
    request = Request(
        n=600, seed=1, decode=decode, constraints=Constraints(regex="[bdk]a[^s]*[aeiou]", contains=("l",))
    )
    blocks = list(candidates(text_model(model), request, range(600)))
    strings = [string for block in blocks for string in model.text_spec("test").to_text(block.ids_NL)]
    assert len(strings) == 600 and len(set(strings)) > 50
    assert all(re.fullmatch("[bdk]a[^s]*[aeiou]", string) and "l" in string for string in strings)
    given_up = np.concatenate([block.given_up_N for block in blocks if block.given_up_N is not None])
    assert len(given_up) == 600 and (given_up > 0).all()


@pytest.mark.parametrize(("step", "said"), [(8, True), (12, False)])
def test_a_critic_that_had_no_step_is_said_to_mean_nothing(
    run: RunFolder, tiny_lines: list[str], step: int, said: bool
) -> None:
    loaded = Model.load(run.path, device="cpu")
    loaded.facts["step"] = step
    found = evaluate(loaded, tiny_lines, samples=60, guesses=(60,), orders=2, c2st_steps=0, baseline_seconds=0)
    rows = {name: meaning for name, _, _, meaning in found.rows}
    assert ("it was not trained" in rows["critic"]) == said


def test_what_it_cannot_do_is_refused(model: Model, tiny_lines: list[str]) -> None:
    with pytest.raises(ConfigError, match="near latents give similar strings"):
        model.invert(tiny_lines[0])
    with pytest.raises(ConfigError, match="has no likelihood"):
        recipe("fast", {"training.likelihood_steps": 5, "training.likelihood_rate": 1e-3})
    with pytest.raises(ConfigError, match="likelihood_rate is not"):
        small(**{"training.likelihood_rate": None})


def test_minutes_do_not_extend_a_run_that_has_done_all_its_steps(
    run: RunFolder, tiny_lines: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"has done all its 12 steps") as raised:
        seqgan_wgp.resume(run.path, minutes=9)
    assert "--steps N" in str(raised.value.remedy)
    check_longer(run, {"training.steps", "training.minutes"})
    found, config = scan_data(tiny_lines, small())
    stopped = create(found, config, tmp_path / "stopped")
    check_longer(stopped, {"training.minutes"})
    run_training(stopped, should_stop=stop_at(6))
    check_longer(stopped, {"training.minutes"})
    timed = run_training(stopped, {"training.minutes": 9})
    assert (timed.reason, timed.step) == ("steps", 12)
