"""Train a refiner: one classifier per round, each on strings accepted by the previous rounds.

Residual energy-based models (Deng et al. 2020) correct a generator by a classifier in the same way, and can also be
applied repeatedly.

Shape suffixes: N strings, B strings of a block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import torch

from ...errors import ConfigError
from ..corpus.dataset import Corpus
from ..hashing.row_hashes import Ids
from .classifier import BLOCK
from .fit import Draws, FitConfig, FitProgress, FittedClassifier, fit, strings_per_step
from .fresh import Samples, fresh_strings, training_seed
from .refiner import AcceptanceConfig, Refiner, calibrated

CALIBRATION_STRINGS = 20 * BLOCK
"""Number of generated strings for the calibration of a round's bound and gamma."""

ROUNDS_MOST = 8

_CALIBRATION = 1_000
"""Offset between the seeds of calibration and training strings."""


@final
@dataclass(frozen=True, kw_only=True)
class RefineOptions:
    """How a refiner is trained.

    Raises:
        ConfigError: a number out of bounds, or not exactly one of `minutes` and `steps`.
    """

    minutes: float | None = None
    """Total training time over all rounds."""

    steps: int | None = None
    """Training steps per round, instead of `minutes`."""

    rounds: int = 1
    acceptance: AcceptanceConfig = field(default_factory=AcceptanceConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("say how long to train: either minutes or steps", "as in --minutes 3")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ConfigError(f"--minutes is {self.minutes:g}, but it must be above 0 and finite")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"--steps is {self.steps}, but it must be at least 1")
        if not 1 <= self.rounds <= ROUNDS_MOST:
            raise ConfigError(f"--rounds is {self.rounds}, but it must be 1 to {ROUNDS_MOST}")
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError(f"--seed is {self.seed}, but it must be 0 to 2^63 - 1")


OnRound = Callable[[int, FitProgress], None]
"""Called after every step with the round, from 1, and its progress."""


def train_refiner(
    samples: Samples,
    corpus: Corpus,
    options: RefineOptions,
    device: torch.device,
    on_progress: OnRound = lambda _round, _progress: None,
    *,
    decode: str = "argmax",
) -> Refiner:
    """Train a refiner for a generator of the corpus's strings.

    Selection and calibration use the validation split; the test split is not used. With `options.steps` the same
    arguments give the same refiner on one kind of device.

    Args:
        samples: yields the generator's strings by seed and index.
        corpus: the training corpus.
        options: duration and acceptance rule.
        device: device for training.
        on_progress: see OnRound.
        decode: how `samples` decodes, which the refiner keeps.
    """
    refiner: Refiner | None = None
    for place in range(options.rounds):
        fitted = fit(
            corpus.train,
            np.asarray(corpus.validation_NL),
            _let_through(samples, training_seed(options.seed, place), refiner),
            corpus.vocabulary.size,
            _fit_config(options, corpus.facts.length),
            seed=training_seed(options.seed, place),
            device=device,
            on_progress=lambda progress, number=place + 1: on_progress(number, progress),  # type: ignore[misc]
        )
        strings_NL = Draws(fresh_strings(samples, training_seed(options.seed, _CALIBRATION + place))).take(
            CALIBRATION_STRINGS
        )
        stages = () if refiner is None else refiner.stages
        trained = (fitted.classifier, fitted.temperature)
        refiner = calibrated(stages, trained, strings_NL, options.acceptance, _facts(fitted, options.seed))
    assert refiner is not None
    return replace(refiner, decode=decode)


def _fit_config(options: RefineOptions, length: int) -> FitConfig:
    seconds = None if options.minutes is None else 60 * options.minutes / options.rounds
    return FitConfig(steps=options.steps, seconds=seconds, batch_size=strings_per_step(length))


def _let_through(samples: Samples, seed: int, refiner: Refiner | None) -> Iterator[Ids]:
    """Yield the strings of a seed that a refiner accepts, endlessly."""
    if refiner is None:
        yield from fresh_strings(samples, seed)
        return
    draws, first = Draws(fresh_strings(samples, seed)), 0
    while True:
        ids_BL = draws.take(BLOCK)
        yield ids_BL[refiner.accepts(seed, first, ids_BL)]
        first += BLOCK


def _facts(fitted: FittedClassifier, seed: int) -> dict[str, float | int]:
    """Return the facts about a training, without times, so that equal trainings give equal files."""
    return {
        "seed": seed,
        "steps": fitted.steps,
        "planned": fitted.planned,
        "best_step": fitted.best_step,
        "loss": fitted.loss,
        "accuracy": fitted.accuracy,
        "auc": fitted.auc,
    }
