"""Which strings are new: not among the rows that are trained on. NumPy only.

Shape suffixes: N rows, R training rows, L their length, S that of a row on disk, W windows of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..metrics.ngrams import BLOCK_IDS, as_bytes, row_blocks, row_hashes
from .hash_index import GOLDEN, Ints, RankTable


def window_hashes(ids_NS: Ints, length: int) -> NDArray[np.int64]:
    """Hash every window of `length` ids of every row, as `row_hashes` would; returns (W, N), W = S - length + 1.

    A window of 2 k ids has for its code that of its first half, times the base to the power k, and that of its second:
    so all windows take as many operations as `length` has binary digits, twice at most, where one each takes `length`.
    """
    part_WN = np.ascontiguousarray(ids_NS.T).astype(np.uint64)
    codes_WN, size, done = np.zeros((len(part_WN) + 1, len(ids_NS)), np.uint64), 1, 0
    while True:
        if length & size:
            count = len(part_WN) - done
            codes_WN = part_WN[:count] * np.uint64(pow(GOLDEN, done, 1 << 64)) + codes_WN[size : size + count]
            done += size
        if done == length:
            break
        part_WN = part_WN[:-size] * np.uint64(pow(GOLDEN, size, 1 << 64)) + part_WN[size:]
        size *= 2
    hashes_WN: NDArray[np.int64] = (codes_WN >> np.uint64(1)).astype(np.int64)
    return hashes_WN


def novel_fraction(ids_NL: Ints, train_blocks: Iterable[Ints], *, block_ids: int = BLOCK_IDS) -> float:
    """Return the share of the N rows that occur nowhere among the training rows, exactly; repeats count each time.

    The training rows come as arrays of shape (R, S), memory-mapped or not, and are read in blocks; where S is above L,
    each of their windows is one. ValueError for no rows or shorter ones.
    """
    (rows_NL,) = row_blocks(ids_NL, ids_NL.size)
    width = np.uint16 if ids_NL.max() < 1 << 16 else np.uint32
    hashes = RankTable.of(np.unique(row_hashes(rows_NL)))
    rows, repeats = np.unique(as_bytes(rows_NL.astype(width)), return_counts=True)
    known = np.zeros(len(rows), np.bool_)
    for train_RS in train_blocks:
        if ids_NL.shape[1] > train_RS.shape[-1]:
            shapes = f"{ids_NL.shape[1:]} must not exceed that of the training rows, {train_RS.shape[1:]}"
            raise ValueError(f"row shape {shapes}")
        for block_RS in row_blocks(train_RS, block_ids):
            # Equal hashes only select; the bytes decide.
            whole = block_RS.shape[1] == ids_NL.shape[1]
            hashes_WR = row_hashes(block_RS)[None] if whole else window_hashes(block_RS, ids_NL.shape[1])
            at_W, at_R = np.nonzero(hashes.ranks(hashes_WR))
            alike_RL = sliding_window_view(block_RS, ids_NL.shape[1], axis=1)[at_R, at_W]
            alike = as_bytes(alike_RL[(alike_RL <= np.iinfo(width).max).all(axis=1)].astype(width))
            places = np.minimum(np.searchsorted(rows, alike), len(rows) - 1)
            known[places[rows[places] == alike]] = True
    return float(repeats[~known].sum() / len(ids_NL))
