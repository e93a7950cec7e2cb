"""Lipschitz constraints on the critic: gradient penalties, weight clipping and spectral normalization.

The slope of the critic f at x is the norm of its gradient there, ||grad f(x)||_2, over all axes of each sample. (Many
published ports take it over one axis, which is wrong.)

A penalty consists of the points where slopes are taken and a cost of the slopes. `gp`, `lp`, `r1` and `r1r2` take
slopes on the segments between real and generated points, or at their ends. Interpolation is linear, so it can be done
before or after the critic's linear first layer; a `View` hides which. The other penalties need the points themselves
(`needs_points`).

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ..nn.fast_conv.convolution import input_grads_only
from ..registry import CONSTRAINTS as CONSTRAINTS
from ..registry import Constraint as Constraint

Critic = Callable[[Tensor], Tensor]
"""(B, ...) -> scores (B,); must not mix the samples of a batch."""

Uniform = Callable[[int], Tensor]
"""columns -> (B, columns) random numbers in [0, 1); the same numbers at every call."""


class View(Protocol):
    """A critic with a batch of real and generated points, given at its input or after its linear first layer."""

    real: Tensor
    fake: Tensor

    def both(self) -> Tensor:
        """Return real and generated points as one batch (2B, ...), the real ones first."""

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""

    def slopes(self, x: Tensor) -> Tensor:
        """Return ||grad f||_2 of each sample, (B,), with respect to the critic's input."""


def _column(values_B: Tensor, like: Tensor) -> Tensor:
    """Return one number per sample, (B,), in a shape that broadcasts with points: (B, 1, ...)."""
    return values_B.reshape(-1, *(1 for _ in like.shape[1:]))


def interpolate(real: Tensor, fake: Tensor, epsilon_B: Tensor) -> Tensor:
    """Return x^ = epsilon x + (1 - epsilon) x~, with one epsilon for each sample.

    Gulrajani et al. 2017, Algorithm 1, line 6. `real` and `fake` are (B, ...); the result has their shape.
    """
    epsilon = _column(epsilon_B, real)
    return epsilon * real + (1 - epsilon) * fake


def slopes(critic: Critic, x: Tensor, *, create_graph: bool = True) -> Tensor:
    """Return ||grad_x f(x)||_2 of each sample, (B,), over all axes but the first.

    The norm's own gradient at 0 is defined as 0, so the result is finite and differentiable everywhere. With
    `create_graph`, it can be differentiated once more, with respect to the critic's weights.
    """
    x = x.detach().requires_grad_(True)
    with input_grads_only(critic):
        score_B = critic(x)
    (gradient,) = torch.autograd.grad(score_B, x, torch.ones_like(score_B), create_graph=create_graph)
    slope_B: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return slope_B


def quotients(score1_B: Tensor, score2_B: Tensor, distance_B: Tensor) -> Tensor:
    """Return |f(x1) - f(x2)| / |x1 - x2|, the slope between two points; 0 where the points coincide."""
    apart_B = distance_B > 0
    return torch.where(apart_B, (score1_B - score2_B).abs() / torch.where(apart_B, distance_B, 1.0), 0.0)


def between(view: View, uniform: Uniform) -> Tensor:
    """Return slopes at one point on each segment. Gulrajani et al. 2017, Algorithm 1, lines 6 and 7."""
    return view.slopes(interpolate(view.real, view.fake, uniform(1)[:, 0]))


def at_real(view: View, _uniform: Uniform) -> Tensor:
    """Return slopes at the real points. Mescheder, Geiger and Nowozin 2018, eq. 9."""
    return view.slopes(view.real)


def at_ends(view: View, _uniform: Uniform) -> Tensor:
    """Return the root of the sum of squares of the slopes at a real and at a generated point, for each pair."""
    slope_2B = view.slopes(torch.cat([view.real, view.fake])).view(2, -1)
    slope_B: Tensor = torch.linalg.vector_norm(slope_2B, dim=0)  # its gradient at 0 is taken as 0
    return slope_B


def around_real(view: View, uniform: Uniform) -> Tensor:
    """Return slopes at points near the real ones, x + alpha delta, clamped to the range of the batch.

    delta = 0.5 std(x) u, with u uniform in [0, 1] for each number of x, alpha uniform in [-1, 1] for each sample, and
    std over all numbers of the batch. This later form of DRAGAN is in wide use: Kodali et al. 2017, "On Convergence and
    Stability of GANs", Algorithm 1, but on both sides of a real point, and clamped. The authors' published code is
    `above_real`. For one-hot points the result lies off the simplex: with alpha > 0 (half of them) they keep their ones
    and gain a little everywhere else, with alpha < 0 they lose part of their ones. docs/theory.md explains what
    follows from that.
    """
    real = view.real
    draws_BC = uniform(1 + real[0].numel()).to(real.dtype)
    delta = 0.5 * real.std() * draws_BC[:, 1:].reshape(real.shape)
    alpha = _column(2 * draws_BC[:, 0] - 1, real)
    return view.slopes((real + alpha * delta).clamp(real.min(), real.max()))


