"""Candidates of a causal generator: sampled from left to right.

Under constraints, symbols are weighted by how likely an allowed string follows them.

Shape suffixes: N strings, B those of one block, L length, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from ...utils.counter_rng import Stream, uniform
from ..causal import DRAWN_TOGETHER, CausalNetwork, Drawing, Steps, drawn
from ..constrained.lookahead import Lookahead, PositionChain
from ..constrained.trellis import Trellis
from ..vocabulary import PAD


def drawing_of(epsilon: float, decode: str, temperature: float) -> Drawing:
    """Return how a request samples: "argmax" with the model's epsilon, "sample" all symbols, at a temperature."""
    return Drawing(epsilon=epsilon) if decode == "argmax" else Drawing(temperature=temperature)


def block_uniforms(seed: int, index_B: Tensor, length: int) -> Tensor:
    """Return the (B, L) uniforms of candidates, which correspond to their latents."""
    return uniform(seed, Stream.SAMPLE_LATENT, index_B, length)


EFFECTIVE_ENOUGH = 0.9
"""Share of effective samples from which on one proposal is enough."""

PROPOSALS_PER_EFFECTIVE = 2.0
"""Proposals for each string, times the share of effective samples."""

LOOKAHEAD_STRINGS = 4096
"""Number of strings from which the chain of the look-ahead is estimated."""

MAX_PROPOSALS = 8
"""Largest number of proposals per string; fixed, since the uniforms are numbered by it."""


@final
@dataclass(frozen=True, kw_only=True)
class Steering:
    """How strings of one network are drawn under one set of constraints."""

    trellis: Trellis
    ahead: Lookahead
    proposals: int
    """Number of strings that are drawn for each string that is returned."""


@final
@dataclass(frozen=True, kw_only=True)
class Proposals:
    """Strings that a trellis allows."""

    ids_BL: Tensor
    """int64."""

    given_up_B: Tensor
    """float64, on the CPU: minus the sum over positions of the log of the probability of all symbols that lead to an
    allowed string."""

    log_weight_B: Tensor
    """float64, on the CPU: log of the network's probability of the string, over that with which it was drawn."""


@torch.inference_mode()
def chain_of(network: CausalNetwork, drawing: Drawing) -> PositionChain:
    """Return the chain of the look-ahead, fitted to strings of a network; a function of the arguments alone."""
    settings = network.settings
    index_N = torch.arange(LOOKAHEAD_STRINGS, device=network.taps.device)
    blocks = torch.split(uniform(0, Stream.LOOKAHEAD, index_N, settings.length), DRAWN_TOGETHER)
    ids_NL = torch.cat([network.sample(uniform_BL, drawing) for uniform_BL in blocks])
    return PositionChain.fit(ids_NL.cpu().numpy(), settings.vocabulary_size)


@torch.inference_mode()
def steering_of(network: CausalNetwork, drawing: Drawing, trellis: Trellis, chain: PositionChain) -> Steering:
    """Return how to draw strings that a trellis allows; a function of the arguments alone.

    The look-ahead comes from a chain, see `chain_of`. The number of proposals comes from the effective sample size of
    strings drawn by it (Kong 1992): (sum of weights)^2 / sum of squared weights. Where proposals are as good as draws
    from the conditional distribution, one is enough.
    """
    ahead = Lookahead.of(trellis, chain)
    index_B = torch.arange(DRAWN_TOGETHER, device=network.taps.device)
    uniform_BL = uniform(0, Stream.LOOKAHEAD, index_B, network.settings.length)
    weight_B = propose(network, uniform_BL, drawing, trellis, ahead).log_weight_B.softmax(dim=0)
    effective = float(1 / (weight_B.square().sum() * len(weight_B)))
    return Steering(trellis=trellis, ahead=ahead, proposals=proposals_for(effective))


def proposals_for(effective: float) -> int:
    """Return the number of proposals for a share of effective samples, 0 to 1."""
    return 1 if effective > EFFECTIVE_ENOUGH else min(MAX_PROPOSALS, math.ceil(PROPOSALS_PER_EFFECTIVE / effective))


