"""Probabilities that a string drawn from left to right will satisfy the constraints, to steer sampling.

Masking alone asks what can still become an allowed string, not how likely that is. With the suffix "lyn" nearly every
start can still become one, so strings would run on to the last positions and be forced to end there. The exact weight
of a symbol is its probability times that of reaching an allowed string after it. The second factor is computed here
under a simpler model, a Markov chain of order 1 with probabilities of its own at each position, by one backward pass
over the trellis. This is twisted sampling with an approximate look-ahead function (Whiteley and Lee 2014, "Twisted
particle filters"; Lew et al. 2023, "Sequential Monte Carlo steering of large language models").

Shape suffixes: N strings, L length, V vocabulary, X contexts (the last symbol, V at the start; or a single one), S
states of a layer, K ids of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats, Ints
from ..vocabulary import PAD
from .automaton import NONE
from .trellis import Trellis, TrellisLayer

MAX_CONTEXT_CELLS = 1 << 23
"""Largest number of probabilities with the last symbol as context; larger alphabets go without context."""

PRIOR = 4.0
"""Weight, in strings, of the less specific distribution in each estimate."""


@final
@dataclass(frozen=True, kw_only=True)
class PositionChain:
    """A Markov chain whose transition probabilities depend on the position."""

    probability_LXV: Floats
    """Probability of each symbol at a position, given the last one. X is 1 without context."""

    @classmethod
    def fit(cls, ids_NL: Ints, size: int) -> PositionChain:
        """Estimate a chain from strings; no probability is 0.

        The estimate at a position and context is smoothed towards that of the context at all positions, or, without
        contexts, towards that of all positions.

        Args:
            ids_NL: strings, of which each ends at its first pad.
            size: V.
        """
        length = ids_NL.shape[1]
        contexts = size + 1 if (size + 1) * size * length <= MAX_CONTEXT_CELLS else 1
        count_LXV = np.zeros((length, contexts, size))
        last_N, open_N = np.full(len(ids_NL), contexts - 1), np.ones(len(ids_NL), np.bool_)
        for place in range(length):
            id_N = ids_NL[:, place].astype(np.int64)
            np.add.at(count_LXV[place], (last_N[open_N], id_N[open_N]), 1)
            open_N &= id_N != PAD
            last_N = np.minimum(id_N, contexts - 1)
        anywhere_V = _smoothed(count_LXV.sum(axis=(0, 1)), np.full(size, 1 / size))
        anywhere_XV = _smoothed(count_LXV.sum(axis=0), anywhere_V)
        return cls(probability_LXV=_smoothed(count_LXV, anywhere_XV))


def _smoothed(count: Floats, prior: Floats) -> Floats:
    total: Floats = (count + PRIOR * prior) / (count.sum(axis=-1, keepdims=True) + PRIOR)
    return total


@final
@dataclass(frozen=True, kw_only=True)
class Lookahead:
    """For each layer of a trellis, how likely each choice of a symbol leads to an allowed string."""

    weights: tuple[npt.NDArray[np.float32], ...]
    """(S, V) natural logs for each layer; -inf for symbols that are not allowed; 0 for the pad where a string may end.

    A constant per state cancels, so each row is shifted to have the largest value 0.
    """

    @classmethod
    def of(cls, trellis: Trellis, chain: PositionChain) -> Lookahead:
        """Compute the weights of a trellis by a backward pass, under a chain of the same length and vocabulary."""
        contexts, size = chain.probability_LXV.shape[1:]
        places = len(trellis.layers)
        after_SX = np.zeros((1, contexts))
        if places < trellis.length:
            after_SX = np.log(chain.probability_LXV[places, :, PAD])[None]
        weights = []
        for place, layer in reversed(list(enumerate(trellis.layers))):
            reach_SV = _reach(layer, after_SX, size)
            most_S1 = reach_SV.max(axis=1, keepdims=True)
            shifted_SV = reach_SV - most_S1
            after_SX = np.log(np.exp(shifted_SV) @ chain.probability_LXV[place].T) + most_S1
            weights.append(shifted_SV.astype(np.float32))
        return cls(weights=tuple(reversed(weights)))


def _reach(layer: TrellisLayer, after_SX: Floats, size: int) -> Floats:
    """Return the log probability (S, V) of an allowed string after each symbol at this layer; 0 for an allowed end."""
    reach_SV = np.full((len(layer.ends_S), size), -np.inf)
    target_SK = layer.target_SC[:, layer.class_K]
    context_K = np.minimum(layer.id_K, after_SX.shape[1] - 1)
    reach_SV[:, layer.id_K] = np.where(target_SK == NONE, -np.inf, after_SX[target_SK, context_K])
    reach_SV[:, PAD] = np.where(layer.ends_S, 0.0, -np.inf)
    return reach_SV
