"""Encode blocks of ids as lines of a format: the same bytes as `generation.FORMATS`, but faster.

In every format a character is always written as the same few bytes. So a block becomes an array of cells of one width,
one per character, padded with NUL, and one pass removes the NULs. The width is the least that fits all characters of
the
block: 1 byte for plain ASCII.

Shape suffixes: N strings, L length, V vocabulary, C cells of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..hashing.row_hashes import Ids
from ..vocabulary import PAD, REPLACEMENT, Vocabulary, mask_after_pad
from .formats import FORMATS, RECORDS, as_csv, as_jsonl, as_txt

_Floats = npt.NDArray[np.floating[Any]]
Cells = npt.NDArray[np.unsignedinteger[Any]]

ROWS = 512
"""Number of lines processed at a time, so that they fit into the processor's cache."""

WIDTHS = (1, 2, 4, 8)
"""Possible widths of a cell in bytes. A character has at most 6 bytes, as \\u2028 does."""

_FRAME: dict[str, tuple[list[bytes], list[bytes]]] = {
    "txt": ([], [b"\n"]),
    "jsonl": ([b'{"text": "'], [b'"}\n']),
    "csv": ([b'"'], [b'"', b"\n"]),
}
"""Format -> text before and after the characters of a line; for CSV quotes only where needed."""


@final
class LineEncoder:
    """Writes ids as lines of a format.

    Args:
        vocabulary: the vocabulary of the ids.
        format_: a key of `generation.FORMATS`.
    """

    def __init__(self, vocabulary: Vocabulary, format_: str) -> None:
        self._vocabulary, self._format = vocabulary, format_
        self._tables = list(_tables([_piece(each, vocabulary, format_) for each in [REPLACEMENT, *vocabulary.texts]]))
        self._frames = {
            table_V.itemsize: tuple(_cells(parts, table_V.itemsize) for parts in _FRAME[format_])
            for table_V in self._tables
        }
        quoted = [format_ == "csv" and as_csv(text) != text for text in vocabulary.texts]
        self._quoted_V = np.array([False, False, *quoted])

    def lines(self, ids_NL: Ids) -> bytes:
        """Return the lines of (N, L) ids, each with a line feed."""
        parts = (mask_after_pad(ids_NL[first : first + ROWS]) for first in range(0, len(ids_NL), ROWS))
        return b"".join(self._lines(part_NL) for part_NL in parts)

    def _lines(self, ids_NL: Ids) -> bytes:
        for table_V in self._tables:
            cells_NL = _looked_up(table_V, ids_NL)
            if not (cells_NL == _strange(cells_NL.itemsize)).any():
                return self._framed(cells_NL, ids_NL).tobytes().translate(None, b"\0")
        line = FORMATS[self._format]
        return "".join(line(string) + "\n" for string in self._vocabulary.decode(ids_NL)).encode()

    def _framed(self, cells_NL: Cells, ids_NL: Ids) -> Cells:
        """Return (N, C) cells: those of the characters, with the text before and after."""
        count, length = cells_NL.shape
        before, behind = self._frames[cells_NL.itemsize]
        first, last = len(before), len(before) + length
        line_NC = np.empty((count, last + len(behind)), cells_NL.dtype)
        line_NC[:, :first], line_NC[:, first:last], line_NC[:, last:] = before, cells_NL, behind
        if self._format == "csv":
            quoted_N = ids_NL[:, 0] == PAD  # a row of one empty field would be an empty line
            if self._quoted_V.any():
                quoted_N |= self._quoted_V.take(ids_NL, mode="clip").any(axis=1)
            line_NC[~quoted_N, 0] = line_NC[~quoted_N, last] = 0
        return line_NC


def _piece(character: str, vocabulary: Vocabulary, format_: str) -> bytes | None:
    """Return the bytes of a character; None for a byte that is only part of a character."""
    if vocabulary.is_byte and not character.isascii() and character != REPLACEMENT:
        return None
    return PIECES[format_](character).encode()


def _tables(pieces: Sequence[bytes | None]) -> Iterator[Cells]:
    """Yield tables from ids to cells, of increasing width, as long as more characters fit, at least a third of them.

    A character that does not fit has the cell `_strange`. So does NUL, which pads cells.
    """
    most = 0
    for width in WIDTHS:
        fitting = [piece if piece and len(piece) <= width and piece != b"\0" else None for piece in pieces]
        count = len(fitting) - fitting.count(None)
        if count > most and 3 * count >= len(pieces):
            most = count
            yield _cells([b"", *(piece or b"\xff" * width for piece in fitting)], width)


def _cells(pieces: Sequence[bytes], width: int) -> Cells:
    """Return byte strings as unsigned integers of `width` bytes, as many as needed, the last padded with NUL."""
    filled = b"".join(piece.ljust(max(1, -(-len(piece) // width)) * width, b"\0") for piece in pieces)
    return np.frombuffer(filled, f"u{width}")


def _strange(width: int) -> int:
    """Return the cell that marks a character that does not fit: UTF-8 has no byte 0xFF."""
    return (1 << 8 * width) - 1


def _looked_up(table_V: Cells, ids_NL: Ids) -> Cells:
    if table_V.itemsize > 1 or ids_NL.itemsize > 1:
        return table_V.take(ids_NL, mode="clip")
    table = table_V.tobytes().ljust(256, b"\0")  # ids beyond the table do not occur
    return np.frombuffer(ids_NL.tobytes().translate(table), np.uint8).reshape(ids_NL.shape)


def _in_json(character: str) -> str:
    return as_jsonl(character).removeprefix('{"text": "').removesuffix('"}')


def _in_csv(character: str) -> str:
    return character.replace('"', '""')


PIECES: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": _in_json, "csv": _in_csv}
"""Format -> function that writes a character within a string."""


SCORES = ("score", "log_probability")
"""The columns of `scored_lines`, in order."""


def scored_lines(strings: Iterable[str], score_N: _Floats, log_probability_N: _Floats, format_: str) -> bytes:
    """Return one line per string with its score and natural log probability; see RECORDS."""
    columns = zip(strings, score_N.tolist(), log_probability_N.tolist(), strict=True)
    line = RECORDS[format_]
    return "".join(line(string, dict(zip(SCORES, pair, strict=True))) + "\n" for string, *pair in columns).encode()
