"""How this process takes memory from the system."""

from __future__ import annotations

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the two settings in the GNU C library's malloc.h."""

_KEPT_BYTES = 2**30


def keep_memory() -> None:
    """Have this process keep memory that it gives back and takes again at once, as every training step does.

    The C library returns large blocks to the system when they are freed, and the next step waits for the system to
    clear them page by page: a fourth of a step on large shapes. Up to a gigabyte is kept instead. Where the library is
    another one, it does nothing.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
