"""Sample strings from the generator's probabilities, instead of the most likely characters.

A non-autoregressive generator makes positions independent given the latent, so each character is drawn separately.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...utils.counter_rng import Stream, uniform
from ..vocabulary import Vocabulary

_COLDEST = 1e-30
"""Lower bound of the temperature, which avoids overflow in float32; the result is already that of argmax."""


def decode_noise(seed: int, index_N: Tensor, length: int) -> Tensor:
    """Return the (N, L) uniforms in [0, 1) for sampling the strings with indices `index_N` (int64)."""
    return uniform(seed, Stream.DECODE, index_N, length)


def sample(probabilities_NLV: Tensor, uniform_NL: Tensor, temperature: float = 1.0) -> Tensor:
    """Return (N, L) ids, int64, drawn at each position from p_i^(1/T) / sum_j p_j^(1/T).

    Inverse transform sampling: the first id at which the cumulative weight exceeds u times the total. A uniform has 24
    bits, so an id with probability below 2^-24 may never be drawn; one with probability 0 never is. As T goes to 0 the
    most likely id is always drawn (any of several equally likely ones).

    Args:
        probabilities_NLV: float32.
        uniform_NL: in [0, 1), float32, on the same device.
        temperature: T, above 0.
    """
    weight_NLV = probabilities_NLV
    if temperature != 1:
        log_NLV = probabilities_NLV.log()
        log_NLV -= log_NLV.amax(dim=-1, keepdim=True)
        weight_NLV = log_NLV.div_(max(temperature, _COLDEST)).exp_()
    cumulative_NLV = weight_NLV.cumsum(dim=-1)
    # A uniform is at most 1 - 2^-24, so its product with the total rounds to less than the total, and some id exceeds
    # it.
    threshold_NL1 = uniform_NL[..., None] * cumulative_NLV[..., -1:]
    return torch.searchsorted(cumulative_NLV, threshold_NL1, right=True)[..., 0]


def sampled(
    tables: Iterable[Tensor], vocabulary: Vocabulary, *, seed: int, start: int, temperature: float
) -> Iterator[npt.NDArray[np.integer]]:
    """Yield (N, L) ids sampled from each (N, L, V) table, as NumPy arrays.

    Args:
        tables: probabilities of the strings start, start + 1, ..., in order.
        vocabulary: the vocabulary of the ids.
        seed: random seed. String k depends only on its probabilities, the seed, k and the temperature.
        start: index of the first string.
        temperature: above 0.
    """
    for table_NLV in tables:
        index_N = torch.arange(start, start + len(table_NLV), device=table_NLV.device)
        ids_NL = sample(table_NLV, decode_noise(seed, index_N, table_NLV.shape[1]), temperature)
        yield ids_NL.cpu().numpy().astype(vocabulary.dtype)
        start += len(table_NLV)