def constrained_sample(
    network: CausalNetwork, seed: int, index_B: Tensor, drawing: Drawing, steering: Steering
) -> tuple[Tensor, Tensor]:
    """Return the strings with these numbers, and the log probability that the constraints cost each.

    Of several proposals one is chosen in proportion to its weight (sampling importance resampling, Rubin 1987). The
    more there are, the nearer is the result to the network's distribution given that the constraints hold.

    Args:
        network: the causal network.
        seed: of the request.
        index_B: int64.
        drawing: temperature and epsilon.
        steering: for this network, drawing and the constraints.

    Returns:
        (B, L) ids, int64, and `Proposals.given_up_B`.
    """
    length, trellis, ahead = network.settings.length, steering.trellis, steering.ahead
    found = propose(network, block_uniforms(seed, index_B, length), drawing, trellis, ahead)
    if steering.proposals == 1:
        return found.ids_BL, found.given_up_B
    further = [
        propose(network, uniform(seed, Stream.PROPOSAL, number_B, length), drawing, trellis, ahead)
        for number_B in (MAX_PROPOSALS * index_B + j for j in range(1, steering.proposals))
    ]
    weight_BJ = torch.stack([one.log_weight_B for one in (found, *further)], dim=1).softmax(dim=1)
    bound_B1 = uniform(seed, Stream.PROPOSAL_CHOICE, index_B, 1).cpu().double() * weight_BJ.sum(dim=1, keepdim=True)
    chosen_B = torch.searchsorted(weight_BJ.cumsum(dim=1), bound_B1, right=True)[:, 0].clamp(max=steering.proposals - 1)
    row_B = torch.arange(len(index_B))
    ids_BJL = torch.stack([one.ids_BL for one in (found, *further)], dim=1)
    given_up_BJ = torch.stack([one.given_up_B for one in (found, *further)], dim=1)
    return ids_BJL[row_B.to(ids_BJL.device), chosen_B.to(ids_BJL.device)], given_up_BJ[row_B, chosen_B]


@torch.inference_mode()
def propose(
    network: CausalNetwork, uniform_BL: Tensor, drawing: Drawing, trellis: Trellis, ahead: Lookahead
) -> Proposals:
    """Draw strings that a trellis allows, from left to right.

    At each position the probabilities are multiplied by those of reaching an allowed string, and renormalised. With
    exact factors this would be sampling from the network's distribution under the condition that the constraints hold,
    and all weights would be equal. `ahead` has approximate factors.

    Args:
        network: the causal network.
        uniform_BL: in [0, 1), float32.
        drawing: temperature, and epsilon, which is applied last.
        trellis: all allowed strings.
        ahead: the factors, for this trellis.
    """
    count, device = len(uniform_BL), uniform_BL.device
    steps, ids_BL = Steps(network, count), torch.zeros(uniform_BL.shape, dtype=torch.int64, device=device)
    given_up_B, log_weight_B = torch.zeros(2, count, dtype=torch.float64)
    state_B, last_B = np.zeros(count, np.int64), None
    open_B = torch.ones(count, dtype=torch.bool, device=device)
    for place in range(uniform_BL.shape[1]):
        if not open_B.any():
            break
        logits_BV = steps.next(last_B)
        ahead_BV, target_BV = _choices(trellis, ahead, place, state_B, logits_BV.shape[1])
        # In double precision, on the CPU: some devices have none.
        log_BV = (logits_BV.cpu().double() / drawing.temperature).log_softmax(dim=1)
        symbol_B = drawn(logits_BV, uniform_BL[:, place], drawing, ahead_BV.to(device))
        last_B = torch.where(open_B, symbol_B, PAD)
        ids_BL[:, place] = last_B
        symbol_B, was_open_B = last_B.cpu(), open_B.cpu()
        left_B = log_BV.masked_fill(ahead_BV == -torch.inf, -torch.inf).logsumexp(dim=1)
        given_up_B -= torch.where(was_open_B, left_B, 0.0)
        factor_B = (log_BV + ahead_BV).logsumexp(dim=1) - ahead_BV.gather(1, symbol_B[:, None])[:, 0]
        log_weight_B += torch.where(was_open_B, factor_B, 0.0)
        open_B = open_B & (last_B != PAD)
        # A string that has ended continues from the start state; the result is not used.
        state_B = np.where(open_B.cpu().numpy(), target_BV[np.arange(count), symbol_B.numpy()], 0)
    return Proposals(ids_BL=ids_BL, given_up_B=given_up_B, log_weight_B=log_weight_B)


def _choices(
    trellis: Trellis, ahead: Lookahead, place: int, state_B: np.ndarray, size: int
) -> tuple[Tensor, np.ndarray]:
    """Return the log weights (B, V) of all symbols, -inf if not allowed, and the next states, 0 for PAD."""
    target_BV = np.zeros((len(state_B), size), np.int64)
    if place >= len(trellis.layers):
        weight_BV = torch.full((len(state_B), size), -torch.inf)
        weight_BV[:, PAD] = 0.0
        return weight_BV, target_BV
    layer = trellis.layers[place]
    state_B = np.minimum(state_B, len(layer.ends_S) - 1)
    target_BV[:, layer.id_K] = layer.target_SC[state_B][:, layer.class_K]
    return torch.as_tensor(ahead.weights[place][state_B]), target_BV
