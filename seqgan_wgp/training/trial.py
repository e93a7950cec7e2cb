"""Try rounds of training on made-up items, to see how long they take on this machine.

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
from ..utils.devices import sent
from ..utils.threads import computing_with
from .domain import DataSpec, Items
from .labels import labels_of
from .trainer import Trainer

ITEMS_MOST, NUMBERS_MOST = 1_024, 1 << 24
"""Different items that rounds are tried on, and numbers in their points."""

WARM_UP_ROUNDS = 3
"""Rounds that are not timed: optimizers create their state in the first, and a GPU records its rounds in the second."""

ROUNDS = 3
"""Rounds that are timed together."""

NEVER = 1 << 30
"""Rounds between evaluations and records: none is in a trial."""

ONE_OF_EACH: Mapping[str, object] = {
    "training.critic_steps": 1,
    "training.generator_steps": 1,
    "training.generator_steps_more": 0,
    "training.extra_steps_above": None,
}
"""Settings of a round of one step of each network: enough to compare numbers of threads."""


@final
@dataclass(frozen=True, kw_only=True)
class TrialData:
    """What a trial knows of the data that a run is to learn from."""

    spec: DataSpec
    size: int
    """Training items, about."""

    samples: int
    """Generated items of one evaluation, about."""

    score: Callable[[Items], object] = lambda _samples: None
    """Does what an evaluation does with generated items, or what takes as long."""


@final
class TrialDomain:
    """Made-up items of a kind, as the trainer's Domain: what the spec makes of random points of critic space."""

    criterion = "none"

    def __init__(self, data: TrialData, device: torch.device) -> None:
        self.spec, self.size, self.samples, self.held_out_size = data.spec, data.size, data.samples, data.size
        self._device, self._score = device, data.score
        columns = math.prod(data.spec.event_shape)
        index_N = torch.arange(max(1, min(data.size, ITEMS_MOST, NUMBERS_MOST // columns)))
        points_NE = uniform(0, Stream.FLOOR, index_N, columns)
        self._items_N = data.spec.decode(points_NE.view(-1, *data.spec.event_shape))
        labels = labels_of(data.spec)
        if labels is not None:
            label_N = labels.numbers(0, Stream.SAMPLE_LATENT, index_N).numpy()
            self._items_N = np.concatenate([self._items_N.astype(np.int64), label_N[:, None]], axis=1)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items, the same ones over and over."""
        return sent(self._items_N[indices_B % len(self._items_N)], self._device)

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
    """Times rounds of a config on made-up items. What it trains is thrown away.

    Args:
        data: of which kind items are made up.
        config: with all decided but what is to be tried.
        device: where rounds are computed.
        clock: in seconds.
        wait: waits until the device is done.
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
        """Return a trainer of the config with some settings changed, its first rounds done."""
        first = {"training.warm_up": 0, "training.warm_up_until": None, "training.likelihood_steps": 0}
        seldom = {"evaluation.every": NEVER, "log.every": NEVER}
        config = configs.override(self._config, {**first, **seldom, **settings})
        trainer = Trainer.from_config(TrialDomain(self._data, self._device), config, self._device)
        self._rounds(trainer, WARM_UP_ROUNDS)
        return trainer

    def round_seconds(self, settings: Mapping[str, object]) -> float:
        """Return the seconds of a round with some settings changed; infinite where the device has no room for it."""
        try:
            return self.seconds_of(self.trainer(settings))
        except torch.OutOfMemoryError:
            return float("inf")

    def seconds_of(self, trainer: Trainer, threads: int | None = None, rounds: int = ROUNDS) -> float:
        """Return the seconds of a trainer's next rounds, each, with so many threads."""
        with computing_with(threads):
            return self._seconds(lambda: self._rounds(trainer, rounds)) / rounds

    def evaluation_seconds(self, trainer: Trainer) -> tuple[float, float]:
        """Return the seconds that an evaluation takes to generate, and to score."""
        samples = trainer.samples()  # the first time a device loads what it needs
        return self._seconds(trainer.samples), self._seconds(lambda: self._data.score(samples))

    def _rounds(self, trainer: Trainer, count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(Diverged):  # as made-up items may have it; a run says so when it happens
                trainer.round()
        self._wait(self._device)

    def _seconds(self, do: Callable[[], object]) -> float:
        self._wait(self._device)
        began = self._clock()
        do()
        self._wait(self._device)
        return self._clock() - began
