"""Candidates of a causal generator: drawn left to right, under constraints with what leads nowhere masked.

Shape suffixes: N strings, B those of one block, L length, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...utils.counter_rng import Stream, uniform
from ..causal import CausalNetwork, Drawing, Steps, drawn
from ..constrained.automaton import NONE
from ..constrained.trellis import Trellis
from ..vocabulary import PAD


def drawing_of(epsilon: float, decode: str, temperature: float) -> Drawing:
    """Return how a request draws: by "argmax" as the model is in use, by "sample" every symbol, at a temperature."""
    return Drawing(epsilon=epsilon) if decode == "argmax" else Drawing(temperature=temperature)


def block_uniforms(seed: int, index_B: Tensor, length: int) -> Tensor:
    """Return the (B, L) uniforms of candidates: those that their latents stand for."""
    return uniform(seed, Stream.SAMPLE_LATENT, index_B, length)


@torch.inference_mode()
def constrained_sample(
    network: CausalNetwork, uniform_BL: Tensor, drawing: Drawing, trellis: Trellis
) -> tuple[Tensor, Tensor]:
    """Return strings that a trellis allows, and what the constraints cost each.

    Symbols that lead to no allowed string are masked at each position, and the others' probabilities scaled up. So
    strings are not drawn by their probability given that they are allowed: a beginning weighs as much as without
    constraints, however unlikely it is to be completed as they want.

    Args:
        network: gives the probabilities.
        uniform_BL: in [0, 1), float32.
        drawing: temperature and epsilon, of what is left.
        trellis: all allowed strings.

    Returns:
        (B, L) ids, int64, and float64 (B,): minus the sum of the logs of the masses that were left at each position.
    """
    count, device = len(uniform_BL), uniform_BL.device
    steps, ids_BL = Steps(network, count), torch.zeros(uniform_BL.shape, dtype=torch.int64, device=device)
    given_up_B = torch.zeros(count, dtype=torch.float64, device=device)
    state_B, last_B = np.zeros(count, np.int64), None
    open_B = torch.ones(count, dtype=torch.bool, device=device)
    for place in range(uniform_BL.shape[1]):
        if not open_B.any():
            break
        logits_BV = steps.next(last_B)
        target_BV = _targets(trellis, place, state_B, logits_BV.shape[1])
        allowed_BV = torch.from_numpy(target_BV != NONE).to(device)
        left_B = logits_BV.double().log_softmax(dim=1).masked_fill(~allowed_BV, -torch.inf).logsumexp(dim=1)
        given_up_B -= torch.where(open_B, left_B, 0.0)
        last_B = torch.where(open_B, drawn(logits_BV, uniform_BL[:, place], drawing, allowed_BV), PAD)
        ids_BL[:, place] = last_B
        open_B = open_B & (last_B != PAD)
        # A string that has ended goes on from the start, where nothing is looked at any more.
        state_B = np.where(open_B.cpu().numpy(), target_BV[np.arange(count), last_B.cpu().numpy()], 0)
    return ids_BL, given_up_B


def _targets(trellis: Trellis, place: int, state_B: np.ndarray, size: int) -> np.ndarray:
    """Return where each symbol leads to (B, V), NONE where to no allowed string; PAD leads to 0 where one may end."""
    target_BV = np.full((len(state_B), size), NONE)
    if place >= len(trellis.layers):
        target_BV[:, PAD] = 0
        return target_BV
    layer = trellis.layers[place]
    state_B = np.minimum(state_B, len(layer.ends_S) - 1)
    target_BV[:, layer.id_K] = layer.target_SC[state_B][:, layer.class_K]
    target_BV[:, PAD] = np.where(layer.ends_S[state_B], 0, NONE)
    return target_BV
