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
        what: is being done, e.g. "reading names.txt".
        size: bytes in all, None where that is not known.
    """

    def __init__(self, console: Console, what: str, size: int | None) -> None:
        self.what, self.size = what, size
        self._bar = Bar(console, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())

    def __enter__(self) -> Self:
        """Begin; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.close()

    def __call__(self, done: int) -> None:
        """Show that so many bytes have been read."""
        of = f" of {decimal(self.size)}" if self.size else ""
        self._bar.show(self.what, done, self.size, lambda: f"{self.what}: {decimal(done)}{of}")
