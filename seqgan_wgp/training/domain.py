"""The DataSpec and Domain protocols: all that the trainer needs from a kind of data.

Shape suffixes: B batch, N items; ... the axes of one item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ..config import Config

Items = npt.NDArray[Any]
"""Compact items on the host, (N, ...): of whatever type takes little room and loses nothing."""


class DataSpec(Protocol):
    """What a trained model needs to know of its data to generate: shapes, networks, decoding."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one item in critic space, e.g. (L, V) for text."""

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a new generator, (B, latent) -> (B, *event_shape), and critic, (B, *event_shape) -> (B,).

        Their weights are as constructed; `build.build_generator_and_critic` draws those that training begins with.
        """

    def embed(self, ids: Tensor) -> Tensor:
        """Return compact items as points of critic space, float32 (B, *event_shape)."""

    def decode(self, fake: Tensor) -> Items:
        """Return generated points of critic space as compact items on the host."""

    def to_text(self, samples: Items) -> list[str]:
        """Return compact items as text for people, one each."""

    def to_facts(self) -> dict[str, Any]:
        """Return the JSON values that the spec is rebuilt from; they go into the model file."""


class StoredSpec(DataSpec, Protocol):
    """A spec that a model file is opened with."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the spec that `to_facts` described. Raises CheckpointError when something is missing."""


@runtime_checkable
class Observant(Protocol):
    """A spec that measures generated points itself, beside what the critic says of them."""

    def observe(self, fake: Tensor) -> dict[str, Any]:
        """Return numbers, and lists of them, as JSON values: they go into the diagnostics' records."""


class Domain(Protocol):
    """A spec with data: real items in compact form, and a measure of quality."""

    @property
    def spec(self) -> DataSpec:
        """The kind of data."""

    @property
    def size(self) -> int:
        """Number of training items."""

    @property
    def samples(self) -> int:
        """Generated items that one evaluation takes."""

    @property
    def criterion(self) -> str:
        """Name of the measure that the best model has the lowest value of."""

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return training items number `indices_B` in compact form, on the device."""

    @property
    def held_out_size(self) -> int:
        """Number of validation items."""

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return validation items number `indices_B` in compact form, on the device."""

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Return measures of compact generated items against a held-out half: "validation" or "test"."""
