"""Show the progress of long work, step by step, on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

_PATIENCE_SECONDS = 1.0
"""Work that takes less is not worth a word."""

_LINE_SECONDS = 10.0
"""Between lines where there is no terminal."""


@final
class Bar:
    """A bar on a terminal, a line now and then elsewhere; nothing at all where the work takes no time.

    Args:
        console: where to draw.
        columns: what stands beside the bar.
    """

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self.console, self._columns = console, columns
        self._said = self._began = time.monotonic()
        self._drawn: Progress | None = None

    def show(self, what: str, done: float, total: float | None, line: Callable[[], str]) -> None:
        """Show how much of the whole is done: as a bar, or as the line that `line` gives."""
        now = time.monotonic()
        if now - self._began < _PATIENCE_SECONDS:
            return
        if self.console.is_terminal:
            self._draw(what, done, total)
        elif now - self._said >= _LINE_SECONDS:
            self._said = now
            self.console.print(line(), markup=False)

    def close(self) -> None:
        """Take the bar away."""
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
    """Shows work by steps, of each its name and the share of all that is done.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._bar = Bar(console, TaskProgressColumn(), TimeElapsedColumn())

    def __enter__(self) -> Self:
        """Begin; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.close()

    def __call__(self, what: str, share: float) -> None:
        """Show what is being done, and which share of all is done."""
        self._bar.show(what, share, 1.0, lambda: f"{what}: {share:.0%}" if share else what)
