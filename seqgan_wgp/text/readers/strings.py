"""Read every string of a file, in order and in one pass."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from typing import BinaryIO, cast

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ..recognition.recognise import check_kind, for_lists, recognised
from .open import Source, open_source
from .reader import Reader


def strings_of(file: str, settings: CorpusSettings) -> Iterator[str]:
    """Yield all lines of a file, or all fields of a named column, in constant memory.

    They are read like the model's corpus, with its encoding, normal form and unit. Empty lines are included; a missing
    field becomes an empty string. An invalid byte becomes U+FFFD or, if the unit is a byte, its surrogate by
    "surrogateescape". Lines of more than 4 MiB are cropped.

    Args:
        file: as for `open_source`; "-", stdin, is read as a stream.
        settings: settings of the model's corpus.

    Raises:
        CorpusError: no such file or, during iteration: it cannot be read, is damaged or binary.
    """
    settings = for_lists(dataclasses.replace(settings, errors="replace", limit=None))
    source = _stdin() if file == "-" else recognised(open_source(file), settings)
    check_kind(source)
    return _strings(source, settings)


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


def _stdin() -> Source:
    if sys.stdin.isatty():
        raise CorpusError("stdin is a terminal", "pipe text into the command, or name a file")
    # Unbuffered, since the buffer waits until it is full.
    raw = cast("BinaryIO", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))
    return Source(name="stdin", label="stdin", open=lambda: raw)
