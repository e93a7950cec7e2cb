"""Show how far a large file has been read, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Self, final

from rich.console import Console
from rich.filesize import decimal
from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

from .progress_bar import Bar


@final
class Reading:
    """Shows how many bytes of a file have been read.

    Args:
        console: where to draw.
        what: description, e.g. "reading names.txt".
        size: total number of bytes; None when unknown.
    """

    def __init__(self, console: Console, what: str, size: int | None) -> None:
        self.what, self.size = what, size
        self._bar = Bar(console, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())

    def __enter__(self) -> Self:
        """Start; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.close()

    def __call__(self, done: int) -> None:
        """Show the number of bytes read so far."""
        of = f" of {decimal(self.size)}" if self.size else ""
        self._bar.show(self.what, done, self.size, lambda: f"{self.what}: {decimal(done)}{of}")
