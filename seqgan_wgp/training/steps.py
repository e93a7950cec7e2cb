"""Compute the gradients of one critic step and one generator step, and hand them to an optimizer.

This is the inner part of Algorithm 1 of Gulrajani et al. 2017, independent of data; loop.py has the outer part.
Gradients come from `autograd.grad`, never from `.backward()`: they are values, so a caller can average them over
processes, compare them, or hand them to an optimizer.

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

from ..nn.fast_conv.convolution import cache_weight_transform
from .critic_views import Subsampled, points_view, to_float32
from .losses import Loss
from .penalties import Constraint, Uniform, View

Gradients = tuple[Tensor, ...]
"""One tensor for each parameter, in the order of `module.parameters()`."""

MakeView = Callable[[nn.Module, Tensor, Tensor], View]
"""(critic, real, fake) -> how the critic sees them: as points, or behind its first layer (critic_views.py)."""

Autocast = Callable[[], AbstractContextManager[Any]]
"""Opens the precision that networks are computed in; `nullcontext` leaves it as it is."""


@dataclass(frozen=True, kw_only=True)
class CriticMetrics:
    """What a critic step measured: detached scalars on the device."""

    loss: Tensor
    """What was minimised: the loss plus the weighted penalty."""

    wasserstein: Tensor
    """E[f(x)] - E[f(x~)]: with the loss wgan the estimate of W1, free of the penalty."""

    penalty: Tensor
    """lambda times the penalty."""

    slope_mean: Tensor
    """Mean of the slopes that were penalised; 0 where none were."""


@dataclass(frozen=True, kw_only=True)
class CriticObjective:
    """What a critic step minimises: loss + weight * penalty."""

    loss: Loss
    constraint: Constraint
    weight: float
    """lambda, the factor on the penalty."""

    penalty_every: int = 1
    """The penalty is taken at the samples whose place in the whole batch is a multiple of this."""

    first: int = 0
    """Place of this process's first sample in the whole batch."""

    size: int | None = None
    """Samples of each kind in the whole batch; None: those at hand are all."""

    separate_batches: bool = False
    """Whether real and generated points go through the critic one after the other, not as one batch.

    It makes no difference but to speed, unless the critic mixes samples, as one with batch norm does.
    """

    def __post_init__(self) -> None:
        """Raise ValueError unless `penalty_every` is 1 or more, as it is once the settings are decided."""
        if self.penalty_every < 1:
            raise ValueError(f"penalty_every is {self.penalty_every}, but must be at least 1")


def critic_gradients(
    critic: nn.Module,
    real: Tensor,
    fake: Tensor,
    uniform: Uniform,
    objective: CriticObjective,
    *,
    make_view: MakeView = points_view,
) -> tuple[Gradients, CriticMetrics]:
    """Return the gradients of loss + weight * penalty in the critic's weights, and what was measured.

    Gulrajani et al. 2017, Algorithm 1, lines 6 to 9, without the optimizer.

    Args:
        critic: (B, ...) -> (B,).
        real: points of critic space, (B, ...), or whatever else `make_view` takes for them.
        fake: generated points (B, ...), without a graph.
        uniform: columns -> (B, columns) in [0, 1): epsilon, the places where the penalty is taken.
        objective: what to minimise.
        make_view: a faster way for the critic to see the points; the gradients are equal but for rounding.
    """
    with cache_weight_transform(critic):
        total, metrics = critic_loss(make_view(critic, real, fake), uniform, objective)
        return torch.autograd.grad(total, tuple(critic.parameters())), metrics


def critic_loss(view: View, uniform: Uniform, objective: CriticObjective) -> tuple[Tensor, CriticMetrics]:
    """Return loss + weight * penalty, which can be differentiated, and what was measured, detached.

    The mean of L over the batch in Gulrajani et al. 2017, Algorithm 1, line 7.
    """
    real_B, fake_B = _scores(view, objective)
    total = loss = objective.loss.critic(real_B, fake_B)
    if objective.constraint.slopes is None:
        penalty = slope_mean = torch.zeros_like(total)
    else:
        penalty, slope_mean = _weighted_penalty(view, uniform, objective)
        total = total + penalty
    with torch.no_grad():
        wasserstein = 0 - loss if objective.loss.critic_is_wasserstein else real_B.mean() - fake_B.mean()
    return total, CriticMetrics(
        loss=total.detach(), wasserstein=wasserstein, penalty=penalty.detach(), slope_mean=slope_mean
    )


