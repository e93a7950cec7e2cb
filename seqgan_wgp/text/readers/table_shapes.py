"""Tell tables and records by their first lines: which reader of columns a text without a telling name needs."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Sequence

TABLE_BYTES = 1 << 16
"""First bytes that are looked at."""

MAX_LINES = 500
"""Lines of them."""

ALIKE = 0.95
"""The share of the lines that must have one shape."""

_JSON_ARRAY = re.compile(r"\s*\[\s*[\[{\"\-\d]")

_DECODER = json.JSONDecoder()

_JSON_OBJECT = re.compile(r'\s*\{\s*"')

DELIMITERS = "\t;,|"


def decoded(head: bytes, encoding: str = "utf-8") -> str:
    """Return the text that first bytes are: in the encoding of their byte order mark, else as the given one says."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            encoding = name
            break
    try:
        # The last character may be cut in half.
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    except LookupError:  # reading the file says so in earnest
        text = head.decode("latin-1")
    return text.removeprefix("\ufeff")


_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def lines_of(text: str, *, is_whole: bool) -> list[str]:
    """Return the first lines of a text that are not empty, without their ends; not the last one where it may go on."""
    lines = re.split("\r\n|\n|\r", text) if "\n" not in text else [line.rstrip("\r") for line in text.split("\n")]
    if not is_whole and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line][:MAX_LINES]


def table_reader_of(head: bytes) -> str | None:
    """Return the reader in FIELDS that finds columns in a text, given its first bytes; None where it has none."""
    text = decoded(head)
    lines = lines_of(text, is_whole=len(head) < TABLE_BYTES)
    if is_json_array(text):
        return "json"
    if is_json_lines(lines):
        return ".jsonl"
    return ".csv" if columns_of(lines) else None


def is_json_array(text: str) -> bool:
    """Say whether a text is, or begins, an array of JSON that holds strings, numbers, objects or arrays."""
    if not _JSON_ARRAY.match(text):
        return False
    start = text.index("[")
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return _begins_array(text, start + 1)
    return not text[end:].strip()


def _begins_array(text: str, start: int) -> bool:
    """Say whether behind the first element an array may go on, as `[12:30] hello` does not."""
    while text[start : start + 1].isspace():
        start += 1
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return True  # it may be cut
    return text[end:].lstrip()[:1] in ("", ",", "]")


def is_json_object(text: str) -> bool:
    """Say whether a text begins like an object of JSON."""
    return _JSON_OBJECT.match(text) is not None


def is_json_lines(lines: Sequence[str]) -> bool:
    """Say whether nearly all lines are objects of JSON."""
    return bool(lines) and sum(map(_is_record, lines)) >= ALIKE * len(lines)


def _is_record(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def columns_of(lines: Sequence[str], delimiters: str = DELIMITERS) -> tuple[str, list[list[str]]] | None:
    """Return the delimiter and the rows of a table; None where lines have no constant number of two columns or more."""
    if lines and re.fullmatch("sep=.", lines[0]):
        delimiters, lines = lines[0][4] if lines[0][4] in delimiters else "", lines[1:]
    for delimiter in delimiters:
        if not lines or sum(delimiter in line for line in lines) < ALIKE * len(lines):
            continue
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        (cells, count), *_ = Counter(map(len, rows)).most_common(1)
        if cells > 1 and count >= ALIKE * len(rows):
            return delimiter, rows
    return None
