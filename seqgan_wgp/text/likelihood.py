"""Train a causal network by maximum likelihood, and choose how its strings are sampled.

Shape suffixes: B batch, N strings, L length.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..training.likelihood import dropout_noise
from ..training.optimizers import set_learning_rate
from ..training.schedule import cosine_rate
from ..utils.arrays import Ints
from ..utils.counter_rng import Stream, sampled_indices, shuffled, uniform
from .causal import DRAWN_TOGETHER, PLAIN, CausalNetwork, Drawing
from .corpus.dataset import CorpusItems
from .metrics.ngrams import NgramReference, unique_fraction

EPSILONS = (0.0, 0.005, 0.01, 0.02)
"""Values of epsilon that are tried; less likely symbols are not drawn."""

LEAST_VARIETY = 0.985
"""Least number of distinct strings with a cut, relative to that without."""

CHOSEN_BY, MAX_CHOSEN = 3_000, 6_000
"""Bounds of the number of strings for the choice of epsilon, which is otherwise that of the held-out rows."""

VALIDATED = 2_000
"""Largest number of held-out rows for validation during training."""


@final
@dataclass(frozen=True, kw_only=True)
class LikelihoodPlan:
    """Schedule of maximum-likelihood training: AdamW without weight decay, warm-up, then cosine decay."""

    steps: int
    batch_size: int = 128
    learning_rate: float = 5e-3
    beta1: float = 0.9
    beta2: float = 0.99
    clip_norm: float = 1.0
    """Norm to which larger gradients are clipped."""

    average: float = 0.998
    """Decay of the moving average of the weights."""

    evaluations: int = 10
    """Number of validations; the average with the best result is kept."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, from 0."""
        return cosine_rate(self.learning_rate, step, self.steps)


@final
@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained network and its result."""

    network: CausalNetwork
    """The moving average at the best validation."""

    step: int
    """Step of the best validation."""

    validation_nll: float
    """Validation loss there, in nats per symbol."""


def fit_likelihood(
    network: CausalNetwork,
    train: CorpusItems,
    validation_NL: Ints,
    plan: LikelihoodPlan,
    *,
    seed: int = 0,
    on_step: Callable[[float], None] = lambda _share: None,
) -> Fitted:
    """Train a network by maximum likelihood. The result depends only on its weights, the rows, the plan and the seed.

    Args:
        network: the network, trained in place; the moving average of its weights is returned.
        train: training items.
        validation_NL: held-out rows that select the best average.
        plan: number of steps and learning rates.
        seed: random seed of the order of batches and of dropout.
        on_step: called with the share of the steps that is done.
    """
    device = network.taps.device
    held_out_NL = _some(validation_NL, VALIDATED, seed).to(device)
    average = copy.deepcopy(network).requires_grad_(False)
    best, best_nll, best_step = copy.deepcopy(average), average.nll(held_out_NL), 0
    optimizer = torch.optim.AdamW(
        network.parameters(), plan.learning_rate, betas=(plan.beta1, plan.beta2), weight_decay=0.0, fused=True
    )
    parameters: list[Tensor] = list(network.parameters())
    averaged: list[Tensor] = list(average.parameters())
    every = max(1, plan.steps // plan.evaluations)
    for step in range(plan.steps):
        drawn_B = np.arange(step * plan.batch_size, (step + 1) * plan.batch_size)
        ids_BL = torch.from_numpy(
            np.ascontiguousarray(train[shuffled(seed, Stream.LIKELIHOOD_BATCH, drawn_B, len(train))]).astype(np.int64)
        ).to(device)
        set_learning_rate(optimizer, plan.rate(step))
        optimizer.zero_grad()
        network.loss(ids_BL, dropout_noise(seed, step, device)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, plan.clip_norm, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averaged, parameters, 1 - min(plan.average, (step + 1) / (step + 11)))
        if (step + 1) % every == 0 or step + 1 == plan.steps:
            nll = average.nll(held_out_NL)
            if nll < best_nll:
                best_nll, best_step = nll, step + 1
                best.load_state_dict(average.state_dict())
            on_step((step + 1) / plan.steps)
    return Fitted(network=best.eval(), step=best_step, validation_nll=best_nll)


def _some(rows_NL: Ints, most: int, seed: int) -> Tensor:
    chosen_N = sampled_indices(seed, Stream.FLOOR, len(rows_NL), most)
    return torch.from_numpy(np.asarray(rows_NL)[chosen_N].astype(np.int64))


def strings(
    network: CausalNetwork, count: int, *, seed: int, stream: Stream, start: int = 0, drawing: Drawing = PLAIN
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield (N, L) ids of the strings start .. start + count - 1. String k is a function of (seed, stream, k).

    They are sampled in fixed blocks, as in `training.latents.generate`.
    """
    device, length = network.taps.device, network.settings.length
    for block in range(start // DRAWN_TOGETHER, math.ceil((start + count) / DRAWN_TOGETHER)):
        first = block * DRAWN_TOGETHER
        index_B = torch.arange(first, first + DRAWN_TOGETHER, device=device)
        ids_BL = network.sample(uniform(seed, stream, index_B, length), drawing)
        yield ids_BL[max(start - first, 0) : start + count - first].cpu().numpy()


def choose_epsilon(network: CausalNetwork, validation_NL: Ints, *, seed: int = 0, orders: int = 4) -> float:
    """Return the value of EPSILONS whose strings have the lowest JS divergence from the validation rows.

    A value is excluded if it leaves less than LEAST_VARIETY of the distinct strings without a cut.

    Args:
        network: the network.
        validation_NL: held-out rows.
        seed: random seed of the strings.
        orders: n of the n-grams, at most L.
    """
    settings = network.settings
    order = min(orders, settings.length)
    reference = NgramReference(np.asarray(validation_NL), settings.vocabulary_size, order)
    count = min(max(CHOSEN_BY, len(validation_NL)), MAX_CHOSEN)
    chosen, lowest, least = 0.0, math.inf, 0.0
    for epsilon in EPSILONS:
        drawing = Drawing(epsilon=epsilon)
        parts = strings(network, count, seed=seed, stream=Stream.EPSILON_CHOICE, drawing=drawing)
        ids_NL = np.concatenate(list(parts))
        unique = unique_fraction(ids_NL)
        least = least or LEAST_VARIETY * unique
        js = reference.divergences(ids_NL)[-1]
        if js < lowest and unique >= least:
            chosen, lowest = epsilon, js
    return chosen
