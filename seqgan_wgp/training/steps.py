"""One critic step and one generator step: what they compute, free of optimizers and data.

Gradients come from `autograd.grad`, never from `.backward()`: they are values, so a caller can average them over
processes, compare them, or hand them to an optimizer. In which space a critic's segments lie is its view's to say.

Shape suffixes: B batch, Z latent; points of critic space have shape (B, ...).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .critic_views import Subsampled, points_view, raised, view_of
from .losses import Loss
from .penalties import Constraint, Uniform, View

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
class CriticObjective:
    """What a critic step minimises."""

    loss: Loss
    constraint: Constraint
    weight: float
    """lambda, the factor on the penalty."""

    thinning: int = 1
    """Slopes are penalised at the items whose place in the whole batch is a multiple of this."""

    first: int = 0
    """Place of this process's first item in the whole batch."""

    size: int | None = None
    """Items of each kind in the whole batch; None: those at hand are all."""

    apart: bool = False
    """Whether real and generated points go through the critic one after the other, not as one batch.

    It makes no difference but to speed, unless the critic mixes samples, as one with batch norm does.
    """

    def __post_init__(self) -> None:
        """Raise ValueError where no rule has yet decided at how many items slopes are penalised."""
        if self.thinning < 1:
            raise ValueError(f"slopes are penalised at one in {self.thinning} items")


def critic_step(
    critic: nn.Module, real: Tensor, fake: Tensor, uniform: Uniform, rule: CriticObjective
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
    return critic_gradients(critic, points_view(critic, real, fake), uniform, rule)


def staged_critic_step(
    critic: nn.Module, real: Tensor, fake: Tensor, uniform: Uniform, rule: CriticObjective
) -> tuple[Gradients, CriticNumbers]:
    """Return what `critic_step` returns, and take `real` as compact items too: all of it behind the first layer.

    Equal to `critic_step` but for rounding; not for a constraint that needs points.
    """
    assert not rule.constraint.needs_points
    return critic_gradients(critic, view_of(critic, real, fake), uniform, rule)


def critic_gradients(
    critic: nn.Module, view: View, uniform: Uniform, rule: CriticObjective
) -> tuple[Gradients, CriticNumbers]:
    """Return the gradients in the critic's weights of what a step minimises at a view, and what was measured."""
    total, numbers = critic_total(view, uniform, rule)
    return torch.autograd.grad(total, tuple(critic.parameters())), numbers


def critic_total(view: View, uniform: Uniform, rule: CriticObjective) -> tuple[Tensor, CriticNumbers]:
    """Return loss + weight * penalty, which can be differentiated, and what was measured, detached."""
    if rule.apart:
        real_B, fake_B = view.score(view.real), view.score(view.fake)
    else:
        score_2B = view.score(_one_batch(view.real, view.fake))
        real_B, fake_B = score_2B[: len(view.real)], score_2B[len(view.real) :]
    total = rule.loss.critic(real_B, fake_B)
    penalty = slope_mean = torch.zeros_like(total)
    if rule.constraint.slopes is not None:
        kept = slice(-rule.first % rule.thinning, None, rule.thinning)
        thinned = view if rule.thinning == 1 else Subsampled(view, kept)
        slope_B = rule.constraint.slopes(thinned, lambda columns: uniform(columns)[kept])
        # Weighed so that the mean over the parts of a batch, however it is divided, is the mean over the batch.
        size = len(view.real) if rule.size is None else rule.size
        penalised = len(range(*kept.indices(len(view.real))))
        weight = penalised / len(view.real) * size / math.ceil(size / rule.thinning)
        penalty = rule.weight * weight * rule.constraint.cost(slope_B)
        slope_mean = weight * slope_B.detach().mean()
        total = total + penalty
    wasserstein = (real_B.mean() - fake_B.mean()).detach()
    return total, CriticNumbers(
        loss=total.detach(), wasserstein=wasserstein, penalty=penalty.detach(), slope_mean=slope_mean
    )


def _one_batch(first: Tensor, second: Tensor) -> Tensor:
    """Return (2B, ...) items in the order in memory that those of `first` have; `torch.cat` would lay them out anew."""
    order = sorted(range(first.ndim), key=first.stride, reverse=True)
    joined = torch.cat([first.permute(order), second.permute(order)], dim=order.index(0))
    return joined.permute([order.index(axis) for axis in range(first.ndim)])


def generator_step(
    generator: nn.Module,
    critic: nn.Module,
    latent_BZ: Tensor,
    *,
    loss: Loss,
    noise: Tensor | None = None,
    real: Tensor | None = None,
    lower: Callable[[], AbstractContextManager[Any]] = nullcontext,
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
        real: points of critic space, (B, ...), for a loss whose generator part sees real scores; others take none.
        lower: opens what the networks are computed in, such as an autocast; the loss is not.
    """
    with lower():
        fake = generator(latent_BZ)
        score_B = critic(fake if noise is None else fake + noise)
        scores = [raised(score_B)]
    if loss.needs_real:
        scores.insert(0, _scores_of_real(critic, real, lower))
    total = loss.generator(*scores)
    return torch.autograd.grad(total, tuple(generator.parameters())), total.detach()


@torch.no_grad()
def _scores_of_real(critic: nn.Module, real: Tensor | None, lower: Callable[[], AbstractContextManager[Any]]) -> Tensor:
    """Return the scores (B,) of real points, without a graph: the generator has no part in them."""
    if real is None:
        raise ValueError("the generator's loss needs real points, and none are given")
    with lower():
        score_B: Tensor = critic(real)
    return raised(score_B)
