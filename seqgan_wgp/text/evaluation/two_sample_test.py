"""Classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests").

A classifier learns to tell training lines from generated strings and is then tested on test lines and other generated
strings. An accuracy of one half means that it found no difference. The floor is the same with training lines in place
of generated strings, which differ from other lines only by chance.

Shape suffixes: N strings, L length, R rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import torch

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, shuffled
from ...utils.progress import OnStep
from ..corpus.dataset import Corpus, CorpusItems
from ..refinement.calibration import accuracy, area_under_curve
from ..refinement.classifier import logits
from ..refinement.fit import FitConfig, FittedClassifier, TrainingRows, fit, strings_per_step
from ..refinement.fresh import CHUNK, fresh_strings, training_seed
from .kept import corpus_key, kept

STEPS = 500
"""Default limit of training steps."""

MAX_BATCH = 64
"""Largest number of strings of each kind per step."""

EVALUATE_EVERY, MAX_VALIDATED = 25, 2_048
"""Steps between evaluations, and largest number of validation lines, and of generated strings, in each."""

PATIENCE, FLOOR_PATIENCE = 8, 4
"""Number of evaluations without a better validation loss before training stops. The classifier of the floor gets fewer,
since there is nothing to find between real lines."""

_VERSION = 1
"""Version of how a floor is computed. Cached floors of other versions are not used."""

MAX_TESTED = 10_000
"""Largest number of test strings of each kind."""


class StringSource(Protocol):
    """What is held against real lines: a model, or anything else that draws strings."""

    @property
    def device(self) -> torch.device:
        """Where the classifiers are trained."""

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ints]:
        """Yield (N, L) ids number `start` on, n in all; row k is a function of the seed and k alone."""


@final
@dataclass(frozen=True, kw_only=True)
class ClassifierResult:
    """Result of one classifier on new strings."""

    accuracy: float
    """Accuracy, with both kinds weighted equally; 0.5 by chance."""

    auc: float
    """Probability that a real string is rated above a generated one."""

    steps: int
    """Number of training steps."""

    best_step: int
    """Step with the least validation loss, whose averaged weights were used."""


@final
@dataclass(frozen=True, kw_only=True)
class TwoSampleTest:
    """The results for generated strings and for real lines (floor)."""

    generated: ClassifierResult
    floor: ClassifierResult
    tested: int
    """Number of test lines, and of generated strings, in the test."""

    error: float
    """Standard error of an accuracy of 0.5 on this number: 0.5 / sqrt(2 n)."""


def two_sample_test(
    model: StringSource, corpus: Corpus, strings_NL: Ints, *, steps: int, seed: int, on_step: OnStep
) -> TwoSampleTest:
    """Train and test two classifiers, one for the generated strings and one for the floor.

    The best step is selected on the validation split; the test split is only used for the test. The floor depends only
    on the corpus and is cached.

    Args:
        model: generates the training strings, with a seed that nothing else uses.
        corpus: the prepared corpus.
        strings_NL: generated strings for the test.
        steps: largest number of training steps.
        seed: random seed.
        on_step: called with a description of the current step and the share of it that is done.
    """
    test_NL = np.asarray(corpus.test_NL)
    tested = min(len(strings_NL), len(test_NL), MAX_TESTED)
    asked_NL = test_NL[shuffled(seed, Stream.FLOOR, np.arange(tested), len(test_NL))]

    def learnt(real: TrainingRows, fakes: Iterator[Ints], what: str, patience: int) -> FittedClassifier:
        return fit(
            real,
            np.asarray(corpus.validation_NL),
            fakes,
            corpus.vocabulary.size,
            replace(config, patience=patience),
            seed=seed,
            device=model.device,
            on_progress=lambda at: on_step(f"two-sample test, {what}", at.step / (at.steps or steps)),
        )

    def floor() -> dict[str, Any]:
        split = TrainingSplit.of(corpus.train, steps * config.batch_size + config.validation_most, tested, seed)
        fitted = learnt(split.real, split.repeated(), "real lines", FLOOR_PATIENCE)
        return asdict(_asked(fitted, asked_NL, split.asked_NL))

    config = FitConfig(
        steps=steps,
        batch_size=min(MAX_BATCH, strings_per_step(corpus.facts.length)),
        evaluate_every=EVALUATE_EVERY,
        validation_most=MAX_VALIDATED,
    )
    own = learnt(corpus.train, fresh_strings(model.samples, training_seed(seed)), "generated strings", PATIENCE)
    shape = {"version": _VERSION, "fit": asdict(config), "tested": tested, "seed": seed, "device": model.device.type}
    return TwoSampleTest(
        generated=_asked(own, asked_NL, strings_NL[:tested]),
        floor=ClassifierResult(**kept("two-sample-floors", shape | corpus_key(corpus), floor)),
        tested=tested,
        error=0.5 / math.sqrt(2 * tested),
    )


def _asked(fitted: FittedClassifier, real_NL: Ints, other_NL: Ints) -> ClassifierResult:
    real_N, other_N = logits(fitted.classifier, real_NL), logits(fitted.classifier, other_NL)
    return ClassifierResult(
        accuracy=accuracy(real_N, other_N),
        auc=area_under_curve(real_N, other_N),
        steps=fitted.steps,
        best_step=fitted.best_step,
    )


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenItems:
    """A subset of the training items, by index."""

    items: CorpusItems
    index_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index_N)

    def __getitem__(self, index_B: npt.NDArray[np.int64]) -> Ints:
        return self.items[self.index_N[index_B]]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSplit:
    """Training lines in two halves for the floor: one as real lines, one in place of generated strings."""

    real: ChosenItems
    posing: ChosenItems
    """For training; the first of them for validation."""

    asked_NL: Ints
    """Others for the test; fewer than requested if there are few lines."""

    @classmethod
    def of(cls, train: CorpusItems, learnt: int, asked: int, seed: int) -> TrainingSplit:
        """Split the items at random: at most `learnt` for training in each half, and `asked` for the test."""
        count = min(len(train), 2 * learnt + asked)
        index_N = shuffled(seed, Stream.CLASSIFIER_SPLIT, np.arange(count), len(train))
        asked = max(1, min(asked, count // 3))
        middle = asked + (count - asked) // 2
        return cls(
            real=ChosenItems(items=train, index_N=index_N[middle:]),
            posing=ChosenItems(items=train, index_N=index_N[asked:middle]),
            asked_NL=train[index_N[:asked]],
        )

    def repeated(self) -> Iterator[Ints]:
        """Yield the second half: a third of it once, for validation, then the rest repeatedly."""
        first = len(self.posing) // 3
        yield self.posing[np.arange(first)]
        while True:
            for start in range(first, len(self.posing), CHUNK):
                yield self.posing[np.arange(start, min(start + CHUNK, len(self.posing)))]
