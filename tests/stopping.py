"""Telling a run to stop."""

from __future__ import annotations

from collections.abc import Callable


def stop_at(step: int) -> Callable[[], bool]:
    """Return a `should_stop` that says yes after `step` steps of this process."""
    asked = iter(range(step))
    return lambda: next(asked, None) is None
