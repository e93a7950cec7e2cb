"""Batches: the real items, latent vectors, epsilon and instance noise of each step, as functions of the step's number.

Gulrajani et al. 2017, Algorithm 1, lines 4 and 11. The number of a step (schedule.py) selects consecutive rows of a
random stream. In distributed training each process draws its slice of them, so together the processes draw the batch
that a single one would.

Noise is drawn, and real items are looked up, for many steps at once. A random number depends only on its seed, stream,
index and column, so it is the same bit for bit, however many are drawn with it.

Shape suffixes: N batches, S steps, B this process's part of a batch, M rows of several batches, Z latent, E numbers of
a point, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..config import Config
from ..errors import ConfigError
from ..registry import NORMALIZATIONS
from ..utils.counter_rng import Stream, choose_numpy, normal, shuffled, uniform
from .distributed.process_group import ProcessGroup
from .domain import Domain
from .labels import labels_of, with_label
from .latents import training_latents
from .penalties import CONSTRAINTS, Uniform
from .schedule import Number, penalty_every

SMALL_CORPUS = 1_000
"""Below this many training items, batches are drawn with replacement; an epoch would have only a few batches."""

AHEAD = 4_096
"""Most real items that are looked up at once, unless one batch has more."""

MAX_NOISE = 1 << 18
"""Most random numbers that are drawn at once: 1 MiB, and 2 MiB for each array of integers behind them."""

MAX_ROUNDS = 64
"""Most rounds for which noise is drawn at once; at the end of a run the rest is wasted."""

MAX_ITEMS = 1 << 23
"""Most numbers that the items looked up at once would have in critic space; in compact form they take less."""

_GENERATOR_STREAMS = (Stream.GENERATOR_LATENT, Stream.GENERATOR_NOISE)


@final
class Batches:
    """Draws the random inputs of the steps of a run; the same number gives the same batch.

    Args:
        domain: the data.
        config: seed, batch size, and distribution of the latents.
        device: device of everything that is drawn.
        group: the processes among which a batch is divided.
        noise_dim: number of uniforms that the generator needs per item in addition to its latent.

    Raises:
        ConfigError: `training.fixed_batch` is set, and there are too few training items for a batch.
    """

    def __init__(
        self, domain: Domain, config: Config, device: torch.device, group: ProcessGroup, noise_dim: int = 0
    ) -> None:
        check_fixed_batch(config, domain.size)
        self.domain, self.config, self.device, self.noise_dim = domain, config, device, noise_dim
        self.labels = labels_of(domain.spec)
        self.fixed = config.training.fixed_batch
        self.seed, self.size = config.training.seed, config.training.batch_size
        self.here, self.share = group.slice_of(self.size), group.share_of(self.size)
        self._index_B = torch.arange(self.here.start, self.here.stop, device=device)
        items = min(AHEAD, MAX_ITEMS // max(1, math.prod(domain.spec.event_shape)))
        self._ahead = 1 if self.fixed else max(1, items // self.size)
        self._first = -self._ahead
        self._blocks: dict[tuple[Stream, int], tuple[NoiseBlock, int]] = {}
        """(stream, columns) -> noise of several rounds, and the number of steps per round."""
        self._prepared = False

    def rows(self, number: int) -> npt.NDArray[np.int64]:
        """Return the row numbers of batch `number`, (B,), the same in every stream; they count over the whole run."""
        return np.arange(number * self.size + self.here.start, number * self.size + self.here.stop)

    def index(self, number: Number) -> Tensor:
        """Return `rows` as an int64 tensor; `number` may be a tensor on the device."""
        return self._index_B + number * self.size

    def real(self, number: int) -> Tensor:
        """Return real batch `number` of the run: compact items (B, ...) on the device."""
        if self.fixed:
            number = 0
        if not self._first <= number < self._first + self._ahead:
            self._first = number - number % self._ahead
            items_NB = self._items(range(self._first, self._first + self._ahead))
            self._real_N = torch.split(self.domain.batch(items_NB.ravel()), items_NB.shape[1])
        real: Tensor = self._real_N[number - self._first]
        return real

    def latents(self, stream: Stream, number: Number, real: Tensor | None = None) -> Tensor:
        """Return the generator's inputs for step `number`: latents (B, Z), followed by `noise_dim` uniforms.

        In a conditional run a label is the last column. It is taken from the item at the same position of `real`, so
        that an interpolate has the label of both its ends; without `real` it is drawn.
        """
        columns = self.config.generator.latent + self.noise_dim + (self.labels is not None and real is None)

        def draw(index_M: Tensor) -> Tensor:
            return training_latents(self.noise_dim, self.config, stream, index_M, self.labels)

        drawn_BX = self._noise(stream, number, columns, draw)
        return drawn_BX if self.labels is None or real is None else with_label(drawn_BX, real[:, -1])

    def epsilon(self, number: Number) -> Uniform:
        """Return the random numbers of critic step `number`'s penalty: columns -> (B, columns) in [0, 1)."""

        def draw(columns: int) -> Tensor:
            stream = Stream.EPSILON
            return self._noise(stream, number, columns, lambda index_M: uniform(self.seed, stream, index_M, columns))

        return draw

    def noise(self, stream: Stream, number: Number, std: float) -> Tensor:
        """Return Gaussian instance noise with this standard deviation, in the shape of points of critic space."""
        shape = self.domain.spec.event_shape
        columns = math.prod(shape)
        noise_BE = self._noise(stream, number, columns, lambda index_M: normal(self.seed, stream, index_M, columns))
        return std * noise_BE.reshape(-1, *shape)

    def prepare(self, round_: int) -> None:
        """Draw all noise of a round in advance, for the streams that earlier rounds have used.

        From then on, a step whose number is a tensor reads this noise and draws none, so a CUDA graph can record it.
        """
        self._prepared = True
        for block, steps in self._blocks.values():
            block.fill(round_ * steps)

    def _noise(self, stream: Stream, number: Number, columns: int, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the noise (B, columns) of a step, drawn for many rounds at once if possible."""
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
        """Return how many steps of a round draw from a stream; 0 if their numbers are not consecutive."""
        settings = self.config.training
        if stream not in _GENERATOR_STREAMS:
            return settings.critic_steps
        more = settings.generator_steps_more or settings.extra_steps_above is not None
        return 1 if settings.generator_steps == 1 and not more else 0

    def _items(self, numbers: range) -> npt.NDArray[np.int64]:
        """Return the indices of the training items in the real batches `numbers`, (N, B)."""
        row_NB = np.stack([self.rows(number) for number in numbers])
        if self.fixed:
            return row_NB
        choose = choose_numpy if self.domain.size < SMALL_CORPUS else shuffled
        return choose(self.seed, Stream.BATCH, row_NB.ravel(), self.domain.size).reshape(row_NB.shape)


def rounds_ahead(numbers: int) -> int:
    """Return for how many rounds to draw noise at once, at `numbers` per round; 0: a single round is too large."""
    return min(MAX_ROUNDS, MAX_NOISE // max(1, numbers))


@final
class NoiseBlock:
    """Noise of one stream for the steps of several rounds, at a fixed address, from which a CUDA graph can read.

    Args:
        draw: row numbers (M,), int64 on the device -> noise (M, C).
        index_B: positions of this process's items in a batch.
        size: size of the whole batch.
        steps: number of steps in a block.
    """

    def __init__(self, draw: Callable[[Tensor], Tensor], index_B: Tensor, size: int, steps: int) -> None:
        self._draw, self._index_B, self._size, self._steps = draw, index_B, size, steps
        self._first = 0
        self._first_step = torch.zeros((), dtype=torch.int64, device=index_B.device)
        self._noise_SBC = self._drawn()

    def fill(self, number: int) -> None:
        """Draw the block that contains step `number`, unless it is the present one."""
        first = number - number % self._steps
        if first != self._first:
            self._first = first
            self._first_step.fill_(first)
            self._noise_SBC.copy_(self._drawn())

    def at(self, number: Number) -> Tensor:
        """Return the noise (B, C) of step `number`: a view that is valid until another block is drawn.

        If `number` is a tensor, its block must have been drawn with `fill`.
        """
        if isinstance(number, Tensor):
            return self._noise_SBC.index_select(0, (number - self._first_step)[None])[0]
        self.fill(number)
        return self._noise_SBC[number - self._first]

    def _drawn(self) -> Tensor:
        step_S = torch.arange(self._first, self._first + self._steps, device=self._index_B.device)
        index_SB = step_S[:, None] * self._size + self._index_B
        noise_MC = self._draw(index_SB.flatten())
        return noise_MC.view(*index_SB.shape, noise_MC.shape[1])


def check_fixed_batch(config: Config, size: int) -> None:
    """Raise ConfigError if `training.fixed_batch` is set and there are too few training items for a batch."""
    batch = config.training.batch_size
    if config.training.fixed_batch and size < batch:
        raise ConfigError(
            f"training.fixed_batch is true, but batch_size is {batch} and there are only {size} training items",
            f"set training.batch_size to {size} or less, or training.fixed_batch=false",
        )


def check_divisible(config: Config, size: int) -> None:
    """Raise ConfigError unless a batch can be divided among `size` processes without changing the run."""
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
