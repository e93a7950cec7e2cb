"""Compare lengths and characters of strings by total variation, and measure entropy per position. NumPy only.

A string ends at its first pad; ids after it count as pads.

Shape suffixes: N strings, R reference strings, L positions, V ids in the vocabulary, K outcomes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Floats, Ints
from ..hashing.row_hashes import BLOCK_IDS, row_blocks
from ..vocabulary import PAD, mask_after_pad


def lengths_N(ids_NL: Ints) -> NDArray[np.int64]:
    """Return the length of each string, int64 in 0..L: the position of its first pad, or L."""
    pad_NL = ids_NL == PAD
    sizes_N: NDArray[np.int64] = np.where(pad_NL.any(axis=1), pad_NL.argmax(axis=1), ids_NL.shape[1]).astype(np.int64)
    return sizes_N


def total_variation(p_K: Floats, q_K: Floats) -> float:
    """Return the total variation distance of two distributions, half the sum of |p - q|.

    It is the largest difference of probability over all events: 0 for equal distributions, 1 for disjoint ones. Raises
    ValueError for different shapes.
    """
    if p_K.shape != q_K.shape:
        raise ValueError(f"distributions of shapes {p_K.shape} and {q_K.shape} must have the same outcomes")
    return float(np.abs(p_K - q_K).sum() / 2)


def length_distance(ids_NL: Ints, reference_RL: Ints) -> float:
    """Return the total variation distance of the lengths of strings from those of the reference.

    The rows of the two may differ in L. The distance of few strings is large by chance, so compare it with that of as
    many real strings. Raises ValueError for no strings.
    """
    longest = max(ids_NL.shape[1], reference_RL.shape[1])
    ours_K, theirs_K = (_length_counts(rows, longest) for rows in (ids_NL, reference_RL))
    return total_variation(ours_K / ours_K.sum(), theirs_K / theirs_K.sum())


def character_distance(ids_NL: Ints, reference_RL: Ints, vocabulary_size: int) -> float:
    """Return the total variation distance of the character frequencies from those of the reference.

    Pads do not count; unknown symbols do. If all strings of one of the two are empty, the distance is 1; if all strings
    of both are, 0. Raises ValueError for no strings or an id outside the vocabulary.
    """
    ours_V, theirs_V = (_counts_by_position(rows, vocabulary_size).sum(axis=0) for rows in (ids_NL, reference_RL))
    ours_V[PAD] = theirs_V[PAD] = 0
    if not (ours_V.any() and theirs_V.any()):
        return float(ours_V.any() or theirs_V.any())
    return total_variation(ours_V / ours_V.sum(), theirs_V / theirs_V.sum())


def entropy_by_position(ids_NL: Ints, vocabulary_size: int) -> Floats:
    """Return the entropy in bits of the ids at each position, (L,) float64, including pads: 0 to log2 V.

    It is 0 where all strings have the same id, as after the longest string. This is the plug-in estimate, which for few
    strings is too small by about (distinct ids - 1) / (2 N ln 2) bits (Miller 1955). Raises ValueError for no strings
    or an id outside the vocabulary.
    """
    counts_LV = _counts_by_position(ids_NL, vocabulary_size)
    p_LV = counts_LV / len(ids_NL)
    terms_LV = np.where(counts_LV > 0, -p_LV * np.log2(np.where(counts_LV > 0, p_LV, 1)), 0)
    bits_L: Floats = terms_LV.sum(axis=1)
    return bits_L


def _length_counts(ids_NL: Ints, longest: int) -> NDArray[np.int64]:
    """Count the strings of each length, (longest + 1,)."""
    counts_K = np.zeros(longest + 1, np.int64)
    for block_NL in row_blocks(ids_NL, BLOCK_IDS):
        counts_K += np.bincount(lengths_N(block_NL), minlength=longest + 1)
    return counts_K


def _counts_by_position(ids_NL: Ints, vocabulary_size: int) -> NDArray[np.int64]:
    """Count the ids at each position, (L, V)."""
    length = ids_NL.shape[1]
    counts_LV = np.zeros((length, vocabulary_size), np.int64)
    for block_NL in row_blocks(ids_NL, BLOCK_IDS):
        rows_NL = mask_after_pad(block_NL)
        if rows_NL.max() >= vocabulary_size:
            raise ValueError(f"id (={rows_NL.max()}) must lie in 0..vocabulary_size-1 (={vocabulary_size - 1})")
        for counts_V, ids_N in zip(counts_LV, rows_NL.T, strict=True):
            counts_V += np.bincount(ids_N, minlength=vocabulary_size)
    return counts_LV
