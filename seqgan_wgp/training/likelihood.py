"""Steps of maximum likelihood, for generators that have one; rounds of a run may begin with them.

Shape suffixes: B batch, N items.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from ..config import Config
from ..utils.counter_rng import Stream, hash_torch, shuffled
from .domain import Domain
from .loop import average_decay, update_average
from .state import TrainState
from .steps import apply_gradients, gradient_norm

LIKELIHOOD_METRICS = ("likelihood_loss", "generator_gradient")
"""Names of what a likelihood round measures: nats per symbol of its batch, and the norm of the gradient."""

CLIP_NORM = 1.0
"""Gradients of a larger norm are scaled down to it: the first steps at a high rate would otherwise diverge."""

HELD_OUT_MOST = 4_000
"""Held-out items whose likelihood is measured, at most."""


@runtime_checkable
class LikelihoodGenerator(Protocol):
    """A generator that computes the likelihood of real items."""

    def likelihood_loss(self, items: Tensor, dropout: torch.Generator) -> Tensor:
        """Return the mean negative log-likelihood of compact items (B, ...), to be minimised."""

    def nll(self, items: Tensor) -> float:
        """Return the mean negative log-likelihood of compact items (N, ...), as the generator is outside training."""

    def tune(self, items: Tensor) -> None:
        """Choose how items are drawn, by held-out ones; a pure function of the weights and the items."""


def dropout_noise(seed: int, step: int, device: torch.device) -> torch.Generator:
    """Return the source of a step's dropout masks, a function of (seed, step) on one kind of device."""
    key = int(hash_torch(seed, Stream.LIKELIHOOD_DROPOUT, torch.tensor([step]), 1)[0, 0]) & (2**63 - 1)
    return torch.Generator(device).manual_seed(key)


def is_likelihood_round(config: Config, step: int) -> bool:
    """Say whether the round after `step` others is one of maximum likelihood."""
    return step < config.training.likelihood_steps


def likelihood_round(state: TrainState) -> Tensor:
    """Do one step of maximum likelihood on the round's first real batch, and move the average.

    Returns LIKELIHOOD_METRICS. The critic and the count of steps stay as they are.
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
    """Return the held-out items that likelihoods are measured of, and drawing is tuned by."""
    count = min(HELD_OUT_MOST, domain.held_out_size)
    return domain.held_out(shuffled(seed, Stream.FLOOR, np.arange(count), domain.held_out_size))
