"""The recipes of images: to the letter, and each of them trains, stops and goes on."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from seqgan_wgp.config import Config, recipe, recipe_names
from seqgan_wgp.config.fields import list_settings
from seqgan_wgp.model import Model
from seqgan_wgp.runs.checkpoint import load
from seqgan_wgp.runs.train import create, run_training, scan_images
from seqgan_wgp.training.domain import Domain
from seqgan_wgp.training.record import Record

IMAGE_RECIPES = [name for name in recipe_names() if recipe(name).domain == "image"]


def both(prefix: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Settings that generator and critic share."""
    return {f"{prefix}{part}.{name}": value for part in ("generator", "critic") for name, value in settings.items()}


def rmsprop(learning_rate: float) -> dict[str, object]:
    settings = {"name": "rmsprop-tf", "learning_rate": learning_rate, "decay": 0.9, "epsilon": 1e-10}
    return both("optimizer.", settings)


def adam(learning_rate: float, beta1: float, beta2: float) -> dict[str, object]:
    return both("optimizer.", {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2})


SIXTEEN = {"images.columns": 4, "images.rows": 4}
SLOW = {"evaluation.every": 1_000, "log.every": 100, "log.diagnostics": 500, "model.weights": "latest"}
CLIPPED = {"objective.constraint": "clip", "objective.clip": 0.01, "training.critic_steps": 5}
AUTHORS = {
    "generator.network": "deconvolution",
    "critic.network": "convolution",
    "generator.latent": 128,
    "training.batch_size": 50,
    "training.steps": 200_000,
    **both("", {"width": 64, "kernel": 5, "initialization": "tflib"}),
    **SLOW,
}
"""What the three modes of the authors' gan_mnist.py share."""

PENALTY = {"objective.constraint": "gp", "objective.penalty_weight": 10.0, "training.critic_steps": 5}

# Recipe -> its settings; those that are not named are neutral.
LETTERS: dict[str, dict[str, object]] = {
    "mnist-wgan-gp": AUTHORS | PENALTY | adam(1e-4, 0.5, 0.9),
    "mnist-wgan-bn": AUTHORS | CLIPPED | rmsprop(5e-5) | both("", {"normalization": "batch"}),
    "mnist-dcgan": {
        **AUTHORS,
        **adam(2e-4, 0.5, 0.999),
        "objective.loss": "gan-ns",
        "training.critic_steps": 1,
        **both("", {"normalization": "batch"}),  # which the script lacks in this mode
    },
    "mnist-wgan": {
        **both("", {"network": "perceptron", "width": 128, "initialization": "he-normal"}),
        "generator.latent": 10,
        "generator.latent_distribution": "uniform",
        "training.batch_size": 32,
        "training.steps": 100_000,
        **CLIPPED,
        **rmsprop(1e-4),
        **SIXTEEN,
        **SLOW,
    },
    "mnist-gan": {
        **both("", {"network": "convolution-dense", "kernel": 3, "units": 1024, "initialization": "xavier"}),
        "generator.width": 13,
        "generator.latent": 20,
        "generator.latent_distribution": "uniform",
        "critic.width": 11,
        "critic.normalization": "batch",
        "objective.loss": "gan-ns",
        **adam(1e-4, 0.9, 0.999),
        **both("optimizer.", {"epsilon": 1e-12}),
        "training.batch_size": 10,
        "training.critic_steps": 1,
        "training.generator_steps": 7,
        "training.generator_steps_more": 5,
        "training.generator_steps_period": 500,
        "training.extra_steps_above": 1.0,
        "training.extra_steps_max_rises": 10,
        "training.warm_up": 500,
        "training.warm_up_until": 0.001,
        "training.steps": 5_000,
        "evaluation.every": 250,
        "log.every": 25,
        "log.diagnostics": 250,
        "model.weights": "latest",
        **SIXTEEN,
    },
}


@pytest.mark.parametrize("name", LETTERS)
def test_a_recipe_sets_what_was_published_and_nothing_else(name: str) -> None:
    config = recipe(name)
    neutral = {dotted: field.default for dotted, field in list_settings(Config).items()}
    values = {dotted: operator.attrgetter(dotted)(config) for dotted in neutral}
    about = {"domain": "image", **{key: values[key] for key in ("recipe", "description", "source")}}
    assert values == neutral | about | LETTERS[name]


def test_all_published_recipes_are_compared() -> None:
    assert {*LETTERS, "mnist-fast"} == set(IMAGE_RECIPES)


def shrunk(name: str, steps: int) -> Config:
    """A recipe with small networks and batches, evaluated at every other step: a step takes milliseconds."""
    sizes = both("", {"width": 4, "units": 8}) | {"training.batch_size": 8, "training.steps": steps}
    often = {"evaluation.every": 2, "evaluation.samples": 20, "evaluation.patience": None, "log.every": 1}
    return recipe(name, sizes | often | {"training.device": "cpu"})


@pytest.mark.parametrize("name", IMAGE_RECIPES)
def test_every_recipe_trains(name: str, folder: Path, tmp_path: Path) -> None:
    config, records = shrunk(name, 2), list[Record]()

    def keep(record: Record, _domain: Domain) -> None:
        records.append(dataclasses.replace(record))

    run = create(scan_images(folder, config), config, tmp_path / "run")
    outcome = run_training(run, on_record=keep)
    assert [record.step for record in records] == [1, 2]
    assert all(math.isfinite(loss) for record in records for loss in record.losses.values())
    assert records[0].losses["generator_gradient"] > 0
    assert all(math.isfinite(value) for value in outcome.test.values())
    model = Model.load(run.path)
    assert next(model.samples(3)).shape == (3, 1, 12, 12)
    bound = config.objective.clip
    if bound is not None:  # of norms too, whose scales began as 1
        assert max(weight.abs().max().item() for weight in model.critic.parameters()) == pytest.approx(bound)


def test_the_classic_gan_stopped_and_resumed_is_the_run_that_was_not(folder: Path, tmp_path: Path) -> None:
    """Its warm-up and its repeated generator steps leave nothing behind that a checkpoint does not hold."""
    config = shrunk("mnist-gan", 4)
    runs = [create(scan_images(folder, config), config, tmp_path / name) for name in ("one", "two")]
    run_training(runs[0])
    stops = iter([False, False, True])
    assert run_training(runs[1], should_stop=lambda: next(stops)).reason == "interrupted"
    assert load(runs[1].checkpoint)[1]["step"] == 2
    run_training(runs[1])
    (one, facts), (two, _) = (load(run.checkpoint) for run in runs)
    assert facts["step"] == 4
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
