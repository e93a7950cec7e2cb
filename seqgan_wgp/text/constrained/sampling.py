"""Sample strings from the generator's probabilities under constraints: exactly, without rejection.

The backward pass computes, for each state, the log probability that a string in this state is completed to an allowed
one. The forward pass draws an id in proportion to its probability times that of the next state. So an allowed string s
is drawn with probability p(s) / sum of p(t) over all allowed t.

Shape suffixes: N strings, L length, V vocabulary, S states of a layer, C classes, K allowed ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats
from ..vocabulary import PAD
from .trellis import Trellis, TrellisLayer


def tempered(table_NLV: Floats, temperature: float) -> Floats:
    """Return the logs (N, L, V) of p**(1/T) / sum of p**(1/T): at each position sharper for T < 1, flatter above."""
    logs_NLV = table_NLV / temperature
    logs_NLV -= logs_NLV.max(axis=2, keepdims=True)
    logs_NLV -= np.log(np.exp(logs_NLV).sum(axis=2, keepdims=True))
    return logs_NLV


def sampled_strings(trellis: Trellis, table_NLV: Floats, uniform_NL: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Draw one string of a trellis from each table of log probabilities; return padded ids (N, L).

    Args:
        trellis: the allowed strings.
        table_NLV: normalised at each position.
        uniform_NL: numbers in [0, 1), one for each position; low numbers give low ids.
    """
    ahead = allowed_ahead(trellis, table_NLV)
    count = len(table_NLV)
    strings_N = np.arange(count)
    ids_NL = np.full((count, trellis.length), PAD, np.int64)
    state_N, open_N = np.zeros(count, np.int64), np.ones(count, np.bool_)
    for place, layer in enumerate(trellis.layers):
        target_KN = layer.target_SC[state_N].T[layer.class_K]
        pad_N = np.where(layer.ends_S[state_N], table_NLV[:, place, PAD], -np.inf)
        log_KN = table_NLV[:, place, layer.id_K].T + ahead[place + 1][target_KN, strings_N]
        log_KN = np.concatenate([pad_N[None], log_KN])
        sum_KN = np.cumsum(np.exp(log_KN - log_KN.max(axis=0)), axis=0)
        drawn_N = (sum_KN <= uniform_NL[:, place] * sum_KN[-1]).sum(axis=0)
        open_N &= drawn_N > 0
        chosen_N = np.maximum(drawn_N - 1, 0)
        ids_NL[open_N, place] = layer.id_K[chosen_N[open_N]]
        state_N = np.where(open_N, target_KN[chosen_N, strings_N], 0)
    return ids_NL


def allowed_ahead(trellis: Trellis, table_NLV: Floats) -> list[Floats]:
    """Return for each layer, and the end, the log probability (S + 1, N) of an allowed completion.

    The last row is minus infinity, for NONE, which is index -1.
    """
    nothing_1N = np.full((1, len(table_NLV)), -np.inf)
    ahead = [np.stack([trellis.behind(table_NLV), nothing_1N[0]])]
    for place, layer in reversed(list(enumerate(trellis.layers))):
        classes_CN = _class_sums(layer, table_NLV[:, place])
        pad_1SN = np.where(layer.ends_S[:, None], table_NLV[:, place, PAD], -np.inf)[None]
        log_CSN = classes_CN[:, None] + ahead[-1][layer.target_SC.T]
        ahead.append(np.concatenate([_log_sum(np.concatenate([pad_1SN, log_CSN])), nothing_1N]))
    return ahead[::-1]


def _class_sums(layer: TrellisLayer, table_NV: Floats) -> Floats:
    """Return the log probability (C, N) of each class, the sum over its ids."""
    by_class_K, starts_C = layer.by_class
    groups_KN = np.split(table_NV.T[by_class_K], starts_C[1:])
    return np.stack([_log_sum(group_KN) for group_KN in groups_KN])


def _log_sum(logs: Floats) -> Floats:
    """Return log sum exp over the first axis, which has a finite number."""
    largest = logs.max(axis=0)
    total: Floats = largest + np.log(np.exp(logs - largest).sum(axis=0))
    return total
