"""How far long work has come, step by step, on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_PATIENCE_SECONDS = 1.0
"""Work that takes less is not worth a word."""

_LINE_SECONDS = 10.0
"""Between lines where there is no terminal."""


class Working:
    """A bar on a terminal, a line now and then elsewhere; nothing at all where the work takes no time.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._said = self._began = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Begin; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, share: float) -> None:
        """Show what is being done, and which share of that is done."""
        now = time.monotonic()
        if now - self._began < _PATIENCE_SECONDS:
            return
        if self.console.is_terminal:
            self._draw(what, share)
        elif now - self._said >= _LINE_SECONDS:
            self._said = now
            self.console.print(f"{what}: {share:.0%}" if share else what, markup=False)

    def _draw(self, what: str, share: float) -> None:
        if self._bar is None:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
            self._bar = Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True)
            self._bar.add_task(what, total=1.0)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], description=what, completed=share)
