"""Find the nearest line to each string by Levenshtein distance.

Shape suffixes: N strings, R lines, L positions, B strings of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from ...utils.arrays import Floats, Ints
from .distances import lengths_N

COMPARED = 64
"""Number of first positions of a row that are compared. A distance takes 0.2 microseconds for up to 64 positions, nine
times as long for 65, and forty times for 200."""

BLOCK_PAIRS = 2**20  # distances held at a time: limits memory, never changes a result


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Distances:
    """Distances of strings to their nearest training line; 0 for a copy."""

    edits_N: NDArray[np.int64]
    """Levenshtein distance: number of insertions, deletions and replacements."""

    normalised_N: Floats
    """The same divided by the length of the longer string, 0 to 1; the nearest line minimises this."""

    @property
    def median(self) -> float:
        """Median normalised distance of the strings that are not copies; 0 if all are."""
        others_N = self.normalised_N[self.normalised_N > 0]
        return float(np.median(others_N)) if len(others_N) else 0.0


def nearest_lines(ids_NL: Ints, lines_RL: Ints, workers: int = -1) -> tuple[Distances, NDArray[np.int64]]:
    """Return the distances of strings to their nearest lines, and the indices of these lines; ties go to the first.

    Every string is compared with every line, on `workers` threads, -1 for one per core.

    Args:
        ids_NL: strings; only the first COMPARED positions should be given.
        lines_RL: lines, masked after the first pad and cropped like the strings.
        workers: affects only speed.
    """
    strings, lines = list(_texts(ids_NL)), list(_texts(lines_RL))
    sizes_N, sizes_R = lengths_N(ids_NL), lengths_N(lines_RL)
    edits_N, line_N = np.zeros((2, len(strings)), np.int64)
    normalised_N = np.zeros(len(strings))
    block = max(1, BLOCK_PAIRS // len(lines))
    for first in range(0, len(strings), block):
        part = slice(first, first + block)
        edits_BR = cdist(strings[part], lines, scorer=Levenshtein.distance, dtype=np.int32, workers=workers)
        normalised_BR = edits_BR / np.maximum(np.maximum(sizes_N[part, None], sizes_R), 1)
        best_B = normalised_BR.argmin(axis=1)
        pair_B = np.arange(len(best_B)), best_B
        line_N[part], edits_N[part], normalised_N[part] = best_B, edits_BR[pair_B], normalised_BR[pair_B]
    return Distances(edits_N=edits_N, normalised_N=normalised_N), line_N


def _texts(ids_NL: Ints) -> Iterator[str]:
    """Yield each string with one character per id, the code point equal to the id."""
    text = ids_NL.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    length = ids_NL.shape[1]
    for row, size in enumerate(lengths_N(ids_NL).tolist()):
        yield text[row * length : row * length + size]
