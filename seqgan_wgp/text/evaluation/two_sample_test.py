"""Classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests").

A classifier learns to tell training lines from generated strings; then it is asked about test lines and other generated
strings. If it is right half the time, it has found no difference. The floor is the same with training lines in the
generated strings' place: these differ from others by chance alone.

Shape suffixes: N strings, L length, R rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, shuffled
from ...utils.progress import OnStep
from ..corpus.dataset import Corpus, CorpusItems
from ..refinement.calibration import accuracy, area_under_curve
from ..refinement.classifier import logits
from ..refinement.fit import FitConfig, FittedClassifier, TrainingRows, fit, strings_per_step
from ..refinement.fresh import CHUNK, fresh_strings, training_seed
from .options import Generator

STEPS = 500
"""Steps of training at most, unless told otherwise."""

BATCH_MOST = 64
"""Strings of each kind in a step at most."""

PATIENCE = 4
"""Evaluations, one in 50 steps, without a better validation loss after which training stops."""

TESTED_MOST = 10_000
"""Strings of each kind that the trained classifier is asked about, at most."""


@final
@dataclass(frozen=True, kw_only=True)
class ClassifierResult:
    """How well one classifier tells two kinds of strings apart that it has not seen before."""

    accuracy: float
    """Share told right, both kinds weighing the same; 0.5 by chance."""

    auc: float
    """Probability that of one string of each kind the real one looks more real."""

    steps: int
    """Steps of training."""

    best_step: int
    """Step of the least validation loss, whose averaged weights were asked."""


@final
@dataclass(frozen=True, kw_only=True)
class TwoSampleTest:
    """The result for generated strings, and beside it that for real ones."""

    generated: ClassifierResult
    floor: ClassifierResult
    tested: int
    """Test lines asked about, and as many generated strings."""

    error: float
    """Standard error of an accuracy of 0.5 on so many: 0.5 / sqrt(2 n)."""


def two_sample_test(
    model: Generator, corpus: Corpus, strings_NL: Ints, *, steps: int, seed: int, on_step: OnStep
) -> TwoSampleTest:
    """Train and ask two classifiers, one for the generated strings and one for the floor.

    Training chooses its best step by the validation half; the test half is only asked about.

    Args:
        model: generates the strings to learn from, of a seed that nothing else uses.
        corpus: in three parts.
        strings_NL: generated strings to ask about.
        steps: of training at most.
        seed: of everything that is drawn.
        on_step: told what is being done and which share of that is done.
    """
    test_NL = np.asarray(corpus.test_NL)
    tested = min(len(strings_NL), len(test_NL), TESTED_MOST)
    asked_NL = test_NL[shuffled(seed, Stream.FLOOR, np.arange(tested), len(test_NL))]
    config = FitConfig(
        steps=steps, batch_size=min(BATCH_MOST, strings_per_step(corpus.facts.length)), patience=PATIENCE
    )

    def learnt(real: TrainingRows, fakes: Iterator[Ints], what: str) -> FittedClassifier:
        return fit(
            real,
            np.asarray(corpus.validation_NL),
            fakes,
            corpus.vocabulary.size,
            config,
            seed=seed,
            device=model.device,
            on_progress=lambda at: on_step(f"two-sample test, {what}", at.step / (at.steps or steps)),
        )

    own = learnt(corpus.train, fresh_strings(model.samples, training_seed(seed)), "generated strings")
    split = TrainingSplit.of(corpus.train, steps * config.batch_size + config.validation_most, tested, seed)
    floor = learnt(split.real, split.repeated(), "real lines")
    return TwoSampleTest(
        generated=_asked(own, asked_NL, strings_NL[:tested]),
        floor=_asked(floor, asked_NL, split.asked_NL),
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
    """Some of the training items, by number."""

    items: CorpusItems
    index_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index_N)

    def __getitem__(self, index_B: npt.NDArray[np.int64]) -> Ints:
        return self.items[self.index_N[index_B]]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSplit:
    """Training lines in two halves for a floor: real ones, and ones that stand for generated ones."""

    real: ChosenItems
    posing: ChosenItems
    """To learn from and, the first of them, to validate by."""

    asked_NL: Ints
    """Others, to be asked about; fewer than wanted where lines are few."""

    @classmethod
    def of(cls, train: CorpusItems, learnt: int, asked: int, seed: int) -> TrainingSplit:
        """TrainingSplit the items at random: at most so many to learn from in each half, and so many to ask about."""
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
        """Yield the posing lines: a third of them once, to validate by, then the others over and over."""
        first = len(self.posing) // 3
        yield self.posing[np.arange(first)]
        while True:
            for start in range(first, len(self.posing), CHUNK):
                yield self.posing[np.arange(start, min(start + CHUNK, len(self.posing)))]
