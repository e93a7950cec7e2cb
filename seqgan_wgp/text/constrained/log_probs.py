"""Log probabilities rounded so that their sums are exact and scores do not depend on summation order.

Logs are computed in float64 and rounded to multiples of 2**-30. Sums of such numbers are exact in float64 up to a
magnitude of 2**23. Distinct float32 probabilities stay distinct, since their logs differ by at least 2**-25. So ties
are true ties, and the best string does not depend on the algorithm.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...errors import CheckpointError
from ...utils.arrays import Floats
from ..vocabulary import PAD, UNKNOWN

SCALE = 2.0**30

LEAST_PROBABILITY = 2.0**-150
"""Value used for a probability of 0: half the smallest float32. So an allowed string is found even if the table
excludes all of them."""

LEAST_LOG = -4096.0
"""Lower bound of logs, also for minus infinity."""


def table_of(values_NLV: Tensor, *, logs: bool) -> Floats:
    """Return the log probabilities (N, L, V), float64 on the CPU, as multiples of 1 / SCALE.

    Args:
        values_NLV: float32 probabilities, on any device; or natural logs of them.
        logs: whether they are logs.

    Raises:
        CheckpointError: some are not numbers.
    """
    table_NLV: Floats = values_NLV.detach().cpu().numpy().astype(np.float64)
    if np.isnan(table_NLV).any():
        raise CheckpointError("the model produces probabilities that are not numbers")
    np.maximum(table_NLV, LEAST_LOG if logs else LEAST_PROBABILITY, out=table_NLV)
    if not logs:
        np.log(table_NLV, out=table_NLV)
    table_NLV *= SCALE
    np.rint(table_NLV, out=table_NLV)
    table_NLV /= SCALE
    return table_NLV


def score(table_NLV: Floats, ids_NL: npt.NDArray[np.integer]) -> Floats:
    """Return the log probabilities (N,) of strings: the sum over their ids up to and including the first pad.

    As positions are independent, the probabilities of all strings of at most L ids sum to 1.
    """
    chosen_NL = np.take_along_axis(table_NLV, ids_NL.astype(np.int64)[..., None], axis=2)[..., 0]
    pads_NL = np.cumsum(ids_NL == PAD, axis=1)
    counts_NL = (pads_NL == 0) | ((pads_NL == 1) & (ids_NL == PAD))
    total_N: Floats = np.where(counts_NL, chosen_NL, 0.0).sum(axis=1)
    return total_N


def best_score(table_NLV: Floats) -> Floats:
    """Return the log probability (N,) of the best non-empty string without unknown symbols."""
    total_NL = np.cumsum(table_NLV[:, :, UNKNOWN + 1 :].max(axis=2), axis=1)
    total_NL[:, :-1] += table_NLV[:, 1:, PAD]
    best_N: Floats = total_NL.max(axis=1)
    return best_N
