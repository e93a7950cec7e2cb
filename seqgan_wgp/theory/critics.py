"""Train a critic against a fixed generator: the shared part of the experiments.

Shape suffixes: B batch, N points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config.schema import AlgorithmSettings, CriticSettings
from ..nn.initialization import initialize
from ..toy.distributions import Distribution, Indices
from ..toy.networks import PointPerceptronCritic
from ..training.losses import LOSSES
from ..training.optimizers import make_optimizer, set_learning_rate
from ..training.penalties import CONSTRAINTS
from ..training.steps import CriticObjective, apply_gradients, critic_gradients
from ..utils.counter_rng import Stream, normal, uniform

Pairs = Callable[[Indices, int], tuple[Tensor, Tensor]]
"""(indices of points (N,), step) -> real and generated points, (N, 2) each. Equal arguments give equal points."""

ShowProgress = Callable[[str], None]
"""Called with a description of the next part of the work."""

HELD_OUT = 1 << 40
"""Index of the first point that is never used in training."""


def adam(learning_rate: float) -> AlgorithmSettings:
    """Return Adam with the decays of Gulrajani et al. 2017, section 4."""
    return AlgorithmSettings(name="adam", learning_rate=learning_rate, beta1=0.5, beta2=0.9)


def critic_objective(loss: str, constraint: str, weight: float = 0.0) -> CriticObjective:
    """Return the critic's objective, given the names of loss and constraint; `weight` is lambda."""
    return CriticObjective(loss=LOSSES[loss], constraint=CONSTRAINTS[constraint], weight=weight)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a critic is trained."""

    objective: CriticObjective
    algorithm: AlgorithmSettings
    batch: int
    """Number of real, and of generated, points per step."""

    steps: int
    clip: float | None = None
    """The clipping bound c, for a constraint that clips weights."""

    settles: bool = False
    """Whether the learning rate falls linearly to 0 over the second half, so that the critic converges."""


def perceptron(width: int, layers: int, scheme: str, *, seed: int) -> PointPerceptronCritic:
    """Return a new critic of 2-d points with `layers` hidden layers of `width` ReLUs, initialised by the scheme."""
    critic = PointPerceptronCritic(CriticSettings(network="perceptron", width=width, blocks=layers))
    initialize(critic, scheme, seed=seed, first=0)
    return critic


def noised(distribution: Distribution, seed: int) -> Pairs:
    """Return pairs with the fixed generator of Gulrajani et al. 2017, figure 1: real points plus unit noise."""

    def draw(index_N: Indices, _step: int) -> tuple[Tensor, Tensor]:
        real_N2 = distribution.sample(seed, Stream.TOY, index_N)
        fake_N2 = distribution.sample(seed, Stream.CRITIC_LATENT, index_N)
        noise_N2 = normal(seed, Stream.FAKE_NOISE, torch.from_numpy(index_N), 2)
        return torch.from_numpy(real_N2), torch.from_numpy(fake_N2) + noise_N2

    return draw


def held_out(count: int) -> Indices:
    """Return the indices of points that no critic is trained on, for measurements."""
    return np.arange(HELD_OUT, HELD_OUT + count)


def train_critic(critic: PointPerceptronCritic, pairs: Pairs, how: Training, *, seed: int) -> Iterator[int]:
    """Train the critic in place. Yield the number of steps done so far, from 0 to `how.steps`, for measurements.

    Each step applies `critic_gradients`, the optimizer and the projection to new points. The data type of the critic's
    weights determines the precision.
    """
    algorithm = make_optimizer(how.algorithm, critic)
    project = how.objective.constraint.project
    precision = next(critic.parameters()).dtype
    for step in range(how.steps):
        yield step
        if how.settles:
            set_learning_rate(algorithm, how.algorithm.learning_rate * min(1.0, 2 * (1 - step / how.steps)))
        index_B = np.arange(step * how.batch, (step + 1) * how.batch)
        counter_B = torch.from_numpy(index_B)

        def draw(columns: int, counter_B: Tensor = counter_B) -> Tensor:
            return uniform(seed, Stream.EPSILON, counter_B, columns).to(precision)

        real_B2, fake_B2 = pairs(index_B, step)
        gradients, _ = critic_gradients(critic, real_B2.to(precision), fake_B2.to(precision), draw, how.objective)
        apply_gradients(algorithm, critic, gradients)
        if project is not None:
            assert how.clip is not None
            project(critic, how.clip)
    yield how.steps


def exhaust(steps: Iterator[int]) -> None:
    """Run all steps of a training without measurements."""
    for _ in steps:
        pass


def share_of(steps: int, share: float) -> int:
    """Return a share of a number of steps, at least one."""
    return max(1, round(steps * share))
