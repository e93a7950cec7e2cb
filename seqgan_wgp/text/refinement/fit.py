"""Train a classifier of real against generated strings.

Real strings are used in epochs, generated ones are new at every step. The result is the moving average of the weights
with the least cross-entropy on validation strings, on which a temperature then calibrates its logits.

Shape suffixes: N strings, B batch, L length.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ConfigError
from ...training.optimizers import set_learning_rate
from ...utils.counter_rng import Stream, sampled_indices, shuffled
from ..hashing.row_hashes import Ids
from .calibration import accuracy, area_under_curve, calibrated_temperature, cross_entropy
from .classifier import ClassifierConfig, StringClassifier, logits

TIMED_STEPS = 30
"""Number of first steps that are timed to find the number of steps for the given seconds."""


class TrainingRows(Protocol):
    """Rows of ids with random access: an array, or training items on disk."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, index_B: Any, /) -> Ids:
        """Return the rows with indices `index_B` (B,) as (B, L) ids."""


@final
@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a classifier is trained: for a number of steps, or for about a number of seconds.

    Raises:
        ConfigError: neither or both are given, or one is not above 0.
    """

    steps: int | None = None
    seconds: float | None = None
    batch_size: int = 128
    """Number of real, and of generated, strings per step."""

    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    """Warm-up steps, followed by cosine decay to 0."""

    averaging: float = 0.995
    """Decay of the moving average of the weights, less in the first steps."""

    evaluate_every: int = 50
    patience: int = 8
    """Number of evaluations without a better validation loss before training stops."""

    validation_most: int = 4_096
    """Largest number of real, and of generated, validation strings."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError("a classifier is trained for a number of steps or of seconds", "give one of the two")
        for name, value in (("steps", self.steps), ("seconds", self.seconds)):
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} is {value:g}, but it must be above 0 and finite")


