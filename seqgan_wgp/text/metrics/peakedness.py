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
    """How peaked distributions are, in the mean over a batch, position by position."""

    peak_L: Tensor
    """Mean of the largest probability: 1 / V where all are equal, 1 of a one-hot row."""

    entropy_bits_L: Tensor
    """Mean of the entropy in bits: log2 V where all probabilities are equal, 0 of a one-hot row."""


def peakedness(fake_BLV: Tensor) -> Peakedness:
    """Return mean largest probability and mean entropy, -sum p log2 p with 0 log 0 = 0, at each position.

    Real text is one-hot, and what the critic tells first is that generated rows are not: a generator that ends in a
    softmax has to learn to be sure. Gulrajani et al. 2017, section 5.5, feed such rows to the critic as they are.

    Args:
        fake_BLV: the last axis holds probabilities that sum to 1.
    """
    fake_BLV = fake_BLV.detach()
    peak_BL = fake_BLV.amax(dim=-1)
    entropy_BL = torch.special.entr(fake_BLV).sum(dim=-1) / math.log(2)
    return Peakedness(peak_L=peak_BL.mean(dim=0), entropy_bits_L=entropy_BL.mean(dim=0))
