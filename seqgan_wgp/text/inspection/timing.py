"""Measure how long a training round takes on this machine, with random items."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ...config import Config
from ...errors import Diverged
from ...training.trainer import Trainer
from ...training.trial import TrialData, TrialDomain
from ..domain import TextSpec
from ..vocabulary import Vocabulary

SECONDS = 1.0
"""Duration of the measurement, unless a single round takes longer."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Result of the measurement."""

    device: str
    seconds: float
    """Time of one round."""


Measure = Callable[[Config, Vocabulary, int], Pace | None]
"""(config, vocabulary, length) -> pace; None if it cannot be measured."""


def measure(config: Config, vocabulary: Vocabulary, length: int, device: torch.device) -> Pace | None:
    """Train for about a second in memory and return the time of a round; None if training fails."""
    data = TrialData(spec=TextSpec(vocabulary, length, {}), size=config.training.batch_size, samples=1)
    trainer = Trainer.from_config(TrialDomain(data, device), config, device)
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
