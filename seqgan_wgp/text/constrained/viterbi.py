"""Find the best path through a trellis for many tables at once by dynamic programming (Viterbi 1967).

The backward pass computes the score of the best completion from each state. The forward pass takes, at every position,
the lowest id that attains the best score. So ties go to the string with the lowest id at the first difference, where
a pad is lowest.

Shape suffixes: N strings, L length, V vocabulary, S states of a layer, C classes, K allowed ids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats
from ..vocabulary import PAD
from .trellis import Trellis, TrellisLayer


def best_strings(trellis: Trellis, table_NLV: Floats) -> npt.NDArray[np.int64]:
    """Return the ids (N, L) of the best string of a trellis under each table of log probabilities, padded."""
    class_best = [_class_best(layer, table_NLV[:, place]) for place, layer in enumerate(trellis.layers)]
    ahead = _ahead(trellis, table_NLV, class_best)
    count = len(table_NLV)
    strings_N = np.arange(count)
    ids_NL = np.full((count, trellis.length), PAD, np.int64)
    state_N, open_N = np.zeros(count, np.int64), np.ones(count, np.bool_)
    for place, layer in enumerate(trellis.layers):
        best_CN, target_CN = class_best[place], layer.target_SC[state_N].T
        total_CN = best_CN + ahead[place + 1][target_CN, strings_N]
        most_N = total_CN.max(axis=0)
        open_N &= ~(layer.ends_S[state_N] & (table_NLV[:, place, PAD] >= most_N))
        candidate_KN = (total_CN == most_N)[layer.class_K] & (
            best_CN[layer.class_K] == table_NLV[:, place, layer.id_K].T
        )
        chosen_N = candidate_KN.argmax(axis=0)
        ids_NL[open_N, place] = layer.id_K[chosen_N[open_N]]
        state_N = np.where(open_N, target_CN[layer.class_K[chosen_N], strings_N], 0)
    return ids_NL


def best_by_position(trellis: Trellis, table_NLV: Floats) -> npt.NDArray[np.int64]:
    """Return what `best_strings` does, of a trellis with one state in each layer.

    The best string of a length has the best id at each position, so only the lengths remain to be compared.
    """
    count, places = len(table_NLV), len(trellis.layers)
    ids_NL = np.full((count, trellis.length), PAD, np.int64)
    sum_N, total_NP = np.zeros(count), np.full((count, places + 1), -np.inf)
    for place, layer in enumerate(trellis.layers):
        if layer.ends_S[0]:
            total_NP[:, place] = sum_N + table_NLV[:, place, PAD]
        first, last = layer.id_K[0], layer.id_K[-1]
        if last - first + 1 == len(layer.id_K):
            ids_NL[:, place] = table_NLV[:, place, first : last + 1].argmax(axis=1) + first
        else:
            ids_NL[:, place] = layer.id_K[table_NLV[:, place, layer.id_K].argmax(axis=1)]
        sum_N += np.take_along_axis(table_NLV[:, place], ids_NL[:, place, None], axis=1)[:, 0]
    total_NP[:, places] = sum_N + trellis.behind(table_NLV)
    ids_NL[np.arange(trellis.length) >= total_NP.argmax(axis=1)[:, None]] = PAD
    return ids_NL


def _class_best(layer: TrellisLayer, table_NV: Floats) -> Floats:
    """Return the largest log probability (C, N) within each class."""
    by_class_K, starts_C = layer.by_class
    best_NC = np.maximum.reduceat(table_NV[:, by_class_K], starts_C, axis=1)
    return np.ascontiguousarray(best_NC.T)


def _ahead(trellis: Trellis, table_NLV: Floats, class_best: Sequence[Floats]) -> list[Floats]:
    """Return for each layer, and the end, the score (S + 1, N) of the best completion.

    The last row is minus infinity, for NONE, which is index -1.
    """
    nothing_1N = np.full((1, len(table_NLV)), -np.inf)
    ahead = [np.stack([trellis.behind(table_NLV), nothing_1N[0]])]
    for place, layer in reversed(list(enumerate(trellis.layers))):
        score_SN = (class_best[place] + ahead[-1][layer.target_SC]).max(axis=1)
        score_SN[layer.ends_S] = np.maximum(score_SN[layer.ends_S], table_NLV[:, place, PAD])
        ahead.append(np.concatenate([score_SN, nothing_1N]))
    return ahead[::-1]
