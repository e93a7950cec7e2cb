"""Tell which strings are novel, that is, not among the training rows. NumPy only.

Shape suffixes: N rows, R training rows, L their length, S that of a row on disk, W windows of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...utils.arrays import Ints
from .hash_index import HashIndex
from .row_hashes import BLOCK_IDS, as_bytes, polynomial_hashes, row_blocks, window_hashes


def novel_fraction(ids_NL: Ints, train_blocks: Iterable[Ints], *, block_ids: int = BLOCK_IDS) -> float:
    """Return the exact share of the N rows that are not training rows; repeats count each time.

    The training rows are arrays of shape (R, S), memory-mapped or not, read in blocks. If S is above L, each window of
    a row is a training row. Raises ValueError for no rows or shorter ones.
    """
    (rows_NL,) = row_blocks(ids_NL, ids_NL.size)
    width = np.uint16 if ids_NL.max() < 1 << 16 else np.uint32
    hashes = HashIndex.of(np.unique(polynomial_hashes(rows_NL)))
    rows, repeats = np.unique(as_bytes(rows_NL.astype(width)), return_counts=True)
    known = np.zeros(len(rows), np.bool_)
    for train_RS in train_blocks:
        if ids_NL.shape[1] > train_RS.shape[-1]:
            shapes = f"{ids_NL.shape[1:]} must not exceed that of the training rows, {train_RS.shape[1:]}"
            raise ValueError(f"row shape {shapes}")
        for block_RS in row_blocks(train_RS, block_ids):
            # Equal hashes are only candidates; the bytes are compared.
            whole = block_RS.shape[1] == ids_NL.shape[1]
            hashes_WR = polynomial_hashes(block_RS)[None] if whole else window_hashes(block_RS, ids_NL.shape[1])
            at_W, at_R = np.nonzero(hashes.ranks(hashes_WR))
            alike_RL = sliding_window_view(block_RS, ids_NL.shape[1], axis=1)[at_R, at_W]
            alike = as_bytes(alike_RL[(alike_RL <= np.iinfo(width).max).all(axis=1)].astype(width))
            places = np.minimum(np.searchsorted(rows, alike), len(rows) - 1)
            known[places[rows[places] == alike]] = True
    return float(repeats[~known].sum() / len(ids_NL))
