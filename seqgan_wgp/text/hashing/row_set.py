"""Sets of rows of ids compared as strings: ids after the first pad are ignored. NumPy only.

Shape suffixes: N rows, R searched rows, L columns, D distinct rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from ...utils.arrays import Ints
from ..vocabulary import mask_after_pad
from .hash_index import HashIndex
from .row_hashes import BLOCK_IDS, as_bytes, polynomial_hashes, row_blocks

_WIDTH = np.uint32  # rows of any integer type are compared in this type, which fits every id


@final
@dataclass(frozen=True, eq=False)
class RowSet:
    """The distinct strings of some rows with their frequencies, for exact search among millions of rows."""

    rows_D: NDArray[np.void]
    """The bytes of each string, sorted."""

    counts_D: NDArray[np.int64]
    hashes: HashIndex
    length: int

    @classmethod
    def of(cls, ids_NL: Ints) -> RowSet:
        """Collect the strings of (N, L) ids. Raises ValueError unless they are integers with N and L above 0."""
        (rows_NL,) = row_blocks(ids_NL, ids_NL.size)
        rows_NL = mask_after_pad(rows_NL)
        rows_D, counts_D = np.unique(as_bytes(rows_NL.astype(_WIDTH)), return_counts=True)
        return cls(rows_D, counts_D, HashIndex.of(np.unique(polynomial_hashes(rows_NL))), rows_NL.shape[1])

    def __len__(self) -> int:
        """Return the number of distinct strings."""
        return len(self.rows_D)

    @property
    def ids_DL(self) -> Ints:
        """The strings as (D, L) ids."""
        return self.rows_D.view(_WIDTH).reshape(-1, self.length)

    def found_in(self, ids_RL: Ints, *, block_ids: int = BLOCK_IDS) -> NDArray[np.bool_]:
        """Return for each of the D strings whether it is among (R, L) ids, memory-mapped or not.

        They are read in blocks of about `block_ids` ids. Raises ValueError for no rows or another L.
        """
        if ids_RL.shape[1:] != (self.length,):
            raise ValueError(f"row shape {ids_RL.shape[1:]} must equal that of the rows looked for, {(self.length,)}")
        found_D = np.zeros(len(self), np.bool_)
        for block_RL in row_blocks(ids_RL, block_ids):
            rows_RL = mask_after_pad(block_RL)
            # Equal hashes are only candidates; the bytes are compared.
            alike = as_bytes(rows_RL[self.hashes.ranks(polynomial_hashes(rows_RL)) > 0].astype(_WIDTH))
            places = np.minimum(np.searchsorted(self.rows_D, alike), len(self) - 1)
            found_D[places[self.rows_D[places] == alike]] = True
        return found_D
