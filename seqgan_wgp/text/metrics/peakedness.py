"""Measure how close generated rows of probabilities are to one-hot rows.

Shape suffixes: B batch, L length, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Peakedness:
    """Peak probability and entropy by position, averaged over a batch."""

    peak_L: Tensor
    """Mean of the largest probability: 1 / V for a uniform distribution, 1 for one-hot."""

    entropy_bits_L: Tensor
    """Mean of the entropy in bits: log2 V for a uniform distribution, 0 for one-hot."""


def peakedness(fake_BLV: Tensor) -> Peakedness:
    """Return mean largest probability and mean entropy, -sum p log2 p with 0 log 0 = 0, at each position.

    Real text is one-hot, and the critic first learns that generated rows are not, so a generator with a softmax must
    learn to be certain. Gulrajani et al. 2017, section 5.5, feed softmax outputs to the critic unchanged.

    Args:
        fake_BLV: the last axis holds probabilities that sum to 1.
    """
    fake_BLV = fake_BLV.detach()
    peak_BL = fake_BLV.amax(dim=-1)
    entropy_BL = torch.special.entr(fake_BLV).sum(dim=-1) / math.log(2)
    return Peakedness(peak_L=peak_BL.mean(dim=0), entropy_bits_L=entropy_BL.mean(dim=0))
