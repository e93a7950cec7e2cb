"""Configure how this process allocates memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Protocol

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The two settings in the GNU C library's malloc.h."""

KEPT_BYTES = (2**30, 2**25)
"""Requested sizes, best first: before version 2.35 the GNU C library refuses more than 32 MiB."""


class Library(Protocol):
    """The part of a C library that is used here."""

    def mallopt(self, setting: int, value: int, /) -> int:
        """Change a setting of malloc; return 1 if accepted, otherwise 0."""


def c_library() -> Library | None:
    """Return the C library of this process if it has `mallopt`; None on Windows, macOS and with musl."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "mallopt") else None
    except (OSError, TypeError):  # Windows has no library without a name
        return None


def keep_memory(find: Callable[[], Library | None] = c_library) -> int | None:
    """Make this process keep freed memory, which the next training step needs again.

    By default the C library returns large blocks to the system when they are freed, and the next step waits until the
    system has cleared new pages: a quarter of a step for large shapes. With this, up to a gigabyte is kept, or as much
    as the library accepts. If it accepts nothing, nothing is changed: changing only one of the two settings would fix
    the other at its minimum.

    Args:
        find: returns this process's C library, or None.

    Returns:
        Number of bytes kept; None if nothing was changed.
    """
    library = find()
    if library is None:
        return None
    for size in KEPT_BYTES:
        if library.mallopt(_MMAP_THRESHOLD, size):
            library.mallopt(_TRIM_THRESHOLD, size)
            return size
    return None
