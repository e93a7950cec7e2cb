"""Generated strings for training a classifier, with a seed of their own, each used once.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...utils.counter_rng import Stream, stream_key
from ..hashing.row_hashes import Ids

CHUNK = 2_048
"""Number of strings generated at a time."""


class Samples(Protocol):
    """A source of strings: `Model.samples`."""

    def __call__(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield n (N, L) ids from index `start`."""


def training_seed(seed: int, stage: int = 0) -> int:
    """Return the seed of the strings for training a classifier, so that it never sees those of `seed` itself."""
    return stream_key(seed + stage, Stream.CLASSIFIER_FAKE) >> 2


def fresh_strings(samples: Samples, seed: int, start: int = 0) -> Iterator[Ids]:
    """Yield blocks of the strings of a seed endlessly."""
    while True:
        yield from samples(CHUNK, seed=seed, start=start)
        start += CHUNK
