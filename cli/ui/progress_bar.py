"""Show the progress of long tasks on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

_PATIENCE_SECONDS = 1.0
"""Shorter tasks show no progress."""

_LINE_SECONDS = 10.0
"""Interval between lines when stderr is not a terminal."""


@final
class Bar:
    """A progress bar on a terminal, an occasional line elsewhere; nothing for short tasks.

    Args:
        console: where to draw.
        columns: further columns next to the bar.
    """

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self.console, self._columns = console, columns
        self._said = self._began = time.monotonic()
        self._drawn: Progress | None = None

    def show(self, what: str, done: float, total: float | None, line: Callable[[], str]) -> None:
        """Show how much of the total is done: as a bar, or as the line that `line` returns."""
        now = time.monotonic()
        if now - self._began < _PATIENCE_SECONDS:
            return
        if self.console.is_terminal:
            self._draw(what, done, total)
        elif now - self._said >= _LINE_SECONDS:
            self._said = now
            self.console.print(line(), markup=False)

    def close(self) -> None:
        """Remove the bar."""
        if self._drawn is not None:
            self._drawn.stop()

    def _draw(self, what: str, done: float, total: float | None) -> None:
        if self._drawn is None:
            head = (TextColumn("{task.description}", markup=False), BarColumn())
            self._drawn = Progress(*head, *self._columns, console=self.console, transient=True)
            self._drawn.add_task(what, total=total)
            self._drawn.start()
        self._drawn.update(self._drawn.task_ids[0], description=what, completed=done)


@final
class Working:
    """Shows a task's current step and the share of the task that is done.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._bar = Bar(console, TaskProgressColumn(), TimeElapsedColumn())

    def __enter__(self) -> Self:
        """Start; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.close()

    def __call__(self, what: str, share: float) -> None:
        """Show the current step and the share that is done."""
        self._bar.show(what, share, 1.0, lambda: f"{what}: {share:.0%}" if share else what)
