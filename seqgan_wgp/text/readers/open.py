"""Open a user's CORPUS: files, columns of tables, stdin, a bundled corpus, or Python strings.

A source can be opened repeatedly, since every corpus is read twice.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from ...errors import CorpusError, did_you_mean
from .bundled import bundled
from .fasta import Pieces
from .file_formats import FIELDS, FILTERS
from .source import MARKS, expanded, in_order, is_inputs
from .source import Source as Source


def open_source(corpus: str | Path | Sequence[str] | Sequence[str | Path]) -> Source:
    """Return the source for `corpus`.

    Args:
        corpus: a path, also of gzip, zstd, bzip2 or xz data; a path and a column, as in `people.csv:name`,
            `notes.jsonl:text`, `table.parquet:name` or `dataset:text` for a Hugging Face dataset on disk; FASTA by its
            ending; "-" for stdin; a bundled name; a pattern of paths, as in `data/*.txt`. Or a sequence: of strings to
            learn from; or, where there are paths in it, or files among a few strings, of several of all these.

    Raises:
        CorpusError: no such file or bundled corpus, a folder, no column named, strings with lone surrogates, an input
            named twice, or stdin combined with others.
    """
    if isinstance(corpus, str | Path):
        return open_inputs([corpus])
    return open_inputs(corpus) if is_inputs(corpus) else _from_strings(cast("Sequence[str]", corpus))


def open_inputs(inputs: Sequence[str | Path]) -> Source:
    """Return the concatenation of several inputs, each in its own format; see `open_source`."""
    if len(inputs) > 1 and "-" in inputs:
        raise CorpusError("'-' (stdin) cannot be combined with other inputs", "name all files, or pipe all text")
    return in_order([_open(one) for name in inputs for one in (expanded(str(name)) if _is_pattern(name) else [name])])


def _is_pattern(name: str | Path) -> bool:
    if not (isinstance(name, str) and any(mark in name for mark in MARKS)):
        return False
    return not (_exists(Path(name)) or (":" in name and _exists(Path(name.rpartition(":")[0]))))


def _open(corpus: str | Path) -> Source:
    if corpus == "-":
        return _from_stdin()
    whole, field = Path(corpus), ""
    if not _exists(whole) and ":" in str(corpus):
        before, _, behind = str(corpus).rpartition(":")
        if _exists(Path(before)):
            whole, field = Path(before), behind
    if _exists(whole):
        return _from_path(whole, field)
    known = bundled()
    if str(corpus) in known:
        entry = known[str(corpus)]
        size = entry.path.stat().st_size
        return Source(name=entry.name, label=entry.name, open=lambda: entry.path.open("rb"), size=size)
    raise CorpusError(
        f"{corpus}: no such file or bundled corpus{did_you_mean(str(corpus), known)}",
        f"bundled corpora: {', '.join(known)}",
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise CorpusError(f"{str(path)!r} is not a valid path ({error})") from None


def _from_path(path: Path, field: str) -> Source:
    kind, name = _kind(path)
    if path.is_dir() and kind != "dataset":
        raise CorpusError(
            f"{path}: is a folder", f"give a text file with one string per line, or several: '{path}/*.txt'"
        )
    if kind not in FIELDS:
        if field:
            raise CorpusError(
                f"{path}:{field}: {path.name} has no columns",
                f"columns can be named for files that end in: {_endings()}",
            )
        if not path.is_file():  # a pipe, which can be read only once
            with path.open("rb") as stream:
                return _spooled(name, str(path), stream)
    reopen = _opener(path)
    if kind in FILTERS:
        change = FILTERS[kind]
        return Source(name=name, label=str(path), open=lambda: change(reopen()), path=path)
    if kind in FIELDS:
        fields = FIELDS[kind](path, field)
        file = path if path.is_file() else None
        title = f"{name}-{field}" if field else name
        return Source(name=title, label=str(path), open=reopen, fields=fields, path=file, field=field)
    size = path.stat().st_size if path.suffix.lower() not in DECOMPRESSORS else None
    return Source(name=name, label=str(path), open=reopen, size=size, path=path)


def _kind(path: Path) -> tuple[str, str]:
    """Return the extension of a path, without that of a compression, and the name without both."""
    plain = Path(path.name)
    if plain.suffix.lower() in DECOMPRESSORS:
        plain = Path(plain.stem)
    kind = "dataset" if path.is_dir() and _is_dataset(path) else plain.suffix.lower()
    return kind, plain.stem or path.name


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))


def _endings() -> str:
    return ", ".join(kind for kind in FIELDS if kind.startswith("."))


def _open_zstd(path: Path) -> BinaryIO:
    file = path.open("rb")
    return io.BufferedReader(Pieces(file, _frames(file)), 1 << 17)


def _frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield decompressed zstd data. Raises EOFError for truncated data, which zstandard's reader does not detect."""
    frame, rest = None, b""
    while packed := rest or file.read(1024):  # small reads, since four bytes can decompress to 128 KiB
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        yield frame.decompress(packed)
        rest = frame.unused_data
        if frame.eof:
            frame = None
    if frame:
        raise EOFError("it ends within a frame")


DECOMPRESSORS: dict[str, Callable[[Path], IO[bytes]]] = {
    ".gz": lambda path: cast("IO[bytes]", gzip.GzipFile(path, "rb")),
    ".zst": _open_zstd,
    ".bz2": lambda path: cast("IO[bytes]", bz2.BZ2File(path, "rb")),
    ".xz": lambda path: cast("IO[bytes]", lzma.LZMAFile(path)),  # noqa: SIM115
}
"""Extension -> function that opens the decompressed stream."""


def _opener(path: Path) -> Callable[[], BinaryIO]:
    decompress = DECOMPRESSORS.get(path.suffix.lower(), _plain)
    return lambda: cast("BinaryIO", decompress(path))


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _from_strings(strings: Sequence[str]) -> Source:
    for place, string in enumerate(strings):
        if not isinstance(string, str):
            raise CorpusError(f"string {place} is {type(string).__name__}, not text")
        try:
            string.encode()
        except UnicodeEncodeError as error:
            raise CorpusError(f"string {place} is not valid Unicode: {error.reason}") from None
    pieces = [list[str | None](strings[first : first + 10_000]) for first in range(0, len(strings), 10_000)]
    return Source(name="lines", label="the given lines", open=io.BytesIO, fields=lambda *_how: iter(pieces))


def _from_stdin() -> Source:
    if sys.stdin.isatty():
        raise CorpusError("stdin is a terminal", "pipe text into the command, or name a file")
    return _spooled("stdin", "stdin", sys.stdin.buffer)


def _spooled(name: str, label: str, stream: BinaryIO) -> Source:
    """Return a source for a stream. A stream can be read only once, so its contents go to a temporary file."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the source)
    shutil.copyfileobj(stream, spool)
    size = spool.tell()

    def reopen() -> BinaryIO:
        spool.seek(0)
        return os.fdopen(os.dup(spool.fileno()), "rb")

    source = Source(name=name, label=label, open=reopen, size=size)
    weakref.finalize(source, spool.close)
    return source
