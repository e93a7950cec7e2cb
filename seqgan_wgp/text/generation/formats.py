"""Output formats of strings, alone or with further columns: lines of text, JSON or CSV.

`LineEncoder` writes blocks of ids as the lines that FORMATS has for strings: the same bytes, but faster. In every
format a character is always written as the same few bytes. So a block becomes an array of cells of one width, one per
character, padded with NUL, and one pass removes the NULs. The width is the least that fits all characters of the
block: 1 byte for plain ASCII.

Shape suffixes: N strings, L length, V vocabulary, C cells of a line.
"""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError, did_you_mean
from ...utils.atomic_files import new_file
from ..hashing.row_hashes import Ids
from ..vocabulary import PAD, REPLACEMENT, Vocabulary, mask_after_pad

if TYPE_CHECKING:
    from ...config import Config
    from ...training.domain import DataSpec


def printable(string: str) -> str:
    r"""Return a string on one line: control characters and line separators are written as \n, \t, \x1b, \u2028.

    Backslashes are not doubled, so this is for people; JSON lines are exact.
    """
    if string.isprintable():
        return string
    return "".join(_escaped(character) for character in string)


def _escaped(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


_JSON_SEPARATORS = {0x7F: r"\u007f", 0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}
"""Characters that JSON does not escape, but that some readers take for line ends."""


LINES_WRITTEN = 100
"""Number of samples per evaluation that are written to a file."""


def write_lines(_config: Config, spec: DataSpec, samples: npt.NDArray[np.integer], stem: Path) -> None:
    """Write the first samples as printable lines to `stem`.txt."""
    lines = [printable(string) + "\n" for string in spec.to_text(samples[:LINES_WRITTEN])]
    with new_file(stem.with_suffix(".txt")) as file:
        file.write("".join(lines).encode())


def as_txt(string: str) -> str:
    """Return the string as one line."""
    return printable(string)


def as_jsonl(string: str) -> str:
    """Return the string as a JSON object, {"text": ...}, on one line; exact."""
    return json.dumps({"text": string}, ensure_ascii=False).translate(_JSON_SEPARATORS)


def as_csv(string: str) -> str:
    """Return the string as a CSV field, quoted if necessary (RFC 4180); exact."""
    buffer = io.StringIO()
    # Before Python 3.13 a line break is quoted only if it is part of the line terminator.
    csv.writer(buffer, lineterminator="\r\n").writerow([string])
    return buffer.getvalue().removesuffix("\r\n")


FORMULA_STARTS = frozenset("=+-@\t\r")
"""A cell that begins with one of these is a formula to a spreadsheet, which may run programs and fetch pages."""

MARK = "'"
"""Put before such a cell; a spreadsheet then shows it as text."""


def is_formula(string: str) -> bool:
    """Say whether a string begins as a formula does, behind any number of marks: then one more mark can be undone."""
    return string.lstrip(MARK)[:1] in FORMULA_STARTS


def as_safe_csv(string: str) -> str:
    """Return the string as a CSV field, with a mark before it if a spreadsheet would take it for a formula."""
    return as_csv(MARK + string if is_formula(string) else string)


def without_mark(cell: str) -> str:
    """Return the string that `as_safe_csv` was given."""
    return cell.removeprefix(MARK) if is_formula(cell) else cell


CSV_SAFE = "csv-safe"

FORMATS: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": as_jsonl, "csv": as_csv, CSV_SAFE: as_safe_csv}
"""Format -> function from string to line, without the line feed. For the header of CSV see HEADERS."""

HEADERS: dict[str, str] = {"csv": "text\n", CSV_SAFE: "text\n"}
"""Format -> first line of the file."""


Value = str | float
Columns = Mapping[str, Value]
"""Name -> a number or a text; among tabs it is written as `as_txt` writes it."""


def as_columns(text: str, columns: Columns) -> str:
    """Return the columns and then the text, separated by tabs; an empty word is "-"."""
    return "\t".join([*(_written(value, as_txt) or "-" for value in columns.values()), as_txt(text)])


def as_json(text: str, columns: Columns) -> str:
    """Return a JSON object of the text and the columns; non-finite numbers are null."""
    pairs = [f'"{name}": {_json_value(value)}' for name, value in columns.items()]
    return ", ".join([as_jsonl(text)[:-1], *pairs]) + "}"


def as_fields(text: str, columns: Columns) -> str:
    """Return the fields of a CSV file, the text first."""
    return ",".join([as_csv(text), *(_written(value, as_csv) for value in columns.values())])


def as_safe_fields(text: str, columns: Columns) -> str:
    """Return the fields of a CSV file, the text first, marked if needed. Numbers are left as they are."""
    return ",".join([as_safe_csv(text), *(_written(value, as_safe_csv) for value in columns.values())])


RECORDS: dict[str, Callable[[str, Columns], str]] = {
    "txt": as_columns,
    "jsonl": as_json,
    "csv": as_fields,
    CSV_SAFE: as_safe_fields,
}
"""Format -> function from string and columns to line, without the line feed. Numbers have as few digits as identify a
float32."""


def header(format_: str, *columns: str) -> str:
    """Return the first line of a file of the format, or nothing."""
    return ",".join(["text", *columns]) + "\n" if format_ in HEADERS else ""


def chosen_format(format_: str, *, csv_safe: bool) -> str:
    """Return the format of FORMATS that two options name. Raises ConfigError for an unknown one, or an idle option."""
    names = [name for name in FORMATS if name != CSV_SAFE]
    if format_ not in names:
        known = f"choose one of: {', '.join(names)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, names)}", known)
    if csv_safe and format_ != "csv":
        raise ConfigError(f"--csv-safe needs --format csv, but --format is {format_}", "give --format csv")
    return CSV_SAFE if csv_safe else format_


