"""One critic step and one generator step: what they compute, free of optimizers and data.

Gradients come from `autograd.grad`, never from `.backward()`: they are values, so a caller can average them
over processes, compare them, or hand them to an optimizer.

Shape suffixes: B batch, Z latent; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypedDict, runtime_checkable

import torch
from torch import Tensor, nn

from .constraints import Constraint, interpolate, slopes
from .losses import Loss

Gradients = tuple[Tensor, ...]
"""One tensor for each parameter, in the order of `module.parameters()`."""


@dataclass(frozen=True, kw_only=True)
class CriticNumbers:
    """What a critic step measured: detached scalars on the device."""

    loss: Tensor
    """What was minimised: the objective plus the weighted penalty."""

    wasserstein: Tensor
    """E[f(x)] - E[f(x~)]: the estimate of W1, free of the penalty."""

    penalty: Tensor
    """lambda times the constraint's penalty."""

    slope_mean: Tensor
    """Mean slope on the segments between real and fake."""


class Rule(TypedDict):
    """What a critic step takes by keyword."""

    loss: Loss
    constraint: Constraint
    weight: float


def critic_step(
    critic: nn.Module,
    real: Tensor,
    fake: Tensor,
    epsilon_B: Tensor,
    *,
    loss: Loss,
    constraint: Constraint,
    weight: float,
) -> tuple[Gradients, CriticNumbers]:
    """Return the gradients of loss + weight * penalty in the critic's weights, and what was measured.

    Gulrajani et al. 2017, Algorithm 1, lines 4 to 9, without the optimizer. Real and fake go through the critic
    as one batch: it mixes no samples, so the scores are the same and the products twice as large.

    Args:
        critic: (B, ...) -> (B,).
        real: points of critic space, (B, ...).
        fake: generated points, of the same shape, without a graph.
        epsilon_B: where on each segment the slope is taken, uniform in [0, 1).
        loss: the objective.
        constraint: how slopes are penalised.
        weight: lambda.
    """
    score = critic(torch.cat([real, fake]))
    return _differentiated(
        critic.parameters(),
        score[: len(real)],
        score[len(real) :],
        lambda: slopes(critic, interpolate(real, fake, epsilon_B)),
        Rule(loss=loss, constraint=constraint, weight=weight),
    )


def _differentiated(
    parameters: Iterator[nn.Parameter], real_B: Tensor, fake_B: Tensor, slope: Callable[[], Tensor], rule: Rule
) -> tuple[Gradients, CriticNumbers]:
    """Return the gradients of the rule's loss in the parameters, given scores and how slopes (B,) are had."""
    total = rule["loss"].critic(real_B, fake_B)
    penalty = slope_mean = torch.zeros_like(total)
    if rule["constraint"].penalty is not None:
        slope_B = slope()
        penalty = rule["weight"] * rule["constraint"].penalty(slope_B)
        slope_mean = slope_B.detach().mean()
        total = total + penalty
    gradients = torch.autograd.grad(total, tuple(parameters))
    wasserstein = (real_B.mean() - fake_B.mean()).detach()
    return gradients, CriticNumbers(
        loss=total.detach(), wasserstein=wasserstein, penalty=penalty.detach(), slope_mean=slope_mean
    )


@runtime_checkable
class Staged(Protocol):
    """A critic whose first layer is linear, f(x) = score(enter(x)): what is linear in x can be done behind it.

    The first layer may shrink a point greatly: from thousands of numbers at each place to a few dozen.
    """

    def enter(self, x: Tensor) -> Tensor:
        """Return what the first layer makes of points of critic space or of compact items."""

    def score(self, entered: Tensor) -> Tensor:
        """Return the scores (B,) of what `enter` gave."""

    def slopes(self, gradient: Tensor) -> Tensor:
        """Return the norms (B,) of the gradients in x, given the gradients in what `enter` gave."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights."""


def staged_critic_step(
    critic: Staged,
    real: Tensor,
    fake: Tensor,
    epsilon_B: Tensor,
    *,
    loss: Loss,
    constraint: Constraint,
    weight: float,
) -> tuple[Gradients, CriticNumbers]:
    """Return what `critic_step` returns, and take `real` as compact items too.

    The interpolates are formed behind the first layer, where they are the same points: what a linear map makes of a
    point between two others lies between what it makes of the two. So neither real items nor interpolates are ever
    points of critic space, and the first layer is applied to the fakes alone. Equal to `critic_step` but for rounding.
    """
    real_entered, fake_entered = critic.enter(real), critic.enter(fake)
    score = critic.score(torch.cat([real_entered, fake_entered]))

    def slope() -> Tensor:
        between = interpolate(real_entered, fake_entered, epsilon_B)
        (gradient,) = torch.autograd.grad(critic.score(between).sum(), between, create_graph=True)
        return critic.slopes(gradient)

    rule = Rule(loss=loss, constraint=constraint, weight=weight)
    return _differentiated(critic.parameters(), score[: len(real)], score[len(real) :], slope, rule)


def generator_step(
    generator: nn.Module, critic: nn.Module, latent_BZ: Tensor, *, loss: Loss
) -> tuple[Gradients, Tensor]:
    """Return the gradients of the generator's loss in its own weights, and that loss, detached.

    Gulrajani et al. 2017, Algorithm 1, lines 11 and 12, without the optimizer. `autograd.grad` is asked for the
    generator's weights alone, so no gradient of the critic's is computed.
    """
    total = loss.generator(critic(generator(latent_BZ)))
    return torch.autograd.grad(total, tuple(generator.parameters())), total.detach()
