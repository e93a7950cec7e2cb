"""Images from a folder to a trained model, and what is held out on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.config.schema import ImageSettings
from seqgan_wgp.errors import CheckpointError, ConfigError, CorpusError
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.images.dataset import (
    FACTS,
    IMAGES,
    Collection,
    class_by_class,
    open_collection,
    read_collection,
    write_collection,
)
from seqgan_wgp.images.domain import ImageDomain, ImageSpec
from seqgan_wgp.images.idx import read_images, read_labels, write_idx
from seqgan_wgp.images.mnist import find_images
from seqgan_wgp.images.nearest import nearest_distance
from seqgan_wgp.model import Model
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.tensor_file import read_tensor_file

from ..stopping import stop_at
from .squares import squares

CPU = torch.device("cpu")


@pytest.fixture
def collection(folder: Path) -> Collection:
    return read_collection(find_images(folder), ImageSettings(), "squares")


def test_parts_are_the_files_in_order(collection: Collection, folder: Path) -> None:
    train_NCHW = read_images(folder / "train-images-idx3-ubyte.gz")
    assert np.array_equal(np.concatenate([collection.train_NCHW, collection.validation_NCHW]), train_NCHW)
    assert np.array_equal(collection.test_NCHW, read_images(folder / "t10k-images-idx3-ubyte"))
    assert (collection.facts.train, collection.facts.validation, collection.facts.test) == (200, 40, 60)
    assert collection.facts.shape == (1, 12, 12)
    assert not collection.facts.is_mnist


def test_a_limit_is_on_what_is_trained_on_alone(folder: Path, collection: Collection) -> None:
    few = read_collection(find_images(folder), ImageSettings(limit=50), "squares")
    assert np.array_equal(few.train_NCHW, collection.train_NCHW[:50])
    assert np.array_equal(few.validation_NCHW, collection.validation_NCHW)
    assert few.facts.sha256 == collection.facts.sha256


def test_a_balanced_limit_takes_the_first_images_of_each_class(folder: Path, collection: Collection) -> None:
    label_N = read_labels(folder / "train-labels-idx1-ubyte", 240)
    few = read_collection(find_images(folder), ImageSettings(limit=10, balanced=True), "squares")
    firsts = [np.flatnonzero(label_N[:200] == label)[:3] for label in range(4)]
    expected = [first[rank] for rank in range(3) for first in firsts][:10]
    assert np.array_equal(few.train_NCHW, collection.train_NCHW[expected])
    assert np.array_equal(few.validation_NCHW, collection.validation_NCHW)
    everything = read_collection(find_images(folder), ImageSettings(balanced=True), "squares")
    assert np.array_equal(everything.train_NCHW, collection.train_NCHW)


def test_a_balanced_limit_wants_labels(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(240, 0))
    with pytest.raises(CorpusError, match=r"images\.balanced needs labels.*\nput train-labels-idx1-ubyte\.gz there"):
        read_collection(find_images(tmp_path), ImageSettings(limit=10, balanced=True), "squares")


@given(st.lists(st.integers(0, 4), max_size=40))
def test_class_by_class_is_an_order_in_which_each_class_keeps_its_own_and_none_is_ahead(labels: list[int]) -> None:
    label_N = np.array(labels, np.uint8)
    order = class_by_class(label_N)
    assert sorted(order) == list(range(len(labels)))
    for label in set(labels):
        places = [place for place in order if labels[place] == label]
        assert places == sorted(places)
    ranks = [list(label_N[order[:k]]).count(label_N[order[k]]) for k in range(len(order))]
    assert ranks == sorted(ranks)


def test_without_test_images_what_is_held_out_is_halved(tmp_path: Path, collection: Collection) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(240, 0))
    halved = read_collection(find_images(tmp_path), ImageSettings(), "squares")
    assert (halved.facts.train, halved.facts.validation, halved.facts.test) == (200, 20, 20)
    assert np.array_equal(halved.images_NCHW, collection.images_NCHW[:240])


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(18, 0))
    with pytest.raises(CorpusError, match=r"train-images-idx3-ubyte: only 18 images\nat least 32 are needed"):
        read_collection(find_images(tmp_path), ImageSettings(), "few")
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(100, 0))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", squares(30, 0, side=16))
    with pytest.raises(CorpusError, match=r"t10k-images-idx3-ubyte: images are 16 x 16 grey, but .* 12 x 12"):
        read_collection(find_images(tmp_path), ImageSettings(), "mixed")


def test_a_collection_on_disk_is_opened_equal_or_refused(tmp_path: Path, collection: Collection) -> None:
    write_collection(collection, tmp_path)
    opened = open_collection(tmp_path)
    assert opened.facts == collection.facts
    assert np.array_equal(opened.images_NCHW, collection.images_NCHW)
    np.save(tmp_path / IMAGES, collection.images_NCHW[1:])
    with pytest.raises(CheckpointError, match=r"is uint8 \(299, 1, 12, 12\), not uint8 \(300, 1, 12, 12\)"):
        open_collection(tmp_path)
    (tmp_path / FACTS).write_text("{}")
    with pytest.raises(CheckpointError, match=r"images\.(json|npy): "):
        open_collection(tmp_path)


@pytest.mark.parametrize("range_", ["unit", "symmetric"])
def test_pixels_come_back_from_critic_space(
    range_: str, collection: Collection, image_config: Callable[..., Config]
) -> None:
    domain = ImageDomain(collection, image_config(**{"images.range": range_}), CPU)
    ids = domain.batch(np.array([3, 0, 3]))
    embedded = domain.spec.embed(ids)
    assert embedded.shape == (3, *domain.spec.event_shape)
    assert embedded.min() >= (0 if range_ == "unit" else -1) and embedded.max() <= 1
    assert np.array_equal(domain.spec.decode(embedded), ids.numpy())
    held_out = domain.held_out(np.array([domain.held_out_size - 1, 0]))
    assert np.array_equal(held_out.numpy(), collection.validation_NCHW[[-1, 0]])


def test_training_images_score_near_their_floor_and_noise_far_from_it(
    collection: Collection, image_config: Callable[..., Config]
) -> None:
    domain = ImageDomain(collection, image_config(), CPU)
    assert domain.score(collection.validation_NCHW)["fcd"] == pytest.approx(0, abs=1e-3)
    real = domain.score(collection.train_NCHW[:60])
    noise = np.random.default_rng(0).integers(0, 256, (60, 1, 12, 12), dtype=np.uint8)
    assert real["fcd"] < 3 * real["fcd_floor"]
    assert domain.score(noise)["fcd"] > 5 * real["fcd"]
    assert "class_kl" not in real  # of squares a classifier of digits says nothing


def test_nearest_is_that_of_the_first_samples_and_of_as_many_held_out_images(
    collection: Collection, image_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = ImageDomain(collection, image_config(), CPU)
    samples = squares(30, 5)[:, None]
    whole = {half: domain.score(samples, half=half) for half in ("validation", "test")}
    distances = nearest_distance(samples, collection.train_NCHW)
    assert whole["validation"]["nearest"] == whole["test"]["nearest"] == pytest.approx(distances.mean())
    held = {"validation": collection.validation_NCHW, "test": collection.test_NCHW}
    for half, images in held.items():
        every = domain.score(collection.train_NCHW, half=half)["nearest_floor"]
        assert every == pytest.approx(nearest_distance(images, collection.train_NCHW).mean())
    monkeypatch.setattr("seqgan_wgp.images.domain.MAX_NEAREST", 7)
    few = ImageDomain(collection, image_config(), CPU)
    assert few.score(samples)["nearest"] == pytest.approx(distances[:7].mean())
    floor = few.score(samples)["nearest_floor"]
    assert (
        floor
        == few.score(samples)["nearest_floor"]
        == ImageDomain(collection, image_config(), CPU).score(samples[:7])["nearest_floor"]
    )
    monkeypatch.setattr("seqgan_wgp.images.domain.NEAREST_PRODUCTS", 3 * collection.train_NCHW.size)
    assert few.score(samples)["nearest"] == pytest.approx(distances[:3].mean())


def test_copies_are_nearer_than_new_images_and_noise_is_farther(
    collection: Collection, image_config: Callable[..., Config]
) -> None:
    domain = ImageDomain(collection, image_config(), CPU)
    copies = domain.score(collection.train_NCHW[:60])
    assert copies["nearest"] == 0 < copies["nearest_floor"]
    new = domain.score(squares(60, 9)[:, None])
    assert new["nearest"] == pytest.approx(new["nearest_floor"], rel=0.1)
    noise = np.random.default_rng(0).integers(0, 256, (60, 1, 12, 12), dtype=np.uint8)
    assert domain.score(noise)["nearest"] > 1.5 * copies["nearest_floor"]


def test_a_form_comes_back_from_its_facts(collection: Collection) -> None:
    spec = ImageSpec(collection.facts, "symmetric")
    again = ImageSpec.from_facts(spec.to_facts())
    assert (again.facts, again.range, again.event_shape) == (spec.facts, spec.range, spec.event_shape)
    with pytest.raises(CheckpointError, match="lacks the facts about its images"):
        ImageSpec.from_facts({})


def test_a_run_stopped_and_resumed_is_the_run_that_was_not(
    folder: Path, tmp_path: Path, image_config: Callable[..., Config]
) -> None:
    """Running statistics of batch norm are part of the state."""
    runs = [create(scan_images(folder, image_config()), image_config(), tmp_path / name) for name in ("one", "two")]
    run_training(runs[0])
    stops = iter([False, False, False, True])
    assert run_training(runs[1], should_stop=lambda: next(stops)).reason == "interrupted"
    run_training(runs[1])
    one, two = (read_tensor_file(run.checkpoint)[0] for run in runs)
    assert any("running_mean" in name for name in one)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert sorted(file.suffix for file in (tmp_path / "one" / "samples").iterdir()) == [".png"] * 3


def test_the_film_of_a_run_is_that_of_its_pictures_however_often_it_stopped(
    folder: Path, tmp_path: Path, image_config: Callable[..., Config]
) -> None:
    """It may also have ended off the cadence, or have been killed behind its last checkpoint."""
    config = image_config(**{"training.steps": 9, "images.columns": 4, "images.rows": 4})
    found = scan_images(folder, config)
    whole, parts, ended, killed = (
        create(found, config, tmp_path / name) for name in ("whole", "parts", "ended", "killed")
    )
    run_training(whole)
    for stop in (1, 3, 2):
        assert run_training(parts, should_stop=stop_at(stop)).reason == "interrupted"
    assert parts.film.is_file()
    run_training(parts)
    run_training(ended, {"training.steps": 5})
    assert ended.samples(5).with_suffix(".png").is_file()
    run_training(ended, {"training.steps": 9})
    run_training(killed, should_stop=stop_at(4))
    killed.samples(12).with_suffix(".png").write_bytes(whole.samples(2).with_suffix(".png").read_bytes())
    run_training(killed)
    with Image.open(whole.film) as film:
        assert getattr(film, "n_frames") == 5  # noqa: B009
        assert film.width >= 300
    assert all(run.film.read_bytes() == whole.film.read_bytes() for run in (parts, ended, killed))


def test_a_model_generates_the_same_images_in_any_number(
    folder: Path, tmp_path: Path, image_config: Callable[..., Config]
) -> None:
    config = image_config()
    run = create(scan_images(folder, config), config, tmp_path / "run")
    outcome = run_training(run)
    model = Model.load(run.path)
    many, few = (np.concatenate(list(model.samples(count, seed=3))) for count in (9, 4))
    assert many.shape == (9, 1, 12, 12)
    assert np.array_equal(many[:4], few)
    assert {"fcd", "fcd_floor", "nearest", "nearest_floor"} <= set(outcome.test)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_walk_between_images_begins_and_ends_with_those_of_the_seeds(
    distribution: str, folder: Path, tmp_path: Path, image_config: Callable[..., Config]
) -> None:
    config = image_config(**{"generator.latent_distribution": distribution, "training.steps": 2})
    run = create(scan_images(folder, config), config, tmp_path / "run")
    run_training(run)
    model = Model.load(run.path)
    walked_NCHW = model.interpolate(3, 8, 6)
    assert walked_NCHW.shape == (6, 1, 12, 12)
    for image_CHW, seed in ((walked_NCHW[0], 3), (walked_NCHW[-1], 8)):
        assert np.array_equal(image_CHW, next(model.samples(5, seed=seed))[0])


def test_generated_images_do_not_depend_on_each_other(
    collection: Collection, image_config: Callable[..., Config]
) -> None:
    """Batch norm is in training mode while it is trained, and in no other."""
    trainer = Trainer.from_config(ImageDomain(collection, image_config(), CPU), image_config(), CPU)
    trainer.round()
    latent_BZ = torch.randn(6, 8)
    for network in (trainer.train_state.average, trainer.train_state.generator.eval()):
        assert torch.allclose(network(latent_BZ)[:2], network(latent_BZ[:2]), atol=1e-6)
    trainer.samples()
    assert trainer.train_state.generator.training
    assert not trainer.train_state.average.training


@pytest.mark.parametrize("constraint", ["gp", "lp"])
def test_batch_norm_in_a_critic_is_refused_with_a_penalty(constraint: str) -> None:
    changes = {"critic.normalization": "batch", "objective.constraint": constraint}
    with pytest.raises(ConfigError, match="makes each score depend on the whole batch"):
        recipe("mnist-fast", changes)


@pytest.mark.parametrize(
    ("name", "dotted", "value"),
    [
        ("fast", "generator.network", "deconvolution"),
        ("mnist-fast", "critic.network", "residual"),
    ],
)
def test_settings_of_another_kind_of_data_are_refused(name: str, dotted: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{dotted} is {value!r}, which is not available for"):
        override(recipe(name), {dotted: value})


def test_the_published_recipe_is_that_of_the_authors() -> None:
    config = recipe("mnist-wgan-gp")
    assert (config.generator.width, config.critic.width, config.generator.latent) == (64, 64, 128)
    assert (config.training.batch_size, config.training.critic_steps, config.objective.penalty_weight) == (50, 5, 10.0)
    adam = config.optimizer.critic
    assert (adam.learning_rate, adam.beta1, adam.beta2) == (1e-4, 0.5, 0.9)
    assert (config.generator.normalization, config.critic.normalization) == ("none", "none")
    assert config.images.range == "unit"
