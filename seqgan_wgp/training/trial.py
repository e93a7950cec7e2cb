"""Time training rounds on random items, to find how fast this machine is with given settings.

Shape suffixes: B batch, N items, E numbers of a point.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import config as configs
from ..config import Config
from ..errors import Diverged
from ..utils.counter_rng import Stream, uniform
from ..utils.devices import to_device
from ..utils.threads import computing_with
from .domain import DataSpec, Items
from .labels import labels_of
from .trainer import Trainer

MAX_ITEMS, MAX_NUMBERS = 1_024, 1 << 24
"""Most distinct items in a trial, and most numbers in their points."""

WARM_UP_ROUNDS = 3
"""Rounds before timing: optimizers create their state in the first, a GPU records its graph in the second."""

ROUNDS = 3
"""Number of rounds in one timing."""

NEVER = 1 << 30
"""Rounds between evaluations and records: so many that a trial has none."""

ONE_OF_EACH: Mapping[str, object] = {
    "training.critic_steps": 1,
    "training.generator_steps": 1,
    "training.generator_steps_more": 0,
    "training.extra_steps_above": None,
}
"""Settings for rounds of one step of each network, which are enough to compare numbers of threads."""


@final
@dataclass(frozen=True, kw_only=True)
class TrialData:
    """What a trial needs to know about a run's data."""

    spec: DataSpec
    size: int
    """Approximate number of training items."""

    samples: int
    """Approximate number of generated items in an evaluation."""

    score: Callable[[Items], object] = lambda _samples: None
    """Scores generated items as an evaluation does, or does something that takes as long."""


@final
class TrialDomain:
    """A `Domain` of random items: random points of critic space, decoded by the spec."""

    criterion = "none"

    def __init__(self, data: TrialData, device: torch.device) -> None:
        self.spec, self.size, self.samples, self.held_out_size = data.spec, data.size, data.samples, data.size
        self._device, self._score = device, data.score
        columns = math.prod(data.spec.event_shape)
        index_N = torch.arange(max(1, min(data.size, MAX_ITEMS, MAX_NUMBERS // columns)))
        points_NE = uniform(0, Stream.FLOOR, index_N, columns)
        self._items_N = data.spec.decode(points_NE.view(-1, *data.spec.event_shape))
        labels = labels_of(data.spec)
        if labels is not None:
            label_N = labels.draw(0, Stream.SAMPLE_LATENT, index_N).numpy()
            self._items_N = np.concatenate([self._items_N.astype(np.int64), label_N[:, None]], axis=1)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items, cyclically."""
        return to_device(self._items_N[indices_B % len(self._items_N)], self._device)

    held_out = batch

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Measure nothing, but take as long as an evaluation."""
        del half
        self._score(samples)
        return {}


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class RoundTimer:
    """Times training rounds on random items. The trained networks are discarded.

    Args:
        data: the kind and amount of data.
        config: settings; every "auto" is resolved except what is to be tried.
        device: device of training.
        clock: returns the time in seconds.
        wait: waits until the device is idle.
    """

    def __init__(
        self,
        data: TrialData,
        config: Config,
        device: torch.device,
        *,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[torch.device], None] = wait_for,
    ) -> None:
        self._data, self._config, self._device, self._clock, self._wait = data, config, device, clock, wait

    def trainer(self, settings: Mapping[str, object]) -> Trainer:
        """Return a trainer with some settings changed, after its warm-up rounds."""
        first = {"training.warm_up": 0, "training.warm_up_until": None, "training.likelihood_steps": 0}
        seldom = {"evaluation.every": NEVER, "log.every": NEVER}
        config = configs.override(self._config, {**first, **seldom, **settings})
        trainer = Trainer.from_config(TrialDomain(self._data, self._device), config, self._device)
        self._rounds(trainer, WARM_UP_ROUNDS)
        return trainer

    def round_seconds(self, settings: Mapping[str, object]) -> float:
        """Return the seconds of a round with some settings changed; infinite if it does not fit into memory."""
        try:
            return self.seconds_of(self.trainer(settings))
        except torch.OutOfMemoryError:
            return float("inf")

    def seconds_of(self, trainer: Trainer, threads: int | None = None, rounds: int = ROUNDS) -> float:
        """Return the mean seconds of a trainer's next rounds with this number of threads; None: the present number."""
        with computing_with(threads):
            return self._seconds(lambda: self._rounds(trainer, rounds)) / rounds

    def evaluation_seconds(self, trainer: Trainer) -> tuple[float, float]:
        """Return the seconds for generating an evaluation's samples, and for scoring them."""
        samples = trainer.samples()  # not timed: in the first call the device loads its kernels
        return self._seconds(trainer.samples), self._seconds(lambda: self._data.score(samples))

    def _rounds(self, trainer: Trainer, count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(Diverged):  # random items may cause it; a real run reports its own
                trainer.round()
        self._wait(self._device)

    def _seconds(self, do: Callable[[], object]) -> float:
        self._wait(self._device)
        began = self._clock()
        do()
        self._wait(self._device)
        return self._clock() - began
