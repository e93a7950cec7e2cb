"""Maximum likelihood training, for generators with a tractable likelihood; the first rounds of a run can use it.

Shape suffixes: B batch, N items.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..config import Config
from ..utils.counter_rng import Stream, hash_torch, sampled_indices
from .domain import Domain
from .loop import average_decay, update_average
from .state import TrainState
from .steps import apply_gradients, gradient_norm

LIKELIHOOD_METRICS = ("likelihood_loss", "generator_gradient")
"""Names of the metrics of a likelihood round: loss in nats per symbol, and the norm of its gradient."""

CLIP_NORM = 1.0
"""Gradients are clipped to this norm; otherwise the first steps at a high learning rate would diverge."""

MAX_HELD_OUT = 4_000
"""Largest number of held-out items whose likelihood is measured."""


@runtime_checkable
class LikelihoodGenerator(Protocol):
    """A generator that computes the likelihood of real items."""

    def likelihood_loss(self, items: Tensor, dropout: torch.Generator) -> Tensor:
        """Return the mean negative log-likelihood of compact items (B, ...), differentiable, with dropout."""

    def nll(self, items: Tensor) -> float:
        """Return the mean negative log-likelihood of compact items (N, ...), as a number, without dropout."""

    def tune(self, items: Tensor) -> None:
        """Choose how items are sampled, by held-out items; a pure function of the weights and these items."""


def dropout_noise(seed: int, step: int, device: torch.device) -> torch.Generator:
    """Return the random generator of a step's dropout masks, a function of (seed, step) on one kind of device."""
    key = int(hash_torch(seed, Stream.LIKELIHOOD_DROPOUT, torch.tensor([step]), 1)[0, 0]) & (2**63 - 1)
    return torch.Generator(device).manual_seed(key)


def is_likelihood_round(config: Config, step: int) -> bool:
    """Return whether the round after `step` rounds is one of maximum likelihood."""
    return step < config.training.likelihood_steps


def likelihood_round(state: TrainState) -> Tensor:
    """Take one maximum likelihood step on the round's first real batch, and update the moving average.

    Returns LIKELIHOOD_METRICS. The critic does not change; the caller counts the rounds.
    """
    generator = state.generator
    assert isinstance(generator, LikelihoodGenerator)
    items = state.batches.real(state.schedule.critic_step_number(state.step, 0))
    loss = generator.likelihood_loss(items, dropout_noise(state.config.training.seed, state.step, state.device))
    gradients = torch.autograd.grad(loss, tuple(generator.parameters()))
    norm = gradient_norm(gradients)
    scale = (CLIP_NORM / (norm + 1e-6)).clamp(max=1.0)
    apply_gradients(state.optimizers.generator, generator, tuple(gradient * scale for gradient in gradients))
    update_average(state, average_decay(state, state.step + 1))
    return torch.stack([loss.detach(), norm])


def held_out_items(domain: Domain, seed: int) -> Tensor:
    """Return the held-out items for which likelihoods are measured, and by which sampling is tuned."""
    return domain.held_out(sampled_indices(seed, Stream.FLOOR, domain.held_out_size, MAX_HELD_OUT))
