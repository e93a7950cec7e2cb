"""Read FASTA as a stream of sequences, one per line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

_NO_CUT = b" \t\n\r\x0b\x0c>;"
"""Bytes at which a line is not cut, since a part that begins or ends with them would be misread."""


def sequences(stream: BinaryIO, block_bytes: int = 1 << 20) -> BinaryIO:
    """Return a stream of the sequences of a FASTA file, one per line, in constant memory.

    A line that begins with ">" starts a sequence; one that begins with ";" is a comment. The other lines are stripped
    and joined. An empty sequence gives no line.
    """
    return io.BufferedReader(Pieces(stream, _sequences(_whole_lines(stream, block_bytes))), block_bytes)


class Pieces(io.RawIOBase):
    """A stream of the bytes that an iterator yields. Closing it closes the underlying stream."""

    def __init__(self, stream: BinaryIO, pieces: Iterator[bytes]) -> None:
        self._stream, self._pieces = stream, pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: Any) -> int:
        """Copy the next bytes into a buffer and return their number; 0 at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(target), len(self._piece))
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        """Close both streams."""
        self._stream.close()
        super().close()


def _whole_lines(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Yield blocks of whole lines. A line longer than a block is cut where the parts have the same meaning as lines."""
    rest, is_head = b"", True
    while chunk := stream.read(block_bytes):
        data = rest + (chunk.removeprefix(codecs.BOM_UTF8) if is_head else chunk)
        is_head = False
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if len(rest) >= block_bytes:
            if rest[0] in b">;":
                yield data
                rest = b";"  # the rest of a header or comment is treated as a comment
                continue
            part = len(rest.rstrip(_NO_CUT)) - 1
            if part > 0 and rest[part - 1] not in b" \t\n\r\x0b\x0c":
                cut += part
                rest = data[cut:]
        yield data[:cut]
    yield rest


def _sequences(blocks: Iterator[bytes]) -> Iterator[bytes]:
    begun = False
    for block in blocks:
        pieces = []
        for place, record in enumerate((b"\n" + block).split(b"\n>")):
            if place and begun:
                pieces.append(b"\n")
                begun = False
            lines = (record.partition(b"\n")[2] if place else record).split(b"\n")
            if b";" in record:
                lines = [line for line in lines if not line.startswith(b";")]
            sequence = b"".join(map(bytes.strip, lines))
            begun = begun or bool(sequence)
            pieces.append(sequence)
        yield b"".join(pieces)
    if begun:
        yield b"\n"
