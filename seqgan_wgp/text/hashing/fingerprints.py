"""Sorted hashes of the training strings on disk, for look-ups in a large corpus.

The file has pages of PAGE distinct, sorted hashes, the last page padded with its last hash, followed by the first hash
of each page. The first hashes are kept in memory; a look-up finds the page there and reads only this page. So it costs
one read per string, for any number of lines.

Strings are compared by 64 bits. The probability that one of N new strings is taken for one of R known ones is
N R / 2^64: one in 18 million for 10,000 strings among 100 million.

Shape suffixes: N rows, L length, P pages, K hashes.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self, final

import numpy as np
import numpy.typing as npt

from ...errors import CheckpointError
from ..corpus.id_file import IdFile
from .hash_set import Hashes
from .row_hashes import Ids, row_hashes

PAGE = 512
"""Number of hashes in a page: 4 KiB, the least that a disk reads."""

_PARTS_BITS = 6
"""Number of leading bits by which hashes are partitioned before sorting; limits memory."""

_HASHED = 1 << 14
"""Number of rows hashed together, so that their state fits into the processor's cache."""

_ASKED = 1 << 11
"""Largest number of pages read together: 8 MiB."""

_SIZE = np.dtype(np.uint64).itemsize


@final
class FingerprintWriter:
    """Collects the hashes of rows, in any order, and writes them sorted.

    Args:
        folder: folder for temporary files, which are removed.
    """

    def __init__(self, folder: Path) -> None:
        self._open = contextlib.ExitStack()
        scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix=".hashes-", dir=folder)))
        names = [scratch / str(number) for number in range(1 << _PARTS_BITS)]
        self._parts = {name: self._open.enter_context(name.open("wb")) for name in names}

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the temporary files."""
        self._open.close()

    def add(self, rows_NL: Ids) -> None:
        """Add rows. Raises OSError when the disk is full."""
        hash_N = _hashes(rows_NL)
        part_N = (hash_N >> np.uint64(64 - _PARTS_BITS)).astype(np.uint8)
        hash_N = hash_N[np.argsort(part_N, kind="stable")]
        ends = np.cumsum(np.bincount(part_N, minlength=len(self._parts))).tolist()
        for part, (first, last) in zip(self._parts.values(), itertools.pairwise([0, *ends]), strict=True):
            part.write(hash_N[first:last].data)

    def write(self, path: Path) -> None:
        """Write the file. Raises OSError when the disk is full."""
        firsts, rest_K = [], np.zeros(0, np.uint64)
        with path.open("wb") as file:
            for sorted_K in self._sorted():
                hash_K = np.concatenate([rest_K, sorted_K])
                whole = len(hash_K) // PAGE * PAGE
                file.write(hash_K[:whole].data)
                firsts.append(hash_K[:whole:PAGE].copy())  # a view would keep the whole array alive
                rest_K = hash_K[whole:].copy()
            if len(rest_K):
                file.write(np.append(rest_K, np.full(PAGE - len(rest_K), rest_K[-1])).data)
                firsts.append(rest_K[:1])
            file.write(np.concatenate(firsts).data)

    def _sorted(self) -> Iterator[Hashes]:
        """Yield the distinct hashes in order, in parts."""
        for name, part in self._parts.items():
            part.close()
            yield _different(name)
            name.unlink()


def _different(path: Path) -> Hashes:
    """Return the distinct hashes of a file, sorted."""
    hash_K = np.fromfile(path, np.uint64)
    hash_K.sort()
    return hash_K[np.append(True, hash_K[1:] != hash_K[:-1])] if len(hash_K) else hash_K


@final
class Fingerprints:
    """The training strings, as hashes on disk. Raises CheckpointError when the file is incomplete.

    Args:
        path: a file written by `FingerprintWriter`.
        dtype: type of the ids whose rows were hashed.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        size = path.stat().st_size
        pages = size // ((PAGE + 1) * _SIZE)
        if not pages or size != pages * (PAGE + 1) * _SIZE:
            raise CheckpointError(f"{path}: is incomplete", "restore the file, or start a new run")
        self._file = IdFile(path, 0, np.uint64)
        self._firsts_P = self._file.read(np.array([pages * PAGE]), pages)[0]

    def __len__(self) -> int:
        """Return the number of distinct strings."""
        last = self._file.read(np.array([(len(self._firsts_P) - 1) * PAGE]), PAGE)
        return (len(self._firsts_P) - 1) * PAGE + len(np.unique(last))

    def has(self, ids_NL: Ids) -> npt.NDArray[np.bool_]:
        """Return the mask (N,) of rows of (N, L) ids that are training strings."""
        hash_N = _hashes(ids_NL.astype(self._dtype, copy=False))
        found_N = np.zeros(len(hash_N), np.bool_)
        for first in range(0, len(hash_N), _ASKED):
            part_N = hash_N[first : first + _ASKED]
            page_N = np.maximum(np.searchsorted(self._firsts_P, part_N, side="right") - 1, 0)
            found_N[first : first + _ASKED] = (self._file.read(page_N * PAGE, PAGE) == part_N[:, None]).any(axis=1)
        return found_N


def _hashes(rows_NL: Ids) -> Hashes:
    starts = range(0, len(rows_NL), _HASHED)
    return np.concatenate([np.zeros(0, np.uint64), *(row_hashes(rows_NL[at : at + _HASHED]) for at in starts)])
