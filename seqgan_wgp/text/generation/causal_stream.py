"""Candidates of a causal generator: sampled from left to right.

Constraints mask symbols that lead to no allowed string.

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
    """Return how a request samples: "argmax" with the model's epsilon, "sample" all symbols, at a temperature."""
    return Drawing(epsilon=epsilon) if decode == "argmax" else Drawing(temperature=temperature)


def block_uniforms(seed: int, index_B: Tensor, length: int) -> Tensor:
    """Return the (B, L) uniforms of candidates, which correspond to their latents."""
    return uniform(seed, Stream.SAMPLE_LATENT, index_B, length)


@torch.inference_mode()
def constrained_sample(
    network: CausalNetwork, uniform_BL: Tensor, drawing: Drawing, trellis: Trellis
) -> tuple[Tensor, Tensor]:
    """Return strings that a trellis allows, and the log probability that the constraints cost each.

    At each position, symbols that lead to no allowed string are masked and the other probabilities are renormalised. So
    this is not sampling from the conditional distribution: a prefix has the same weight as without constraints, even
    if it is unlikely to be completed to an allowed string.

    Args:
        network: the causal network.
        uniform_BL: in [0, 1), float32.
        drawing: temperature and epsilon, applied after masking.
        trellis: all allowed strings.

    Returns:
        (B, L) ids, int64, and on the CPU float64 (B,): minus the sum over positions of the log of the probability left
        after masking.
    """
    count, device = len(uniform_BL), uniform_BL.device
    steps, ids_BL = Steps(network, count), torch.zeros(uniform_BL.shape, dtype=torch.int64, device=device)
    given_up_B = torch.zeros(count, dtype=torch.float64)
    state_B, last_B = np.zeros(count, np.int64), None
    open_B = torch.ones(count, dtype=torch.bool, device=device)
    for place in range(uniform_BL.shape[1]):
        if not open_B.any():
            break
        logits_BV = steps.next(last_B)
        target_BV = _targets(trellis, place, state_B, logits_BV.shape[1])
        allowed_BV = torch.from_numpy(target_BV != NONE).to(device)
        log_BV = logits_BV.cpu().double().log_softmax(dim=1)  # on the CPU: some devices have no double precision
        left_B = log_BV.masked_fill(~allowed_BV.cpu(), -torch.inf).logsumexp(dim=1)
        given_up_B -= torch.where(open_B.cpu(), left_B, 0.0)
        last_B = torch.where(open_B, drawn(logits_BV, uniform_BL[:, place], drawing, allowed_BV), PAD)
        ids_BL[:, place] = last_B
        open_B = open_B & (last_B != PAD)
        # A string that has ended continues from the start state; the result is not used.
        state_B = np.where(open_B.cpu().numpy(), target_BV[np.arange(count), last_B.cpu().numpy()], 0)
    return ids_BL, given_up_B


def _targets(trellis: Trellis, place: int, state_B: np.ndarray, size: int) -> np.ndarray:
    """Return the next states (B, V) of all symbols; NONE if not allowed; 0 for PAD at an allowed end."""
    target_BV = np.full((len(state_B), size), NONE)
    if place >= len(trellis.layers):
        target_BV[:, PAD] = 0
        return target_BV
    layer = trellis.layers[place]
    state_B = np.minimum(state_B, len(layer.ends_S) - 1)
    target_BV[:, layer.id_K] = layer.target_SC[state_B][:, layer.class_K]
    target_BV[:, PAD] = np.where(layer.ends_S[state_B], 0, NONE)
    return target_BV
