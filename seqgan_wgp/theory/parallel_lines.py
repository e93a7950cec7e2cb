"""Parallel lines: the Wasserstein distance is |theta|, while KL and JS carry no gradient.

Real points are (0, Z), generated points (theta, Z), Z uniform in [0, 1]: Arjovsky, Chintala and Bottou 2017, example 1.
The lines do not overlap unless theta is 0. Divergences are in nats.

Shape suffixes: N points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..toy.distributions import Indices, parallel_lines, wasserstein_moved
from ..toy.networks import PointPerceptronCritic
from ..training.losses import LOSSES
from ..training.penalties import interpolate, slopes
from ..utils.counter_rng import Stream
from .critics import (
    Pairs,
    ShowProgress,
    Training,
    adam,
    critic_objective,
    exhaust,
    perceptron,
    share_of,
    train_critic,
)

THETAS = (-1.0, 0.0, 0.25, 0.5, 1.0, 2.0)
WEIGHT = 10.0
"""lambda, as in Gulrajani et al. 2017, section 4."""

STEPS = 800
_BATCH, _WIDTH, _LAYERS = 256, 64, 2
_NODES = 1_024
"""Number of points per line for expectations: the midpoints of equal parts, so there is no sampling noise."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Theoretical values for two lines theta apart, and the values that trained critics give."""

    theta: float
    kl: float
    js: float
    w1: float
    penalised: float
    """The estimate at the optimum of the penalised problem."""

    js_estimate: float
    """log 2 - loss / 2 of a trained discriminator."""

    gan_gradient: float
    """d/dtheta of E[log(1 - D)], the minimax loss, under that discriminator."""

    wgan_estimate: float
    """E[f(x)] - E[f(x~)] of a trained critic with the penalty."""

    slope: float
    """Mean of ||grad f|| between the lines."""

    wgan_gradient: float
    """d/dtheta of -E[f(x~)] under that critic."""


def kullback_leibler(theta: float) -> float:
    """Return KL between the lines: infinite, since each has points where the other has no density."""
    return 0.0 if theta == 0 else math.inf


def jensen_shannon(theta: float) -> float:
    """Return JS between the lines: log 2, its maximum, at any distance. Arjovsky et al. 2017, example 1."""
    return 0.0 if theta == 0 else math.log(2)


def penalised_estimate(theta: float, weight: float) -> float:
    """Return E[f(x)] - E[f(x~)] at the optimum of the WGAN-GP critic: |theta| (1 + |theta| / (2 lambda)).

    The loss is an integral over the strip between the lines. With s the slope towards the real line, the first term
    is at most the mean of |theta| s over the strip, attained when f depends on x only. The penalty is the mean of
    lambda (s - 1)^2 when the interpolates are uniform. |theta| s - lambda (s - 1)^2 is largest at
    s = 1 + |theta| / (2 lambda), a constant, and the estimate is |theta| s. So the penalty is a soft constraint: the
    slope exceeds 1 as far as this pays off, and the estimate divided by the slope is W1.

    The algorithm interpolates between independent pairs, so interpolates are rarer near the upper and lower edge of
    the strip, half way between the lines. The penalty is weaker there, and the optimum a few thousandths higher.
    """
    return abs(theta) * (1 + abs(theta) / (2 * weight))


def measure_line(theta: float, *, seed: int, steps: int = STEPS) -> Line:
    """Train a discriminator and a WGAN-GP critic on two lines theta apart; return their estimates next to theory."""
    discriminator = _trained(theta, "gan", "none", seed=seed, steps=steps)
    critic = _trained(theta, "wgan", "gp", seed=seed, steps=steps)
    gan_loss, gan_gradient = _judged(discriminator, theta, "gan")
    wgan_loss, wgan_gradient = _judged(critic, theta, "wgan")
    return Line(
        theta=theta,
        kl=kullback_leibler(theta),
        js=jensen_shannon(theta),
        w1=wasserstein_moved((theta, 0.0)),
        penalised=penalised_estimate(theta, WEIGHT),
        js_estimate=math.log(2) - gan_loss / 2,
        gan_gradient=gan_gradient,
        wgan_estimate=-wgan_loss,
        slope=_mean_slope(critic, theta),
        wgan_gradient=wgan_gradient,
    )


def run_lines(seed: int, share: float, progress: ShowProgress) -> tuple[Line, ...]:
    """Return the measurements for all THETAS after a share of the steps."""
    found = []
    for theta in THETAS:
        progress(f"discriminator and critic of lines {theta:g} apart")
        found.append(measure_line(theta, seed=seed, steps=share_of(STEPS, share)))
    return tuple(found)


def _pairs(theta: float, seed: int) -> Pairs:
    real, fake = parallel_lines(0.0), parallel_lines(theta)

    def draw(index_N: Indices, _step: int) -> tuple[Tensor, Tensor]:
        # Two streams: a generator does not know which real point it is paired with.
        return (
            torch.from_numpy(real.sample(seed, Stream.TOY, index_N)),
            torch.from_numpy(fake.sample(seed, Stream.CRITIC_LATENT, index_N)),
        )

    return draw


def _trained(theta: float, loss: str, constraint: str, *, seed: int, steps: int) -> PointPerceptronCritic:
    critic = perceptron(_WIDTH, _LAYERS, "torch", seed=seed)
    how = Training(
        objective=critic_objective(loss, constraint, WEIGHT),
        algorithm=adam(1e-3),
        batch=_BATCH,
        steps=steps,
        settles=True,
    )
    exhaust(train_critic(critic, _pairs(theta, seed), how, seed=seed))
    return critic


def _nodes(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Return evenly spaced points of both lines, (N, 2) each."""
    height_N = (torch.arange(_NODES) + 0.5) / _NODES
    return torch.stack([0 * height_N, height_N], dim=1), torch.stack([theta.expand(_NODES), height_N], dim=1)


def _judged(critic: PointPerceptronCritic, theta: float, loss: str) -> tuple[float, float]:
    """Return the critic's loss over both lines, and the derivative of the generator's loss with respect to theta."""
    place = torch.tensor(theta, requires_grad=True)
    real_N2, fake_N2 = _nodes(place)
    fake_N = critic(fake_N2)
    (gradient,) = torch.autograd.grad(LOSSES[loss].generator(fake_N), place, retain_graph=True)
    return LOSSES[loss].critic(critic(real_N2), fake_N).item(), gradient.item()


def _mean_slope(critic: PointPerceptronCritic, theta: float) -> float:
    """Return the mean slope over the strip, taken at one point of each of _NODES horizontal segments."""
    real_N2, fake_N2 = _nodes(torch.tensor(theta))
    # Steps of the golden ratio spread the points evenly over every part of the strip.
    epsilon_N = (torch.arange(_NODES) * 0.6180339887) % 1
    return slopes(critic, interpolate(real_N2, fake_N2, epsilon_N), create_graph=False).mean().item()
