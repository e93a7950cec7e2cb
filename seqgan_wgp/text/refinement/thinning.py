"""Thinning of training lines among the strings that a refiner accepts.

A classifier learns from training lines, so that it takes some of them for more typical of real strings than unseen ones
that are just as good. Accepted strings repeat training lines more often than generated ones do. Thinning accepts a
training line with a probability that is smaller by one factor, so that a wanted share of the accepted strings is new.

Shape suffixes: N strings, R training lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ...utils.arrays import Floats
from ..hashing.row_hashes import Ids
from ..hashing.short_hashes import ShortHashes

MAX_HASHES = 1 << 24
"""Training lines whose hashes a model file takes, at most: 64 MiB."""

STANDARD_ERRORS = 2.0
"""By how many standard errors of the measured share the wanted share is exceeded."""

LEAST = 1e-300
"""Lower bound of the factor, so that it has a log."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Thinning:
    """Training lines and the factor of their acceptance probability."""

    lines: ShortHashes
    factor: float
    """From 0, which leaves all training lines out, to 1."""

    facts: Mapping[str, Any]
    """How it was chosen, as JSON values."""

    def log_factors(self, ids_NL: Ids) -> Floats:
        """Return the log of the factor for training lines, and 0 for other strings, (N,)."""
        return np.where(self.lines.has(ids_NL), math.log(max(self.factor, LEAST)), 0.0)

    def to_tensor(self) -> Tensor:
        """Return the hashes (R,) to store in a model file, as int32 of the same bits."""
        return torch.from_numpy(self.lines.hash_R.view(np.int32))

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to store in a model file next to the tensor."""
        return {"factor": self.factor, **self.facts}


def thinning_from(facts: Mapping[str, Any], hash_R: Tensor) -> Thinning:
    """Return the thinning stored in a model file.

    Raises:
        KeyError, TypeError, ValueError: the facts or the tensor are invalid.
    """
    factor = float(facts["factor"])
    if not 0 <= factor <= 1:
        raise ValueError("the factor of its training lines is out of bounds")
    if hash_R.dtype != torch.int32 or hash_R.dim() != 1:
        raise ValueError("its hashes of training lines have another type or shape")
    rest = {name: value for name, value in facts.items() if name != "factor"}
    sorted_R = np.sort(hash_R.cpu().numpy().view(np.uint32))
    lines = ShortHashes(sorted_R, np.ones(len(sorted_R), np.int64))
    return Thinning(lines=lines, factor=factor, facts=rest)


def factor_for(new: float, weight_N: Floats, trained_N: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """Return the factor, at most 1, with which a share `new` of accepted strings is new, with a margin.

    The share is measured by the weights. The margin is STANDARD_ERRORS of it, by the effective number of strings,
    (sum w)^2 / sum w^2 (Kish 1965). Where no string is new, no factor helps, and it is 1.

    Args:
        new: the wanted share, 0 to 1.
        weight_N: acceptance probabilities of generated strings, or weights that these are proportional to.
        trained_N: which of the strings are training lines.
    """
    total = float(weight_N.sum())
    old = float(weight_N[trained_N].sum()) / total if total else 0.0
    if not 0 < old < 1:
        return 1.0
    effective = total**2 / float((weight_N**2).sum())
    wanted = min(1.0, new + STANDARD_ERRORS * math.sqrt(old * (1 - old) / effective))
    if new <= 0 or 1 - old >= wanted:
        return 1.0
    return (1 - wanted) / wanted * (1 - old) / old
