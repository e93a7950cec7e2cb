"""DataSpec and Domain: the protocols through which the trainer sees a kind of data.

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
"""Compact items on the host, (N, ...): a small lossless form of the data, such as token ids or pixel bytes."""


class DataSpec(Protocol):
    """What a model must know about its data: shapes, networks, and conversion to and from critic space.

    Critic space holds what the generator outputs and the critic scores: one-hot rows for text, pixel values for images.
    """

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one item in critic space, e.g. (L, V) for text."""

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        """Return a new generator, (B, latent) -> (B, *event_shape), and critic, (B, *event_shape) -> (B,).

        Their weights are as their constructors draw them; `build.build_generator_and_critic` initializes them.
        """

    def embed(self, ids: Tensor) -> Tensor:
        """Return compact items as points of critic space, float32 (B, *event_shape)."""

    def decode(self, fake: Tensor) -> Items:
        """Return generated points of critic space as compact items on the host."""

    def to_text(self, samples: Items) -> list[str]:
        """Return each compact item as readable text."""

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values from which the spec can be rebuilt; they are stored in the model file."""


class StoredSpec(DataSpec, Protocol):
    """A spec that can be rebuilt from a model file."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the spec from the result of `to_facts`. Raises CheckpointError when something is missing."""


@runtime_checkable
class HasDiagnostics(Protocol):
    """A spec with diagnostics of its own for generated points."""

    def diagnostics(self, fake: Tensor) -> dict[str, Any]:
        """Return JSON values (numbers and lists of numbers) for the record of a diagnosis."""


class Domain(Protocol):
    """A data set with its spec: training and held-out items in compact form, and measures of sample quality."""

    @property
    def spec(self) -> DataSpec:
        """The kind of data."""

    @property
    def size(self) -> int:
        """Number of training items."""

    @property
    def samples(self) -> int:
        """Number of generated items in an evaluation."""

    @property
    def criterion(self) -> str:
        """Name of the measure that selects the best model; lower is better."""

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return the training items with these indices, in compact form (B, ...), on the device."""

    @property
    def held_out_size(self) -> int:
        """Number of validation items."""

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return the validation items with these indices, in compact form (B, ...), on the device."""

    def score(self, samples: Items, *, half: str = "validation") -> dict[str, float]:
        """Return measures of generated compact items against a held-out split: "validation" or "test"."""
