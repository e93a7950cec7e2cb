"""DomainAdapter for images: MNIST, a folder of IDX or picture files, or a NumPy file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..config import Config
from ..errors import CheckpointError, CorpusError
from ..training.adapter import CardData, DomainAdapter, EvalOptions, LoadedModel, WriteItems
from ..training.batches import check_fixed_batch
from ..training.domain import DataSpec, Items
from ..training.report_data import ReportData
from ..training.trial import TrialData
from ..utils.progress import OnBytes, OnStep, Watch, unwatched
from . import mnist
from .animation import write_film
from .dataset import FACTS, IMAGES, Collection, ImageFacts, open_collection, read_collection, write_collection
from .domain import ImageDomain, ImageSpec
from .evaluation import ImageEvaluation, evaluate_images
from .output import images_writer, walk_writer
from .pictures import write_samples
from .report_data import image_report_data

MNIST = "mnist"
"""Name of MNIST, which is downloaded once; any other input is a folder."""


@dataclass(frozen=True, kw_only=True)
class PreparedImages:
    """Images in memory, ready for training."""

    collection: Collection
    label: str
    """The images as the user named them."""

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.collection.facts.name

    @property
    def size(self) -> int | None:
        """None, since the images are in memory."""
        return None

    @property
    def sha256(self) -> str:
        """SHA-256 of the pixels."""
        return self.collection.facts.sha256

    def summary(self) -> str:
        """Describe the images in one line."""
        return self.collection.facts.summary()

    def warnings(self) -> list[str]:
        """Return no warnings."""
        return []

    def decide(self, config: Config) -> Config:
        """Return the config unchanged: no setting depends on the images."""
        return config

    def trial(self, config: Config) -> TrialData:
        """Return what trials of the machine need to know of the images."""
        facts = self.collection.facts
        samples = config.evaluation.samples or facts.validation
        return TrialData(spec=ImageSpec(facts, config.images.range), size=facts.train, samples=samples)

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write images and facts to a run folder."""
        del on_bytes
        write_collection(self.collection, folder)


def scan_images(folder: Path, config: Config, label: str = "") -> PreparedImages:
    """Read the images of a folder with IDX files.

    Raises:
        CorpusError: the images cannot be read or are too few.
        ConfigError: a fixed batch is configured that is larger than the number of images.
    """
    name = MNIST if folder == mnist.cache_folder() else folder.resolve().name
    collection = read_collection(mnist.find_images(folder), config.images, name)
    check_fixed_batch(config, collection.facts.train)
    return PreparedImages(collection=collection, label=label or str(folder))


class ImageAdapter(DomainAdapter):
    """Images of one size, grey or in colour."""

    name = "image"
    spec_type = ImageSpec
    items = "images"
    description = "A generator of images, and a critic that scores images"
    recipe = "mnist-wgan-gp"
    recipe_hint = "for text use: seqgan-wgp train CORPUS"
    generate_hint = "-n 64 -o grid.png"
    hub_task = "unconditional-image-generation"
    output_name = "pixels"
    files = frozenset({IMAGES, FACTS})
    is_readable = False

    def claims(self, inputs: Sequence[str]) -> bool:
        """Return whether the input is `mnist`."""
        return list(inputs) == [MNIST]

    def open_inputs(self, inputs: Sequence[str], data: Path | None = None) -> str | Path:
        """Return the given folder of images, otherwise the name of MNIST."""
        return inputs[0] if data is None else data

    def scan(self, source: str | Path, config: Config, watch: Watch = unwatched) -> PreparedImages:
        """Read the images of a folder, or MNIST, which is downloaded if it is not cached."""
        with watch("downloading MNIST", None) as on_bytes:
            named = None if source == MNIST else Path(source)
            folder = mnist.mnist_folder(named, lambda _name, done, _size: on_bytes(done))
        return scan_images(folder, config, str(source))

    def open(self, folder: Path, config: Config, device: torch.device) -> ImageDomain:
        """Open the images stored in a run folder."""
        return ImageDomain(open_collection(folder), config, device)

    def evaluate(
        self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes
    ) -> ImageEvaluation:
        """Measure a model on the test images of the given folder, otherwise of its run."""
        del on_bytes
        options.refuse(
            self.items,
            "corpus",
            "legacy",
            "guesses",
            "orders",
            "baseline_seconds",
            "c2st_steps",
            "refine",
            "temperatures",
            "valid",
            "log_probability",
        )
        model, spec = loaded.model, loaded.model.spec
        assert isinstance(spec, ImageSpec)
        collection = _collection(loaded, options.data)
        if collection.facts.shape != spec.facts.shape:
            shapes = " and ".join(" x ".join(map(str, facts.shape)) for facts in (spec.facts, collection.facts))
            raise CorpusError(
                f"{options.data}: the model and the folder have images of different shape: {shapes}",
                "give a folder with images of the shape that the model was trained on",
            )
        return evaluate_images(
            ImageDomain(collection, model.config, model.device),
            lambda count: model.samples(count, seed=options.seed),
            samples=options.samples,
            same_data=collection.facts.sha256 == spec.facts.sha256,
            on_step=on_step,
        )

    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return real images, digit frequencies and brightness for the report."""
        return image_report_data(folder, config, samples)

    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return facts about the training images and the limitations for the model card."""
        images = ImageFacts(**facts["images"])
        rows = [
            ("SHA-256 of the pixels", images.sha256),
            ("shape (channels, height, width)", " x ".join(map(str, images.shape))),
            ("images trained on, at most", f"{images.train:,}"),
            ("images held out to choose the best model (validation)", f"{images.validation:,}"),
            ("images held out and only reported (test)", f"{images.test:,}"),
        ]
        limits = [
            "For images like the training data, at their size, in research and teaching.",
            "The output is not filtered. If `nearest` is well below its floor, images are near copies of training "
            "images.",
            "The critic's score ranks images of this kind. It is not a probability, and scores of different models "
            "cannot be compared.",
        ]
        return CardData(name=images.name, rows=rows, limits=limits)

    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write the first images as a PNG grid."""
        write_samples(config, spec, samples, stem)

    def write_film(self, pictures: Mapping[int, Path], path: Path) -> None:
        """Create an animation of the grids."""
        write_film(pictures, path)

    def items_writer(
        self, output: str | None, count: int, *, columns: int | None = None, overwrite: bool = False
    ) -> WriteItems:
        """Return the function that writes images to a grid, an array or a folder."""
        return images_writer(output, count, columns=columns, overwrite=overwrite)

    def interpolation_writer(self, output: str | None, *, overwrite: bool = False) -> WriteItems:
        """Return the function that writes images to one row, or to an animation forwards and backwards."""
        return walk_writer(output, overwrite=overwrite)


def _collection(loaded: LoadedModel, data: Path | None) -> Collection:
    """Return the images to compare with: those of the given folder, otherwise of the run."""
    if data is not None:
        return read_collection(mnist.find_images(data), loaded.model.config.images, data.resolve().name)
    if loaded.run is None or not (loaded.run / IMAGES).is_file():
        gone = f"its images ({IMAGES}) are missing" if loaded.run else "a model file does not contain images"
        raise CheckpointError(f"{loaded.label}: {gone}", "given a bare model file, also pass --data DIR")
    return open_collection(loaded.run)
