"""Quality against variety over temperature: how likely strings are under the autoregressive baseline, and how various.

A single number of quality can be bought with variety. So the nats per symbol under an outside model stand beside the
entropy of the same strings, for several temperatures: of two models the one with lower nats at equal entropy is better.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final

from ...utils.arrays import Ints
from ..metrics.ngrams import ngram_entropy, unique_fraction
from ..vocabulary import mask_after_pad
from .autoregressive import Baseline

ENTROPY_ORDER = 4
"""n of the n-grams whose entropy is shown, or L where that is less."""


class TemperatureSampler(Protocol):
    """What draws strings at a temperature, as a model does."""

    def samples(
        self, n: int, *, seed: int = 0, start: int = 0, decode: str = "argmax", temperature: float = 1.0
    ) -> Iterator[Ints]:
        """Yield (N, L) ids number `start` on, n in all."""


@final
@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """One set of strings: drawn at a temperature, as the model is in use, or real."""

    temperature: float | None
    """None: not drawn at a temperature."""

    nll: float
    """Mean nats per symbol under the baseline."""

    entropy_bits: float
    """Of n-grams, pads counted."""

    unique: float
    """Share of different strings."""

    @classmethod
    def of(cls, ids_NL: Ints, baseline: Baseline, size: int, temperature: float | None) -> FrontierPoint:
        """Measure (N, L) ids, each below `size`."""
        strings_NL = mask_after_pad(ids_NL)
        return cls(
            temperature=temperature,
            nll=baseline.nll(strings_NL),
            entropy_bits=ngram_entropy(strings_NL, size, min(ENTROPY_ORDER, strings_NL.shape[1])),
            unique=unique_fraction(strings_NL),
        )


@final
@dataclass(frozen=True, kw_only=True)
class Frontier:
    """A model over temperatures, beside the model as it is in use and as many real lines."""

    in_use: FrontierPoint
    test: FrontierPoint
    drawn: tuple[FrontierPoint, ...]
    """By rising temperature."""
