"""Strings as people and programs read them, alone or with what is known of them: lines of text, JSON or CSV."""

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
    r"""Return a string that takes one line: control characters and line separators as \n, \t, \x1b, \u2028.

    A backslash stays one backslash, so this is for reading; JSON lines are exact.
    """
    if string.isprintable():
        return string
    return "".join(_escaped(character) for character in string)


def _escaped(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


_JSON_SEPARATORS = {0x7F: r"\u007f", 0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}
"""What JSON lets stand for itself, but some readers take for the end of a line."""


LINES_WRITTEN = 100
"""Samples of an evaluation that are written to a file."""


def write_lines(_config: Config, spec: DataSpec, samples: npt.NDArray[np.integer], stem: Path) -> None:
    """Write the first samples as printable lines to `stem` with the ending .txt."""
    lines = [printable(string) + "\n" for string in spec.to_text(samples[:LINES_WRITTEN])]
    stem.with_suffix(".txt").write_text("".join(lines), encoding="utf-8")


def as_txt(string: str) -> str:
    """Return the string as one line."""
    return printable(string)


def as_jsonl(string: str) -> str:
    """Return the string as a JSON object, {"text": ...}, on one line; exact."""
    return json.dumps({"text": string}, ensure_ascii=False).translate(_JSON_SEPARATORS)


def as_csv(string: str) -> str:
    """Return the string as a CSV field, quoted where it must be (RFC 4180); exact."""
    buffer = io.StringIO()
    # Before Python 3.13 a line break is quoted only if it is part of the line's end.
    csv.writer(buffer, lineterminator="\r\n").writerow([string])
    return buffer.getvalue().removesuffix("\r\n")


FORMATS: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": as_jsonl, "csv": as_csv}
"""Name -> string to line, without the line feed. CSV has a header, see HEADERS."""

HEADERS: dict[str, str] = {"csv": "text\n"}
"""What a file of the format begins with."""


Value = str | float
Columns = Mapping[str, Value]
"""Name -> a number, or a word without tabs, commas and quotes."""


def as_columns(text: str, columns: Columns) -> str:
    """Return the columns and then the text, tabs between; an empty word is "-"."""
    return "\t".join([*(_written(value) or "-" for value in columns.values()), as_txt(text)])


def as_json(text: str, columns: Columns) -> str:
    """Return a JSON object of the text and the columns; a number that is not finite is null."""
    pairs = [f'"{name}": {_json_value(value)}' for name, value in columns.items()]
    return ", ".join([as_jsonl(text)[:-1], *pairs]) + "}"


def as_fields(text: str, columns: Columns) -> str:
    """Return the fields of a CSV file, the text first."""
    return ",".join([as_csv(text), *map(_written, columns.values())])


RECORDS: dict[str, Callable[[str, Columns], str]] = {"txt": as_columns, "jsonl": as_json, "csv": as_fields}
"""Name -> string and columns to line, without the line feed. Numbers have as few digits as say a float32 exactly."""


def header(format_: str, *columns: str) -> str:
    """Return what a file of the format begins with."""
    return ",".join(["text", *columns]) + "\n" if format_ == "csv" else ""


def check_format(format_: str) -> None:
    """Raise ConfigError unless there is such a format."""
    if format_ not in RECORDS:
        known = f"choose one of: {', '.join(RECORDS)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, RECORDS)}", known)


def _written(value: Value) -> str:
    return value if isinstance(value, str) else str(np.float32(value))


def _json_value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return _written(value) if math.isfinite(value) else "null"
