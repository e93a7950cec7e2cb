"""Measure how long a training round takes on this machine, with random data.

Shape suffixes: B batch, N items, L length.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...config import Config
from ...errors import Diverged
from ...training.trainer import Trainer
from ..domain import TextSpec
from ..vocabulary import Vocabulary

SECONDS = 1.0
"""Duration of the measurement, unless a single round takes longer."""

_ITEMS = 4096


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Result of the measurement."""

    device: str
    seconds: float
    """Time of one round."""


Measure = Callable[[Config, Vocabulary, int], Pace | None]
"""(config, vocabulary, length) -> pace; None if it cannot be measured."""


class Noise:
    """A domain of random items, since the time of a round does not depend on the data."""

    samples, criterion = 1, ""

    def __init__(self, spec: TextSpec, device: torch.device) -> None:
        self.spec, self.size, self.held_out_size = spec, _ITEMS, _ITEMS
        place_NL = np.arange(_ITEMS * spec.length).reshape(_ITEMS, spec.length)
        self._ids_NL = torch.from_numpy(place_NL * 7919 % spec.vocabulary.size).to(device)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return random items."""
        return self._ids_NL[torch.from_numpy(indices_B).to(self._ids_NL.device)]

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return the same, since nothing is held out."""
        return self.batch(indices_B)

    def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
        """Return no measures."""
        del samples, half
        return {}


def measure(config: Config, vocabulary: Vocabulary, length: int, device: torch.device) -> Pace | None:
    """Train for about a second in memory and return the time of a round; None if training fails."""
    trainer = Trainer.from_config(Noise(TextSpec(vocabulary, length, {}), device), config, device)
    try:
        began = time.perf_counter()
        trainer.round()  # slower than later rounds, which need no memory allocation or choice of kernels
        seconds, rounds = time.perf_counter() - began, 1
        if seconds < SECONDS:
            began, rounds = time.perf_counter(), 0
            while time.perf_counter() - began < SECONDS:
                trainer.round()
                rounds += 1
            seconds = time.perf_counter() - began
    except Diverged:
        return None
    return Pace(device=device.type, seconds=seconds / rounds)
