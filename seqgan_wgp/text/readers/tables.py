"""Strings from tables and records of text: CSV columns and the fields of JSON lines."""

from __future__ import annotations

import csv
import functools
import itertools
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from ...errors import CorpusError, did_you_mean, one_line
from .column_spec import LET, Wanted, bad_byte, is_sound, listed, mended, text_lines, unnamed

_SKIP = "to skip such lines: --set corpus.errors=skip"

_SEPARATOR_LINE = re.compile("sep=(.)")

_NUMBER = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)*\s*")

_LINE_END = re.compile("\r\n|\r|\n")


def cells(delimiters: str, want: Wanted) -> Iterator[str | None]:
    """Yield the strings of a column; None for a row that is too short."""
    lines, head = text_lines(want, ""), list[str]()
    for line in lines:
        separator = _SEPARATOR_LINE.fullmatch(line.strip("\r\n")) if not any(map(str.strip, head)) else None
        if separator:  # written by spreadsheets; not part of the table
            delimiters, line = separator[1], "\n"
        head.append(line)
        if line.strip("\r\n"):
            break
    else:
        raise CorpusError(f"{want.label}: the file is empty")
    outside_quotes = "".join(head[-1].split('"')[::2])
    rows = _rows(itertools.chain(head, lines), max(delimiters, key=outside_quotes.count), want)
    last, first = next(rows)
    place, is_data = _column(first, last, want)
    for end, row in itertools.chain([(last, first)] * is_data, rows):
        if place >= len(row):
            yield None
        elif is_sound(row[place]):
            yield row[place]
        else:
            yield mended(row[place], want, partial(_bad_cell, want, end, row[place + 1 :]))


def _rows(lines: Iterator[str], delimiter: str, want: Wanted) -> Iterator[tuple[int, list[str]]]:
    """Yield rows, each with the number of its last line, without empty lines."""
    _allow_long_cells()
    # Strict, since otherwise an unclosed quote silently swallows the rest of the file.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    last = 0
    try:
        for row in reader:
            last = reader.line_num
            if row:
                yield last, row
    except csv.Error as error:
        raise CorpusError(
            f"{want.label}: line {last + 1} begins a row that is not CSV ({error})",
            "a quoted cell must end with a quote, and quotes within it must be doubled",
        ) from None


@functools.cache
def _allow_long_cells() -> None:
    """Raise the csv module's limit, a process-wide setting; only once, so that other code can change it."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 27))


def _column(first: list[str], last: int, want: Wanted) -> tuple[int, bool]:
    """Return the index of the column, and whether the first row is data, as when the column is given by number."""
    if not want.field and any(map(_NUMBER.fullmatch, first)):
        raise CorpusError(
            f"{want.label}: a table has columns; name one",
            f"e.g. {want.label}:1; the first line has a number in it, so it seems to be data: {listed(first)}",
        )
    if not want.field:
        raise unnamed(want, "a table has columns", "columns", first)
    if want.field in first:
        return first.index(want.field), False
    numbers = [str(number) for number in range(1, len(first) + 1)]
    if want.field in numbers:
        return numbers.index(want.field), True
    for place, name in enumerate(first):  # with a wrong encoding the name may be garbled
        if not is_sound(name):
            mended(name, want, partial(_bad_cell, want, last, first[place + 1 :]))
    raise CorpusError(
        f"{want.label}: no column {want.field!r}{did_you_mean(want.field, first)}",
        f"columns: {listed(first)}; in a file without header, a number from 1 to {len(first)}",
    )


def _bad_cell(want: Wanted, last: int, cells_behind: list[str], found: re.Match[str]) -> CorpusError:
    # Cells contain line ends. Those after the bad byte are between its line and the last line of the row.
    behind = " ".join([found.string[found.start() :], *cells_behind])
    return bad_byte(want, last - len(_LINE_END.findall(behind)), found[0])


# Records of JSON

ABSENT = object()
"""Value of an absent field."""


class _Number(str):
    """A JSON number, kept as text."""

    __slots__ = ()


JSON_NUMBERS: dict[str, Any] = {"parse_int": _Number, "parse_float": _Number, "parse_constant": _Number}
"""Options of the JSON decoder that keep numbers as text: 1.50 keeps its zero, and 1e400 is not infinity."""

_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def values(want: Wanted) -> Iterator[str | None]:
    """Yield the string in a field of each record; None for null."""
    record: Any = ABSENT
    for number, line in enumerate(text_lines(want, "\n"), 1):
        if not line or line.isspace():
            continue
        record = _parsed(line)
        if not want.field and isinstance(record, dict):
            raise unnamed(want, "a record has fields", "fields", field_names(record))
        is_string = isinstance(record, str) and not want.field
        value = record if is_string else as_string(look_up(record, want.field))
        if value is None or (isinstance(value, str) and is_sound(value)):
            yield value
        elif isinstance(value, str):
            yield mended(value, want, partial(_bad_value, want, number, line))
        elif want.errors == "skip":
            yield None
        else:
            raise odd_record(f"{want.label}: line {number}", record, value, want.field)
    if record is ABSENT:
        raise CorpusError(f"{want.label}: the file is empty")


def _parsed(line: str) -> Any:
    """Parse a line as JSON; return the exception if it is invalid."""
    try:
        return json.loads(line, **JSON_NUMBERS)
    except (ValueError, RecursionError) as error:
        return error


def as_string(value: Any) -> Any:
    """Return a number as a string; other values unchanged."""
    return str(value) if isinstance(value, _Number) else value


def look_up(record: Any, field: str) -> Any:
    """Return the value of a field, given by name or by dotted path. A field within null is null."""
    if not isinstance(record, dict):
        return ABSENT
    if field in record:
        return record[field]
    for name in field.split("."):
        if record is None:
            return None
        if not isinstance(record, dict) or name not in record:
            return ABSENT
        record = record[name]
    return record


def field_names(record: dict[str, Any]) -> list[str]:
    """Return the names of the fields of a record and of nested ones, strings first."""
    found: dict[str, bool] = {}
    records = [("", record)]
    for prefix, inner in records:  # the list grows meanwhile
        for key, value in inner.items():
            found[prefix + key] = isinstance(value, str) and not isinstance(value, _Number)
            if isinstance(value, dict):
                records.append((f"{prefix}{key}.", value))
    return sorted(found, key=lambda name: not found[name])


def odd_record(where: str, record: Any, value: Any, field: str) -> CorpusError:
    """Return the error for a record without a string in a field."""
    if isinstance(record, Exception):
        return CorpusError(f"{where}: not JSON ({one_line(record)})", f"each line must be a JSON object; {_SKIP}")
    if not isinstance(record, dict):
        kind = _KINDS.get(type(record), "a number")
        if record is value:
            return CorpusError(f"{where}: {kind}, not a string", _SKIP)
        return CorpusError(f"{where}: {kind}, not an object", f"each line must be a JSON object; {_SKIP}")
    names = field_names(record)
    message = f"{where}: the field {field!r} is {_KINDS.get(type(value), 'a number')}, not a string"
    if value is ABSENT:
        message = f"{where}: no field {field!r}{did_you_mean(field, names)}"
    return CorpusError(message, f"fields: {listed(names)}; {_SKIP}")


def _bad_value(want: Wanted, number: int, line: str, found: re.Match[str]) -> CorpusError:
    if found[0] in line:
        return bad_byte(want, number, found[0])
    return CorpusError(
        f"{want.label}: line {number}: \\u{ord(found[0]):04x} alone is half a surrogate pair", f"replace it: {LET}"
    )
