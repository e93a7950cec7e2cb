"""metrics.jsonl: one JSON object per line, appended during training."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from ..utils.file_schema import Between, Name, SchemaError, Seconds, checked_value, from_json, parse_json
from ..utils.messages import warn

_MAX_LINE_BYTES = 1 << 20
"""Of a record; one has some thousands."""

MAX_NOTES = 100
"""Lines that cannot be read and are named; more are counted."""


_Drawable: TypeAlias = Annotated[float, Between(-1e300, 1e300)]
"""A number; the difference of two of them is one too."""


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """What was wrong with the training at a record."""

    name: Name
    message: Name
    remedy: Name


@dataclass(frozen=True, kw_only=True)
class _RecordHead:
    """What records have beside the numbers that were measured."""

    step: Annotated[int, Between(0, 1 << 53)]
    seconds: Seconds = 0.0
    final: bool = False
    health: Annotated[list[_Finding], Between(0, 100)] | None = None


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of a run."""

    found: list[dict[str, Any]]
    notes: list[str]
    """What could not be read: a sentence for each line, and one for all beyond MAX_NOTES."""

    bytes: int = 0
    """Size of the lines that were looked at."""


class MetricsLog:
    """An append-only file of records.

    Args:
        path: the file; created if missing.
        size: number of bytes to keep of an existing file. What follows was written after the last checkpoint of an
            interrupted run and will be written again. A shorter file keeps its whole lines, with a warning.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        there = path.stat().st_size if path.exists() else 0
        if there < size:
            warn(
                f"{path}: has {there:,} bytes, but the checkpoint expects {size:,}; the missing records are lost, and "
                "training goes on"
            )
            size = _whole_lines(path) if there else 0
        self._file = path.open("ab")
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, record: dict[str, Any]) -> None:
        """Write one record and flush it."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def sync(self) -> int:
        """Flush to disk (fsync) and return the size in bytes."""
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _whole_lines(path: Path) -> int:
    """Return how many bytes of a file are whole lines."""
    with path.open("rb") as file:
        return sum(len(line) for line in file if line.endswith(b"\n"))


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file: those that can be read."""
    return look_through(path).found


def look_through(path: Path, *, last_step: int | None = None) -> Records:
    """Return the records of a file, and which lines cannot be read; a last line that a crash cut off is left out.

    Args:
        path: the file.
        last_step: stop before the first record of a later step.
    """
    found, notes, unnamed, size = [], list[str](), 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE_BYTES), b""), 1):
            if not line.endswith(b"\n") and len(line) < _MAX_LINE_BYTES:
                break
            try:
                record = read_record(line)
            except SchemaError as error:
                if len(notes) < MAX_NOTES:
                    notes.append(f"{path.name}, line {number:,}: {error}")
                else:
                    unnamed += 1
            else:
                if last_step is not None and record["step"] > last_step:
                    break
                found.append(record)
            size += len(line)
    if unnamed:
        notes.append(f"{path.name}: {unnamed:,} more lines cannot be read")
    return Records(found=found, notes=notes, bytes=size)


def read_record(line: bytes) -> dict[str, Any]:
    """Return the record of a line. Raises SchemaError when it is none."""
    if len(line) == _MAX_LINE_BYTES:
        raise SchemaError(f"it has more than {_MAX_LINE_BYTES:,} bytes")
    tree = parse_json(line)
    head = from_json(_RecordHead, tree)
    known = set(_RecordHead.__dataclass_fields__)
    numbers = {name: _measured(name, value) for name, value in tree.items() if name not in known}
    return {"step": head.step, **_given(tree, head), **numbers}


def _given(tree: Mapping[str, Any], head: _RecordHead) -> dict[str, Any]:
    """Return what a record has of its head beside the step, in the order of the file."""
    health = [{"name": one.name, "message": one.message, "remedy": one.remedy} for one in head.health or ()]
    values = {"seconds": head.seconds, "final": head.final, "health": health}
    return {name: values[name] for name in tree if name in values}


def _measured(name: str, value: object, depth: int = 2) -> Any:
    """Return what was measured: a number, none, several, or several by name."""
    if name.endswith("_by_position"):
        return checked_value(Annotated[list[_Drawable], Between(1, 1 << 16)], value, name)
    if isinstance(value, list):
        return checked_value(list[float], value, name)
    if isinstance(value, dict) and depth:
        return {key: _measured(f"{name}.{key}", item, depth - 1) for key, item in value.items()}
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return value
    checked_value(_Drawable, float(value) if isinstance(value, bool) else value, name)
    return value
