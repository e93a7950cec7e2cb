"""ToyDomain: toy distributions for the trainer, measured by the Wasserstein distance.

Shape suffixes: B batch, N points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..config import Config
from ..errors import CheckpointError, Diverged
from ..training.domain import Items
from ..utils.counter_rng import Stream, shuffled
from ..utils.devices import to_device
from .distributions import Points, mode_measures, wasserstein
from .networks import CRITICS, GENERATORS, POINT
from .spec import ToyFacts

SAMPLES = 2_500
"""Default number of points that an evaluation generates."""

MAX_ASSIGNED = 1_000
"""Largest number of points for W1, which then takes 0.1 s, or 1 s while all generated points coincide."""

SIZE = 1 << 40
"""Number of training points: practically unlimited."""

_STREAMS = {"validation": Stream.TOY_VALIDATION, "test": Stream.TOY_TEST}


class ToySpec:
    """What a model file stores about its data: the distribution that was learnt.

    Args:
        facts: name and parameters of the distribution.
    """

    event_shape: tuple[int, ...] = (POINT,)

    def __init__(self, facts: ToyFacts) -> None:
        self.facts = facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ToySpec:
        """Build the spec from the result of `to_facts`. Raises CheckpointError when it is incomplete."""
        if "toy" not in facts:
            raise CheckpointError("the model file does not name its toy distribution")
        return cls(ToyFacts.read(facts["toy"]))

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to store in a model file."""
        return {"toy": dataclasses.asdict(self.facts)}

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a new generator and critic, as they are constructed."""
        generator = GENERATORS[config.generator.network](config.generator)
        critic = CRITICS[config.critic.network](config.critic)
        return generator, critic

    def embed(self, ids: Tensor) -> Tensor:
        """Return the points unchanged: the critic takes them as they are."""
        return ids

    def decode(self, fake: Tensor) -> Items:
        """Return generated points as a NumPy array (N, 2) of float32. Raises Diverged when one is not finite."""
        points_N2: Points = fake.cpu().numpy()
        if not np.isfinite(points_N2).all():
            raise Diverged("the generator produces points that are not finite", "lower the learning rates")
        return points_N2

    def to_text(self, samples: Items) -> list[str]:
        """Return each point as text with two decimals, e.g. (0.71, -1.41)."""
        return [f"({x:.2f}, {y:.2f})" for x, y in samples.tolist()]


class ToyDomain:
    """The trainer's Domain for a toy distribution.

    Args:
        facts: name and parameters of the distribution.
        config: of the run.
        device: device of the batches. Points are drawn on the CPU and copied there.
    """

    criterion = "w1"
    size = held_out_size = SIZE

    def __init__(self, facts: ToyFacts, config: Config, device: torch.device) -> None:
        self.spec, self.config, self.device = ToySpec(facts), config, device
        self.distribution = facts.distribution
        self.samples = config.evaluation.samples or SAMPLES
        self._floors: dict[tuple[str, int], float] = {}

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return training points as (B, 2) float32 on the device."""
        return to_device(self._draw(Stream.TOY, indices_B), self.device)

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation points as (B, 2) float32 on the device."""
        return torch.from_numpy(self._draw(Stream.TOY_VALIDATION, indices_B)).to(self.device)

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Return w1 and its floor; for a mixture also modes, high_quality and mode_kl of all (N, 2) samples.

        w1: exact distance between the first samples, at most MAX_ASSIGNED, and as many points of the validation or
        test half, which are never used in training. w1_floor: the same with training points instead of samples. The
        w1 of a perfect generator is not 0 but near the floor, which shrinks as the number of points grows.
        """
        count = min(len(samples), MAX_ASSIGNED)
        numbers = {"w1": wasserstein(samples[:count], self._half(half, count)), "w1_floor": self._floor(half, count)}
        return numbers | (mode_measures(samples, self.distribution) if self.distribution.centres else {})

    def _draw(self, stream: Stream, index_N: npt.NDArray[np.int64]) -> Points:
        return self.distribution.sample(self.config.training.seed, stream, index_N)

    def _half(self, half: str, count: int) -> Points:
        return self._draw(_STREAMS[half], np.arange(count))

    def _floor(self, half: str, count: int) -> float:
        if (half, count) not in self._floors:
            chosen_N = shuffled(self.config.training.seed, Stream.FLOOR, np.arange(count), self.size)
            self._floors[half, count] = wasserstein(self._draw(Stream.TOY, chosen_N), self._half(half, count))
        return self._floors[half, count]
