"""Labels of conditional models: how they are drawn, and how they are stored beside latents and items.

A label is an integer, 0 .. K - 1. It is stored as the last column: after the latent in a generator's input, and after
the ids of a compact item. So a batch with its labels is one tensor, which is looked up, divided among processes and
recorded in a CUDA graph like any other.

Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", section 3.2: both networks are given the label.

Shape suffixes: N items, B batch, X columns, K labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol, final, runtime_checkable

import torch
from torch import Tensor

from ..utils.counter_rng import Stream, uniform

MAX_LABELS = 1_000
"""Largest number of labels of a model."""

LABEL_STREAMS = {
    Stream.GENERATOR_LATENT: Stream.GENERATOR_LABEL,
    Stream.SAMPLE_LATENT: Stream.SAMPLE_LABEL,
    Stream.STATISTICS_LATENT: Stream.STATISTICS_LABEL,
}
"""Stream of latents -> stream of their labels. In all other streams the labels are those of real items."""


@final
class LabelShares:
    """A distribution of labels. The label drawn for an item is a function of the seed, the stream and its index.

    Args:
        weights: K non-negative numbers, one for each label, with a positive sum.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        total = math.fsum(weights)
        self.shares = tuple(weight / total for weight in weights)
        self._bounds = tuple(accumulate(self.shares))[:-1]
        self._on_device: dict[torch.device, Tensor] = {}

    def __len__(self) -> int:
        """Return K."""
        return len(self.shares)

    def draw(self, seed: int, stream: Stream, index_N: Tensor) -> Tensor:
        """Return the labels (N,) of items, int64, on the device of `index_N`.

        Args:
            seed: random seed.
            stream: stream of the items' latents, a key of LABEL_STREAMS.
            index_N: indices of the items, int64.
        """
        device = index_N.device
        if device not in self._on_device:  # cached, since a CUDA graph cannot record a copy from the host
            self._on_device[device] = torch.tensor(self._bounds, dtype=torch.float32, device=device)
        uniform_N = uniform(seed, LABEL_STREAMS[stream], index_N, 1)[:, 0]
        return torch.searchsorted(self._on_device[device], uniform_N, right=True)


@runtime_checkable
class Labelled(Protocol):
    """A spec whose items may have labels."""

    labels: LabelShares | None
    """Shares of the labels among the training items; None: the items have no labels."""


def labels_of(spec: object) -> LabelShares | None:
    """Return the shares of the labels of a spec; None if its items have no labels."""
    return spec.labels if isinstance(spec, Labelled) else None


def with_label(columns_BX: Tensor, label_B: Tensor) -> Tensor:
    """Return columns (B, X) with labels (B,) appended as the last column, (B, X + 1)."""
    return torch.cat([columns_BX, label_B[:, None].to(columns_BX.dtype)], dim=1)


def split_label(columns_BX: Tensor) -> tuple[Tensor, Tensor]:
    """Return the columns without the last one, and the labels in the last one, int64 (B,)."""
    return columns_BX[:, :-1], columns_BX[:, -1].long()
