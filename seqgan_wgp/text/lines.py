"""From a file, stdin or Python strings to lines of code points, a block at a time.

Bytes are split on line feeds only, one carriage return before it and a byte order mark at the head are removed,
and what is left is decoded. Other line separators of Unicode are characters like any other.

Shape suffixes: M code points of a block, N lines, L length.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import shutil
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import CorpusError, did_you_mean
from .bundled import bundled

BLOCK_BYTES = 1 << 20
CELLS = 1 << 21
"""Characters that are laid out at once, so that memory stays bounded whatever the file's size."""

_LINE_FEED, _CARRIAGE_RETURN = 10, 13


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that lines come from, which can be opened again and again."""

    name: str
    """Short name, for run folders: that of the file without its endings."""

    label: str
    """What messages call it."""

    open: Callable[[], BinaryIO]

    encoding: str | None = None
    """The encoding, where the source knows it better than the settings."""


def open_source(corpus: str | Path | Sequence[str]) -> Source:
    """Return the source that `corpus` means: a path, "-" for stdin, a bundled name, or a sequence of strings.

    Raises:
        CorpusError: no such file or bundled corpus; a folder; strings with line feeds or lone surrogates.
    """
    if not isinstance(corpus, str | Path):
        return _from_strings(corpus)
    if corpus == "-":
        return _from_stdin()
    path = Path(corpus)
    try:
        if path.is_dir():
            raise CorpusError(f"{path}: is a folder", "give a text file with one string a line")
        exists = path.exists()
    except OSError as error:
        raise CorpusError(f"{corpus}: cannot be read ({error.strerror})") from None
    if exists:
        name = Path(path.name.removesuffix(".gz")).stem or path.name
        if not path.is_file():  # a pipe: it can be read but once
            with path.open("rb") as stream:
                return _spooled(name, str(path), stream)
        return Source(name=name, label=str(path), open=lambda: _open_file(path))
    known = bundled()
    if str(corpus) in known:
        entry = known[str(corpus)]
        return Source(name=entry.name, label=entry.name, open=lambda: _open_file(entry.path))
    raise CorpusError(
        f"{corpus}: no such file or bundled corpus{did_you_mean(str(corpus), known)}",
        f"bundled corpora: {', '.join(known)}",
    )


def blocks(source: Source) -> Iterator[bytes]:
    """Yield the bytes of a source as blocks of whole lines, without the byte order mark.

    Raises:
        CorpusError: the file cannot be read, is damaged gzip, or is binary (a NUL byte near its head).
    """
    rest: list[bytes] = []
    first = True
    try:
        with source.open() as file:
            while chunk := file.read(BLOCK_BYTES):
                if first:
                    chunk, first = _text_head(source, chunk), False
                head, feed, tail = chunk.rpartition(b"\n")
                if feed:
                    yield b"".join([*rest, head, feed])
                    rest = []
                rest.append(tail)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{source.label}: the gzip data is damaged ({error})", "take it from its source again"
        ) from None
    except OSError as error:
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror or error})") from None
    if last := b"".join(rest):
        yield last


@dataclass(frozen=True)
class Lines:
    """The lines of one block, as slices of its code points."""

    code_points_M: npt.NDArray[np.uint32]
    starts_N: npt.NDArray[np.int64]
    sizes_N: npt.NDArray[np.int64]

    def select(self, keep_N: npt.NDArray[np.bool_]) -> Lines:
        """Return the lines where `keep_N` is true."""
        return Lines(self.code_points_M, self.starts_N[keep_N], self.sizes_N[keep_N])

    def rows(self, length: int) -> Iterator[tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]]:
        """Yield (N, L) code points, cropped, and where there is one; a bounded number of lines at a time."""
        group = max(1, CELLS // length)
        place_L = np.arange(length)
        for first in range(0, len(self.starts_N), group):
            starts, sizes = self.starts_N[first : first + group], self.sizes_N[first : first + group]
            filled_NL = place_L < sizes[:, None]
            yield self.code_points_M.take(starts[:, None] + place_L, mode="clip"), filled_NL


class LineReader:
    """Decodes blocks into lines and counts what it met.

    Args:
        label: what messages call the source.
        encoding: any encoding in which a line feed is one byte of its own.
        errors: "strict" raises, "replace" puts U+FFFD for bad bytes, "skip" leaves the line out.
    """

    def __init__(self, label: str, encoding: str, errors: str) -> None:
        self.label, self.encoding, self.errors = label, encoding, errors
        self.read = self.empty = self.bad = 0
        try:
            safe = "a\n".encode(encoding) == b"a\n"
        except (LookupError, ValueError):
            raise CorpusError(
                f"corpus.encoding is {encoding!r}: no such encoding", "e.g. utf-8, latin-1, cp1252"
            ) from None
        if not safe:
            raise CorpusError(
                f"corpus.encoding is {encoding!r}, in which a line feed is not one byte",
                "convert the file to UTF-8 first",
            )

    def lines(self, block: bytes) -> Lines:
        """Return the lines of a block that are not empty. Raises CorpusError at a bad byte when strict."""
        try:
            code_points_M = np.frombuffer(self._decode(block).encode("utf-32-le"), np.uint32)
        except UnicodeEncodeError as error:
            raise CorpusError(f"{self.label}: {self.encoding} gives what is not Unicode ({error.reason})") from None
        ends = np.flatnonzero(code_points_M == _LINE_FEED)
        if len(code_points_M) and code_points_M[-1] != _LINE_FEED:
            ends = np.append(ends, len(code_points_M))
        starts = np.concatenate([[0], ends + 1])[: len(ends)]
        before = code_points_M.take(ends - 1, mode="clip")
        sizes = ends - starts - ((ends > starts) & (before == _CARRIAGE_RETURN))
        self.read += len(ends)
        self.empty += int((sizes == 0).sum())
        return Lines(code_points_M, starts, sizes).select(sizes > 0)

    def _decode(self, block: bytes) -> str:
        try:
            return block.decode(self.encoding)
        except UnicodeDecodeError as error:
            if self.errors == "strict":
                raise self._bad_byte(block, error) from None
        if self.errors == "replace":
            return block.decode(self.encoding, "replace")
        return self._without_bad_lines(block)

    def _without_bad_lines(self, block: bytes) -> str:
        good = []
        for line in _split_keeping_feeds(block):
            try:
                good.append(line.decode(self.encoding))
            except UnicodeDecodeError:
                self.bad += 1
                self.read += 1
        return "".join(good)

    def _bad_byte(self, block: bytes, error: UnicodeDecodeError) -> CorpusError:
        line = self.read + block.count(b"\n", 0, error.start) + 1
        return CorpusError(
            f"{self.label}: line {line}: byte 0x{block[error.start]:02x} is not valid {self.encoding.upper()}",
            "name the right encoding, e.g. --set corpus.encoding=latin-1, or let bad bytes be with "
            "--set corpus.errors=replace (or skip, which leaves such lines out)",
        )


def _split_keeping_feeds(block: bytes) -> list[bytes]:
    pieces = [line + b"\n" for line in block.split(b"\n")]
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]


def _text_head(source: Source, chunk: bytes) -> bytes:
    for mark, name in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if chunk.startswith(mark):
            raise CorpusError(f"{source.label}: the file is {name}", "convert the file to UTF-8 first")
    nul = chunk.find(b"\0")
    if nul >= 0:
        raise CorpusError(
            f"{source.label}: byte {nul} is NUL: the file looks binary, not text", "give a text file, one string a line"
        )
    return chunk.removeprefix(codecs.BOM_UTF8)


def _open_file(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _from_strings(strings: Sequence[str]) -> Source:
    for place, string in enumerate(strings):
        if "\n" in string:
            raise CorpusError(f"string {place} has a line feed in it: {string[:40]!r}")
    try:
        data = "".join(f"{string}\n" for string in strings).encode()
    except UnicodeEncodeError as error:
        raise CorpusError(f"a string is not valid Unicode: {error.reason}") from None
    return Source(name="lines", label="the given lines", open=lambda: io.BytesIO(data), encoding="utf-8")


def _from_stdin() -> Source:
    if sys.stdin.isatty():
        raise CorpusError("stdin is a terminal", "pipe text into the command, or name a file")
    return _spooled("stdin", "stdin", sys.stdin.buffer)


def _spooled(name: str, label: str, stream: BinaryIO) -> Source:
    """Return a source of what a stream holds: two passes are made over a corpus, and a stream can be read but once."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the source)
    shutil.copyfileobj(stream, spool)

    def reopen() -> BinaryIO:
        spool.seek(0)
        return os.fdopen(os.dup(spool.fileno()), "rb")

    source = Source(name=name, label=label, open=reopen)
    weakref.finalize(source, spool.close)
    return source
