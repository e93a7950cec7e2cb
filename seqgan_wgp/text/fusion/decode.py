"""Draw strings from left to right by the generator's probabilities and those of an n-gram model.

Given the latent z and the ids before, id v is drawn at position t with probability proportional to
p_t(v | z)**a * q(v | last ids)**b: a product of experts, normalised at each position (shallow fusion, Gulcehre et al.
2015, "On using monolingual corpora in neural machine translation"). With b = 0 and a = 1 it is plain sampling, with
a = 0 and b = 1 the n-gram model alone.

Under constraints the weight of an id is multiplied by the probability that plain sampling, at the same power a, would
from there on end as an allowed string. So every string is allowed; what is left out is how likely the n-gram model
finds the ends that are still possible.

Shape suffixes: N strings, L length, V vocabulary, K ids that are allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from ...utils.arrays import Floats
from ..constrained.sampling import allowed_ahead, tempered
from ..constrained.trellis import Trellis
from ..vocabulary import PAD
from .ngram_model import NgramTable


@final
@dataclass(frozen=True, kw_only=True)
class Powers:
    """How much either side counts.

    Raises:
        ConfigError: one is negative or not finite, or both are 0.
    """

    generator: float
    """a, the power of the generator's probabilities."""

    ngram: float
    """b, that of the n-gram model's."""

    def __post_init__(self) -> None:
        for name, value in (("generator", self.generator), ("ngram", self.ngram)):
            if not 0 <= value < math.inf:
                raise ConfigError(f"the {name}'s power is {value:g}, but it must be 0 or more, and finite")
        if not self.generator and not self.ngram:
            raise ConfigError("both powers are 0, which leaves all strings equally likely", "let one be above 0")

    def at(self, temperature: float) -> Powers:
        """Return the powers at a temperature, which divides both."""
        return Powers(generator=self.generator / temperature, ngram=self.ngram / temperature)


def fused_strings(
    log_NLV: npt.NDArray[Any], ngrams: NgramTable, powers: Powers, uniform_NL: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Return one string for each table, (N, L) ids, padded.

    Args:
        log_NLV: natural logs of the generator's probabilities.
        ngrams: the n-gram model.
        powers: a and b.
        uniform_NL: in [0, 1); a number decides a position, low ones for low ids.
    """
    count, length, _size = log_NLV.shape
    ids_NL = np.full((count, length), PAD, np.int64)
    open_M, state_M = np.arange(count), np.full(count, ngrams.start)
    for place in range(length):
        log_MV = powers.generator * log_NLV[open_M, place].astype(np.float64)
        log_MV += powers.ngram * ngrams.log_probability_SV[state_M]
        id_M = _drawn(log_MV, uniform_NL[open_M, place])
        ids_NL[open_M, place] = id_M
        going_M = id_M != PAD
        open_M, state_M = open_M[going_M], ngrams.next_SV[state_M[going_M], id_M[going_M]]
        if not len(open_M):
            break
    return ids_NL


def fused_allowed_strings(
    trellis: Trellis, table_NLV: Floats, ngrams: NgramTable, powers: Powers, uniform_NL: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Return one allowed string for each table, (N, L) ids, padded.

    Args:
        trellis: the allowed strings.
        table_NLV: natural logs of the generator's probabilities, finite.
        ngrams: the n-gram model.
        powers: a and b.
        uniform_NL: as for `fused_strings`.
    """
    own_NLV = tempered(table_NLV * powers.generator, 1.0)
    ahead = allowed_ahead(trellis, own_NLV)
    count = len(table_NLV)
    strings_N = np.arange(count)
    ids_NL = np.full((count, trellis.length), PAD, np.int64)
    node_N, state_N, open_N = np.zeros(count, np.int64), np.full(count, ngrams.start), np.ones(count, np.bool_)
    for place, layer in enumerate(trellis.layers):
        fused_NV = own_NLV[:, place] + powers.ngram * ngrams.log_probability_SV[state_N]
        target_NK = layer.target_SC[node_N][:, layer.class_K]
        pad_N1 = np.where(layer.ends_S[node_N], fused_NV[:, PAD], -np.inf)[:, None]
        log_NK = fused_NV[:, layer.id_K] + ahead[place + 1][target_NK, strings_N[:, None]]
        place_N = _drawn(np.concatenate([pad_N1, log_NK], axis=1), uniform_NL[:, place])
        open_N &= place_N > 0
        chosen_N = np.maximum(place_N - 1, 0)
        id_N = np.where(open_N, layer.id_K[chosen_N], PAD)
        ids_NL[:, place] = id_N
        node_N = np.where(open_N, target_NK[strings_N, chosen_N], 0)
        state_N = ngrams.next_SV[state_N, id_N]
    return ids_NL


def _drawn(log_NV: Floats, uniform_N: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return one column for each row of logs: the inverse of the distribution function at a uniform."""
    weight_NV = np.exp(log_NV - log_NV.max(axis=1, keepdims=True))
    sum_NV = np.cumsum(weight_NV, axis=1)
    # A uniform of 24 bits times the whole is less than the whole, so that some sum exceeds it.
    drawn_N: npt.NDArray[np.int64] = (sum_NV <= uniform_N[:, None] * sum_NV[:, -1:]).sum(axis=1)
    return drawn_N
