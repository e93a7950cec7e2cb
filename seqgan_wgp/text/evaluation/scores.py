"""What the critic thinks of strings: of those it was trained on, of such as it never saw, of generated ones.

Shape suffixes: N strings, B strings of a block, L length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import torch
from torch import nn

from ...training.domain import DataSpec
from ...training.precision import rounding
from ...utils.devices import sent
from ..hashing.hash_index import Ints
from ..metrics.ngrams import Floats

BLOCK_NUMBERS = 2**24  # of one-hot rows held at a time: bounds the memory, changes scores in the last places only


class Scorer(Protocol):
    """What has a critic, such as a trained model."""

    @property
    def critic(self) -> nn.Module:
        """From (B, L, V) one-hot rows to (B,) scores."""

    @property
    def spec(self) -> DataSpec:
        """Makes one-hot rows of ids."""

    @property
    def device(self) -> torch.device:
        """Where the critic lives."""


@final
@dataclass(frozen=True, kw_only=True)
class Spread:
    """How some numbers are spread."""

    n: int
    """How many."""

    mean: float
    lower: float
    """A quarter of them is below."""

    median: float
    upper: float
    """A quarter of them is above."""

    @classmethod
    def of(cls, values_N: Floats) -> Spread:
        """Return the spread of one number or more."""
        lower, median, upper = np.quantile(values_N, [0.25, 0.5, 0.75]).tolist()
        return cls(n=len(values_N), mean=float(values_N.mean()), lower=lower, median=median, upper=upper)


@torch.inference_mode()
def critic_scores(judge: Scorer, ids_NL: Ints) -> Floats:
    """Return the critic's score of each of (N, L) ids, float64 (N,).

    Generated strings are scored as they print, one-hot, like real ones. In training the critic sees the generator's
    softer rows, which it can tell by that alone.
    """
    block = max(1, BLOCK_NUMBERS // int(np.prod(judge.spec.event_shape)))
    scores = []
    for first in range(0, len(ids_NL), block):
        ids_BL = sent(np.ascontiguousarray(ids_NL[first : first + block]), judge.device)
        with rounding("float32", judge.device):
            score_B = judge.critic(judge.spec.embed(ids_BL))
        scores.append(score_B.cpu().double().numpy())
    return np.concatenate(scores)
