"""metrics.jsonl: one JSON object per line, appended during training."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import CheckpointError


class MetricsLog:
    """An append-only file of records.

    Args:
        path: the file; created if missing.
        size: number of bytes to keep of an existing file. What follows was written after the last checkpoint of an
            interrupted run and will be written again.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        there = path.stat().st_size if path.exists() else 0
        if there < size:
            raise CheckpointError(
                f"{path}: has {there} bytes, but the checkpoint expects {size}", "restore the file, or start a new run"
            )
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


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, without a last line that was cut off by a crash.

    Raises CheckpointError when another line is not a record.
    """
    lines = path.read_bytes().split(b"\n")
    return [_record(path, number, line) for number, line in enumerate(lines[:-1], 1)]


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "step" not in record:
        raise CheckpointError(
            f"{path}: line {number:,} is not a record of a run", "restore the file, or start a new run"
        )
    return record
