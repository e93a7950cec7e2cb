"""Write strings to a file that an interrupted command can continue.

FILE.index next to FILE has some lines of JSON: the request, and the progress of the file when it was last flushed to
disk. Anything after that is cut off and generated again, so the result equals that of an uninterrupted run.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, final

from filelock import FileLock, Timeout

from ...errors import CheckpointError, ConfigError
from ...utils.file_schema import Count, SchemaError, checked_value, from_json, read_json
from .request import Progress

FORMAT_VERSION = 1

EVERY_SECONDS = 2.0
"""Time between two updates of the index, and so the largest loss of work."""

_BUFFER = 1 << 20
"""Number of bytes written at a time between updates of the index."""

_ANEW = "give another FILE, or start again with --overwrite"


@final
@dataclass(frozen=True, kw_only=True)
class Index:
    """Contents of FILE.index."""

    format_version: Count
    request: Mapping[str, Any]
    """The options that determine the strings, without their number, as JSON values by option name."""

    bytes: Count
    """Number of valid bytes in the file."""

    at: Progress


@final
class ResumableFile:
    """A file that is written from the start or from where it was interrupted, locked for other processes.

    Args:
        file: FILE.
        request: see `Index`. A file that was started with another request is refused.
        first: progress of a new file.
        header: first line of the file.
        overwrite: start again, and replace an existing file.
        every_seconds: None: EVERY_SECONDS.

    Raises:
        ConfigError: on entering: another request, a file without index or in use by another process, or no folder.
        CheckpointError: the index cannot be read, or the file is shorter than the index says.
        OSError: the file cannot be written.
    """

    def __init__(
        self,
        file: Path,
        request: Mapping[str, Any],
        first: Progress,
        *,
        header: bytes = b"",
        overwrite: bool = False,
        every_seconds: float | None = None,
    ) -> None:
        if not file.name or file.name == "..":
            raise ConfigError(f"{file}: is a folder, not a file", "give another FILE")
        self._path, self._index = file, file.with_name(f"{file.name}.index")
        self._request, self._header = json.loads(json.dumps(request)), header
        self._overwrite = overwrite
        self._every_seconds = EVERY_SECONDS if every_seconds is None else every_seconds
        self.begun = self._at = first
        self._bytes, self._saved = 0, time.monotonic()
        self._lock = FileLock(file.with_name(f".{file.name}.lock"))
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        """Open the file; `begun` is then its progress."""
        if not self._path.parent.is_dir():  # which the lock would create
            raise ConfigError(f"{self._path}: there is no such folder", "give another FILE")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(f"{self._path}: another process is writing it", "wait for it") from None
        try:
            self._open()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the index. A new file that has no string because of an error is removed."""
        try:
            nothing = error is not None and not self._at.strings
            with self._writing, self._file:
                if not nothing:
                    self._save()
            if nothing:
                self._path.unlink()
                self._index.unlink()
        finally:
            self._release()

    def write(self, lines: bytes, at: Progress) -> None:
        """Append lines, after which the progress is `at`."""
        with self._writing:
            self._file.write(lines)
            self._bytes, self._at = self._bytes + len(lines), at
            if time.monotonic() - self._saved >= self._every_seconds:
                self._save()

    def _open(self) -> None:
        index = self._found()
        if index is None:
            # The index first: an interruption here leaves an index without a file, which counts as a new file.
            index = Index(format_version=FORMAT_VERSION, request=self._request, bytes=0, at=self.begun)
            self._write(index)
        self._file: BinaryIO = self._path.open("r+b" if self._path.exists() else "w+b", _BUFFER)
        self._bytes, self._at, self.begun = index.bytes, index.at, index.at
        self._file.truncate(self._bytes)
        self._file.seek(self._bytes)
        if not self._bytes:
            self._bytes = self._file.write(self._header)
        self._saved = time.monotonic()

    def _found(self) -> Index | None:
        """Return the index of the file to continue; None for a new file."""
        if self._path.exists() and not self._path.is_file():
            raise ConfigError(f"{self._path}: is a folder or a device, not a file", "give another FILE")
        size = self._path.stat().st_size if self._path.exists() else 0
        if self._overwrite:
            return None
        if not self._index.exists():
            if size:
                raise ConfigError(f"{self._path}: already exists and was not written with --continue", _ANEW)
            return None
        index = self._read()
        for name in dict.fromkeys((*index.request, *self._request)):  # including options that one of the two lacks
            was, now = index.request.get(name), self._request.get(name)
            if was != now:
                raise ConfigError(
                    f"{self._path}: was started with {_said(name, was)}, not with {_said(name, now)}", _ANEW
                )
        if size < index.bytes:
            lost = f"{self._path}: has {size:,} bytes, but {self._index.name} expects {index.bytes:,}"
            raise CheckpointError(lost, _ANEW)
        return index

    def _read(self) -> Index:
        tree = read_json(self._index, _ANEW)
        try:
            version = checked_value(int, tree.get("format_version") if isinstance(tree, dict) else None, "its format")
            if version > FORMAT_VERSION:
                raise CheckpointError(f"{self._index}: has format {version}", "install a newer seqgan_wgp")
            return from_json(Index, tree)
        except SchemaError as error:
            raise CheckpointError(f"{self._index}: cannot be read ({error})", _ANEW) from None

    def _save(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._write(Index(format_version=FORMAT_VERSION, request=self._request, bytes=self._bytes, at=self._at))
        self._saved = time.monotonic()

    def _write(self, index: Index) -> None:
        # Always the same hidden name, so that a leftover of a killed process is reused.
        hidden = self._index.with_name(f".{self._index.name}.new")
        with hidden.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(index), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self._index)

    def _release(self) -> None:
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink()


def _said(name: str, value: Any) -> str:
    """Return an option as on the command line."""
    if value is None or value is False or value == []:
        return f"no {name}"
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return name if value is True else f"{name} {value}"
