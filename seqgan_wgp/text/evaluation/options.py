"""Options of an evaluation of text.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
import numpy.typing as npt

from ...training.domain import Items
from .scores import Scorer

MAX_SAMPLES = 40_000
"""Default limit of the number of measured strings."""

LEGACY_SAMPLES = 640
"""Number of strings in the published protocol: ten batches of 64, as in the authors' gan_language.py."""


class Generator(Scorer, Protocol):
    """The model to evaluate."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Items]:
        """Yield n (N, L) ids from index `start`. Row k depends only on the seed and k."""


@runtime_checkable
class LabelSource(Protocol):
    """A model whose strings may have labels."""

    def label_numbers(self, n: int, *, seed: int = 0) -> npt.NDArray[np.int64] | None:
        """Return the labels (N,) of the first n strings of `samples`; None: they have none."""


@final
@dataclass(frozen=True, kw_only=True)
class TextEvalOptions:
    """What to measure."""

    samples: int | None = None
    """N; None: the size of the test split, at most MAX_SAMPLES. Ignored with `legacy`."""

    legacy: bool = False
    """Use the published protocol: n-grams of LEGACY_SAMPLES strings against the training lines."""

    guesses: tuple[int, ...] = (10_000, 100_000)
    """Numbers of generated strings for the coverage of test strings."""

    orders: int = 8
    """n-grams are measured for n = 1 .. orders, at most L."""

    c2st_steps: int = 0
    """Largest number of steps of the classifier two-sample test; 0 leaves it out."""

    seed: int = 0

    baseline_seconds: float = 0.0
    """Budget of the autoregressive baseline, in seconds of one nominal core; 0 leaves it out."""

    temperatures: tuple[float, ...] = ()
    """At which strings are drawn too, to hold likelihood against variety; it needs the autoregressive baseline."""

    valid: str | None = None
    """Validator that says which share of the strings is valid; None: none does."""

    log_probability: bool = False
    """Whether to measure the probability of test lines under the model."""

    critic_trained: bool = True
    """Whether the model's critic was trained; likelihood training does not train it."""

    def count(self, test: int) -> int:
        """Return N, given the size of the test split."""
        if self.legacy:
            return LEGACY_SAMPLES
        return min(test, MAX_SAMPLES) if self.samples is None else self.samples
