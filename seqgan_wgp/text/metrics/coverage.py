"""Coverage of held-out text: held-out strings that are hit, and held-out words and word pairs. NumPy only.

`hits` is the guessing curve of password models: how many strings that the model has never seen it generates.

Shape suffixes: N generated rows, R held-out rows, L length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..hashing.hash_index import Ints
from ..hashing.row_set import RowSet

SPACED_LEAST = 0.01
"""Of the held-out lines, so many must have a space: names, passwords or Chinese text have no words to speak of."""

Word = tuple[str, ...]


def words_in_test(strings: Sequence[str], held_out: Sequence[str], n: int = 4) -> list[float] | None:
    """Return the share of the strings' different word k-grams that occur in the held-out lines, for k = 1..n.

    "%-IN-TEST-n" of Press et al. 2017, "Language Generation with Recurrent Generative Adversarial Networks without
    Pre-training". Words are what stands between spaces, also the halves that cropping leaves; a k-gram is k words that
    follow each other in one string. Each different k-gram counts once, so a model that repeats one good sentence gains
    nothing by it, and the share falls as more strings are generated: compare it only at the same number of strings,
    and with the share that as many real lines have.

    0 where no string has k words. None where less than SPACED_LEAST of the held-out lines have a space: the text is
    not made of words. ValueError for n below 1.
    """
    if n < 1:
        raise ValueError(f"n (={n}) must be 1 or more")
    if sum(" " in line for line in held_out) < max(1, SPACED_LEAST * len(held_out)):
        return None
    shares = []
    for k in range(1, n + 1):
        generated = _grams(strings, k)
        shares.append(len(generated & _grams(held_out, k)) / max(1, len(generated)))
    return shares


def _grams(lines: Iterable[str], k: int) -> set[Word]:
    """Return the different word k-grams of lines."""
    split = ([word for word in line.split(" ") if word] for line in lines)
    return {tuple(words[at : at + k]) for words in split for at in range(len(words) - k + 1)}


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
