"""Shared parts of all column readers: the wanted column, batches of strings, bad bytes and messages."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...errors import CorpusError

Fields = Callable[[Callable[[], BinaryIO], str, str, str], Iterator[list[str | None]]]
"""(open, label, encoding, errors) -> strings, some thousands at a time.

`open` returns a stream of decompressed bytes, `label` names it in messages. None stands for a missing string or, if
`errors` is "skip", for an undecodable one. Errors are raised as CorpusError during iteration.
"""

STRINGS = 4096
CHARACTERS = 1 << 20
"""Largest number of strings or characters in a batch; limits memory."""

LET = "--set corpus.errors=replace (or skip, to skip such strings)"


class Wanted(NamedTuple):
    """A field of a file, and how to read it."""

    path: Path
    field: str
    open: Callable[[], BinaryIO]
    label: str
    encoding: str
    errors: str


def fields(find: Callable[[Wanted], Iterator[str | None]]) -> Callable[[Path, str], Fields]:
    """Turn a generator of strings into a function from path and field to Fields."""
    return lambda path, field: lambda *how: _batches(find(Wanted(path, field, *how)))


def _batches(strings: Iterable[str | None]) -> Iterator[list[str | None]]:
    batch: list[str | None] = []
    size = 0
    for string in strings:
        batch.append(string)
        size += len(string or "")
        if len(batch) == STRINGS or size >= CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


# Bad bytes are decoded to lone surrogates, so that only those in the wanted strings matter.

MARKED = "seqgan_wgp.marked"


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return chr(0xDC00 + error.object[error.start]), error.end


codecs.register_error(MARKED, _mark)

SURROGATE = re.compile("[\ud800-\udfff]")

_REMOVES_MARK = ("utf-8-sig", "utf-16", "utf-32")
"""Encodings whose decoder removes a byte order mark itself; a second one is text."""


def text_lines(want: Wanted, newline: str) -> Iterator[str]:
    """Yield lines with their ends, without byte order mark; bad bytes are marked. Raises CorpusError at NUL."""
    bom = "" if codecs.lookup(want.encoding).name in _REMOVES_MARK else "\ufeff"
    with io.TextIOWrapper(want.open(), want.encoding, errors=MARKED, newline=newline) as text:
        for number, line in enumerate(text, 1):
            if "\0" in line:
                raise CorpusError(
                    f"{want.label}: line {number} contains NUL: the file looks binary, not text",
                    "for a UTF-16 file: --set corpus.encoding=utf-16",
                )
            yield line.removeprefix(bom) if number == 1 else line


def is_sound(string: str) -> bool:
    """Return whether a string has no lone surrogates, that is, no marked bytes and no half surrogate pairs."""
    if string.isascii():
        return True
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True


def mended(string: str, want: Wanted, complaint: Callable[[re.Match[str]], CorpusError]) -> str | None:
    """Handle a string with lone surrogates according to `errors`; strict: raise the error for the first one."""
    found = SURROGATE.search(string)
    if want.errors == "strict" and found:
        raise complaint(found)
    return SURROGATE.sub("\ufffd", string) if want.errors == "replace" else None


def bad_byte(want: Wanted, line: int, mark: str) -> CorpusError:
    """Return the error for an invalid byte, given the surrogate that marks it."""
    return CorpusError(
        f"{want.label}: line {line}: byte 0x{ord(mark) & 0xFF:02x} is not valid "
        f"{codecs.lookup(want.encoding).name.upper()}",
        f"set the right encoding, e.g. --set corpus.encoding=latin-1, or replace bad bytes: {LET}",
    )


def listed(names: Sequence[str]) -> str:
    """Return a list of names for a message, at most twenty."""
    shown = [name if name.isprintable() else repr(name) for name in names[:20]]
    return ", ".join(shown + [f"and {len(names) - 20} more"] * (len(names) > 20)) or "none"


def unnamed(want: Wanted, message: str, kind: str, names: Sequence[str]) -> CorpusError:
    """Return the error that no field was named; it lists the available ones."""
    first = next((name for name in names if name.strip()), "1")
    example = f"e.g. {want.label}:{listed([first])}; " if names else ""
    return CorpusError(f"{want.label}: {message}; name one", f"{example}{kind}: {listed(names)}")
