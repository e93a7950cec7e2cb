"""Prepare images on disk for a run: training, validation and test in one array.

The last training images are held out for validation, which selects the best model. The test images are only used to
report results. If there are no test images, the held-out images are split into halves.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt

from ..config.schema import ImageSettings
from ..errors import CorpusError
from ..utils.arrays import open_array
from ..utils.file_schema import Between, Count, Name, read_schema, write_schema
from .idx import read_images, read_labels
from .mnist import ImageFiles
from .picture_files import is_picture_set, read_pictures

IMAGES, FACTS = "images.npy", "images.json"

HELD_OUT_SHARE, MAX_HELD_OUT = 1 / 6, 10_000
"""Share and largest number of the training images, the last ones, that are used for validation; 10,000 for MNIST."""

MIN_IMAGES = 16
"""Smallest number of images."""

_MNIST = "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"
"""SHA-256 of the pixels of MNIST's training images."""

_AS_IT_WAS = "restore the file, or start a new run, which prepares the images again"


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """Facts about a set of images, stored in the run folder and in the model file."""

    name: Name
    sha256: Name
    """SHA-256 of the pixels of the training images, before any limit."""

    channels: Annotated[int, Between(1, 4)]
    height: Annotated[int, Between(1, 1 << 14)]
    width: Annotated[int, Between(1, 1 << 14)]
    train: Count
    validation: Count
    test: Count

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    @property
    def is_mnist(self) -> bool:
        """Whether the images are MNIST. For other images, the output of the digit classifier means little."""
        return self.sha256 == _MNIST

    def summary(self) -> str:
        """Describe the images in one line."""
        return (
            f"{self.name}: {_size(*self.shape)}; {self.train:,} training images, "
            f"{self.validation:,} validation, {self.test:,} test"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Collection:
    """Images in memory or mapped from disk: training first, then validation, then test."""

    facts: ImageFacts
    images_NCHW: npt.NDArray[np.uint8]

    @property
    def train_NCHW(self) -> npt.NDArray[np.uint8]:
        """The training images."""
        return self.images_NCHW[: self.facts.train]

    @property
    def validation_NCHW(self) -> npt.NDArray[np.uint8]:
        """The validation images, which select the best model."""
        return self.images_NCHW[self.facts.train : self.facts.train + self.facts.validation]

    @property
    def test_NCHW(self) -> npt.NDArray[np.uint8]:
        """The test images, which are used only to report results."""
        return self.images_NCHW[self.facts.train + self.facts.validation :]


def read_collection(files: ImageFiles, settings: ImageSettings, name: str) -> Collection:
    """Read images and split them.

    Raises:
        CorpusError: they are too few or differ in size, or `settings.balanced` and there are no labels.
    """
    train_NCHW = (read_pictures if is_picture_set(files.train_images) else read_images)(files.train_images)
    sha256 = hashlib.sha256(train_NCHW.data).hexdigest()
    held_out = max(1, min(MAX_HELD_OUT, round(HELD_OUT_SHARE * len(train_NCHW))))
    if len(train_NCHW) - held_out < MIN_IMAGES:
        raise CorpusError(
            f"{files.train_images}: only {len(train_NCHW)} images", f"at least {2 * MIN_IMAGES} are needed"
        )
    kept_NCHW, held_NCHW = train_NCHW[:-held_out], train_NCHW[-held_out:]
    if files.test_images is None:
        validation_NCHW, test_NCHW = held_NCHW[: -(held_out // 2)], held_NCHW[-(held_out // 2) :]
    else:
        validation_NCHW, test_NCHW = held_NCHW, read_images(files.test_images)
    if test_NCHW.shape[1:] != train_NCHW.shape[1:]:
        raise CorpusError(
            f"{files.test_images}: images are {_size(*test_NCHW.shape[1:])}, but those of {files.train_images} are "
            f"{_size(*train_NCHW.shape[1:])}",
            "give images of one size; without test images, part of the training images is held out instead",
        )
    kept_NCHW = _limited(kept_NCHW, held_out, files, settings)
    channels, height, width = train_NCHW.shape[1:]
    facts = ImageFacts(
        name=name,
        sha256=sha256,
        channels=channels,
        height=height,
        width=width,
        train=len(kept_NCHW),
        validation=len(validation_NCHW),
        test=len(test_NCHW),
    )
    return Collection(facts=facts, images_NCHW=np.concatenate([kept_NCHW, validation_NCHW, test_NCHW]))


def _limited(
    kept_NCHW: npt.NDArray[np.uint8], held_out: int, files: ImageFiles, settings: ImageSettings
) -> npt.NDArray[np.uint8]:
    """Return as many of the training images as `images.limit` says: the first ones, or the first ones of each class."""
    if settings.limit is None or not settings.balanced:
        return kept_NCHW[: settings.limit]
    if files.train_labels is None:
        raise CorpusError(
            f"{files.train_images}: images.balanced needs labels, and there are none beside it",
            "put train-labels-idx1-ubyte.gz there, or set images.balanced=false",
        )
    labels_N = read_labels(files.train_labels, len(kept_NCHW) + held_out)[: len(kept_NCHW)]
    return kept_NCHW[class_by_class(labels_N)[: settings.limit]]


def class_by_class(labels_N: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Return an order of images, (N,): the first image of each class, then the second of each, and so on.

    Classes are in the order of their labels, and images of one class keep their order.
    """
    place_N = np.empty(len(labels_N), np.intp)
    for label in np.unique(labels_N):
        members = np.flatnonzero(labels_N == label)
        place_N[members] = np.arange(len(members))
    return np.lexsort((labels_N, place_N))


def _size(channels: int, height: int, width: int) -> str:
    return f"{height} x {width} {'grey' if channels == 1 else 'colour'}"


def write_collection(collection: Collection, folder: Path) -> None:
    """Write images and facts to a run folder."""
    with (folder / IMAGES).open("wb") as file:
        np.save(file, collection.images_NCHW)
    write_schema(collection.facts, folder / FACTS)


def open_collection(folder: Path) -> Collection:
    """Open the files of `write_collection`, memory-mapped. Raises CheckpointError when a file is missing or damaged."""
    facts = read_schema(ImageFacts, folder / FACTS, _AS_IT_WAS)
    shape = (facts.train + facts.validation + facts.test, *facts.shape)
    images_NCHW = open_array(folder / IMAGES, shape, np.dtype(np.uint8), _AS_IT_WAS)
    return Collection(facts=facts, images_NCHW=images_NCHW)
