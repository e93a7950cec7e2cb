"""Strings accepted by a refiner, with consecutive indices, as evaluations need them.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np
import numpy.typing as npt

from ..hashing.row_hashes import Ids
from .request import Progress, Request
from .stream import TextModel, stream


@final
class RefinedStrings:
    """The strings of a model that its refiner accepts; string k is the k-th accepted one of a seed.

    A request for the strings after the last request continues without generating earlier strings again.

    Args:
        model: a model with a refiner.
        decode: how its strings are decoded, as the refiner requires.
    """

    def __init__(self, model: TextModel, decode: str = "argmax") -> None:
        self._model, self._decode = model, decode
        self._reached: dict[int, Progress] = {}

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield (N, L) ids of n strings from index `start`, in parts."""
        at = self._reached.get(seed, Progress(next=0))
        if at.strings > start:
            at = Progress(next=0)
        request = Request(n=start + n, seed=seed, decode=self._decode, refine=True)
        for block, reached in stream(self._model, request, None, at):
            wanted_NL = block.ids_NL[max(0, start - (reached.strings - len(block))) :]
            if len(wanted_NL):
                yield wanted_NL
            at = reached
        self._reached[seed] = at

    def label_numbers(self, n: int, *, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return the numbers of the labels (N,) of the first n strings of a model with labels."""
        request = Request(n=n, seed=seed, decode=self._decode, refine=True)
        found = [block.label_N for block, _at in stream(self._model, request) if block.label_N is not None]
        return np.concatenate(found) if found else np.zeros(0, np.int64)
