"""The gradients of one critic step and one generator step, and the optimizer step that uses them.

This is the inner part of Algorithm 1 of Gulrajani et al. 2017, for any kind of data; loop.py has the outer part.
Gradients come from `autograd.grad`, never from `.backward()`. So they are return values, which a caller can average
over processes, compare, or pass to an optimizer.

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
"""(critic, real, fake) -> the critic's view of them, at its input or after its linear first layer (critic_views.py)."""

Autocast = Callable[[], AbstractContextManager[Any]]
"""Returns a context manager that sets the precision of the networks; `nullcontext` changes nothing."""


@dataclass(frozen=True, kw_only=True)
class CriticMetrics:
    """Metrics of a critic step: detached scalars on the device."""

    loss: Tensor
    """The minimised quantity: the loss plus lambda times the penalty."""

    wasserstein: Tensor
    """E[f(x)] - E[f(x~)], without the penalty: with the loss wgan, the estimate of the Wasserstein distance W1."""

    penalty: Tensor
    """lambda times the penalty."""

    slope_mean: Tensor
    """Mean of the penalised slopes; 0 without a penalty."""


@dataclass(frozen=True, kw_only=True)
class CriticObjective:
    """The objective of a critic step: loss + weight * penalty."""

    loss: Loss
    constraint: Constraint
    weight: float
    """lambda, the weight of the penalty."""

    penalty_every: int = 1
    """k: only every k-th sample of the whole batch is penalised."""

    first: int = 0
    """Position of this process's first sample in the whole batch; other than 0 in distributed training only."""

    size: int | None = None
    """Number of real samples in the whole batch; None: this process has all of them."""

    separate_batches: bool = False
    """Whether the critic scores real and generated points in two batches instead of one.

    This matters only for a critic that mixes samples, such as one with batch norm. Otherwise one batch is faster.
    """

    def __post_init__(self) -> None:
        """Raise ValueError for a `penalty_every` below 1; the value "auto" of the settings is resolved before."""
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
    """Return the gradients of loss + weight * penalty with respect to the critic's weights, and the metrics.

    Gulrajani et al. 2017, Algorithm 1, lines 6 to 9, without the optimizer.

    Args:
        critic: (B, ...) -> scores (B,).
        real: real points of critic space, (B, ...), or another form of them that `make_view` accepts.
        fake: generated points (B, ...), detached.
        uniform: columns -> (B, columns) random numbers in [0, 1), such as epsilon, which places the interpolates.
        objective: the loss and the penalty.
        make_view: how the critic evaluates the points. The default follows the paper; others are faster, with equal
            gradients up to rounding.
    """
    with cache_weight_transform(critic):
        total, metrics = critic_loss(make_view(critic, real, fake), uniform, objective)
        return torch.autograd.grad(total, tuple(critic.parameters())), metrics


def critic_loss(view: View, uniform: Uniform, objective: CriticObjective) -> tuple[Tensor, CriticMetrics]:
    """Return loss + weight * penalty, differentiable, and the metrics, detached.

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
    """Return f(x) and f(x~), each (B,), computed in one batch unless `separate_batches` is set."""
    if objective.separate_batches:
        return view.score(view.real), view.score(view.fake)
    real_B, fake_B = torch.split(view.score(view.both()), len(view.real))
    return real_B, fake_B


def _weighted_penalty(view: View, uniform: Uniform, objective: CriticObjective) -> tuple[Tensor, Tensor]:
    """Return lambda times the penalty on every k-th sample, and the mean of the penalised slopes."""
    constraint, every = objective.constraint, objective.penalty_every
    assert constraint.slopes is not None
    kept = slice(-objective.first % every, None, every)
    slope_B = constraint.slopes(
        view if every == 1 else Subsampled(view, kept),
        lambda columns: uniform(columns)[kept],
    )
    # The weight makes the average over processes equal to the penalty of the whole batch, however it is divided.
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
    """Return the gradients of the generator's loss with respect to its weights, and the loss, detached.

    Gulrajani et al. 2017, Algorithm 1, lines 11 and 12, without the optimizer. Only gradients of the generator's
    weights are requested, so autograd computes none of the critic's.

    Args:
        generator: (B, Z) -> (B, ...).
        critic: (B, ...) -> scores (B,).
        latent_BZ: latent vectors.
        loss: the adversarial loss, whose generator part is used.
        noise: instance noise (B, ...), added to the generated points before the critic scores them.
        real: real points (B, ...); required if `loss.needs_real`, otherwise unused.
        autocast: precision of both networks; the loss is computed in float32.
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
    """Return the scores (B,) of real points, detached: they do not depend on the generator."""
    if real is None:
        raise ValueError("the generator's loss needs real points, and none are given")
    with autocast():
        score_B: Tensor = critic(real)
    return to_float32(score_B)


def apply_gradients(optimizer: torch.optim.Optimizer, module: nn.Module, gradients: Gradients) -> None:
    """Take one step of `optimizer`, which holds the parameters of `module`, with these gradients."""
    # Fused optimizers read memory in order, so they would silently misread a gradient that is a transposed view.
    # `autograd.grad` returns such views for some weights; `.backward()` would copy them. All are copied at once.
    ordered = [each if each.is_contiguous() else each.new_empty(each.shape) for each in gradients]
    views = [k for k, gradient in enumerate(gradients) if ordered[k] is not gradient]
    if views:
        torch._foreach_copy_([ordered[k] for k in views], [gradients[k] for k in views])
    for parameter, gradient in zip(module.parameters(), ordered, strict=True):
        parameter.grad = gradient
    optimizer.step()


def gradient_norm(gradients: Gradients) -> Tensor:
    """Return the L2 norm of all gradients together; it is not finite if any entry is not."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return norm
