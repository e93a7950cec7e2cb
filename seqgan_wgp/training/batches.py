"""Draw the batches of each step by index: real items, latent vectors, epsilon and instance noise.

Gulrajani et al. 2017, Algorithm 1, lines 4 and 11. A batch is a stretch of a stream's rows, and which stretch follows
from the number of the step (schedule.py). Of many processes each draws its slice of the stretch, so together they draw
the batch that one alone would.

Shape suffixes: B this process's part of a batch, Z latent, E the event's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..config import Config
from ..errors import ConfigError
from ..registry import NORMALIZATIONS
from ..utils.counter_rng import Stream, choose_numpy, normal, shuffled, uniform
from .ahead import NoiseBlock, rounds_ahead
from .distributed.process_group import ProcessGroup
from .domain import Domain
from .latents import noise_columns, training_latents
from .penalties import CONSTRAINTS, Uniform
from .schedule import Number, penalty_every

SMALL_CORPUS = 1_000
"""Below this many training items batches are drawn with replacement: an epoch would be only a few batches."""

AHEAD = 4_096
"""Items that are chosen at once, or those of one batch."""

_GENERATOR_STREAMS = (Stream.GENERATOR_LATENT, Stream.GENERATOR_NOISE)


@final
class Batches:
    """Draws what the steps of a run need; the same number gives the same batch.

    Args:
        domain: gives the items.
        config: with seed and size of a batch, and the distribution of latents.
        device: where all that is drawn is wanted.
        group: the processes that a batch is divided among.

    Raises:
        ConfigError: the real batch is to be the same in every step, and there are fewer items than it has.
    """

    def __init__(self, domain: Domain, config: Config, device: torch.device, group: ProcessGroup) -> None:
        check_fixed_batch(config, domain.size)
        self.domain, self.config, self.device = domain, config, device
        self.fixed = config.training.fixed_batch
        self.seed, self.size = config.training.seed, config.training.batch_size
        self.here, self.share = group.slice_of(self.size), group.share_of(self.size)
        self._index_B = torch.arange(self.here.start, self.here.stop, device=device)
        self._ahead = max(1, AHEAD // self.size)
        self._first = -self._ahead
        self._blocks: dict[tuple[Stream, int], tuple[NoiseBlock, int]] = {}
        """(stream, columns) -> its noise of some rounds, and its steps in a round."""
        self._prepared = False

    def rows(self, number: int) -> npt.NDArray[np.int64]:
        """Return which rows of any stream batch `number` is: (B,), counted over all that are ever drawn."""
        return np.arange(number * self.size + self.here.start, number * self.size + self.here.stop)

    def index(self, number: Number) -> Tensor:
        """Return the same as int64 on the device; `number` may live there."""
        return self._index_B + number * self.size

    def real(self, number: int) -> Tensor:
        """Return real batch `number` of the run: B compact items on the device."""
        return self.domain.batch(self._items(number))

    def latents(self, generator: nn.Module, stream: Stream, number: Number) -> Tensor:
        """Return what the generator makes the fakes of step `number` of: latents (B, Z), and its noise behind them."""
        columns = self.config.generator.latent + noise_columns(generator)
        return self._noise(
            stream, number, columns, lambda index_M: training_latents(generator, self.config, stream, index_M)
        )

    def epsilon(self, number: Number) -> Uniform:
        """Return where critic step `number` takes its penalty: columns -> (B, columns) in [0, 1)."""

        def draw(columns: int) -> Tensor:
            stream = Stream.EPSILON
            return self._noise(stream, number, columns, lambda index_M: uniform(self.seed, stream, index_M, columns))

        return draw

    def noise(self, stream: Stream, number: Number, deviation: float) -> Tensor:
        """Return instance noise (B, ...) of a standard deviation, of the shape of points of critic space."""
        shape = self.domain.spec.event_shape
        columns = math.prod(shape)
        noise_BE = self._noise(stream, number, columns, lambda index_M: normal(self.seed, stream, index_M, columns))
        return deviation * noise_BE.reshape(-1, *shape)

    def prepare(self, round_: int) -> None:
        """Draw all noise of a round that earlier rounds have had too, so that a recorded round finds it.

        From then on a step whose number is a tensor reads what was prepared, and draws nothing.
        """
        self._prepared = True
        for block, steps in self._blocks.values():
            block.fill(round_ * steps)

    def _noise(self, stream: Stream, number: Number, columns: int, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the noise (B, columns) of a step, drawn for many rounds at once where that is possible."""
        drawn = self._blocks.get((stream, columns))
        if isinstance(number, Tensor) and not (drawn and self._prepared):
            return draw(self.index(number))
        if drawn is None:
            steps = self._steps_in_round(stream)
            rounds = rounds_ahead(steps * len(self._index_B) * columns)
            if not rounds * steps:
                return draw(self.index(number))
            drawn = NoiseBlock(draw, self._index_B, self.size, rounds * steps), steps
            self._blocks[stream, columns] = drawn
        return drawn[0].at(number)

    def _steps_in_round(self, stream: Stream) -> int:
        """Return how many steps of a round draw from a stream, if their numbers follow each other; else 0."""
        settings = self.config.training
        if stream not in _GENERATOR_STREAMS:
            return settings.critic_steps
        more = settings.generator_steps_more or settings.extra_steps_above is not None
        return 1 if settings.generator_steps == 1 and not more else 0

    def _items(self, number: int) -> npt.NDArray[np.int64]:
        """Return the items of real batch `number`; chosen for many batches at once, which takes hardly longer."""
        if self.fixed:
            return self.rows(0)
        if not self._first <= number < self._first + self._ahead:
            self._first = number - number % self._ahead
            row_NB = np.stack([self.rows(self._first + k) for k in range(self._ahead)])
            choose = choose_numpy if self.domain.size < SMALL_CORPUS else shuffled
            chosen_M = choose(self.seed, Stream.BATCH, row_NB.ravel(), self.domain.size)
            self._chosen_NB: npt.NDArray[np.int64] = chosen_M.reshape(row_NB.shape)
        chosen_B: npt.NDArray[np.int64] = self._chosen_NB[number - self._first]
        return chosen_B


