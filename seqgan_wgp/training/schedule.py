"""Training schedule as pure functions of settings and round: step counts, learning rates and noise.

A step's number decides what it draws: data, latents, epsilon and noise (batches.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar, final

from torch import Tensor

from ..config.schema import AlgorithmSettings, ObjectiveSettings, OptimizerSettings, TrainingSettings
from .penalties import CONSTRAINTS

Number = int | Tensor
"""Of a step or a round; a tensor is an int64 scalar on the device."""

_Number = TypeVar("_Number", int, Tensor, Number)

COSINE_WARM_UP = 50
"""Steps over which the learning rate of maximum likelihood rises."""

_WARM_UP = 1 << 36
"""Number of the first critic step of the warm-up: behind all that rounds will come to."""

_FURTHER = 1 << 28
"""Between the numbers of a round's generator steps: more than there are rounds."""


@final
@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How many steps each round has, their numbers, and what changes from round to round. Rounds count from 0."""

    training: TrainingSettings
    optimizer: OptimizerSettings

    def critic_step_number(self, round_: _Number, k: int) -> _Number:
        """Return the number of the round's critic step k; no other step has it."""
        return round_ * self.training.critic_steps + k

    def warm_up_number(self, k: int) -> int:
        """Return the number of critic step k of the warm-up."""
        return _WARM_UP + k

    def generator_step_number(self, round_: _Number, k: int) -> _Number:
        """Return the number of the round's generator step k, however many earlier rounds had."""
        return k * _FURTHER + round_

    def generator_steps(self, round_: int) -> int:
        """Return how many generator steps a round has: `generator_steps_more` more after each period."""
        settings = self.training
        return settings.generator_steps + settings.generator_steps_more * (round_ // settings.generator_steps_period)

    def learning_rates(self, round_: int) -> tuple[float, float]:
        """Return the generator's and the critic's learning rate in a round; likelihood rounds have their own."""
        first = self.training.likelihood_steps
        if round_ < first:
            assert self.training.likelihood_rate is not None
            last = min(first, self.training.steps or first)
            generator = cosine_rate(self.training.likelihood_rate, round_, last)
            return generator, self.optimizer.critic.learning_rate
        round_ -= first
        return learning_rate(self.optimizer.generator, round_), learning_rate(self.optimizer.critic, round_)

    def noise_deviation(self, round_: int) -> float:
        """Return the standard deviation of the instance noise in a round."""
        return noise_deviation(self.training, round_)


def penalty_every(settings: ObjectiveSettings, batch_size: int) -> int:
    """Return k, where the penalty is taken at every k-th sample of a batch.

    By default it is 2 where the penalty at a sample does not depend on the others: half of the samples cost a third of
    a critic step less, and a slope that is too steep is found as well.
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
    """Return a learning rate that rises over COSINE_WARM_UP steps and falls to a hundredth as half a cosine."""
    share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return highest * share * min(1.0, (step + 1) / COSINE_WARM_UP)


def noise_deviation(settings: TrainingSettings, round_: int) -> float:
    """Return the standard deviation of the instance noise: from `noise` to 0 over `noise_steps` rounds, linearly."""
    left = 1 - round_ / settings.noise_steps if settings.noise_steps else 1.0
    return settings.noise * max(0.0, left)