def _scores(view: View, objective: CriticObjective) -> tuple[Tensor, Tensor]:
    """Return f(x) and f(x~): where the critic mixes no samples, from one batch of both, as one larger product."""
    if objective.separate_batches:
        return view.score(view.real), view.score(view.fake)
    real_B, fake_B = torch.split(view.score(view.both()), len(view.real))
    return real_B, fake_B


def _weighted_penalty(view: View, uniform: Uniform, objective: CriticObjective) -> tuple[Tensor, Tensor]:
    """Return lambda times the penalty at every k-th sample, and the mean of its slopes."""
    constraint, every = objective.constraint, objective.penalty_every
    assert constraint.slopes is not None
    kept = slice(-objective.first % every, None, every)
    slope_B = constraint.slopes(
        view if every == 1 else Subsampled(view, kept),
        lambda columns: uniform(columns)[kept],
    )
    # Weighted so that the mean over the parts of a batch, however it is divided, is the mean over the batch.
    size = len(view.real) if objective.size is None else objective.size
    penalised = len(range(*kept.indices(len(view.real))))
    weight = penalised / len(view.real) * size / math.ceil(size / every)
    slope_mean = slope_B.detach().mean()
    return objective.weight * weight * constraint.cost(slope_B), slope_mean if weight == 1 else weight * slope_mean


def generator_gradients(
    generator: nn.Module,
    critic: nn.Module,
    latent_BZ: Tensor,
    *,
    loss: Loss,
    noise: Tensor | None = None,
    real: Tensor | None = None,
    autocast: Autocast = nullcontext,
) -> tuple[Gradients, Tensor]:
    """Return the gradients of the generator's loss in its own weights, and that loss, detached.

    Gulrajani et al. 2017, Algorithm 1, lines 11 and 12, without the optimizer. `autograd.grad` is asked for the
    generator's weights alone, so no gradient of the critic's is computed.

    Args:
        generator: (B, Z) -> (B, ...).
        critic: (B, ...) -> (B,).
        latent_BZ: what to generate from.
        loss: the pair of losses, of which the generator's is taken.
        noise: (B, ...), added to what was generated before the critic sees it.
        real: points of critic space, (B, ...), for a loss whose generator part sees real scores; others take none.
        autocast: the precision that both networks are computed in; the loss is in float32.
    """
    with autocast():
        fake = generator(latent_BZ)
        score_B = critic(fake if noise is None else fake + noise)
    scores = [to_float32(score_B)]
    if loss.needs_real:
        scores.insert(0, _scores_of_real(critic, real, autocast))
    total = loss.generator(*scores)
    return torch.autograd.grad(total, tuple(generator.parameters())), total.detach()


@torch.no_grad()
def _scores_of_real(critic: nn.Module, real: Tensor | None, autocast: Autocast) -> Tensor:
    """Return the scores (B,) of real points, without a graph: the generator has no part in them."""
    if real is None:
        raise ValueError("the generator's loss needs real points, and none are given")
    with autocast():
        score_B: Tensor = critic(real)
    return to_float32(score_B)


def apply_gradients(algorithm: torch.optim.Optimizer, module: nn.Module, gradients: Gradients) -> None:
    """Do one step of the optimizer of `module`, with these gradients."""
    # The fused optimizers read memory in order and silently misread a gradient that is a transposed view, as
    # `autograd.grad` returns for some weights (`.backward()` would have laid it out anew). All such are copied at once.
    ordered = [each if each.is_contiguous() else each.new_empty(each.shape) for each in gradients]
    views = [k for k, gradient in enumerate(gradients) if ordered[k] is not gradient]
    if views:
        torch._foreach_copy_([ordered[k] for k in views], [gradients[k] for k in views])
    for parameter, gradient in zip(module.parameters(), ordered, strict=True):
        parameter.grad = gradient
    algorithm.step()


def gradient_norm(gradients: Gradients) -> Tensor:
    """Return the norm of all gradients together: not finite as soon as one number in them is not."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return norm
