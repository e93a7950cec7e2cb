"""Labels of conditional models: how they are drawn, and how they travel with latents and items.

A label is a number, 0 .. K - 1. It travels as the last column of what it belongs to: behind the latents that a
generator reads, and behind the ids of a compact item. So a batch with its labels is one tensor, which is looked up,
divided among processes and recorded in a CUDA graph like any other.

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

LABELS_MOST = 1_000
"""Labels that a model may have."""

LABEL_STREAMS = {
    Stream.GENERATOR_LATENT: Stream.GENERATOR_LABEL,
    Stream.SAMPLE_LATENT: Stream.SAMPLE_LABEL,
    Stream.STATISTICS_LATENT: Stream.STATISTICS_LABEL,
}
"""Stream of latents -> that of the labels beside them. Elsewhere the labels are those of real items."""


@final
class LabelShares:
    """Draws labels by their shares. The label of an item is a function of the seed, the stream and its index.

    Args:
        weights: K numbers from 0 on, one for each label, with a positive sum.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        total = math.fsum(weights)
        self.shares = tuple(weight / total for weight in weights)
        self._bounds = tuple(accumulate(self.shares))[:-1]
        self._on_device: dict[torch.device, Tensor] = {}

    def __len__(self) -> int:
        """Return K."""
        return len(self.shares)

    def numbers(self, seed: int, stream: Stream, index_N: Tensor) -> Tensor:
        """Return the labels (N,), int64, at `index_N`, on its device.

        Args:
            seed: of the stream.
            stream: of the latents beside them, a key of LABEL_STREAMS.
            index_N: numbers of the items, int64.
        """
        device = index_N.device
        if device not in self._on_device:  # kept, so that a recorded round copies nothing from the host
            self._on_device[device] = torch.tensor(self._bounds, dtype=torch.float32, device=device)
        uniform_N = uniform(seed, LABEL_STREAMS[stream], index_N, 1)[:, 0]
        return torch.searchsorted(self._on_device[device], uniform_N, right=True)


@runtime_checkable
class Labelled(Protocol):
    """A spec whose items may have labels."""

    labels: LabelShares | None
    """Shares of the labels in training; None: its items have none."""


def labels_of(spec: object) -> LabelShares | None:
    """Return the shares of the labels of a spec; None where its items have none."""
    return spec.labels if isinstance(spec, Labelled) else None


def with_label(columns_BX: Tensor, label_B: Tensor) -> Tensor:
    """Return columns (B, X) with their labels (B,) as one more, the last."""
    return torch.cat([columns_BX, label_B[:, None].to(columns_BX.dtype)], dim=1)


def split_label(columns_BX: Tensor) -> tuple[Tensor, Tensor]:
    """Return columns without their last one, and the labels in it, int64 (B,)."""
    return columns_BX[:, :-1], columns_BX[:, -1].long()
