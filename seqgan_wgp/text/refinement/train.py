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
from ..hashing.short_hashes import ShortHashes
from .classifier import BLOCK
from .fit import Draws, FitConfig, FitProgress, FittedClassifier, fit, strings_per_step
from .fresh import Samples, fresh_strings, training_seed
from .refiner import AcceptanceConfig, Refiner, calibrated
from .thinning import MAX_HASHES, Thinning, factor_for

CALIBRATION_STRINGS = 20 * BLOCK
"""Number of generated strings for the calibration of a round's bound and gamma."""

THINNING_STRINGS = 40 * BLOCK
"""Number of generated strings by which the share of new ones is measured."""

MAX_ROUNDS = 8

_CALIBRATION = 1_000
"""Offset between the seeds of calibration and training strings."""

_THINNING = 2_000
"""Offset between the seeds of the strings that a thinning is chosen by and those of training."""


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
    new: float = 0.8
    """Wanted share of accepted strings that are not training lines; 0: as it comes. See `with_new_share`."""

    seed: int = 0

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("say how long to train: either minutes or steps", "as in --minutes 3")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ConfigError(f"--minutes is {self.minutes:g}, but it must be above 0 and finite")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"--steps is {self.steps}, but it must be at least 1")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ConfigError(f"--rounds is {self.rounds}, but it must be 1 to {MAX_ROUNDS}")
        if not 0 <= self.new <= 1:
            raise ConfigError(f"--new is {self.new:g}, but it is a share, from 0 to 1")
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
    return with_new_share(replace(refiner, decode=decode), samples, corpus, options)


def with_new_share(refiner: Refiner, samples: Samples, corpus: Corpus, options: RefineOptions) -> Refiner:
    """Return a refiner that accepts training lines more rarely, if too many of its strings are training lines.

    The share of new strings is brought to `options.new`, but not above the share among generated strings without the
    refiner, nor above the probability that a further real line is new: where real lines often repeat, generated ones
    may, too. Windows of running text, and corpora of more than MAX_HASHES lines, are left as they are.
    """
    train = corpus.train
    if not options.new or train.rows_NS.shape[1] != train.length or len(train) > MAX_HASHES:
        return refiner
    lines = ShortHashes.of(train.read())
    strings_NL = Draws(fresh_strings(samples, training_seed(options.seed, _THINNING))).take(THINNING_STRINGS)
    trained_N, log_weight_N = lines.has(strings_NL), refiner.log_weights(strings_NL)
    chained = refiner.config.rule == "mh"
    weight_N = np.exp(log_weight_N - log_weight_N.max()) if chained else refiner.probabilities(log_weight_N)
    new = min(options.new, lines.unseen, float(1 - trained_N.mean()))
    factor = factor_for(new, weight_N, trained_N)
    if factor == 1:
        return refiner
    thin_N = np.where(trained_N, factor * weight_N, weight_N)
    acceptance = 1.0 if chained else float(thin_N.sum() / weight_N.sum())
    facts = {"wanted": new, "new": float(thin_N[~trained_N].sum() / thin_N.sum()), "acceptance": acceptance}
    facts["new_before"] = float(weight_N[~trained_N].sum() / weight_N.sum())
    return replace(refiner, thinning=Thinning(lines=lines, factor=factor, facts=facts))


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