def check_fixed_batch(config: Config, size: int) -> None:
    """Raise ConfigError where every step is to have the same real batch and there are too few training items for it."""
    batch = config.training.batch_size
    if config.training.fixed_batch and size < batch:
        raise ConfigError(
            f"training.fixed_batch is true, but batch_size is {batch} and there are only {size} training items",
            f"set training.batch_size to {size} or less, or training.fixed_batch=false",
        )


def check_divisible(config: Config, size: int) -> None:
    """Raise ConfigError unless a batch can be divided among so many processes and the run stay the same."""
    if size == 1:
        return
    if config.training.device == "mps":
        raise ConfigError(
            "training.device is 'mps', which only one process can use", "train in one process, or use another device"
        )
    batch, objective, alone = config.training.batch_size, config.objective, "train in one process, or "
    if config.training.likelihood_steps:
        raise ConfigError(
            f"training.likelihood_steps is {config.training.likelihood_steps}, which one process does by itself, and "
            f"there are {size}",
            "train in one process",
        )
    for part in ("generator", "critic"):
        normalization = getattr(config, part).normalization
        if NORMALIZATIONS[normalization].mixes_samples:
            raise ConfigError(
                f"{part}.normalization is {normalization!r}, which needs statistics of the whole batch, but each of "
                f"the {size} processes has only a part of it",
                f"{alone}set {part}.normalization=layer",
            )
    if CONSTRAINTS[objective.constraint].mixes_samples:
        raise ConfigError(
            f"objective.constraint is {objective.constraint!r}, which needs the whole batch, but each of the "
            f"{size} processes has only a part of it",
            f"{alone}set objective.constraint=gp, or lp",
        )
    if 0 < batch < size * (every := penalty_every(objective, batch)):  # less than 0: not decided yet
        penalised = f", with penalties at one in {every} of it," if every > 1 else ","
        raise ConfigError(
            f"training.batch_size is {batch}{penalised} and cannot be divided among {size} processes",
            f"start at most {batch // every} processes, or set a larger training.batch_size",
        )
