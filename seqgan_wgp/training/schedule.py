"""The rhythm of training, as pure functions of the settings and the round: how many steps, which draws, what noise."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

from ..config.schema import AlgorithmSettings, ObjectiveSettings, TrainingSettings
from .penalties import CONSTRAINTS

Number = int | Tensor
"""Of a step or a round; a tensor is an int64 scalar on the device."""

_Number = TypeVar("_Number", int, Tensor, Number)

_WARM_UP = 1 << 36
"""Number of the first critic step of the warm-up: behind all that rounds will come to."""

_FURTHER = 1 << 28
"""Between the numbers of a round's generator steps: more than there are rounds."""


def critic_step_number(settings: TrainingSettings, round_: _Number, k: int) -> _Number:
    """Return the number of the round's critic step k, by which it draws data and noise; no other step has it."""
    return round_ * settings.critic_steps + k


def warm_up_number(k: int) -> int:
    """Return the number of critic step k of the warm-up."""
    return _WARM_UP + k


def generator_step_number(round_: _Number, k: int) -> _Number:
    """Return the number of the round's generator step k. How many there were in earlier rounds makes no difference."""
    return k * _FURTHER + round_


def generator_steps(settings: TrainingSettings, round_: int) -> int:
    """Return how many generator steps a round has: some more after each so many rounds."""
    return settings.generator_steps + settings.generator_steps_more * (round_ // settings.generator_steps_period)


def thinning(settings: ObjectiveSettings, batch_size: int) -> int:
    """Return at one in how many items slopes are penalised.

    Left open it is 2, where the penalty at an item asks nothing of others: the half costs a third of a critic step
    less, and a slope that is too steep is found as well.
    """
    if settings.penalty_every > 0:
        return settings.penalty_every
    constraint = CONSTRAINTS[settings.constraint]
    return 2 if constraint.slopes is not None and not constraint.mixes_samples and batch_size > 1 else 1


def learning_rate(settings: AlgorithmSettings, round_: int) -> float:
    """Return an optimizer's step size in a round: as it is set, or falling with the root of the rounds.

    It falls whether or not anyone knows when training is to end, and never comes to nothing.
    """
    return settings.learning_rate / math.sqrt(1 + round_ / settings.lr_decay_steps if settings.lr_decay_steps else 1)


def noise_deviation(settings: TrainingSettings, round_: int) -> float:
    """Return the standard deviation of the instance noise: from `noise` to 0 over `noise_steps` rounds, linearly."""
    left = 1 - round_ / settings.noise_steps if settings.noise_steps else 1.0
    return settings.noise * max(0.0, left)
