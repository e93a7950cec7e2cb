"""Changes of lines as a file is read: blocks of whole lines to blocks of the strings in them, one a line."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ...errors import CorpusError, one_line
from ..readers.fasta import Pieces

LineChange = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Blocks of whole lines, in an encoding that has ASCII in it -> blocks of lines."""

BLOCK = 1 << 20

MAX_LINE = 1 << 26
"""A line of more bytes is refused: it has to be in memory as a whole."""


def changed(open_: Callable[[], BinaryIO], change: LineChange, label: str) -> Callable[[], BinaryIO]:
    """Return what opens a file with its lines changed."""

    def opened() -> BinaryIO:
        stream = open_()
        return io.BufferedReader(Pieces(stream, change(whole_lines(stream, label))), BLOCK)

    return opened


def whole_lines(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the bytes of a stream in blocks that end with a line feed; the last line gets one."""
    rest = [b""]
    size = 0
    is_head = True
    while chunk := stream.read(BLOCK):
        chunk, is_head = chunk.removeprefix(codecs.BOM_UTF8) if is_head else chunk, False
        cut = chunk.rfind(b"\n") + 1
        size += len(chunk)
        if cut:
            yield b"".join([*rest, chunk[:cut]])
            rest, size = [chunk[cut:]], len(chunk) - cut
        else:
            rest.append(chunk)
        if size > MAX_LINE:
            raise CorpusError(
                f"{label}: a line has more than {MAX_LINE:,} bytes",
                "split it, or read the lines as they are: --set corpus.format=lines",
            )
    last = b"".join(rest)
    if last:
        yield last + b"\n"


def returns_as_feeds(open_: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
    """Return what opens a file with each carriage return, and each with a line feed behind it, as a line feed."""

    def opened() -> BinaryIO:
        stream = open_()
        return io.BufferedReader(Pieces(stream, _as_feeds(stream)), BLOCK)

    return opened


def _as_feeds(stream: BinaryIO) -> Iterator[bytes]:
    ends_with_return = False
    while chunk := stream.read(BLOCK):
        if ends_with_return:
            chunk = chunk.removeprefix(b"\n")  # its carriage return has become a line feed already
        ends_with_return = chunk.endswith(b"\r")
        yield chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def ends_as_feeds(open_: Callable[[], BinaryIO], end: bytes) -> Callable[[], BinaryIO]:
    """Return what opens a file with each of other ends of lines, some bytes each, as a line feed."""

    def opened() -> BinaryIO:
        stream = open_()
        return io.BufferedReader(Pieces(stream, _with_feeds(stream, end)), BLOCK)

    return opened


def _with_feeds(stream: BinaryIO, end: bytes) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(BLOCK):
        data = (rest + chunk).replace(end, b"\n")
        begun = next((size for size in range(len(end) - 1, 0, -1) if data.endswith(end[:size])), 0)
        rest = data[len(data) - begun :]
        yield data[: len(data) - begun]
    yield rest


def as_utf8(open_: Callable[[], BinaryIO], encoding: str, label: str) -> Callable[[], BinaryIO]:
    """Return what opens a file in UTF-8 that is in another encoding."""

    def opened() -> BinaryIO:
        stream = open_()
        return io.BufferedReader(Pieces(stream, _encoded(stream, encoding, label)), BLOCK)

    return opened


def _encoded(stream: BinaryIO, encoding: str, label: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    is_head = True
    try:
        while chunk := stream.read(BLOCK):
            text = decoder.decode(chunk)
            yield (text.removeprefix("\ufeff") if is_head else text).encode()
            is_head = False
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise CorpusError(
            f"{label}: a byte is not valid {encoding.upper()} ({one_line(error)})",
            "set the right encoding, e.g. --set corpus.encoding=utf-16-le",
        ) from None


def second_of_four(label: str) -> LineChange:
    """Return the change that takes the sequences out of FASTQ, whose records have four lines each."""

    def change(blocks: Iterator[bytes]) -> Iterator[bytes]:
        rest: list[bytes] = []
        number = 0
        for block in blocks:
            lines = rest + block.split(b"\n")[:-1]
            whole = len(lines) // 4 * 4
            heads, plus = lines[0:whole:4], lines[2:whole:4]
            if not all(head.startswith(b"@") for head in heads) or not all(line.startswith(b"+") for line in plus):
                place = next(
                    place
                    for place, pair in enumerate(zip(heads, plus, strict=True))
                    if not (pair[0].startswith(b"@") and pair[1].startswith(b"+"))
                )
                raise CorpusError(
                    f"{label}: line {number + 4 * place + 1} does not begin a FASTQ record of four lines",
                    "write it with four lines to a record, e.g. seqtk seq FILE > NEW.fastq",
                )
            yield b"".join(line.rstrip(b"\r") + b"\n" for line in lines[1:whole:4])
            rest, number = lines[whole:], number + whole
        if any(line.strip() for line in rest):
            raise CorpusError(f"{label}: the last FASTQ record is cut off", "get the file from its source again")

    return change


def replaced(pattern: bytes, by: bytes = b"") -> LineChange:
    """Return the change that replaces what a pattern matches; ^ and $ are the ends of lines."""
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda blocks: (compiled.sub(by, block) for block in blocks)


def without_head(lines: int, change: LineChange | None = None) -> LineChange:
    """Return the change that leaves out the first lines, empty ones counted, and then does another one."""

    def cut(blocks: Iterator[bytes]) -> Iterator[bytes]:
        left = lines
        for block in blocks:
            while left and block:
                block = block[block.find(b"\n") + 1 :]
                left -= 1
            if block:
                yield block

    return lambda blocks: (change or iter)(cut(blocks))
