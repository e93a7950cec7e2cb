"""Read every string of a file, in order and in one pass."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Iterator
from typing import BinaryIO, cast

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ..recognition.recognise import check_list_kind, for_lists, recognised
from .open import Source, open_source, source_of, spooled
from .reader import Reader
from .table_shapes import TABLE_BYTES


def strings_of(file: str, settings: CorpusSettings) -> Iterator[str]:
    """Yield all lines of a file, or all fields of a named column, in constant memory.

    They are read like the model's corpus, with its encoding, normal form and unit. Empty lines are included; a missing
    field becomes an empty string. An invalid byte becomes U+FFFD or, if the unit is a byte, its surrogate by
    "surrogateescape". Lines of more than 4 MiB are cropped.

    Args:
        file: as for `open_source`; "-", stdin, is read as a stream. What arrives at first tells its kind; other kinds
            than lines are read to their end first.
        settings: settings of the model's corpus.

    Raises:
        CorpusError: no such file or, during iteration: it cannot be read, is damaged or binary.
    """
    settings = for_lists(dataclasses.replace(settings, errors="replace", limit=None))
    if file == "-":
        if sys.stdin.isatty():
            raise CorpusError("stdin is a terminal", "pipe text into the command, or name a file")
        return _from_stdin(settings)
    source = recognised(open_source(file), settings)
    check_list_kind(source)
    return _strings(source, settings)


def _from_stdin(settings: CorpusSettings) -> Iterator[str]:
    source = _stdin(settings)
    check_list_kind(source)
    yield from _strings(source, settings)


def _strings(source: Source, settings: CorpusSettings) -> Iterator[str]:
    is_byte = UNITS[settings.unit].is_byte
    try:
        for lines in Reader(_with_every_field(source), settings):
            for string in lines.whole().strings():
                yield string.encode("latin-1").decode("utf-8", "surrogateescape") if is_byte else string
    except CorpusError as error:
        # The remedies mention corpus settings, but these belong to the model and cannot be changed here.
        read = f"it is read as the model's corpus was, as {settings.encoding}: convert the file"
        raise CorpusError(error.message, read if "--set" in error.remedy else error.remedy) from None


def _with_every_field(source: Source) -> Source:
    """Return a source whose missing values are empty strings."""
    if source.parts:
        return dataclasses.replace(source, parts=tuple(map(_with_every_field, source.parts)))
    found = source.fields
    if found is None:
        return source
    return dataclasses.replace(
        source, fields=lambda *how: ([string or "" for string in strings] for strings in found(*how))
    )


def _stdin(settings: CorpusSettings) -> Source:
    """Return stdin as the kind that its first bytes show; lines are passed on as they arrive."""
    # Unbuffered, since the buffer waits until it is full.
    raw = cast("io.RawIOBase", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))
    head = raw.read(TABLE_BYTES) or b""
    stream = cast("BinaryIO", _Resumed(head, raw))
    if _are_lines(head, settings):
        return Source(name="stdin", label="stdin", open=lambda: stream, is_told=True)
    return recognised(spooled("stdin", "stdin", stream), settings)


def _are_lines(head: bytes, settings: CorpusSettings) -> bool:
    """Return whether the first bytes of a stream are lines that are strings as they are."""
    try:
        found = recognised(source_of("stdin", "stdin", lambda: io.BytesIO(head), len(head)), settings)
    except CorpusError:  # an archive that is not complete, for example; reading all of it tells
        return False
    return found.format == "text" and not found.told and not found.compression


class _Resumed(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the first bytes, then what the stream has; as few as it gives at once."""
        head, self._head = self._head, b""
        if size < 0:
            return head + (self._rest.read() or b"")
        if not head:
            return self._rest.read(size) or b""
        self._head = head[size:]
        return head[:size]
