"""Write a command's output to stdout or to a file, if need be in the background, while more is produced."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeVar, cast

import typer

from .terminal_text import for_terminal


def utf8_stdout() -> None:
    """Make stdout UTF-8 with line feeds, whatever the encoding of the terminal."""
    if isinstance(sys.stdout, type(sys.__stdout__)):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]


def echo(text: str | Path) -> None:
    """Print a line on stdout: as it is, or with control characters escaped where stdout is a terminal.

    A path is printed as the bytes that name it, which need not be UTF-8.
    """
    if sys.stdout.isatty():
        typer.echo(for_terminal(str(text)))
    else:
        typer.echo(os.fsencode(text) if isinstance(text, Path) else text)


@contextmanager
def opened(output: str | None, *, overwrite: bool) -> Iterator[TextIO]:
    """Yield stdout as UTF-8, or a file that appears under its name only when it is complete.

    Raises ConfigError when the file cannot be written.
    """
    if output is None:
        utf8_stdout()
        yield cast("TextIO", _TerminalText(sys.stdout)) if sys.stdout.isatty() else sys.stdout
        sys.stdout.flush()
        return
    from seqgan_wgp.utils.atomic_files import check_file, new_file

    check_file(Path(output), overwrite=overwrite)
    with (
        new_file(Path(output)) as binary,
        os.fdopen(binary.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as file,
    ):
        yield file


class _TerminalText:
    """A text file on a terminal, to which nothing is written that the terminal would obey."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(for_terminal(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)


Item = TypeVar("Item")

MAX_WAITING = 8
"""Largest number of waiting items; then the producer waits."""

_AWAKE_SECONDS = 0.5
"""Longest single wait. A signal that arrives just before a wait is only handled after it."""

_GRACE_SECONDS = 1.0
"""Time for the thread to end after an abort. It may block in a write that nobody reads, and never end."""


@contextmanager
def in_background(work: Callable[[Item], None]) -> Iterator[Callable[[Item], None]]:
    """Yield a function that passes an item to `work` in another thread, one item after another.

    At the end all items have been processed. An exception in the thread is raised in the caller, at the next call or at
    the end. When the caller fails, waiting items are dropped.
    """
    waiting: queue.Queue[Item | None] = queue.Queue(MAX_WAITING)
    failures: list[BaseException] = []
    broken_off = threading.Event()

    def run() -> None:
        while (item := waiting.get()) is not None:
            if not (failures or broken_off.is_set()):
                try:
                    work(item)
                except BaseException as failure:  # noqa: BLE001  (it goes to the caller)
                    failures.append(failure)

    def give(item: Item) -> None:
        while not failures:
            with suppress(queue.Full):
                waiting.put(item, timeout=_AWAKE_SECONDS)
                return
        raise failures[0]

    # A daemon, since it may block in a write when the user interrupts the command.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield give
    except BaseException:
        broken_off.set()
        _end(waiting)
        thread.join(_GRACE_SECONDS)
        raise
    _end_when_done(waiting, thread)
    if failures:
        raise failures[0]


def _end_when_done(waiting: queue.Queue[Item | None], thread: threading.Thread) -> None:
    """End the thread after the last item, and wait for it."""
    told = False
    while thread.is_alive():
        if not told:
            with suppress(queue.Full):
                waiting.put(None, timeout=_AWAKE_SECONDS)
                told = True
        thread.join(_AWAKE_SECONDS if told else 0)


def _end(waiting: queue.Queue[Item | None]) -> None:
    """End the thread, even if the queue is full of items that it will not process."""
    while True:
        try:
            waiting.put_nowait(None)
            return
        except queue.Full:
            try:
                waiting.get_nowait()
            except queue.Empty:
                continue
