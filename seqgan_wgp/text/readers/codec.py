"""Describe text encodings for the line reader: byte order mark, line feed and ASCII compatibility."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import CorpusError


@dataclass(frozen=True, kw_only=True)
class Codec:
    """An encoding, determined from the start of the file."""

    name: str
    """Python's name of the encoding, including the byte order."""

    feed: bytes
    """The bytes of a line feed."""

    ascii: bool
    """Whether every byte below 128 is the ASCII character."""

    by_line: bool
    """Whether the encoding is stateful, so that each line is decoded separately."""

    marks: tuple[bytes, ...]
    """Byte order marks that are removed at the start."""


def find_codec(encoding: str, head: bytes) -> Codec:
    """Return the codec for an encoding, given the first bytes. Raises CorpusError for an unknown encoding."""
    try:
        name = codecs.lookup(encoding).name.removesuffix("-sig")
        for wide, marks in _MARKS.items():
            if name == wide:
                name = next((f"{wide}-{order}" for mark, order in marks.items() if head.startswith(mark)), f"{wide}-le")
        letter, feed = "a".encode(name), "\n".encode(name)
        word = "한a".encode(name, "ignore").decode(name)
        pieces = f"{word}\n{word}".encode(name).split(feed)
        readable = len(feed) == len(letter) and [piece.decode(name) for piece in pieces] == [word, word]
    except (LookupError, ValueError):
        raise CorpusError(
            f"corpus.encoding is {encoding!r}: no such encoding", "e.g. utf-8, latin-1, cp1252, utf-16"
        ) from None
    if not readable:
        raise CorpusError(
            f"corpus.encoding is {encoding!r}, which cannot be split into lines", "convert the file to UTF-8 first"
        )
    return Codec(
        name=name, feed=feed, ascii=_is_ascii(name), by_line=name.startswith("iso2022"), marks=tuple(_mark(name))
    )


_MARKS = {
    "utf-32": {codecs.BOM_UTF32_LE: "le", codecs.BOM_UTF32_BE: "be"},
    "utf-16": {codecs.BOM_UTF16_LE: "le", codecs.BOM_UTF16_BE: "be"},
}


def _mark(name: str) -> Iterator[bytes]:
    if name.startswith(("utf-8", "utf-16", "utf-32")):
        yield "\ufeff".encode(name)


def _is_ascii(name: str) -> bool:
    probe = bytes(range(128)) + b"\x1b$B!!\x1b(B\\u0061"  # some encodings have escape sequences of ASCII characters
    try:
        return probe.decode(name) == probe.decode("ascii")
    except ValueError:
        return False


def wide_by_mark(head: bytes) -> str | None:
    """Return utf-16 or utf-32 if data begins with its byte order mark, else None."""
    # The mark of UTF-32 begins with that of UTF-16.
    return next((wide for wide, marks in _MARKS.items() if any(map(head.startswith, marks))), None)


def check_text(label: str, codec: Codec, chunk: bytes) -> None:
    """Raise CorpusError when the first bytes have another byte order mark or NUL."""
    wide = wide_by_mark(chunk)
    if wide and not codec.name.startswith(wide):
        raise CorpusError(f"{label}: the file is {wide.upper()}", f"read it with --set corpus.encoding={wide}")
    nul = chunk.find(b"\0") if codec.ascii else -1
    if nul >= 0:
        order = "utf-16-le" if nul % 2 else "utf-16-be"  # in UTF-16, one byte of an ASCII letter is NUL
        raise CorpusError(
            f"{label}: byte {nul} is NUL: the file looks binary, not text",
            f"give a text file with one string per line; for UTF-16 without byte order mark: --set "
            f"corpus.encoding={order}; for raw bytes: --set corpus.unit=byte",
        )


def behind_last_feed(chunk: bytes, feed: bytes) -> int:
    """Return the position after the last line feed, or 0. Wide characters begin at multiples of their size."""
    place = chunk.rfind(feed)
    while place % len(feed) and place > 0:
        place = chunk.rfind(feed, 0, place + len(feed) - 1)
    return place + len(feed) if place >= 0 and place % len(feed) == 0 else 0


def split_lines(data: bytes, feed: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield each line and its end: a line feed or, for the last, perhaps none."""
    first = place = 0
    while (place := data.find(feed, place)) >= 0:
        if place % len(feed):
            place += 1
            continue
        yield data[first:place], "\n"
        first = place = place + len(feed)
    if first < len(data):
        yield data[first:], ""
