"""How many strings that the model has never seen it comes upon: the guessing curve of password models. NumPy only.

Shape suffixes: N generated strings, R held-out strings, L positions, D different held-out strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..hashing.hash_index import Ints
from ..hashing.row_set import RowSet


def hits(blocks: Iterable[Ints], held_out_RL: Ints, at: Sequence[int] = (10_000, 100_000)) -> dict[int, float]:
    """Return, for each G of `at`, the share of the different held-out strings that are among the first G generated.

    Exact, in one pass, and in the memory of one block. A string that is generated twice is two guesses. The
    measure of Hitaj et al. 2017, "PassGAN". No training line is among the strings that count: a line is held out or
    trained on by a hash of its characters, with all its repeats.

    Args:
        blocks: (N, L) ids, at least max(at) rows in all; no more are taken than are needed.
        held_out_RL: (R, L) ids, one row or more.
        at: numbers of guesses, 1 or more each.

    Raises:
        ValueError: no or too few generated strings, no held-out ones, a G below 1, rows of another length.
    """
    wanted = sorted(set(at))
    if not wanted or wanted[0] < 1:
        raise ValueError(f"at (={tuple(at)}) must be numbers of guesses, each 1 or more")
    held_out = RowSet.of(held_out_RL)
    found_D, taken, shares = np.zeros(len(held_out), np.bool_), 0, dict[int, float]()
    for block_NL in blocks:
        rest_NL = block_NL
        while len(rest_NL):
            goal = wanted[len(shares)]
            part_NL, rest_NL = rest_NL[: goal - taken], rest_NL[goal - taken :]
            found_D |= held_out.found_in(part_NL)
            taken += len(part_NL)
            if taken == goal:
                shares[goal] = float(found_D.mean())
            if len(shares) == len(wanted):
                return shares
    raise ValueError(f"blocks end after {taken:,} strings, but at (={wanted}) asks for {wanted[-1]:,}")
