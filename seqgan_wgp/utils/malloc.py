"""Configure how this process allocates memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Protocol

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the two settings in the GNU C library's malloc.h."""

KEPT_BYTES = (2**30, 2**25)
"""What is asked for, best first: before its version 2.35 the GNU C library refuses more than 32 MiB."""


class Library(Protocol):
    """The part of a C library that is used here."""

    def mallopt(self, setting: int, value: int, /) -> int:
        """Change a setting of malloc; return 1 where it was accepted, 0 where it was not."""


def c_library() -> Library | None:
    """Return the C library of this process where it has `mallopt`; None on Windows, macOS and with musl."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "mallopt") else None
    except (OSError, TypeError):  # Windows has no library without a name
        return None


def keep_memory(find: Callable[[], Library | None] = c_library) -> int | None:
    """Have this process keep memory that it gives back and takes again at once, as every training step does.

    The C library returns large blocks to the system when they are freed, and the next step waits for the system to
    clear them page by page: a fourth of a step on large shapes. Up to a gigabyte is kept instead, or as much as the
    library accepts. Where it accepts nothing, it is left as it is: to change one of its two settings alone would fix
    the other at its least.

    Args:
        find: returns this process's C library; None: there is none to change.

    Returns:
        How many bytes are kept; None where nothing was changed.
    """
    library = find()
    if library is None:
        return None
    for size in KEPT_BYTES:
        if library.mallopt(_MMAP_THRESHOLD, size):
            library.mallopt(_TRIM_THRESHOLD, size)
            return size
    return None
