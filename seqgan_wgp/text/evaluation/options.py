"""What is asked of an evaluation of text, and of what.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final

from ...training.domain import Items
from .scores import Scorer

SAMPLES_MOST = 40_000
"""Strings measured at most, unless told otherwise."""

LEGACY_SAMPLES = 640
"""Strings that the published protocol measures: ten batches of 64, in the authors' gan_language.py."""


class Generator(Scorer, Protocol):
    """What is evaluated, such as a trained model."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Items]:
        """Yield (N, L) ids number `start` on, n in all; row k is a function of the seed and k alone."""


@final
@dataclass(frozen=True, kw_only=True)
class TextEvalOptions:
    """How much is measured."""

    samples: int | None = None
    """N; None: one for each item of the test half, SAMPLES_MOST at most. Not heeded when `legacy`."""

    legacy: bool = False
    """Measure n-grams as published: LEGACY_SAMPLES strings against the training lines."""

    guesses: tuple[int, ...] = (10_000, 100_000)
    """Numbers of strings after which the test strings among them are counted."""

    orders: int = 8
    """n-grams are measured for n = 1 .. so many, or L where that is less."""

    c2st_steps: int = 0
    """Of the classifier two-sample test, at most; 0 leaves it out."""

    seed: int = 0

    baseline_seconds: float = 0.0
    """Budget of the autoregressive baseline, in seconds of one nominal core; 0: there is none."""

    critic_trained: bool = True
    """Whether the model's critic has had a step: likelihood rounds give it none."""

    def count(self, test: int) -> int:
        """Return N, given the number of items in the test half."""
        if self.legacy:
            return LEGACY_SAMPLES
        return min(test, SAMPLES_MOST) if self.samples is None else self.samples
