"""Write a command's output to stdout or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO


def utf8_stdout() -> None:
    """Make stdout UTF-8 with line feeds, whatever the encoding of the terminal."""
    if isinstance(sys.stdout, type(sys.__stdout__)):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]


@contextmanager
def opened(output: str | None, *, overwrite: bool) -> Iterator[TextIO]:
    """Yield stdout as UTF-8, or a file that appears under its name only when it is complete.

    Raises ConfigError when the file cannot be written.
    """
    if output is None:
        utf8_stdout()
        yield sys.stdout
        sys.stdout.flush()
        return
    from seqgan_wgp.utils.atomic_files import check_file, new_file

    check_file(Path(output), overwrite=overwrite)
    with (
        new_file(Path(output)) as binary,
        os.fdopen(binary.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as file,
    ):
        yield file


@contextmanager
def opened_bytes(output: str | None, *, overwrite: bool) -> Iterator[Callable[[bytes], object]]:
    """Yield a function that writes bytes to stdout, or to a file that appears under its name only when it is complete.

    Raises ConfigError when the file cannot be written.
    """
    if output is None:
        sys.stdout.flush()
        # Unbuffered: a thread that blocks in a write would hold the buffer's lock, and the interpreter could not exit.
        buffer = sys.stdout.buffer
        yield partial(_write_all, getattr(buffer, "raw", buffer))
        return
    from seqgan_wgp.utils.atomic_files import check_file, new_file

    check_file(Path(output), overwrite=overwrite)
    with new_file(Path(output)) as file:
        yield file.write


def _write_all(raw: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[raw.write(left) or 0 :]
