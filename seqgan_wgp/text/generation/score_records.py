"""Format strings with their scores as txt, jsonl or csv records."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

import numpy as np

from ...errors import ConfigError, did_you_mean
from .formats import as_csv, as_jsonl, as_txt

Value = str | float
Columns = Mapping[str, Value]
"""Name -> a number, or a word without tabs, commas and quotes."""


def as_columns(text: str, columns: Columns) -> str:
    """Return the columns and then the text, tabs between; an empty word is "-"."""
    return "\t".join([*(_written(value) or "-" for value in columns.values()), as_txt(text)])


def as_json(text: str, columns: Columns) -> str:
    """Return a JSON object of the text and the columns; a number that is not finite is null."""
    pairs = [f'"{name}": {_in_json(value)}' for name, value in columns.items()]
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


def _in_json(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return _written(value) if math.isfinite(value) else "null"
