"""Generated strings for a classifier to learn from: of a seed of their own, none of them twice.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...utils.counter_rng import Stream, stream_key
from ..hashing.row_hashes import Ids

CHUNK = 2_048
"""Strings that are asked of a generator at a time."""


class Samples(Protocol):
    """Where strings come from: `Model.samples`."""

    def __call__(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield (N, L) ids number `start` on, n in all."""


def training_seed(seed: int, stage: int = 0) -> int:
    """Return the seed of the strings that a classifier learns from, so that it never sees those of `seed` itself."""
    return stream_key(seed + stage, Stream.CLASSIFIER_FAKE) >> 2


def fresh_strings(samples: Samples, seed: int, start: int = 0) -> Iterator[Ids]:
    """Yield blocks of the strings of a seed, one after another, without end."""
    while True:
        yield from samples(CHUNK, seed=seed, start=start)
        start += CHUNK
