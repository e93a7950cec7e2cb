"""Read parts of an id file without mapping it into memory.

With a memory-mapped file, each page that was ever accessed counts as memory of the process, with its neighbours.
Reading needs no more memory than the data. It costs about 2 microseconds per row, ten times as much as mapped pages in
memory.

Shape suffixes: B rows that are read, L their length.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...errors import CheckpointError

_CAN_ASK = hasattr(os, "posix_fadvise")
"""Whether the system can be told what will be read next, so that a disk fetches all rows at once."""


@final
class IdFile:
    """A flat array on disk.

    Args:
        path: the file.
        offset: byte offset of the array.
        dtype: type of its numbers.
        size: every number must be below it; None: any number is allowed.
    """

    def __init__(self, path: Path, offset: int, dtype: npt.DTypeLike, size: int | None = None) -> None:
        self.path, self._offset, self._dtype, self._size = path, offset, np.dtype(dtype), size
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, first_B: npt.NDArray[np.integer], length: int) -> npt.NDArray[Any]:
        """Return (B, L) numbers: L starting at each of the positions `first_B`. Raises CheckpointError at the end."""
        size, descriptor = length * self._dtype.itemsize, self._descriptor
        places = (self._offset + first_B.astype(np.int64) * self._dtype.itemsize).tolist()
        if _CAN_ASK and len(places) > 1:
            for place in places:
                os.posix_fadvise(descriptor, place, size, os.POSIX_FADV_WILLNEED)
        data = bytearray().join([os.pread(descriptor, size, place) for place in places])
        if len(data) != len(places) * size:
            raise CheckpointError(f"{self.path}: is shorter than before", "restore the file, or start a new run")
        ids_BL = np.frombuffer(data, self._dtype).reshape(-1, length)
        if self._size is not None:
            check_ids(self.path, ids_BL, self._size)
        return ids_BL


def check_ids(path: Path, ids: npt.NDArray[np.integer], size: int, *, of: str = "vocabulary") -> None:
    """Raise CheckpointError unless all ids of a file are below the size of what they are ids of."""
    if ids.size and (largest := int(ids.max())) >= size:
        raise CheckpointError(
            f"{path}: damaged: it has the id {largest:,}, and the {of} has {size:,}",
            "restore the file, or start a new run",
        )


def can_be_read() -> bool:
    """Return whether this system can read at a file position (pread); Windows cannot."""
    return hasattr(os, "pread")
