"""Critic scores of training lines, of test lines and of generated strings.

Shape suffixes: N strings, B strings of a block, L length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import torch
from torch import nn

from ...training.domain import DataSpec
from ...training.labels import with_label
from ...utils.arrays import Floats, Ints
from ...utils.devices import matmul_precision, to_device

BLOCK_NUMBERS = 2**24  # numbers in one-hot rows at a time: limits memory, affects only the last digits of scores


class Scorer(Protocol):
    """A model with a critic."""

    @property
    def critic(self) -> nn.Module:
        """(B, L, V) one-hot rows -> (B,) scores."""

    @property
    def spec(self) -> DataSpec:
        """Converts ids to one-hot rows."""

    @property
    def device(self) -> torch.device:
        """Device of the critic."""


@final
@dataclass(frozen=True, kw_only=True)
class ScoreSpread:
    """Quartiles and mean of some numbers."""

    n: int
    """Number of values."""

    mean: float
    lower: float
    """First quartile."""

    median: float
    upper: float
    """Third quartile."""

    @classmethod
    def of(cls, values_N: Floats) -> ScoreSpread:
        """Compute the spread of one or more numbers."""
        lower, median, upper = np.quantile(values_N, [0.25, 0.5, 0.75]).tolist()
        return cls(n=len(values_N), mean=float(values_N.mean()), lower=lower, median=median, upper=upper)


@torch.inference_mode()
def one_hot_scores(judge: Scorer, ids_NL: Ints, label_N: Ints | None = None) -> Floats:
    """Return the critic's score of each of (N, L) ids, float64 (N,); a critic that takes labels needs theirs.

    Generated strings are scored as decoded, one-hot, like real ones. In training the critic sees the generator's
    probabilities, which it can tell from one-hot rows.
    """
    block = max(1, BLOCK_NUMBERS // int(np.prod(judge.spec.event_shape)))
    scores = []
    for first in range(0, len(ids_NL), block):
        ids_BL = to_device(np.ascontiguousarray(ids_NL[first : first + block]), judge.device)
        if label_N is not None:
            label_B = to_device(label_N[first : first + block].astype(np.int64), judge.device)
            ids_BL = with_label(ids_BL.long(), label_B)
        with matmul_precision("float32", judge.device):
            score_B = judge.critic(judge.spec.embed(ids_BL))
        scores.append(score_B.cpu().double().numpy())
    return np.concatenate(scores)
