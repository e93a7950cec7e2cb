"""Sample strings from the generator's probabilities, instead of the most likely characters.

A generator in one shot makes positions independent given the latent, so that a character is drawn for each by itself.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...errors import ConfigError, did_you_mean
from ...utils.counter_rng import Stream, uniform
from ..vocabulary import Vocabulary

DECODERS = ("argmax", "sample")
"""How ids come from probabilities: the likeliest at each position, or one drawn."""

_COLDEST = 1e-30
"""A temperature below this is taken as this, since float32 divides by it; ids less likely had no odds long before."""


def check_decoding(decode: str, temperature: float) -> None:
    """Raise ConfigError unless there is such a way to decode, and such a temperature for it."""
    if decode not in DECODERS:
        raise ConfigError(
            f"decode is {decode!r}{did_you_mean(decode, DECODERS)}", f"choose one of: {', '.join(DECODERS)}"
        )
    if not 0 < temperature < math.inf:
        raise ConfigError(f"temperature is {temperature:g}, but it must be above 0, and finite")
    if decode == "argmax" and temperature != 1:
        raise ConfigError(
            f"temperature is {temperature:g}, but it has no effect on argmax decoding", "use decode sample"
        )


def decode_noise(seed: int, index_N: Tensor, length: int) -> Tensor:
    """Return the (N, L) uniforms in [0, 1) that decide what is drawn for strings number `index_N` (int64)."""
    return uniform(seed, Stream.DECODE, index_N, length)


def sample(probabilities_NLV: Tensor, uniform_NL: Tensor, temperature: float = 1.0) -> Tensor:
    """Return (N, L) ids, int64, drawn at each position from p_i^(1/T) / sum_j p_j^(1/T).

    By the inverse of the distribution function: the first id at which the cumulative weight exceeds u times the whole.
    A uniform has 24 bits, so an id of odds below 2^-24 may never come. An id of probability 0 never does. As T goes
    to 0 the likeliest id is drawn always (of several equally likely ones, any).

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
    # A uniform is at most 1 - 2^-24, and so times the whole it rounds to less than the whole: some id exceeds it.
    threshold_NL1 = uniform_NL[..., None] * cumulative_NLV[..., -1:]
    return torch.searchsorted(cumulative_NLV, threshold_NL1, right=True)[..., 0]


def sampled(
    tables: Iterable[Tensor], vocabulary: Vocabulary, *, seed: int, start: int, temperature: float
) -> Iterator[npt.NDArray[np.integer]]:
    """Yield (N, L) ids drawn from one (N, L, V) table after another, on the host.

    Args:
        tables: probabilities of strings number start, start + 1, ..., in order.
        vocabulary: whose ids they are.
        seed: of the noise. String k depends on its probabilities, the seed, k and the temperature alone.
        start: number of the first string.
        temperature: above 0.
    """
    for table_NLV in tables:
        index_N = torch.arange(start, start + len(table_NLV), device=table_NLV.device)
        ids_NL = sample(table_NLV, decode_noise(seed, index_N, table_NLV.shape[1]), temperature)
        yield ids_NL.cpu().numpy().astype(vocabulary.dtype)
        start += len(table_NLV)
