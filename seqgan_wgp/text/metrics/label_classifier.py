"""A linear classifier of strings by label: softmax regression on hashed n-grams, with marks at both ends.

Shape suffixes: N strings, B strings of a batch, L length, M n-grams of a string, K labels.
"""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, mix_numpy, shuffled
from ..vocabulary import PAD, mask_after_pad

ORDERS = 1, 2, 3, 4
"""n of the n-grams."""

MAX_WEIGHTS = 1 << 22
"""Weights at most: buckets times labels."""

MAX_BUCKETS = 1 << 16
BATCH, EPOCHS, MIN_STEPS, MAX_STEPS = 256, 8, 500, 4_000
LEARNING_RATE, WEIGHT_DECAY = 0.05, 1e-4

_NONE = 0
"""The bucket of n-grams behind the end of a string; its weights stay 0."""


@final
class LabelClassifier:
    """Tells the label of strings, once `fit` has made it.

    Args:
        weight: (buckets, K).
        bias_K: (K,).
    """

    def __init__(self, weight: Tensor, bias_K: Tensor) -> None:
        self._weight, self._bias_K = weight, bias_K

    def predict(self, ids_NL: Ints) -> npt.NDArray[np.int64]:
        """Return the most likely label of each of (N, L) ids, int64 (N,)."""
        parts = [
            self.logits(buckets_of(ids_NL[first : first + 4_096], len(self._weight))).argmax(dim=1)
            for first in range(0, len(ids_NL), 4_096)
        ]
        found: npt.NDArray[np.int64] = torch.cat(parts).numpy() if parts else np.zeros(0, np.int64)
        return found

    def logits(self, bucket_BM: Tensor) -> Tensor:
        """Return the (B, K) logits, given the buckets of the n-grams."""
        sums_BK = functional.embedding_bag(bucket_BM, self._weight, mode="sum", padding_idx=_NONE)
        # Divided by the root of their number, so that long strings have no larger logits than short ones.
        count_B = (bucket_BM != _NONE).sum(dim=1).clamp(min=1)
        return sums_BK / count_B.sqrt()[:, None] + self._bias_K

    @classmethod
    def fit(cls, ids_NL: Ints, label_N: npt.NDArray[np.integer], labels: int, seed: int = 0) -> LabelClassifier:
        """Train on strings and their labels, with Adam; the same arguments give the same weights on one machine.

        Args:
            ids_NL: (N, L) ids.
            label_N: their labels, below `labels`.
            labels: K.
            seed: of the order of the strings.
        """
        buckets = min(MAX_BUCKETS, MAX_WEIGHTS // labels)
        weight = torch.zeros(buckets, labels, requires_grad=True)
        bias_K = torch.zeros(labels, requires_grad=True)
        found = cls(weight, bias_K)
        steps = min(MAX_STEPS, max(MIN_STEPS, EPOCHS * len(ids_NL) // BATCH))
        optimizer = torch.optim.AdamW([weight, bias_K], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
        for step in range(steps):
            row_B = np.arange(step * BATCH, (step + 1) * BATCH)
            chosen_B = shuffled(seed, Stream.LABEL_BATCH, row_B, len(ids_NL))
            logits_BK = found.logits(buckets_of(ids_NL[chosen_B], buckets))
            loss = functional.cross_entropy(logits_BK, torch.from_numpy(label_N[chosen_B].astype(np.int64)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        return cls(weight.detach(), bias_K.detach())


def buckets_of(ids_NL: Ints, buckets: int) -> Tensor:
    """Return the buckets (N, M), int64, of the n-grams of strings, each with a mark before it and one behind it."""
    rows_NL = mask_after_pad(np.asarray(ids_NL)).astype(np.uint64)
    edge_N1 = np.full((len(rows_NL), 1), PAD, np.uint64)
    # Ids from 1 on, 1 for both marks, which differ by what stands beside them, and 0 behind the end.
    marked_NL = np.concatenate([edge_N1, rows_NL, edge_N1], axis=1) + np.uint64(1)
    past_NL = np.cumsum(marked_NL[:, 1:] == 1, axis=1) > 1
    marked_NL[:, 1:][past_NL] = 0
    parts = []
    with np.errstate(over="ignore"):
        for order in ORDERS:
            code = np.full((len(rows_NL), marked_NL.shape[1] - order + 1), order, np.uint64)
            for place in range(order):
                code = mix_numpy(code + marked_NL[:, place : place + code.shape[1]])
            bucket = (code % np.uint64(buckets - 1) + np.uint64(1)).astype(np.int64)
            parts.append(np.where(marked_NL[:, order - 1 :] == 0, _NONE, bucket))
    return torch.from_numpy(np.concatenate(parts, axis=1))
