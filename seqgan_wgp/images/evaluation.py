"""Evaluate an image model on the test split: its measures, and what they mean.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..training.adapter import EvalTable, MeasureRow
from ..training.domain import Items
from ..utils.progress import OnStep, ignore_step
from .dataset import ImageFacts
from .domain import MAX_SAMPLES, ImageDomain
from .features import CLASSES

MIN_SAMPLES = 2
"""Least number of images; a covariance needs two."""

AT_FLOOR = 1.5
"""fcd up to this many times its floor counts as real: floors of different samples of real images vary that much."""

MOVED, BLURRED = 17.0, 521.0
"""Increase of fcd over the floor when MNIST digits are shifted by one pixel, and when they are blurred 3 x 3."""

COPIED = 0.7
"""Share of its floor below which `nearest` indicates copies; even black images have 0.85."""

ONE_DIGIT_MISSING = math.log2(CLASSES / (CLASSES - 1))
"""class_kl, in bits, when one digit is missing and all others are equally frequent."""


@dataclass(frozen=True, kw_only=True)
class ImageEvaluation:
    """Result of evaluating an image model; `to_json` has the keys."""

    n: int
    """Number of generated images."""

    measures: dict[str, float]
    """The result of `ImageDomain.score` for the test half."""

    facts: ImageFacts
    """Facts about the images used for comparison."""

    same_data: bool
    """Whether the model was trained on the same data."""

    @property
    def summary(self) -> tuple[str, ...]:
        """The main results in a few sentences."""
        sentences = [f"likeness: {self._distance()}", f"memory: {self._nearest()}"]
        if not self.same_data:
            sentences.append(f"{self.facts.name} is not the data that the model was trained on")
        return tuple(sentences)

    @property
    def method(self) -> str:
        """How it was measured, in one line."""
        facts = self.facts
        against = f"{facts.test:,} test images of {facts.name}"
        return f"{self.n:,} generated images against {against}; floor: as many training images"

    @property
    def rows(self) -> list[MeasureRow]:
        """For each measure: its name, its value, the value to compare it with, and what it means."""
        numbers = self.measures
        found = [
            ("fcd", f"{numbers['fcd']:.2f}", f"floor {numbers['fcd_floor']:.2f}", self._distance()),
            ("nearest", f"{numbers['nearest']:.3f}", f"test images {numbers['nearest_floor']:.3f}", self._nearest()),
        ]
        if "class_kl" in numbers:
            found.append(("class_kl", f"{numbers['class_kl']:.4f}", "0", self._classes()))
            sure = "mean confidence of a digit classifier; says little on its own"
            found.append(("confidence", f"{numbers['confidence']:.1%}", "MNIST's test images 99.5%", sure))
        return found

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """No tables."""
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; docs/metrics.md explains the keys. Infinite values are null."""
        numbers = {name: value if math.isfinite(value) else None for name, value in self.measures.items()}
        return {
            "domain": "image",
            "data": self.facts.name,
            "same_data": self.same_data,
            "n": self.n,
            "test": self.facts.test,
            **numbers,
            "summary": list(self.summary),
        }

    def _distance(self) -> str:
        fcd, floor = self.measures["fcd"], self.measures["fcd_floor"]
        if fcd <= AT_FLOOR * floor:
            return "in the classifier's features, as close to the test images as real images are"
        above = f"{fcd - floor:,.{0 if fcd >= 100 else 2}f} above real images"
        if not self.facts.is_mnist:
            return f"{above}; compare only with other models at the same N, since the features are those of digits"
        if fcd - floor <= MOVED:
            return f"{above}; shifting real digits by one pixel costs {MOVED:.0f}"
        if fcd - floor <= BLURRED:
            return f"{above}; shifting real digits by one pixel costs {MOVED:.0f}, blurring them {BLURRED:.0f}"
        return f"{above}, which is worse than blurring real digits ({BLURRED:.0f})"

    def _nearest(self) -> str:
        if self.measures["nearest"] <= COPIED * self.measures["nearest_floor"]:
            return "generated images are closer to training images than test images are: the model copies"
        return "no sign of copying: no closer to the training images than test images are"

    def _classes(self) -> str:
        divergence = self.measures["class_kl"]
        if divergence >= ONE_DIGIT_MISSING:
            return f"some digits are missing or far too frequent: one missing digit costs {ONE_DIGIT_MISSING:.2f} bits"
        if divergence >= ONE_DIGIT_MISSING / 10:
            return "some digits are too frequent, others too rare"
        return "every digit is about as frequent as it should be"


def evaluate_images(
    domain: ImageDomain,
    generate: Callable[[int], Iterator[Items]],
    *,
    samples: int | None,
    same_data: bool,
    on_step: OnStep = ignore_step,
) -> ImageEvaluation:
    """Measure generated images against the test half.

    Args:
        domain: the domain with the images to compare with.
        generate: given N, yields N images in parts, each (n, C, H, W).
        samples: N; None: the number of test images, at most MAX_SAMPLES.
        same_data: whether the model was trained on the same data.
        on_step: called with a description of the current step and the share of it that is done.

    Raises:
        ConfigError: too few images.
    """
    count = min(domain.collection.facts.test, MAX_SAMPLES) if samples is None else samples
    if count < MIN_SAMPLES:
        raise ConfigError(f"{count} image is too few to evaluate", f"give --samples N, at least {MIN_SAMPLES}")
    blocks: list[Items] = []
    for block_NCHW in generate(count):
        blocks.append(block_NCHW)
        on_step(f"generating {count:,} images", sum(map(len, blocks)) / count)
    on_step("comparing with test images", 0.0)
    measures = domain.score(np.concatenate(blocks), half="test")
    return ImageEvaluation(n=count, measures=measures, facts=domain.collection.facts, same_data=same_data)
