"""The training schedule as pure functions of settings and round: step counts, learning rates, instance noise.

It also numbers the steps. A step's number determines everything that the step draws (batches.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar, final

from torch import Tensor

from ..config.schema import AlgorithmSettings, ObjectiveSettings, OptimizerSettings, TrainingSettings
from .penalties import CONSTRAINTS

Number = int | Tensor
"""Number of a step or a round: an int, or an int64 scalar tensor on the device."""

_Number = TypeVar("_Number", int, Tensor, Number)

COSINE_WARM_UP = 50
"""Warm-up steps of the learning rate of maximum likelihood."""

_WARM_UP = 1 << 36
"""Number of the first critic step of the warm-up, larger than that of any step in a round."""

_STRIDE = 1 << 28
"""Difference between the numbers of two generator steps of a round, larger than the number of rounds."""


@final
@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Step counts and step numbers of each round, and what changes from round to round. Rounds count from 0."""

    training: TrainingSettings
    optimizer: OptimizerSettings

    def critic_step_number(self, round_: _Number, k: int) -> _Number:
        """Return the number of the round's critic step k, unique among all critic steps."""
        return round_ * self.training.critic_steps + k

    def warm_up_number(self, k: int) -> int:
        """Return the number of critic step k of the warm-up."""
        return _WARM_UP + k

    def generator_step_number(self, round_: _Number, k: int) -> _Number:
        """Return the number of the round's generator step k; it does not depend on how many earlier rounds had."""
        return k * _STRIDE + round_

    def generator_steps(self, round_: int) -> int:
        """Return the number of generator steps in a round: it grows by `generator_steps_more` after each period."""
        settings = self.training
        return settings.generator_steps + settings.generator_steps_more * (round_ // settings.generator_steps_period)

    def learning_rates(self, round_: int) -> tuple[float, float]:
        """Return the learning rates of generator and critic in a round; likelihood rounds have their own schedule."""
        first = self.training.likelihood_steps
        if round_ < first:
            assert self.training.likelihood_rate is not None
            last = min(first, self.training.steps or first)
            generator = cosine_rate(self.training.likelihood_rate, round_, last)
            return generator, self.optimizer.critic.learning_rate
        round_ -= first
        return learning_rate(self.optimizer.generator, round_), learning_rate(self.optimizer.critic, round_)

    def noise_std(self, round_: int) -> float:
        """Return the standard deviation of the instance noise in a round."""
        return noise_std(self.training, round_)


def penalty_every(settings: ObjectiveSettings, batch_size: int) -> int:
    """Return k, where every k-th sample of a batch is penalised.

    "auto" is 2 if the penalty of a sample does not depend on the others, otherwise 1. Penalising half of the samples
    makes a critic step a third cheaper and constrains the critic as well.
    """
    if settings.penalty_every > 0:
        return settings.penalty_every
    constraint = CONSTRAINTS[settings.constraint]
    return 2 if constraint.slopes is not None and not constraint.mixes_samples and batch_size > 1 else 1


def learning_rate(settings: AlgorithmSettings, round_: int) -> float:
    """Return an optimizer's learning rate in a round: constant, or lr / sqrt(1 + round / lr_decay_steps).

    The decay does not depend on the planned end of training, and never reaches 0.
    """
    return settings.learning_rate / math.sqrt(1 + round_ / settings.lr_decay_steps if settings.lr_decay_steps else 1)


def cosine_rate(highest: float, step: int, steps: int) -> float:
    """Return the learning rate of a step: linear warm-up over COSINE_WARM_UP steps, cosine decay to highest / 100."""
    share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return highest * share * min(1.0, (step + 1) / COSINE_WARM_UP)


def noise_std(settings: TrainingSettings, round_: int) -> float:
    """Return the standard deviation of the instance noise, which falls linearly from `noise` to 0 in `noise_steps`."""
    left = 1 - round_ / settings.noise_steps if settings.noise_steps else 1.0
    return settings.noise * max(0.0, left)