def above_real(view: View, uniform: Uniform) -> Tensor:
    """Return slopes at x + alpha delta, as in `around_real`, but with alpha in [0, 1] and without clamping.

    Kodali et al. 2017, Algorithm 1, as in the authors' published notebook: no number of a real point gets smaller, and
    all may leave the range of the data. The standard deviation is numpy's, with the divisor N.
    """
    real = view.real
    draws_BC = uniform(1 + real[0].numel()).to(real.dtype)
    delta = 0.5 * real.std(correction=0) * draws_BC[:, 1:].reshape(real.shape)
    return view.slopes(real + _column(draws_BC[:, 0], real) * delta)


def between_pairs(view: View, uniform: Uniform) -> Tensor:
    """Return slopes between two interpolates of different segments; they need no second derivative.

    x1 lies on the sample's own segment, x2 on that of the next sample in the batch. Wei et al. 2018, "Improving the
    Improved Training of Wasserstein GANs", take the quotient between points near the data; here it is taken between
    interpolates.
    """
    epsilon_B2 = uniform(2)
    x1 = interpolate(view.real, view.fake, epsilon_B2[:, 0])
    x2 = interpolate(view.real.roll(1, 0), view.fake.roll(1, 0), epsilon_B2[:, 1])
    return _between_points(view, x1, x2)


def along_segment(view: View, uniform: Uniform) -> Tensor:
    """Return slopes between two interpolates of one segment, a variant of `between_pairs` of this package.

    The quotient is the mean directional derivative between the two points, so it never exceeds the largest slope there.
    """
    epsilon_B2 = uniform(2)
    x1 = interpolate(view.real, view.fake, epsilon_B2[:, 0])
    x2 = interpolate(view.real, view.fake, epsilon_B2[:, 1])
    return _between_points(view, x1, x2)


def _between_points(view: View, x1: Tensor, x2: Tensor) -> Tensor:
    score_2B = view.score(torch.cat([x1, x2]))
    distance_B = torch.linalg.vector_norm((x1 - x2).flatten(1), dim=1)
    return quotients(score_2B[: len(x1)], score_2B[len(x1) :], distance_B)


def gp(slope_B: Tensor) -> Tensor:
    """Return E[(||grad f(x^)|| - 1)^2], the two-sided penalty. Gulrajani et al. 2017, eq. 3, second part."""
    return ((slope_B - 1) ** 2).mean()


def lp(slope_B: Tensor) -> Tensor:
    """Return E[max(0, ||grad f(x^)|| - 1)^2], the one-sided penalty. Petzka, Fischer and Lukovnikov 2018, eq. 8."""
    return (torch.relu(slope_B - 1) ** 2).mean()


def r1(slope_B: Tensor) -> Tensor:
    """Return E[||grad f(x)||^2] / 2, the zero-centred penalty. Mescheder, Geiger and Nowozin 2018, eq. 9.

    For slopes `at_ends` it is R1 + R2: Huang et al. 2024, eq. 4 and 5.
    """
    return (slope_B**2).mean() / 2


@torch.no_grad()
def clip_weights(critic: nn.Module, bound: float) -> None:
    """Clip every weight to [-bound, bound], in place. Arjovsky, Chintala and Bottou 2017, Algorithm 1, line 7."""
    weights: list[Tensor] = list(critic.parameters())
    torch._foreach_clamp_min_(weights, -bound)
    torch._foreach_clamp_max_(weights, bound)


def apply_spectral_norm(critic: nn.Module, seed: int) -> None:
    """Apply spectral normalization to every layer, in place. Miyato et al. 2018, Algorithm 1.

    It is torch's: one power iteration at each forward pass in training, with its vectors stored beside the weights. A
    convolution's weights are reshaped to the matrix (output channels, everything else), as in the paper.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in list(critic.modules()):
            if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
                parametrizations.spectral_norm(layer)


CONSTRAINTS.add("none", Constraint())
CONSTRAINTS.add("clip", Constraint(project=clip_weights, bounds_between=True))
CONSTRAINTS.add("gp", Constraint(slopes=between, cost=gp, bounds_between=True))
CONSTRAINTS.add("lp", Constraint(slopes=between, cost=lp, bounds_between=True))
CONSTRAINTS.add("dragan", Constraint(slopes=around_real, cost=gp, needs_points=True, mixes_samples=True))
CONSTRAINTS.add("dragan-notebook", Constraint(slopes=above_real, cost=gp, needs_points=True, mixes_samples=True))
CONSTRAINTS.add(
    "gp-difference",
    Constraint(slopes=between_pairs, cost=gp, needs_points=True, mixes_samples=True, bounds_between=True),
)
CONSTRAINTS.add("gp-segment", Constraint(slopes=along_segment, cost=gp, needs_points=True, bounds_between=True))
CONSTRAINTS.add("r1", Constraint(slopes=at_real, cost=r1))
CONSTRAINTS.add("r1r2", Constraint(slopes=at_ends, cost=r1))
CONSTRAINTS.add("spectral", Constraint(prepare=apply_spectral_norm, bounds_between=True, bounds_layers=True))
