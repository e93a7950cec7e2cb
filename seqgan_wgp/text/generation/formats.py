"""Output formats of strings, alone or with further columns: lines of text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError, did_you_mean

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
    stem.with_suffix(".txt").write_text("".join(lines), encoding="utf-8")


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


FORMATS: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": as_jsonl, "csv": as_csv}
"""Format -> function from string to line, without the line feed. For the header of CSV see HEADERS."""

HEADERS: dict[str, str] = {"csv": "text\n"}
"""Format -> first line of the file."""


Value = str | float
Columns = Mapping[str, Value]
"""Name -> a number, or a word without tabs, commas and quotes."""


def as_columns(text: str, columns: Columns) -> str:
    """Return the columns and then the text, separated by tabs; an empty word is "-"."""
    return "\t".join([*(_written(value) or "-" for value in columns.values()), as_txt(text)])


def as_json(text: str, columns: Columns) -> str:
    """Return a JSON object of the text and the columns; non-finite numbers are null."""
    pairs = [f'"{name}": {_json_value(value)}' for name, value in columns.items()]
    return ", ".join([as_jsonl(text)[:-1], *pairs]) + "}"


def as_fields(text: str, columns: Columns) -> str:
    """Return the fields of a CSV file, the text first."""
    return ",".join([as_csv(text), *map(_written, columns.values())])


RECORDS: dict[str, Callable[[str, Columns], str]] = {"txt": as_columns, "jsonl": as_json, "csv": as_fields}
"""Format -> function from string and columns to line, without the line feed. Numbers have as few digits as identify a
float32."""


def header(format_: str, *columns: str) -> str:
    """Return the first line of a file of the format, or nothing."""
    return ",".join(["text", *columns]) + "\n" if format_ == "csv" else ""


def check_format(format_: str) -> None:
    """Raise ConfigError for an unknown format."""
    if format_ not in RECORDS:
        known = f"choose one of: {', '.join(RECORDS)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, RECORDS)}", known)


def _written(value: Value) -> str:
    return value if isinstance(value, str) else str(np.float32(value))


def _json_value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return _written(value) if math.isfinite(value) else "null"
