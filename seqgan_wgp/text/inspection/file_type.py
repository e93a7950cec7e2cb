"""Recognise tables and JSON records by their first lines, whatever the file name."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_MIN_LINES = 5
_SHARE = 0.95
"""Least share of lines with the same form."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The form of lines that are not plain strings."""

    kind: str
    """csv, jsonl or fasta."""

    columns: tuple[str, ...]
    """Names in the first line, or of the text fields."""


def shape(lines: Sequence[str]) -> Shape | None:
    """Return the form of the first lines of a text; None for plain strings."""
    if len(lines) < _MIN_LINES:
        return None
    return next((found for look in LOOKS if (found := look(lines))), None)


def _jsonl(lines: Sequence[str]) -> Shape | None:
    records = [record for record in map(_parsed, lines) if isinstance(record, dict)]
    if len(records) < _SHARE * len(lines):
        return None
    texts = [key for key, value in records[0].items() if isinstance(value, str)]
    return Shape(kind="jsonl", columns=tuple(texts))


def _parsed(line: str) -> object:
    try:
        return json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return None


def _fasta(lines: Sequence[str]) -> Shape | None:
    heads = sum(line.startswith(">") for line in lines)
    sequences = sum(re.fullmatch(r"[A-Za-z*-]+\s*", line) is not None for line in lines)
    is_fasta = lines[0].startswith(">") and sequences and heads + sequences >= _SHARE * len(lines)
    return Shape(kind="fasta", columns=()) if is_fasta else None


def _csv(lines: Sequence[str]) -> Shape | None:
    for delimiter in "\t;,|":
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        (cells, count), *_ = Counter(map(len, rows)).most_common(1)
        if cells > 1 and count >= _SHARE * len(lines) and len(rows) == len(lines):
            return Shape(kind="csv", columns=tuple(rows[0]))
    return None


LOOKS: tuple[Callable[[Sequence[str]], Shape | None], ...] = (_jsonl, _fasta, _csv)
"""Functions that recognise a form from lines."""
