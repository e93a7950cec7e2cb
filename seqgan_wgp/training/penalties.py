"""Lipschitz constraints on the critic: gradient penalties, weight clipping and spectral normalization.

The slope of the critic f at x is the norm of its gradient there, taken over all axes of each sample (not one
axis, the commonest error of published ports): ||grad f(x)||_2.

A penalty is a place where slopes are taken and a cost of slopes. `gp`, `lp`, `gp-segment`, `r1` and `r1r2` stay on
the segments between real and generated points or at their ends; what is linear in x may be done before or after the
critic's first layer, and a `View` hides which. `dragan`, `dragan-notebook` and `gp-difference` need the points
themselves.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ..nn.fast_conv.convolution import input_grads_only
from ..registry import PENALTIES as PENALTIES
from ..registry import Constraint as Constraint

Critic = Callable[[Tensor], Tensor]
"""(B, ...) -> scores (B,); must not mix the samples of a batch."""

Uniform = Callable[[int], Tensor]
"""columns -> (B, columns) numbers in [0, 1), the same ones at every call."""


class View(Protocol):
    """A critic and the two ends of its segments, as points or as what its linear first layer makes of them."""

    real: Tensor
    fake: Tensor

    def both(self) -> Tensor:
        """Return both ends as one batch (2B, ...), the real ones first."""

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""

    def slopes(self, x: Tensor) -> Tensor:
        """Return ||grad f||_2 of each sample, (B,), in critic space."""


def _column(values_B: Tensor, like: Tensor) -> Tensor:
    """Return one number for each sample in a shape that goes with points."""
    return values_B.reshape(-1, *(1 for _ in like.shape[1:]))


def interpolate(real: Tensor, fake: Tensor, epsilon_B: Tensor) -> Tensor:
    """Return x^ = epsilon x + (1 - epsilon) x~, with one epsilon for each sample.

    Gulrajani et al. 2017, Algorithm 1, line 6. `real` and `fake` are (B, ...); the result has their shape.
    """
    epsilon = _column(epsilon_B, real)
    return epsilon * real + (1 - epsilon) * fake


def slopes(critic: Critic, x: Tensor, *, create_graph: bool = True) -> Tensor:
    """Return ||grad_x f(x)||_2 of each sample, (B,), over all axes but the first.

    The gradient of the norm at 0 is taken as 0, so the result is finite and differentiable everywhere.
    With `create_graph` it can be differentiated once more, with respect to the critic's weights.
    """
    x = x.detach().requires_grad_(True)
    with input_grads_only(critic):
        score_B = critic(x)
    (gradient,) = torch.autograd.grad(score_B, x, torch.ones_like(score_B), create_graph=create_graph)
    slope_B: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return slope_B


def quotients(score1_B: Tensor, score2_B: Tensor, distance_B: Tensor) -> Tensor:
    """Return |f(x1) - f(x2)| / |x1 - x2|, the slope between two points; 0 where they are one point."""
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
    """Return slopes at points near the real ones: x + alpha delta, brought back into the range that the batch takes.

    delta = 0.5 std(x) u with u uniform in [0, 1] for each number of x, alpha uniform in [-1, 1] for each sample, std
    that of all numbers in the batch. This is the later form of DRAGAN that is in wide use: Kodali et al. 2017, "On
    Convergence and Stability of GANs", Algorithm 1, made to look to both sides of a real point and no further than the
    data goes. What the authors published is `above_real`. Of one-hot points half (alpha > 0) keep their ones and gain
    a little at every other place, and half lose part of their ones: points off the simplex. docs/theory.md says what
    that means.
    """
    real = view.real
    draws_BC = uniform(1 + real[0].numel()).to(real.dtype)
    delta = 0.5 * real.std() * draws_BC[:, 1:].reshape(real.shape)
    alpha = _column(2 * draws_BC[:, 0] - 1, real)
    return view.slopes((real + alpha * delta).clamp(real.min(), real.max()))


def above_real(view: View, uniform: Uniform) -> Tensor:
    """Return slopes at x + alpha delta, as in `around_real`, but with alpha in [0, 1] and without a bound.

    Kodali et al. 2017, Algorithm 1, as the notebook that the authors published has it: no number of a real point gets
    smaller, and all may leave the range of the data. Its deviation is that of numpy, the root of the mean square.
    """
    real = view.real
    draws_BC = uniform(1 + real[0].numel()).to(real.dtype)
    delta = 0.5 * real.std(correction=0) * draws_BC[:, 1:].reshape(real.shape)
    return view.slopes(real + _column(draws_BC[:, 0], real) * delta)


def between_pairs(view: View, uniform: Uniform) -> Tensor:
    """Return slopes between two independent draws of points on segments; needs no second derivative.

    x1 lies on the sample's own segment, x2 on that of the next sample in the batch. Wei et al. 2018, "Improving the
    Improved Training of Wasserstein GANs", have the quotient, there near the data; here between interpolates.
    """
    epsilon_B2 = uniform(2)
    x1 = interpolate(view.real, view.fake, epsilon_B2[:, 0])
    x2 = interpolate(view.real.roll(1, 0), view.fake.roll(1, 0), epsilon_B2[:, 1])
    return _between_points(view, x1, x2)


def along_segment(view: View, uniform: Uniform) -> Tensor:
    """Return slopes between two points of one segment: our variant of `between_pairs`.

    The mean of the derivative along the segment over the part between them, and so never more than the slope there.
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

    Of slopes `at_ends` it is the sum of R1 and R2: Huang et al. 2024, eq. 4 and 5.
    """
    return (slope_B**2).mean() / 2


@torch.no_grad()
def clip_weights(critic: nn.Module, bound: float) -> None:
    """Bring every weight into [-bound, bound], in place. Arjovsky, Chintala and Bottou 2017, Algorithm 1, line 7."""
    weights: list[Tensor] = list(critic.parameters())
    torch._foreach_clamp_min_(weights, -bound)
    torch._foreach_clamp_max_(weights, bound)


def apply_spectral_norm(critic: nn.Module, seed: int) -> None:
    """Divide the weights of every layer by their spectral norm, from now on. Miyato et al. 2018, Algorithm 1.

    The norm is torch's: one power iteration at each use in training, its vectors kept with the weights. A convolution's
    weights are taken as the matrix (channels out, all else), as the authors do.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in list(critic.modules()):
            if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
                parametrizations.spectral_norm(layer)


CONSTRAINTS = PENALTIES
"""Values of objective.constraint, with and without a penalty."""

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
CONSTRAINTS.add("spectral", Constraint(prepare=apply_spectral_norm, bounds_between=True, refuses_normalization=True))
