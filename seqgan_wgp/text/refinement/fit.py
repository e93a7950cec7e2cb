"""Training of a classifier on real strings against generated ones.

Real strings come in epochs, generated ones are fresh at every step. What is kept is the moving average of the weights
with the least cross-entropy on held-out validation strings; a temperature then calibrates its logits there too.

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
from ...utils.counter_rng import Stream, shuffled
from ..hashing.row_hashes import Ids
from .calibration import accuracy, area_under_curve, calibrated_temperature, cross_entropy
from .classifier import ClassifierConfig, StringClassifier, logits

TIMED_STEPS = 30
"""Steps of warm-up after which the number of steps that fit into the given seconds is known."""


class TrainingRows(Protocol):
    """Rows of ids that are taken by number: an array, or training items on disk."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, index_B: Any, /) -> Ids:
        """Return rows number `index_B` (B,) as (B, L) ids."""


@final
@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a classifier is trained: for a number of steps, or for about so many seconds.

    Raises:
        ConfigError: neither or both are given, or one is not above 0.
    """

    steps: int | None = None
    seconds: float | None = None
    batch_size: int = 128
    """Real strings of a step, and as many generated ones."""

    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    """Steps in which the learning rate rises; half a cosine down to 0 follows."""

    averaging: float = 0.995
    """Decay of the moving average of the weights, less in the first steps."""

    evaluate_every: int = 50
    patience: int = 8
    """Evaluations without a better validation loss after which training stops."""

    validation_most: int = 4_096
    """Real validation strings that are looked at, and as many generated ones."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError("a classifier is trained for a number of steps or of seconds", "give one of the two")
        for name, value in (("steps", self.steps), ("seconds", self.seconds)):
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} is {value:g}, but it must be above 0 and finite")


def strings_per_step(length: int) -> int:
    """Return how many strings of a length go into a step: 128 up to 32 ids, then fewer, and 16 at least."""
    return max(16, min(128, 4_096 // length))


@final
@dataclass(frozen=True, kw_only=True)
class FitProgress:
    """How far training is."""

    step: int
    steps: int | None
    """In all; None while that is being found out."""

    seconds: float
    validation_loss: float | None
    """The last one measured, in nats."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FittedClassifier:
    """A trained classifier in evaluation mode, and how it does on the validation half."""

    classifier: StringClassifier
    temperature: float
    loss: float
    """Cross-entropy in nats on the validation strings, calibrated."""

    accuracy: float
    auc: float
    best_step: int
    """Step whose averaged weights these are."""

    steps: int
    """Steps that were taken."""

    planned: int
    """Steps that the learning rate was planned for; with `steps` at this number training repeats bit for bit."""

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

    With the same arguments, and with `config.steps` given, the same weights come out on one kind of device. The global
    random state is left as it was.

    Args:
        real: training rows of L ids.
        validation_NL: held-out real rows, to choose and to calibrate by. Never the test half.
        fakes: yields blocks of fresh generated rows without end; the first ones validate.
        vocabulary_size: V.
        config: how long, and how.
        sizes: of the network; None: the defaults of ClassifierConfig.
        seed: of the first weights, the order of real rows, and the dropout.
        device: where to train; None: the CPU.
        on_progress: told after every step.

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
    """Rows from an endless iterator of blocks, as many at a time as are wanted."""

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
    """One training: its state, and a method for each part of a step."""

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
        chosen_N = shuffled(
            seed, Stream.FLOOR, np.arange(min(len(validation_NL), config.validation_most)), len(validation_NL)
        )
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
        """Return how many steps fit into the seconds, evaluations counted, given how long the first ones took."""
        assert self.config.seconds is not None
        each = self._seconds / step
        before = self._seconds
        self._logits()
        each += (self._seconds - before) / self.config.evaluate_every
        return max(step + 1, step + int((self.config.seconds - self._seconds) / each))

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step; while it rises it does not depend on how many steps are planned."""
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
        self.optimizer.param_groups[0]["lr"] = self._rate(step)
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
