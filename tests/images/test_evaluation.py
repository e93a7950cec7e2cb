"""The evaluation of images: the domain's own measures of the test half, and what they are said to mean."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError, ConfigError, CorpusError
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.images.dataset import Collection, ImageFacts, read_collection
from seqgan_wgp.images.domain import ImageDomain
from seqgan_wgp.images.evaluation import ONE_DIGIT_MISSING, ImageEvaluation, evaluate_images
from seqgan_wgp.images.idx import write_idx
from seqgan_wgp.images.mnist import find_images
from seqgan_wgp.runs.evaluate import evaluate as evaluate_model
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training

from .squares import squares

Images = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def collection(folder: Path, image_config: Callable[..., Config]) -> Collection:
    return read_collection(find_images(folder), image_config().images, "squares")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, folder: Path, image_config: Callable[..., Config]) -> RunFolder:
    config = image_config(**{"training.steps": 2})
    made = create(scan_images(folder, config), config, tmp_path_factory.mktemp("images") / "run")
    run_training(made)
    return made


def found_of(
    collection: Collection, config: Config, images_NCHW: Images, samples: int | None = None
) -> ImageEvaluation:
    def generate(count: int) -> Iterator[Images]:
        for first in range(0, count, 7):
            yield images_NCHW[np.arange(first, min(first + 7, count)) % len(images_NCHW)]

    domain = ImageDomain(collection, config, torch.device("cpu"))
    return evaluate_images(domain, generate, samples=samples, same_data=True)


def test_test_images_are_perfect(collection: Collection, image_config: Callable[..., Config]) -> None:
    found = found_of(collection, image_config(), np.asarray(collection.test_NCHW))
    assert found.n == collection.facts.test == 60
    assert found.measures["fcd"] == pytest.approx(0, abs=1e-6)
    assert "as close to the test images as real images" in found.summary[0]
    assert "no sign of copying" in found.summary[1]


def test_training_images_are_copies(collection: Collection, image_config: Callable[..., Config]) -> None:
    found = found_of(collection, image_config(), np.asarray(collection.train_NCHW))
    assert found.measures["nearest"] == 0
    assert "the model copies" in found.summary[1]


def test_the_measures_are_those_of_the_domain(collection: Collection, image_config: Callable[..., Config]) -> None:
    config = image_config()
    noise = np.random.default_rng(0).integers(0, 256, (9, 1, 12, 12), dtype=np.uint8)
    found = found_of(collection, config, noise, samples=20)
    images_NCHW = noise[np.arange(20) % 9]
    assert found.measures == ImageDomain(collection, config, torch.device("cpu")).score(images_NCHW, half="test")
    assert [row[0] for row in found.rows] == ["fcd", "nearest"]
    tree = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert {"n", "fcd", "fcd_floor", "nearest", "nearest_floor"} <= tree.keys()


def of_mnist(**measures: float) -> ImageEvaluation:
    sha256 = "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"
    facts = ImageFacts(name="mnist", sha256=sha256, channels=1, height=28, width=28, train=9, validation=9, test=9)
    floors = {"fcd": 2.3, "fcd_floor": 2.3, "nearest": 4.2, "nearest_floor": 4.2, "class_kl": 0.0, "confidence": 0.9}
    return ImageEvaluation(n=9, measures=floors | measures, facts=facts, same_data=True)


@pytest.mark.parametrize(
    ("measures", "says"),
    [
        ({"fcd": 3.4}, "as close to the test images as real images"),
        ({"fcd": 6.1}, "3.80 above real images; shifting real digits by one pixel costs 17"),
        ({"fcd": 100.0}, "blurring them 521"),
        ({"fcd": 900.0}, "worse than blurring"),
        ({"nearest": 3.5}, "no sign of copying"),
        ({"nearest": 2.9}, "the model copies"),
        ({"class_kl": 0.003}, "about as frequent as it should"),
        ({"class_kl": 0.05}, "some digits are too frequent"),
        ({"class_kl": ONE_DIGIT_MISSING + 0.001}, "digits are missing"),
        ({"class_kl": float("inf")}, "digits are missing"),
    ],
)
def test_what_numbers_of_digits_mean(measures: dict[str, float], says: str) -> None:
    found = of_mnist(**measures)
    assert [words for *_, words in found.rows if says in words]
    json.dumps(found.to_json(), allow_nan=False)


def test_one_missing_digit_is_as_far_as_is_said() -> None:
    assert pytest.approx(np.log2(10 / 9)) == ONE_DIGIT_MISSING


def test_a_run_and_its_model_file_with_a_folder_are_the_same(run: RunFolder, folder: Path) -> None:
    found = evaluate_model(run.path, samples=20)
    assert isinstance(found, ImageEvaluation) and found.same_data
    assert evaluate_model(run.model, data=folder, samples=20).to_json() == {**found.to_json(), "data": folder.name}


def test_other_images_are_said_to_be_others(run: RunFolder, tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(100, 7))
    found = evaluate_model(run.path, data=tmp_path, samples=20)
    assert isinstance(found, ImageEvaluation) and not found.same_data
    assert "is not the data that the model was trained on" in found.summary[-1]


def test_what_cannot_be_is_refused(run: RunFolder, tmp_path: Path) -> None:
    for name, value in {"corpus": "words", "legacy": True, "guesses": (10,), "orders": 3}.items():
        with pytest.raises(ConfigError, match="does not apply to a model of images"):
            evaluate_model(run.path, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"1 image is too few .*\n.*--samples"):
        evaluate_model(run.path, samples=1)
    with pytest.raises(CheckpointError, match=r"a model file does not contain images\n.*--data DIR"):
        evaluate_model(run.model)
    with pytest.raises(CorpusError, match="no such folder"):
        evaluate_model(run.path, data=tmp_path / "none")
    write_idx(tmp_path / "train-images-idx3-ubyte", squares(100, 7, side=16))
    with pytest.raises(CorpusError, match="1 x 12 x 12 and 1 x 16 x 16"):
        evaluate_model(run.path, data=tmp_path)
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "copy" / "images.npy").unlink()
    with pytest.raises(CheckpointError, match="its images .* are missing"):
        evaluate_model(tmp_path / "copy")


def test_every_key_is_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in of_mnist().to_json() if f"`{name}`" not in document] == []
