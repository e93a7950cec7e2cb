"""Accepted strings, numbered one after another, as measures ask for strings.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from ..hashing.row_hashes import Ids
from .request import Progress, Request
from .stream import TextModel, stream


@final
class RefinedStrings:
    """The strings of a model that its refiner accepts; number k is the k-th accepted one of a seed.

    Whoever asks for the strings behind those asked for last gets them without the ones before being made again.

    Args:
        model: with a refiner.
    """

    def __init__(self, model: TextModel) -> None:
        self._model = model
        self._reached: dict[int, Progress] = {}

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield (N, L) ids number `start` on, n in all, some at a time."""
        at = self._reached.get(seed, Progress(next=0))
        if at.strings > start:
            at = Progress(next=0)
        request = Request(n=start + n, seed=seed, refine=True)
        for block, reached in stream(self._model, request, None, at):
            wanted_NL = block.ids_NL[max(0, start - (reached.strings - len(block))) :]
            if len(wanted_NL):
                yield wanted_NL
            at = reached
        self._reached[seed] = at
