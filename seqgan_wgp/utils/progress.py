"""Progress callbacks: functions that long tasks call from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

OnStep: TypeAlias = Callable[[str, float], None]
"""Called with a description of the current step and the share of it that is done, 0 to 1."""

OnBytes: TypeAlias = Callable[[int], None]
"""Called with the number of bytes read or written so far."""

Watch: TypeAlias = Callable[[str, int | None], AbstractContextManager[OnBytes]]
"""From what is being done and its size in bytes (None: not known) to what is told of the bytes while it is done."""


OnNote: TypeAlias = Callable[[str], None]
"""Called with a sentence for the user."""


def ignore_step(_what: str, _share: float) -> None:
    """Be an OnStep that does nothing."""


def ignore_bytes(_done: int) -> None:
    """Be an OnBytes that does nothing."""


def ignore_note(_note: str) -> None:
    """Be an OnNote that does nothing."""


@contextmanager
def unwatched(_what: str, _size: int | None) -> Iterator[OnBytes]:
    """Be a Watch that does nothing."""
    yield ignore_bytes
