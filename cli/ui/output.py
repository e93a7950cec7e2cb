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
    """Have stdout be UTF-8 with line feeds, whatever the terminal's own encoding."""
    if isinstance(sys.stdout, type(sys.__stdout__)):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]


@contextmanager
def opened(output: str | None, *, overwrite: bool) -> Iterator[TextIO]:
    """Give stdout as UTF-8, or a file that gets its name only when it is whole.

    Raises ConfigError when a file may not be written there.
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
    """Give what writes bytes to stdout, or to a file that gets its name only when it is whole.

    Raises ConfigError when a file may not be written there.
    """
    if output is None:
        sys.stdout.flush()
        # Past the buffer: a thread that hangs in a write would hold it, and with it the end of the interpreter.
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
