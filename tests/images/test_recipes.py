"""The recipes of images: to the letter, and each of them trains, stops and goes on."""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config, override, recipe, recipe_names
from seqgan_wgp.config.serialization import list_settings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.images.domain import ImageDomain
from seqgan_wgp.model import Model
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.training.batches import check_divisible
from seqgan_wgp.training.domain import Domain
from seqgan_wgp.training.latents import run_latents, training_latents
from seqgan_wgp.training.record import Record
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream
from seqgan_wgp.utils.tensor_file import read_tensor_file

CPU = torch.device("cpu")

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
        **both("", {"network": "convolution-dense", "kernel": 3, "units": 1024, "activation": "relu"}),
        **both("", {"normalization": "batch-nonaffine", "initialization": "he-normal-biases"}),
        "generator.width": 13,
        "generator.latent": 20,
        "generator.latent_distribution": "uniform",
        "critic.width": 11,
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
        "training.fixed_latents": True,
        "training.fixed_batch": True,
        "images.limit": 10,
        "images.columns": 5,
        "images.rows": 2,
        "training.steps": 1_000,
        "evaluation.every": 50,
        "evaluation.samples": 10,
        "log.every": 25,
        "log.diagnostics": 250,
        "model.weights": "latest",
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
    assert {*LETTERS, "mnist-fast", "mnist-gan-cured"} == set(IMAGE_RECIPES)


def test_the_cured_game_differs_from_the_classic_one_in_images_loss_penalty_rhythm_and_rates_alone() -> None:
    def values(name: str) -> dict[str, object]:
        about = ("recipe", "description", "source", "training.steps")
        config = recipe(name)
        return {dotted: operator.attrgetter(dotted)(config) for dotted in list_settings(Config) if dotted not in about}

    classic, cured = values("mnist-gan"), values("mnist-gan-cured")
    assert {dotted: value for dotted, value in cured.items() if value != classic[dotted]} == {
        "critic.normalization": "none",
        "objective.loss": "wgan",
        "objective.constraint": "gp",
        "objective.penalty_weight": 10.0,
        **both("optimizer.", {"learning_rate": 5e-4}),
        "training.critic_steps": 5,
        "training.generator_steps": 1,
        "training.generator_steps_more": 0,
        "training.generator_steps_period": 1,
        "training.extra_steps_above": None,
        "training.warm_up": 0,
        "training.warm_up_until": None,
        "images.balanced": True,
    }


def shrunk(name: str, steps: int) -> Config:
    """A recipe with small networks and batches, evaluated at every other step: a step takes milliseconds."""
    sizes = both("", {"width": 4, "units": 8}) | {"training.batch_size": 8, "training.steps": steps}
    often = {"evaluation.every": 2, "evaluation.samples": 20, "evaluation.patience": None, "log.every": 1}
    return recipe(name, sizes | often | {"training.device": "cpu"})


def tiny_trainer(folder: Path, name: str, changes: Mapping[str, object]) -> Trainer:
    config = override(shrunk(name, 4), {"training.batch_size": 10, **changes})
    return Trainer.from_config(ImageDomain(scan_images(folder, config).collection, config, CPU), config, CPU)


def test_the_classic_gan_has_the_same_ten_latents_and_images_in_every_step_and_shows_those(folder: Path) -> None:
    seen: dict[str, list[Tensor]] = {"latents": [], "images": []}
    trainer = tiny_trainer(folder, "mnist-gan", {"training.warm_up": 3, "training.warm_up_until": None})
    state = trainer.train_state
    state.generator.register_forward_pre_hook(lambda _network, given: seen["latents"].append(given[0].clone()))
    state.critic.register_forward_pre_hook(lambda _network, given: seen["images"].append(given[0].clone()))
    trainer.round()
    trainer.round()
    latent_BZ = run_latents(trainer.config, Stream.SAMPLE_LATENT, torch.arange(10))
    # 3 + 1 + 1 critic steps, 7 + 7 generator steps, and perhaps repeated ones: each generates once.
    assert len(seen["latents"]) >= 3 + 2 * (1 + 7)
    assert all(torch.equal(given_BZ, latent_BZ) for given_BZ in seen["latents"])
    domain = trainer.domain
    real_BCHW = domain.spec.embed(domain.batch(np.arange(10)))
    equal = [torch.equal(given_BCHW, real_BCHW) for given_BCHW in seen["images"]]
    assert equal[:9:2] == [True] * 4 + [False]  # three steps of the warm-up and the first round's: real, generated
    assert sum(equal) == 3 + 2
    shown_NCHW = domain.spec.decode(trainer.train_state.generator(latent_BZ).detach())
    assert np.array_equal(trainer.samples()[:10], shown_NCHW)


def test_what_a_generator_with_norms_of_the_batch_at_hand_makes_does_not_depend_on_what_is_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    trainer = tiny_trainer(folder, "mnist-gan", {})
    run = create(scan_images(folder, trainer.config), trainer.config, tmp_path / "run")
    run_training(run)
    model = Model.load(run.path)
    whole_NCHW = np.concatenate(list(model.samples(25)))
    assert np.array_equal(np.concatenate(list(model.samples(7, start=13))), whole_NCHW[13:20])
    assert len(list(model.samples(25))) == 3  # batches of ten, as in training


def test_fresh_latents_differ_between_steps_and_networks(folder: Path) -> None:
    trainer = tiny_trainer(folder, "mnist-gan", {"training.fixed_latents": False})
    state, streams = trainer.train_state, (Stream.CRITIC_LATENT, Stream.GENERATOR_LATENT)
    drawn = [
        training_latents(0, trainer.config, stream, state.batches.index(number))
        for stream in streams
        for number in range(3)
    ]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(drawn, 2))


def test_a_fixed_batch_of_more_images_than_there_are_is_refused_before_there_is_a_run(folder: Path) -> None:
    config = override(recipe("mnist-gan"), {"images.limit": 9})
    with pytest.raises(ConfigError, match=r"batch_size is 10 and there are only 9 training items"):
        scan_images(folder, config)


@pytest.mark.parametrize("part", ["generator", "critic"])
def test_batch_norm_of_the_classic_gan_is_refused_to_several_processes(part: str) -> None:
    other = {"generator": "critic", "critic": "generator"}[part]
    config = recipe("mnist-gan", {f"{other}.normalization": "none"})
    with pytest.raises(ConfigError, match=rf"{part}\.normalization is 'batch-nonaffine', which needs statistics of"):
        check_divisible(config, 2)


@pytest.mark.parametrize("constraint", ["gp", "r1"])
def test_batch_norm_of_the_classic_critic_is_refused_with_a_penalty(constraint: str) -> None:
    with pytest.raises(ConfigError, match=r"'batch-nonaffine' and objective.constraint is .* the whole batch"):
        recipe("mnist-gan", {"objective.constraint": constraint, "objective.penalty_weight": 1})


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
    assert read_tensor_file(runs[1].checkpoint)[1]["step"] == 2
    run_training(runs[1])
    (one, facts), (two, _) = (read_tensor_file(run.checkpoint) for run in runs)
    assert facts["step"] == 4
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
