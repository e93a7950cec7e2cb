"""ImageDomain: images for the trainer, measured by a digit classifier.

Shape suffixes: B batch, N images, C channels, H height, W width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..config import Config
from ..errors import CheckpointError
from ..registry import CRITICS, GENERATORS
from ..utils.counter_rng import Stream, shuffled
from ..utils.devices import resident, to_device
from ..utils.file_schema import SchemaError, from_json
from .dataset import Collection, ImageFacts
from .features import FeatureReference, class_kl, load_digits, prepared
from .nearest import nearest_distance
from .pictures import from_uint8, to_uint8
from .pixel_ranges import RANGES

MAX_SAMPLES = 10_000
"""Default limit of the number of images that an evaluation generates."""

MAX_NEAREST = 1_000
"""Largest number of images for which the nearest training image is searched."""

NEAREST_PRODUCTS = 4 * 10**10
"""Limit of the pixel products of this search, about a second on one core. For MNIST, MAX_NEAREST images reach it."""


class ImageSpec:
    """What a model file stores about its images: shape and pixel range.

    Args:
        facts: facts about the images.
        range_: pixel values as the critic takes them: "unit", [0, 1], or "symmetric", [-1, 1].
    """

    def __init__(self, facts: ImageFacts, range_: str) -> None:
        self.facts, self.range = facts, range_
        self.event_shape: tuple[int, ...] = facts.shape

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ImageSpec:
        """Build the spec from the result of `to_facts`. Raises CheckpointError when it is incomplete."""
        try:
            found, value_range = from_json(ImageFacts, facts["images"], "images"), facts["range"]
        except (KeyError, TypeError):
            raise CheckpointError("the model file lacks the facts about its images") from None
        except SchemaError as error:
            raise CheckpointError(f"the facts about its images are not readable: {error}") from None
        if not isinstance(value_range, str) or value_range not in RANGES:
            raise CheckpointError(f"the range of its pixels is {value_range!r:.40}")
        return cls(found, value_range)

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to store in a model file."""
        return {"images": dataclasses.asdict(self.facts), "range": self.range}

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a new generator and critic, as they are constructed."""
        shape = self.facts.shape
        generator = GENERATORS["image"][config.generator.network](config.generator, shape, self.range)
        critic = CRITICS["image"][config.critic.network](config.critic, shape)
        return generator, critic

    def embed(self, ids: Tensor) -> Tensor:
        """Return (B, C, H, W) bytes as float32 pixels in the critic's range."""
        return from_uint8(ids, self.range)

    def decode(self, fake: Tensor) -> npt.NDArray[np.integer]:
        """Return generated pixels as a NumPy array (N, C, H, W) of bytes."""
        return to_uint8(fake, self.range)

    @torch.inference_mode()
    def to_text(self, samples: npt.NDArray[np.integer]) -> list[str]:
        """Return the predicted digit of each image; its brightness if the data is not MNIST."""
        images_NCHW = samples.astype(np.uint8)
        if not self.facts.is_mnist:
            return [f"{image_CHW.mean() / 255:.0%} bright" for image_CHW in images_NCHW]
        return [str(digit) for digit in load_digits()(prepared(images_NCHW)).argmax(dim=1).tolist()]


class ImageDomain:
    """The trainer's Domain for images.

    Args:
        collection: training, validation and test images.
        config: of the run.
        device: device of the batches. The images are kept there if they take a small part of its free memory.
    """

    def __init__(self, collection: Collection, config: Config, device: torch.device) -> None:
        self.collection, self.config, self.device = collection, config, device
        self.spec = ImageSpec(collection.facts, config.images.range)
        self.size = collection.facts.train
        self.samples = config.evaluation.samples or min(collection.facts.validation, MAX_SAMPLES)
        self.criterion = "fcd"
        self._floors: dict[tuple[str, int], float] = {}
        self._nearest_floors: dict[tuple[str, int], float] = {}
        self._images = resident(collection.train_NCHW, device)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return training images as (B, C, H, W) bytes on the device."""
        if self._images is not None:
            return self._images[to_device(indices_B, self.device)]
        return to_device(self.collection.train_NCHW[indices_B], self.device)

    @property
    def held_out_size(self) -> int:
        """Number of validation images."""
        return self.collection.facts.validation

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation images as (B, C, H, W) bytes on the device."""
        return torch.from_numpy(self.collection.validation_NCHW[indices_B]).to(self.device)

    def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
        """Return fcd and nearest, each with its floor, and, for MNIST, class_kl and confidence.

        fcd: Frechet distance between the classifier's features of the (N, C, H, W) samples and of all images of the
        validation or test half. fcd_floor: the same with N training images instead of samples. nearest: mean distance
        of the first samples to their nearest training images, with pixels in [0, 1]. nearest_floor: the same for as
        many images of the half; samples below it are closer to the training images than new images are. class_kl: KL
        divergence, in bits, of the digit frequencies from those of the half. confidence: mean of the classifier's
        largest probability.
        """
        reference, seen = self._references[half], FeatureReference.of(samples.astype(np.uint8, copy=False))
        numbers = {"fcd": reference.distance_to(seen), "fcd_floor": self._floor(half, len(samples))}
        looked_at = min(len(samples), self._nearest_count)
        numbers["nearest"] = self._nearest(samples[:looked_at])
        numbers["nearest_floor"] = self._nearest_floor(half, looked_at)
        if self.spec.facts.is_mnist:
            numbers["class_kl"] = class_kl(seen.counts_K, reference.counts_K)
            numbers["confidence"] = seen.confidence
        return numbers

    @cached_property
    def _references(self) -> dict[str, FeatureReference]:
        return {half: FeatureReference.of(self._half(half)) for half in ("validation", "test")}

    def _half(self, half: str) -> npt.NDArray[np.uint8]:
        return {"validation": self.collection.validation_NCHW, "test": self.collection.test_NCHW}[half]

    def _floor(self, half: str, samples: int) -> float:
        if (half, samples) not in self._floors:
            chosen_N = shuffled(self.config.training.seed, Stream.FLOOR, np.arange(samples), self.size)
            self._floors[half, samples] = self._references[half].distance(self.collection.train_NCHW[chosen_N])
        return self._floors[half, samples]

    @property
    def _nearest_count(self) -> int:
        return max(1, min(MAX_NEAREST, NEAREST_PRODUCTS // self.collection.train_NCHW.size))

    def _nearest(self, images_NCHW: npt.NDArray[np.integer]) -> float:
        images_NCHW = images_NCHW.astype(np.uint8, copy=False)
        return float(nearest_distance(images_NCHW, self.collection.train_NCHW).mean())

    def _nearest_floor(self, half: str, images: int) -> float:
        if (half, images) not in self._nearest_floors:
            held_NCHW = self._half(half)
            count = min(images, len(held_NCHW))
            chosen_N = shuffled(self.config.training.seed, Stream.FLOOR, np.arange(count), len(held_NCHW))
            self._nearest_floors[half, images] = self._nearest(held_NCHW[chosen_N])
        return self._nearest_floors[half, images]
