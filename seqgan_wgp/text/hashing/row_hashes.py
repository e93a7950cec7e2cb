"""Hash rows of ids to 64 bits each. NumPy only.

Three hashes, each for a use that the others do not fit:

* `row_hashes` mixes every byte of a row. Fingerprint files contain it, so it never changes. Rows must have one type.
* `polynomial_hashes` is equal for equal ids of any integer type. The hash of a window follows from its halves, so
  `window_hashes` hashes all windows of a row at once. It only finds candidates, whose bytes must then be compared.
* `counting_hashes` is the polynomial hash with all bits mixed, for estimates of the number of distinct rows.

Shape suffixes: N rows, R rows, L length, S length of a row on disk, W windows of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import DTypeLike, NDArray

from ...utils.arrays import Ints
from ...utils.counter_rng import GOLDEN, mix_in_place, mix_numpy
from .hash_set import Hashes

Ids = npt.NDArray[np.integer[Any]]

BLOCK_IDS = 2**21
"""Number of ids processed at a time; limits memory, never changes a result."""

_KEY = 0x243F_6A88_85A3_08D3
"""Initial value of the hash of a row: digits of pi."""


def row_blocks(ids_NL: Ints, block_ids: int) -> Iterator[Ints]:
    """Yield views of consecutive rows, about `block_ids` ids each; ValueError unless integers of shape (N > 0, L)."""
    if ids_NL.ndim != 2 or ids_NL.dtype.kind not in "iu" or ids_NL.size == 0:
        raise ValueError(f"ids must be integers in rows, one row or more; got {ids_NL.dtype} of shape {ids_NL.shape}")
    rows = max(1, block_ids // ids_NL.shape[1])
    for start in range(0, len(ids_NL), rows):
        yield ids_NL[start : start + rows]


def as_bytes(ids_NL: Ints) -> NDArray[np.void]:
    """View every row as one value (N,), ordered and compared by its bytes."""
    return np.ascontiguousarray(ids_NL).view(np.dtype((np.void, ids_NL.dtype.itemsize * ids_NL.shape[1])))[:, 0]


def row_hashes(ids_NL: Ids) -> Hashes:
    """Return a 64-bit hash (N,) of every row of (N, L) ids: SplitMix64's finalizer over its bytes, eight at a time."""
    width = ids_NL.shape[1] * ids_NL.itemsize
    row_NW = np.zeros((len(ids_NL), -(-width // 8) * 8 // ids_NL.itemsize), ids_NL.dtype)
    row_NW[:, : ids_NL.shape[1]] = ids_NL
    hash_N = np.full(len(ids_NL), _KEY, np.uint64)
    for word_N in row_NW.view(np.uint64).T:
        hash_N ^= word_N
        mix_in_place(hash_N)
    return hash_N


def window_codes(ids_LN: Ints, base: int, order: int, dtype: DTypeLike) -> Ints:
    """Return the codes (W, N) of all windows of `order` ids by Horner's rule, ((a * base) + b) * base + c ..."""
    ids_LN = ids_LN.astype(dtype, copy=False)
    windows = len(ids_LN) - order + 1
    codes_WN = np.zeros((windows, ids_LN.shape[1]), dtype)
    for k in range(order):
        codes_WN *= base
        codes_WN += ids_LN[k : k + windows]
    return codes_WN


def polynomial_hashes(ids_NL: Ints) -> NDArray[np.int64]:
    """Hash every row to 63 bits, the same for equal ids of any integer type; returns (N,)."""
    codes_1N = window_codes(np.ascontiguousarray(ids_NL.T), GOLDEN, ids_NL.shape[1], np.uint64)
    hashes_N: NDArray[np.int64] = (codes_1N[0] >> 1).astype(np.int64)
    return hashes_N


def window_hashes(ids_NS: Ints, length: int) -> NDArray[np.int64]:
    """Hash every window of `length` ids of every row, as `polynomial_hashes` would; returns (W, N), W = S - length + 1.

    The code of a window of 2 k ids is that of its first half times base^k plus that of its second half. So the number
    of operations per window is at most twice the number of binary digits of `length`, instead of `length`.
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


def counting_hashes(ids_RL: Ints) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row for counting distinct rows, uniformly distributed."""
    codes_1R = window_codes(np.ascontiguousarray(ids_RL.T), GOLDEN, ids_RL.shape[1], np.uint64)
    return mix_numpy(codes_1R[0].astype(np.uint64, copy=False))
