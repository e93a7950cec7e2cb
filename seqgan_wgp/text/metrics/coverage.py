"""Coverage of held-out text: held-out strings that are hit, and held-out words and word pairs. NumPy only.

`hits` is the guessing curve of password models: how many unseen strings the model generates.

Shape suffixes: N generated rows, R held-out rows, L length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...utils.arrays import Ints
from ..hashing.row_set import RowSet

MIN_SPACED = 0.01
"""Least share of held-out lines with a space; names, passwords or Chinese text have no words separated by spaces."""

Word = tuple[str, ...]


def words_in_test(strings: Sequence[str], held_out: Sequence[str], n: int = 4) -> list[float] | None:
    """Return the share of the strings' distinct word k-grams that occur in the held-out lines, for k = 1..n.

    "%-IN-TEST-n" of Press et al. 2017, "Language Generation with Recurrent Generative Adversarial Networks without
    Pre-training". Words are separated by spaces, and include cropped ones; a k-gram is k consecutive words
    of one string. Each distinct k-gram counts once, so repeating one good sentence gains nothing. The share falls with
    the number of strings, so compare it only for equal numbers, and with that of as many real lines.

    The share is 0 if no string has k words. The result is None if less than MIN_SPACED of the held-out lines have a
    space, since the text then has no words. Raises ValueError for n below 1.
    """
    if n < 1:
        raise ValueError(f"n (={n}) must be 1 or more")
    if sum(" " in line for line in held_out) < max(1, MIN_SPACED * len(held_out)):
        return None
    shares = []
    for k in range(1, n + 1):
        generated = _grams(strings, k)
        shares.append(len(generated & _grams(held_out, k)) / max(1, len(generated)))
    return shares


def _grams(lines: Iterable[str], k: int) -> set[Word]:
    """Return the distinct word k-grams of lines."""
    split = ([word for word in line.split(" ") if word] for line in lines)
    return {tuple(words[at : at + k]) for words in split for at in range(len(words) - k + 1)}


def powers_of_ten(most: int, least: int = 10_000) -> tuple[int, ...]:
    """Return the powers of ten from `least` on that are below `most`, and `most`, for a curve of hits."""
    found, number = list[int](), least
    while number < most:
        found.append(number)
        number *= 10
    return (*found, most)


def hits(blocks: Iterable[Ints], held_out_RL: Ints, at: Sequence[int] = (10_000, 100_000)) -> dict[int, float]:
    """Return, for each G of `at`, the share of the distinct held-out strings among the first G generated strings.

    It is exact, takes one pass, and needs the memory of one block. A string that is generated twice is two guesses.
    This is the measure of Hitaj et al. 2017, "PassGAN". Training lines do not count: the split is by a hash of the
    string, so all repeats of a line are on one side.

    Args:
        blocks: (N, L) ids, at least max(at) rows in all; no more are read than needed.
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
