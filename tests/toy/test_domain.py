"""Toy distributions as the trainer sees them: from a name to a trained model, and on from any place."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError, ConfigError, Diverged
from seqgan_wgp.model import Model
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.toy.distributions import DISTRIBUTIONS
from seqgan_wgp.toy.domain import SIZE, ToyDomain, ToySpec
from seqgan_wgp.toy.spec import FACTS, ToyFacts, chosen, open_facts, write_distribution
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream
from seqgan_wgp.utils.tensor_file import read_tensor_file

CPU = torch.device("cpu")
Make = Callable[..., Config]

every = pytest.mark.parametrize("name", DISTRIBUTIONS)


def domain_of(config: Config) -> ToyDomain:
    return ToyDomain(chosen(config.toy), config, CPU)


@every
def test_items_are_draws_by_their_numbers_and_points_already(name: str, toy_config: Make) -> None:
    config = toy_config(**{"toy.name": name, "training.seed": 5})
    domain = domain_of(config)
    index_B = np.array([0, 7, SIZE - 1, 7])
    points = domain.batch(index_B)
    assert (points.shape, points.dtype) == ((4, 2), torch.float32)
    assert np.array_equal(points.numpy(), DISTRIBUTIONS[name].sample(5, Stream.TOY, index_B))
    embedded = domain.spec.embed(points)
    assert embedded.shape[1:] == domain.spec.event_shape
    assert np.array_equal(domain.spec.decode(embedded), points.numpy())


@every
def test_real_draws_score_as_their_floor(name: str, toy_config: Make) -> None:
    domain = domain_of(toy_config(**{"toy.name": name}))
    real_N2 = DISTRIBUTIONS[name].sample(9, Stream.TOY, np.arange(2_500))
    for half in ("validation", "test"):
        measured = domain.score(real_N2, half=half)
        assert all(math.isfinite(value) for value in measured.values())
        assert 0 < measured["w1"] < 2.5 * measured["w1_floor"]
        assert domain.score(real_N2 + np.float32(10), half=half)["w1"] == pytest.approx(math.hypot(10, 10), rel=0.02)
        centres = DISTRIBUTIONS[name].centres
        assert measured.get("modes", 0) == len(centres)
        assert ("high_quality" in measured) == ("mode_kl" in measured) == bool(centres)
    assert domain.score(real_N2[:300])["w1_floor"] > domain.score(real_N2)["w1_floor"]


def test_what_is_measured_against_is_never_trained_on(toy_config: Make) -> None:
    domain = domain_of(toy_config())
    trained = {tuple(point) for point in domain.batch(np.arange(5_000)).tolist()}
    sample, index_N = domain.distribution.sample, np.arange(1_000)
    validation, test = (
        {tuple(point) for point in sample(0, stream, index_N).tolist()}
        for stream in (Stream.TOY_VALIDATION, Stream.TOY_TEST)
    )
    assert not trained & validation and not trained & test and not validation & test
    assert domain.score(sample(0, Stream.TOY_VALIDATION, index_N))["w1"] == 0
    assert {tuple(point) for point in domain.held_out(index_N).tolist()} == validation


def test_theta_is_where_the_line_stands(toy_config: Make) -> None:
    config = toy_config(**{"toy.name": "parallel-lines", "toy.theta": -1.5})
    domain = domain_of(config)
    assert (domain.batch(np.arange(20))[:, 0] == -1.5).all()
    assert ToySpec.from_facts(domain.spec.to_facts()).facts == chosen(config.toy)
    with pytest.raises(
        ConfigError, match=r"^toy\.theta is -1\.5, but toy\.name is '8-gaussians', which does not use it\n"
    ):
        toy_config(**{"toy.name": "8-gaussians", "toy.theta": -1.5})


@every
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_rounds_change_both_networks_and_measures_are_finite(name: str, normalization: str, toy_config: Make) -> None:
    config = toy_config(**{"toy.name": name, "generator.normalization": normalization})
    trainer = Trainer.from_config(domain_of(config), config, CPU)
    first = {part: value.clone() for part, value in trainer.state().items()}
    records = list(trainer.run())
    assert [record.step for record in records] == [1, 2, 3, 4, 5]
    evaluated = [record for record in records if record.samples is not None]
    assert [record.step for record in evaluated] == [2, 4]
    for record in evaluated:
        assert record.samples is not None
        assert record.samples.shape == (50, 2)
        assert record.samples.dtype == np.float32
        assert all(math.isfinite(value) for value in {**record.losses, **record.measures}.values())
        assert {"w1", "w1_floor"} <= record.measures.keys()
    for part in ("generator.layers.output.weight", "average.layers.output.weight", "critic.layers.output.weight"):
        assert not torch.equal(first[part], trainer.state()[part])


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_a_run_stopped_and_resumed_is_the_run_that_was_not(
    normalization: str, tmp_path: Path, toy_config: Make
) -> None:
    config = toy_config(**{"generator.normalization": normalization})
    runs = [create(scan_toy(config), config, tmp_path / name) for name in ("one", "two")]
    run_training(runs[0])
    stops = iter([False, False, False, True])
    assert run_training(runs[1], should_stop=lambda: next(stops)).reason == "interrupted"
    run_training(runs[1])
    one, two = (read_tensor_file(run.checkpoint)[0] for run in runs)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    pictures = [sorted((run.path / "samples").iterdir()) for run in runs]
    assert [[file.name for file in files] for files in pictures] == [
        ["00000002.png", "00000004.png", "00000005.png"]
    ] * 2
    assert [file.read_bytes() for file in pictures[0]] == [file.read_bytes() for file in pictures[1]]


def test_a_model_generates_the_same_points_in_any_number(tmp_path: Path, toy_config: Make) -> None:
    config = toy_config()
    run = create(scan_toy(config), config, tmp_path / "run")
    outcome = run_training(run)
    model = Model.load(run.path)
    many_N2, few_N2 = (np.concatenate(list(model.samples(count, seed=3))) for count in (700, 4))
    assert many_N2.shape == (700, 2)
    assert many_N2.dtype == np.float32
    assert np.array_equal(many_N2[:4], few_N2)
    assert isinstance(model.spec, ToySpec) and model.spec.facts == chosen(config.toy)
    assert model.generate(4, seed=3) == [f"({x:.2f}, {y:.2f})" for x, y in few_N2.tolist()]
    assert model.interpolate(1, 2, 5).shape == (5, 2)
    for half in (outcome.validation, outcome.test):
        assert {"w1", "w1_floor", "modes", "high_quality", "mode_kl"} == half.keys()


def test_points_that_are_not_finite_are_a_divergence(toy_config: Make) -> None:
    spec = domain_of(toy_config()).spec
    for wrong in (math.nan, math.inf):
        with pytest.raises(Diverged, match="not finite"):
            spec.decode(torch.tensor([[0.0, 1.0], [wrong, 0.0]]))


def test_a_form_comes_back_from_its_facts_or_is_refused() -> None:
    spec = ToySpec(ToyFacts(name="swiss-roll", theta=0.0))
    assert ToySpec.from_facts(spec.to_facts()).facts == spec.facts
    wrong: list[dict[str, object]] = [{}, {"name": "swiss-roll"}, {"name": "swiss-roll", "theta": "x"}]
    for facts in ({}, *({"toy": each} for each in wrong)):
        with pytest.raises(CheckpointError, match="distribution"):
            ToySpec.from_facts(facts)
    with pytest.raises(CheckpointError, match="there is no distribution 'spiral'\ninstall a newer"):
        ToySpec.from_facts({"toy": {"name": "spiral", "theta": 0.0}})


def test_facts_on_disk_are_read_equal_or_refused(tmp_path: Path) -> None:
    facts = ToyFacts(name="parallel-lines", theta=0.25)
    write_distribution(facts, tmp_path)
    assert open_facts(tmp_path) == facts
    for text in ("", "{}", "[]", '{"name": "spiral", "theta": 0}'):
        (tmp_path / FACTS).write_text(text)
        with pytest.raises(CheckpointError, match=FACTS):
            open_facts(tmp_path)
    (tmp_path / FACTS).unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        open_facts(tmp_path)


@pytest.mark.parametrize("dotted", ["generator.width", "critic.width", "training.batch_size", "evaluation.every"])
def test_no_rule_decides_what_is_left_open(dotted: str, toy_config: Make) -> None:
    with pytest.raises(ConfigError, match=rf"^{dotted} is 'auto'"):
        toy_config(**{dotted: "auto"})