def _written(value: Value, as_text: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return as_text(value) if value else ""
    return str(np.float32(value))


def _json_value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_JSON_SEPARATORS)
    return str(np.float32(value)) if math.isfinite(value) else "null"


Cells = npt.NDArray[np.unsignedinteger[Any]]

ROWS = 512
"""Number of lines processed at a time, so that they fit into the processor's cache."""

WIDTHS = (1, 2, 4, 8)
"""Possible widths of a cell in bytes. A character has at most 6 bytes, as \\u2028 does."""

_FRAME: dict[str, tuple[list[bytes], list[bytes]]] = {
    "txt": ([], [b"\n"]),
    "jsonl": ([b'{"text": "'], [b'"}\n']),
    "csv": ([b'"'], [b'"', b"\n"]),
    CSV_SAFE: ([b'"', MARK.encode()], [b'"', b"\n"]),
}
"""Format -> text before and after the characters of a line; for CSV quotes, and the mark, only where needed."""

_PLAIN, _FORMULA, _MARKS = 0, 1, 2
"""What a text begins with: behind marks, a character that begins a formula or another one; marks alone."""


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
        quoted = [format_ in ("csv", CSV_SAFE) and as_csv(text) != text for text in vocabulary.texts]
        self._quoted_V = np.array([False, False, *quoted])
        self._begins_V = np.array([_PLAIN, _PLAIN, *map(_beginning, vocabulary.texts)])

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
        if self._format == CSV_SAFE:
            line_NC[~self._formulas(ids_NL), 1] = 0
        if self._format in ("csv", CSV_SAFE):
            quoted_N = ids_NL[:, 0] == PAD  # a row of one empty field would be an empty line
            if self._quoted_V.any():
                quoted_N |= self._quoted_V.take(ids_NL, mode="clip").any(axis=1)
            line_NC[~quoted_N, 0] = line_NC[~quoted_N, last] = 0
        return line_NC

    def _formulas(self, ids_NL: Ids) -> npt.NDArray[np.bool_]:
        """Say of which rows the strings are formulas; see `is_formula`."""
        begins_N = self._begins_V.take(ids_NL[:, 0], mode="clip")
        for column in range(1, ids_NL.shape[1]):
            marks_N = begins_N == _MARKS
            if not marks_N.any():
                break
            begins_N[marks_N] = self._begins_V.take(ids_NL[marks_N, column], mode="clip")
        formulas_N: npt.NDArray[np.bool_] = begins_N == _FORMULA
        return formulas_N


def _beginning(text: str) -> int:
    if not text.strip(MARK):
        return _MARKS
    return _FORMULA if text.lstrip(MARK)[0] in FORMULA_STARTS else _PLAIN


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


PIECES: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": _in_json, "csv": _in_csv, CSV_SAFE: _in_csv}
"""Format -> function that writes a character within a string."""


SCORES = ("score", "log_probability")
"""The columns of scores, in order: the critic's, and the natural log probability."""

COST = "constraint_cost"
"""A further column of strings under constraints: the log probability that the constraints cost, in nats."""

LABEL = "label"
"""A further column of strings of a conditional model, the first."""


def record_lines(strings: Iterable[str], columns: Mapping[str, Sequence[Value]], format_: str) -> bytes:
    """Return one line per string with the values of its columns, name -> values (N); see RECORDS."""
    line = RECORDS[format_]
    rows = zip(strings, *columns.values(), strict=True)
    return "".join(line(string, dict(zip(columns, row, strict=True))) + "\n" for string, *row in rows).encode()