def strings_per_step(length: int) -> int:
    """Return the batch size for a length: 128 up to 32 ids, then fewer, at least 16."""
    return max(16, min(128, 4_096 // length))


@final
@dataclass(frozen=True, kw_only=True)
class FitProgress:
    """Progress of training."""

    step: int
    steps: int | None
    """Total number of steps; None during timing."""

    seconds: float
    validation_loss: float | None
    """The last validation loss in nats."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FittedClassifier:
    """A trained classifier in evaluation mode, and its results on the validation split."""

    classifier: StringClassifier
    temperature: float
    loss: float
    """Cross-entropy in nats on the validation strings, after calibration."""

    accuracy: float
    auc: float
    best_step: int
    """Step of these averaged weights."""

    steps: int
    """Number of steps trained."""

    planned: int
    """Number of steps in the learning-rate schedule; with `steps` set to this, training repeats bit for bit."""

    seconds: float


def fit(
    real: TrainingRows,
    validation_NL: Ids,
    fakes: Iterator[Ids],
    vocabulary_size: int,
    config: FitConfig,
    *,
    sizes: ClassifierConfig | None = None,
    seed: int = 0,
    device: torch.device | None = None,
    on_progress: Callable[[FitProgress], None] = lambda _progress: None,
) -> FittedClassifier:
    """Train a classifier to tell real strings from generated ones.

    With `config.steps` given, the same arguments give the same weights on one kind of device. The global random state
    is not changed.

    Args:
        real: training rows of L ids.
        validation_NL: held-out real rows for selection and calibration; never the test split.
        fakes: yields an endless sequence of blocks of new generated rows; the first ones are for validation.
        vocabulary_size: V.
        config: duration and hyperparameters.
        sizes: sizes of the network; None: the defaults of ClassifierConfig.
        seed: random seed of the initial weights, the order of real rows, and dropout.
        device: device for training; None: the CPU.
        on_progress: called after every step.

    Raises:
        ValueError: there are no real or no validation rows.
    """
    if not len(real) or not len(validation_NL):
        raise ValueError("a classifier needs real training rows and real validation rows")
    device = device or torch.device("cpu")
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.inference_mode(mode=False), torch.enable_grad():
        torch.manual_seed(seed & (2**63 - 1))
        classifier = StringClassifier(vocabulary_size, validation_NL.shape[1], sizes or ClassifierConfig(), seed)
        return _Fit(real, validation_NL, Draws(fakes), config, classifier.to(device), seed).run(on_progress)


@final
class Draws:
    """Takes any number of rows from an endless iterator of blocks."""

    def __init__(self, blocks: Iterator[Ids]) -> None:
        self._blocks, self._left = blocks, next(blocks)

    def take(self, count: int) -> Ids:
        """Return the next rows."""
        parts, found = [self._left], len(self._left)
        while found < count:
            parts.append(next(self._blocks))
            found += len(parts[-1])
        rows_NL = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._left = rows_NL[count:]
        return rows_NL[:count]


@final
class _Fit:
    """State of one training, with a method for each part of a step."""

    def __init__(
        self,
        real: TrainingRows,
        validation_NL: Ids,
        draws: Draws,
        config: FitConfig,
        classifier: StringClassifier,
        seed: int,
    ) -> None:
        self.real, self.draws, self.config, self.seed = real, draws, config, seed
        self.classifier, self.average = classifier, copy.deepcopy(classifier).eval().requires_grad_(False)
        chosen_N = sampled_indices(seed, Stream.FLOOR, len(validation_NL), config.validation_most)
        self.real_NL = validation_NL[np.sort(chosen_N)]
        self.fake_NL = draws.take(len(self.real_NL))
        self.optimizer = torch.optim.AdamW(
            classifier.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )
        self.planned = config.steps
        self.best = (math.inf, 0, copy.deepcopy(self.average.state_dict()))
        self.started = time.monotonic()
        self.last_loss: float | None = None

    def run(self, on_progress: Callable[[FitProgress], None]) -> FittedClassifier:
        """Train to the end, and return the best average."""
        step, config = 0, self.config
        while self.planned is None or step < self.planned:
            self._step(step)
            step += 1
            if self.planned is None and step == min(TIMED_STEPS, config.warm_up):
                self.planned = self._plan(step)
            late = config.seconds is not None and self._seconds > config.seconds
            if step % config.evaluate_every == 0 or step == self.planned or late:
                self._evaluate(step)
            on_progress(
                FitProgress(step=step, steps=self.planned, seconds=self._seconds, validation_loss=self.last_loss)
            )
            if late or step - self.best[1] >= config.patience * config.evaluate_every:
                break
        return self._fitted(step)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _plan(self, step: int) -> int:
        """Return the number of steps that fit into the seconds, including evaluations, by the time of the first."""
        assert self.config.seconds is not None
        each = self._seconds / step
        before = self._seconds
        self._logits()
        each += (self._seconds - before) / self.config.evaluate_every
        return max(step + 1, step + int((self.config.seconds - self._seconds) / each))

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step; during warm-up it does not depend on the planned number of steps."""
        config = self.config
        if step < config.warm_up:
            return config.learning_rate * (step + 1) / config.warm_up
        assert self.planned is not None
        share = (step - config.warm_up) / max(1, self.planned - config.warm_up)
        return config.learning_rate * (1 + math.cos(math.pi * share)) / 2

    def _step(self, step: int) -> None:
        size, device = self.config.batch_size, self.classifier.position_LW.device
        draw_B = np.arange(step * size, (step + 1) * size)
        real_BL = self.real[shuffled(self.seed, Stream.CLASSIFIER_BATCH, draw_B, len(self.real))]
        ids = np.concatenate([real_BL, self.draws.take(size)]).astype(np.int64)
        self.classifier.train()
        logit = self.classifier(torch.from_numpy(ids).to(device))
        sign = torch.ones_like(logit)
        sign[size:] = -1
        loss: Tensor = functional.softplus(-sign * logit).mean()
        set_learning_rate(self.optimizer, self._rate(step))
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimizer.step()
        self._update_average(step)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        decay = min(self.config.averaging, (1 + step) / (10 + step))
        ours, theirs = ([*network.state_dict().values()] for network in (self.average, self.classifier))
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    def _logits(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return logits(self.average, self.real_NL), logits(self.average, self.fake_NL)

    def _evaluate(self, step: int) -> None:
        self.last_loss = cross_entropy(*self._logits())
        if self.last_loss < self.best[0]:
            self.best = (self.last_loss, step, copy.deepcopy(self.average.state_dict()))

    def _fitted(self, steps: int) -> FittedClassifier:
        self.average.load_state_dict(self.best[2])
        real_N, fake_N = self._logits()
        temperature = calibrated_temperature(real_N, fake_N)
        return FittedClassifier(
            classifier=self.average,
            temperature=temperature,
            loss=cross_entropy(real_N / temperature, fake_N / temperature),
            accuracy=accuracy(real_N, fake_N),
            auc=area_under_curve(real_N, fake_N),
            best_step=self.best[1],
            steps=steps,
            planned=self.planned or steps,
            seconds=self._seconds,
        )
