"""How far a large file has been read, on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

_PATIENCE_SECONDS = 1.0
"""Reading that takes less is not worth a word."""

_LINE_SECONDS = 10.0
"""Between lines where there is no terminal."""


class Reading:
    """A bar on a terminal, a line now and then elsewhere; nothing at all where reading takes no time.

    Args:
        console: where to draw.
        what: is being done, e.g. "reading names.txt".
        size: bytes in all, None where that is not known.
    """

    def __init__(self, console: Console, what: str, size: int | None) -> None:
        self.console, self.what, self.size = console, what, size
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

    def __call__(self, done: int) -> None:
        """Show that so many bytes have been read."""
        now = time.monotonic()
        if now - self._began < _PATIENCE_SECONDS:
            return
        if self.console.is_terminal:
            self._draw(done)
        elif now - self._said >= _LINE_SECONDS:
            self._said = now
            of = f" of {decimal(self.size)}" if self.size else ""
            self.console.print(f"{self.what}: {decimal(done)}{of}", markup=False)

    def _draw(self, done: int) -> None:
        if self._bar is None:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
            self._bar = Progress(
                *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=self.console, transient=True
            )
            self._bar.add_task(self.what, total=self.size)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)
