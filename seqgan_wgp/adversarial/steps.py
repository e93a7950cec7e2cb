"""One critic step and one generator step: what they compute, free of optimizers and data.

Gradients come from `autograd.grad`, never from `.backward()`: they are values, so a caller can average them
over processes, compare them, or hand them to an optimizer.

Shape suffixes: B batch, Z latent; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn

from .constraints import Constraint, Uniform, View, slopes
from .losses import Loss

Gradients = tuple[Tensor, ...]
"""One tensor for each parameter, in the order of `module.parameters()`."""


@dataclass(frozen=True, kw_only=True)
class CriticNumbers:
    """What a critic step measured: detached scalars on the device."""

    loss: Tensor
    """What was minimised: the objective plus the weighted penalty."""

    wasserstein: Tensor
    """E[f(x)] - E[f(x~)]: of the objective wgan the estimate of W1, free of the penalty."""

    penalty: Tensor
    """lambda times the constraint's penalty."""

    slope_mean: Tensor
    """Mean of the slopes that were penalised; 0 where none were."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a critic step minimises."""

    loss: Loss
    constraint: Constraint
    weight: float
    """lambda, the factor on the penalty."""

    apart: bool = False
    """Whether real and generated points go through the critic one after the other, not as one batch.

    It makes no difference but to speed, unless the critic mixes samples, as one with batch norm does.
    """


@final
class _Points:
    """A critic's view of its segments, in critic space."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, real, fake

    def score(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.critic(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        return slopes(self.critic, x)


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


@final
class _Entered:
    """A critic's view of its segments, behind its first layer."""

    def __init__(self, critic: Staged, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, critic.enter(real), critic.enter(fake)

    def score(self, x: Tensor) -> Tensor:
        return self.critic.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(self.critic.score(x).sum(), x, create_graph=True)
        return self.critic.slopes(gradient)


def view_of(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return a critic's view of its segments: behind its first layer if it is staged; `real` may be compact then."""
    return _Entered(critic, real, fake) if isinstance(critic, Staged) else _Points(critic, real, fake)


def critic_step(
    critic: nn.Module, real: Tensor, fake: Tensor, uniform: Uniform, rule: Rule
) -> tuple[Gradients, CriticNumbers]:
    """Return the gradients of loss + weight * penalty in the critic's weights, and what was measured.

    Gulrajani et al. 2017, Algorithm 1, lines 4 to 9, without the optimizer. Real and fake go through the critic
    as one batch: where it mixes no samples, the scores are the same and the products twice as large.

    Args:
        critic: (B, ...) -> (B,).
        real: points of critic space, (B, ...).
        fake: generated points, of the same shape, without a graph.
        uniform: columns -> (B, columns) in [0, 1): where the penalty is taken.
        rule: what to minimise.
    """
    return _differentiated(critic.parameters(), _Points(critic, real, fake), uniform, rule)


def staged_critic_step(
    critic: Staged, real: Tensor, fake: Tensor, uniform: Uniform, rule: Rule
) -> tuple[Gradients, CriticNumbers]:
    """Return what `critic_step` returns, and take `real` as compact items too.

    The interpolates are formed behind the first layer, where they are the same points: what a linear map makes of a
    point between two others lies between what it makes of the two. So neither real items nor interpolates are ever
    points of critic space, and the first layer is applied to the fakes alone. Equal to `critic_step` but for rounding;
    not for a constraint that needs points.
    """
    assert not rule.constraint.needs_points
    return _differentiated(critic.parameters(), _Entered(critic, real, fake), uniform, rule)


def _differentiated(
    parameters: Iterator[nn.Parameter], view: View, uniform: Uniform, rule: Rule
) -> tuple[Gradients, CriticNumbers]:
    """Return the gradients of the rule's loss in the parameters, and what was measured."""
    if rule.apart:
        real_B, fake_B = view.score(view.real), view.score(view.fake)
    else:
        score_2B = view.score(_one_batch(view.real, view.fake))
        real_B, fake_B = score_2B[: len(view.real)], score_2B[len(view.real) :]
    total = rule.loss.critic(real_B, fake_B)
    penalty = slope_mean = torch.zeros_like(total)
    if rule.constraint.slopes is not None:
        slope_B = rule.constraint.slopes(view, uniform)
        penalty = rule.weight * rule.constraint.cost(slope_B)
        slope_mean = slope_B.detach().mean()
        total = total + penalty
    gradients = torch.autograd.grad(total, tuple(parameters))
    wasserstein = (real_B.mean() - fake_B.mean()).detach()
    return gradients, CriticNumbers(
        loss=total.detach(), wasserstein=wasserstein, penalty=penalty.detach(), slope_mean=slope_mean
    )


def _one_batch(first: Tensor, second: Tensor) -> Tensor:
    """Return (2B, ...) items in the order in memory that those of `first` have; `torch.cat` would lay them out anew."""
    order = sorted(range(first.ndim), key=first.stride, reverse=True)
    joined = torch.cat([first.permute(order), second.permute(order)], dim=order.index(0))
    return joined.permute([order.index(axis) for axis in range(first.ndim)])


def generator_step(
    generator: nn.Module, critic: nn.Module, latent_BZ: Tensor, *, loss: Loss, noise: Tensor | None = None
) -> tuple[Gradients, Tensor]:
    """Return the gradients of the generator's loss in its own weights, and that loss, detached.

    Gulrajani et al. 2017, Algorithm 1, lines 11 and 12, without the optimizer. `autograd.grad` is asked for the
    generator's weights alone, so no gradient of the critic's is computed.

    Args:
        generator: (B, Z) -> (B, ...).
        critic: (B, ...) -> (B,).
        latent_BZ: what to generate from.
        loss: the objective.
        noise: (B, ...), added to what was generated before the critic sees it.
    """
    fake = generator(latent_BZ)
    total = loss.generator(critic(fake if noise is None else fake + noise))
    return torch.autograd.grad(total, tuple(generator.parameters())), total.detach()
