"""Read parts of an id file without mapping it into memory.

Of a file that is mapped each page that was ever touched counts as memory of the process, with its neighbours. What is
read takes no more than it is; it costs about 2 microseconds a row, where a map's pages, once they are there, cost a
tenth of that.

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
"""Whether the system can be told what will be read next: a disk then fetches all rows at once, not one by one."""


@final
class IdFile:
    """An array on disk, as one long row of numbers.

    Args:
        path: the file.
        offset: the byte at which the numbers begin.
        dtype: theirs.
    """

    def __init__(self, path: Path, offset: int, dtype: npt.DTypeLike) -> None:
        self._path, self._offset, self._dtype = path, offset, np.dtype(dtype)
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, first_B: npt.NDArray[np.integer], length: int) -> npt.NDArray[Any]:
        """Return (B, L) numbers, L from each of the places `first_B` on. Raises CheckpointError at the file's end."""
        size, descriptor = length * self._dtype.itemsize, self._descriptor
        places = (self._offset + first_B.astype(np.int64) * self._dtype.itemsize).tolist()
        if _CAN_ASK and len(places) > 1:
            for place in places:
                os.posix_fadvise(descriptor, place, size, os.POSIX_FADV_WILLNEED)
        data = bytearray().join([os.pread(descriptor, size, place) for place in places])
        if len(data) != len(places) * size:
            raise CheckpointError(f"{self._path}: has become shorter", "restore the file, or start a new run")
        return np.frombuffer(data, self._dtype).reshape(-1, length)


def can_be_read() -> bool:
    """Say whether this system can read at a place: Windows cannot."""
    return hasattr(os, "pread")
