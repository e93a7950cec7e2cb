"""The limits that every try of a drill must keep: memory and time."""

from __future__ import annotations

import contextlib
import faulthandler
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MEMORY_BYTES = 2_000_000_000
"""Memory that a process may use, and that it may take on top of what it has when the drills begin, used or not."""

MAX_SECONDS = 60.0
"""Time of one try. Whatever hangs ends the drills with the place where it hangs."""


@contextlib.contextmanager
def within_limits() -> Iterator[None]:
    """Limit the memory of this process: to take more is a MemoryError, which no command survives."""
    former = resource.getrlimit(resource.RLIMIT_AS)
    present = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MAX_MEMORY_BYTES, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


@contextlib.contextmanager
def not_hanging() -> Iterator[None]:
    """End the process, with the stack of every thread, when a try takes too long."""
    faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process and of its ended children."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
