"""Compare critics with clipped weights and with a gradient penalty, against a fixed generator.

Gulrajani et al. 2017, section 3.1 and figure 1a.

Shape suffixes: N points, G places along an axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..toy.distributions import DISTRIBUTIONS, Indices, wasserstein
from ..toy.networks import PointPerceptronCritic
from ..training.diagnostics.measures import wasserstein_estimate
from ..training.penalties import interpolate, slopes
from ..utils.counter_rng import Stream, uniform
from .critics import (
    ShowProgress,
    Training,
    adam,
    critic_objective,
    exhaust,
    held_out,
    noised,
    perceptron,
    share_of,
    train_critic,
)

NAMES = ("8-gaussians", "25-gaussians", "swiss-roll")
CONSTRAINTS = ("clip", "gp")
WEIGHT = 0.1
"""lambda, as in the authors' gan_toy.py. The usual 10 flattens the surfaces and needs more steps."""

CLIP = 0.1
STEPS = 2_000
REACH = 2.0
"""Surfaces cover the square from -REACH to REACH in both coordinates."""

_GRID, _JUDGED, _ASSIGNED = 101, 4_096, 1_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """The values of a trained critic over the plane, and its measurements."""

    distribution: str
    constraint: str
    axis_G: npt.NDArray[np.float32]
    values_GG: npt.NDArray[np.float32]
    """f at (axis[column], axis[row])."""

    points_N2: npt.NDArray[np.float32]
    """Real points."""

    estimate: float
    """E[f(x)] - E[f(x~)] on points that were not used in training."""

    slope: float
    """Mean of ||grad f|| between real and generated points."""

    ranked: float
    """Share of pairs whose real point scores above the generated one; 1/2 by chance."""

    w1: float
    """Exact distance between 1,000 real and 1,000 generated points."""


def measure_surface(distribution: str, constraint: str, *, seed: int, steps: int = STEPS) -> Surface:
    """Train a critic with one of the CONSTRAINTS against the fixed generator; return its surface."""
    pairs = noised(DISTRIBUTIONS[distribution], seed)
    # A scheme with biases: without them all kinks of the first layer start at one point, and detail is learnt late.
    critic = perceptron(128, 3, "torch", seed=seed)
    how = Training(
        objective=critic_objective("wgan", constraint, WEIGHT),
        algorithm=adam(2e-3),
        batch=128,
        steps=steps,
        clip=CLIP,
        settles=True,
    )
    exhaust(train_critic(critic, pairs, how, seed=seed))
    index_N = held_out(_JUDGED)
    real_N2, fake_N2 = pairs(index_N, steps)
    with torch.no_grad():
        real_N, fake_N = critic(real_N2), critic(fake_N2)
    axis_G, values_GG = _seen(critic)
    return Surface(
        distribution=distribution,
        constraint=constraint,
        axis_G=axis_G,
        values_GG=values_GG,
        points_N2=real_N2[:_ASSIGNED].numpy(),
        estimate=wasserstein_estimate(real_N, fake_N).item(),
        slope=_mean_slope(critic, real_N2, fake_N2, index_N, seed),
        ranked=ranked(real_N, fake_N),
        w1=wasserstein(real_N2[:_ASSIGNED].numpy(), fake_N2[:_ASSIGNED].numpy()),
    )


def run_surfaces(seed: int, share: float, progress: ShowProgress) -> tuple[Surface, ...]:
    """Return the surfaces of all NAMES under both CONSTRAINTS, after a share of the steps."""
    found = []
    for constraint in CONSTRAINTS:
        for name in NAMES:
            progress(f"critic of {name}, {constraint}")
            found.append(measure_surface(name, constraint, seed=seed, steps=share_of(STEPS, share)))
    return tuple(found)


def ranked(real_N: Tensor, fake_N: Tensor) -> float:
    """Return the share of all pairs (x, x~) with f(x) > f(x~)."""
    below_N = torch.searchsorted(fake_N.sort().values, real_N)
    return below_N.double().mean().item() / len(fake_N)


def _mean_slope(critic: PointPerceptronCritic, real_N2: Tensor, fake_N2: Tensor, index_N: Indices, seed: int) -> float:
    epsilon_N = uniform(seed, Stream.EPSILON, torch.from_numpy(index_N), 1)[:, 0]
    return slopes(critic, interpolate(real_N2, fake_N2, epsilon_N), create_graph=False).mean().item()


@torch.no_grad()
def _seen(critic: PointPerceptronCritic) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    axis_G = torch.linspace(-REACH, REACH, _GRID)
    y_GG, x_GG = torch.meshgrid(axis_G, axis_G, indexing="ij")
    values_GG = critic(torch.stack([x_GG, y_GG], dim=2).reshape(-1, 2)).reshape(_GRID, _GRID)
    return axis_G.numpy(), values_GG.numpy()
