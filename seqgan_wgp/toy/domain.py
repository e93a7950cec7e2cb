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
from ..nn.initialization import initialize_pair
from ..training.domain import Items
from ..utils.counter_rng import Stream, shuffled
from ..utils.devices import sent
from .distributions import Points, mode_measures, wasserstein
from .networks import CRITICS, GENERATORS, POINT
from .spec import ToyFacts

SAMPLES = 2_500
"""Points that an evaluation generates, unless told otherwise."""

ASSIGNED_MOST = 1_000
"""Points that W1 is taken between: a tenth of a second for each evaluation, a whole one while they lie in a heap."""

SIZE = 1 << 40
"""Number of training points: practically unlimited."""

_STREAMS = {"validation": Stream.TOY_VALIDATION, "test": Stream.TOY_TEST}


class ToySpec:
    """What a model of points is: the plane, and which distribution was learnt.

    Args:
        facts: which.
    """

    event_shape: tuple[int, ...] = (POINT,)

    def __init__(self, facts: ToyFacts) -> None:
        self.facts = facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ToySpec:
        """Read what `to_facts` gave. Raises CheckpointError when it is not complete."""
        if "toy" not in facts:
            raise CheckpointError("the model file does not name its toy distribution")
        return cls(ToyFacts.read(facts["toy"]))

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to write into a model file."""
        return {"toy": dataclasses.asdict(self.facts)}

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a fresh generator and critic, a pure function of the config."""
        generator = GENERATORS[config.generator.network](config.generator)
        critic = CRITICS[config.critic.network](config.critic)
        initialize_pair(generator, critic, config)
        return generator, critic

    def embed(self, ids: Tensor) -> Tensor:
        """Return the points as they are: compact items are points of critic space already."""
        return ids

    def decode(self, fake: Tensor) -> Items:
        """Return generated points as (N, 2) float32 on the host. Raises Diverged when one is not finite."""
        points_N2: Points = fake.cpu().numpy()
        if not np.isfinite(points_N2).all():
            raise Diverged("the generator produces points that are not finite", "lower the learning rates")
        return points_N2

    def to_text(self, samples: Items) -> list[str]:
        """Return points with two places each, e.g. (0.71, -1.41)."""
        return [f"({x:.2f}, {y:.2f})" for x, y in samples.tolist()]


class ToyDomain:
    """A distribution, as the trainer's Domain.

    Args:
        facts: which.
        config: of the run.
        device: where batches are wanted. Points are drawn on the host and travel.
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
        return sent(self._draw(Stream.TOY, indices_B), self.device)

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation points as (B, 2) float32 on the device."""
        return torch.from_numpy(self._draw(Stream.TOY_VALIDATION, indices_B)).to(self.device)

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Return w1 and its floor; of a mixture also modes, high_quality and mode_kl of all (N, 2) samples.

        w1: exact distance between the first samples, ASSIGNED_MOST at most, and as many points of the half, which is
        draws that are never trained on. Its floor: as many training points in the samples' stead. It shrinks with their
        number: the w1 of a perfect generator is not 0 but at the floor.
        """
        count = min(len(samples), ASSIGNED_MOST)
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
