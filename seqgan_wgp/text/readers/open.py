"""Open a user's CORPUS: files, columns of tables, stdin, a bundled corpus, or Python strings.

A source can be opened repeatedly, since every corpus is read twice.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from ...errors import CorpusError, did_you_mean_path
from .archives import Archive, archive_of, picked
from .bundled import Bundled, bundled
from .containers import BY_ENDING, DAMAGES, HEAD_BYTES, Compression, binary_kind_of, compression_of
from .file_formats import FIELDS, FILTERS
from .source import MARKS, Told, expanded, in_order, is_inputs, weighed
from .source import Source as Source
from .table_shapes import TABLE_BYTES, table_reader_of
from .weighted import weighted_columns

_MISSING = ("None", "nan", "<NA>", "NaT")
"""How missing values of Python, NumPy and pandas are written."""


def open_source(corpus: str | Path | Sequence[str] | Sequence[str | Path]) -> Source:
    """Return the source for `corpus`.

    Args:
        corpus: a path, also of gzip, zstd, bzip2 or xz data; a path and a column, as in `people.csv:name`,
            `notes.jsonl:text`, `table.parquet:name` or `dataset:text` for a Hugging Face dataset on disk; FASTA by its
            ending; "-" for stdin; a bundled name; a pattern of paths, as in `data/*.txt`. Or a sequence: of strings to
            learn from, also an array, a column of a frame, or a frame of one column; or, where there are paths in it,
            or files among a few strings, of several of all these.

    Raises:
        CorpusError: no such file or bundled corpus, a folder, no column named, strings with lone surrogates, an input
            named twice, or stdin combined with others.
    """
    if isinstance(corpus, str | Path):
        return open_inputs([corpus])
    strings = _listed(corpus)
    return open_inputs(strings) if is_inputs(strings) else _from_strings(strings)


def _listed(strings: Any) -> Any:
    """Return an array, or a column of a frame, as a list: their slices and truth are not those of a list.

    Raises CorpusError for a frame of several columns.
    """
    columns = getattr(strings, "column_names", None) or getattr(strings, "columns", None)
    if columns is not None:
        names = [str(name) for name in columns]
        if len(names) != 1:
            shown = ", ".join(names[:5])
            raise CorpusError(f"the frame has {len(names)} columns: {shown}", "give one of them, as in frame['name']")
        strings = strings[next(iter(columns))]
    for name in ("tolist", "to_list", "to_pylist"):  # NumPy and pandas, Polars, Arrow
        if hasattr(strings, name):
            return getattr(strings, name)()
    return strings


def open_inputs(inputs: Sequence[str | Path]) -> Source:
    """Return the concatenation of several inputs, each in its own format; see `open_source`."""
    if len(inputs) > 1 and "-" in inputs:
        raise CorpusError("'-' (stdin) cannot be combined with other inputs", "name all files, or pipe all text")
    return in_order([_open(one) for name in inputs for one in (expanded(str(name)) if _is_pattern(name) else [name])])


def open_bundled(corpus: Bundled) -> Source:
    """Return the source for a bundled corpus, whatever files have its name."""
    size = corpus.path.stat().st_size
    return Source(name=corpus.name, label=corpus.name, open=lambda: corpus.path.open("rb"), size=size)


def _is_pattern(name: str | Path) -> bool:
    if not (isinstance(name, str) and any(mark in name for mark in MARKS)):
        return False
    return not (_exists(Path(name)) or _split(name)[1])


def _open(corpus: str | Path) -> Source:
    if corpus == "-":
        return _from_stdin()
    whole, field = Path(corpus), ""
    if not _exists(whole) and ":" in str(corpus):
        whole, field = _split(str(corpus))
    if _exists(whole):
        return _from_path(whole, field)
    known = bundled()
    if str(corpus) in known:
        return open_bundled(known[str(corpus)])
    if "://" in str(corpus):
        raise CorpusError(
            f"{corpus}: is an address, not a file", f"download it first: curl -LO {shlex.quote(str(corpus))}"
        )
    raise CorpusError(
        f"{corpus}: no such file or bundled corpus{did_you_mean_path(whole, known)}",
        f"bundled corpora: {', '.join(known)}",
    )


def _split(corpus: str) -> tuple[Path, str]:
    """Return the path of `path:field`, where there is such a file, and the field; a field may have colons in it."""
    before = corpus
    while ":" in before:
        before = before.rpartition(":")[0]
        if before and _exists(Path(before)):
            return Path(before), corpus[len(before) + 1 :]
    return Path(corpus), ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise CorpusError(f"{str(path)!r} is not a valid path ({error})") from None


def _from_path(path: Path, field: str) -> Source:
    if path.is_dir():
        return _from_folder(path, field)
    if not path.is_file() and path.suffix.lower() not in FIELDS:  # a pipe: it can be read but once
        with path.open("rb") as stream:
            return spooled(path.name, str(path), stream, field)
    return _from_bytes(
        Source(name=path.name, label=str(path), open=lambda: path.open("rb"), path=path, field=field, size=_size(path))
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None


def _from_folder(path: Path, field: str) -> Source:
    if not _is_dataset(path):
        raise CorpusError(
            f"{path}: is a folder", f"give a text file with one string per line, or several: '{path}/*.txt'"
        )
    title = f"{path.stem or path.name}-{field}" if field else path.stem or path.name
    fields = FIELDS["dataset"](path, field)
    return Source(name=title, label=str(path), open=io.BytesIO, fields=fields, field=field, format="dataset")


def _from_bytes(source: Source) -> Source:
    """Return the source of what bytes hold, given the bytes themselves as one that is called by its file name.

    What packs them is undone, whatever the file is called; then its ending says how strings are found in it or, where
    a column is named, its content.
    """
    source, head = _unpacked(source)
    file, label, wanted = Path(source.name), source.label, source.field
    archive = archive_of(head, source.open, label)
    if archive is not None:
        member, column = picked(archive, label, wanted)
        return _from_member(source, archive, member, column)
    ending = ".parquet" if head.startswith(b"PAR1") else file.suffix.lower()
    name = file.stem or source.name
    if ending not in FIELDS and wanted:
        found = table_reader_of(_head(source, TABLE_BYTES))
        if found is None:
            called = file.name if source.path is None else source.path.name
            raise CorpusError(
                f"{label}:{wanted}: {called} has no columns",
                f"columns can be named for files that end in: {_endings()}",
            )
        ending = found
    if ending == ".parquet" and source.path is None:
        raise CorpusError(
            f"{label}: Parquet cannot be read from a stream", "save it to a file first, then give FILE:COLUMN"
        )
    if ending in FIELDS:
        column, _, counts = wanted.partition("*")
        path = source.path or file
        fields = weighted_columns(FIELDS[ending], path, column, counts) if counts else FIELDS[ending](path, wanted)
        title = f"{name}-{column}" if wanted else name
        if counts:
            source = replace(source, told=(*source.told, weighed(column, counts)))
        return replace(source, name=title, fields=fields, format=ending.removeprefix("."), size=None)
    binary = binary_kind_of(head)
    if binary is not None:
        told = Told(
            kind=binary.name, what=f"the file is {binary.what}, not text", remedy=binary.remedy, level="problem"
        )
        return replace(source, name=name, format=binary.name, told=(*source.told, told))
    if ending in FILTERS:
        change, whole = FILTERS[ending], source.open
        return replace(source, name=name, open=lambda: change(whole()), whole=whole, format="fasta", size=None)
    return replace(source, name=name)


def _unpacked(source: Source) -> tuple[Source, bytes]:
    """Return a source with its compression undone, as often as it is there, and the first bytes of what it holds."""
    head = _head(source, HEAD_BYTES)
    for level in range(_MAX_LEVELS):
        file = Path(source.name)
        ending = file.suffix.lower()
        packed = compression_of(head)
        if packed is None and level == 0:
            packed = BY_ENDING.get(ending)  # which reading then finds damaged
        if packed is None:
            break
        told = source.told
        if ending in BY_ENDING:
            source = replace(source, name=file.stem)
        elif ending in _SHORT:
            source = replace(source, name=f"{file.stem}.tar")
        else:
            kind = packed.ending.removeprefix(".")
            told = (*told, Told(kind=kind, what=f"the data is compressed ({kind}) and is decompressed"))
        source = replace(
            source,
            open=_decompressed(packed, source.open),
            size=None,
            compression=_and(source.compression, packed.ending.removeprefix(".")),
            told=told,
        )
        head = _head(source, HEAD_BYTES)
    return source, head


_MAX_LEVELS = 3
"""Compression within compression is undone so often."""

_SHORT = (".tgz", ".tbz", ".tbz2", ".txz", ".tzst")
"""Endings of compressed tar archives."""


def _and(before: str, more: str) -> str:
    return f"{before}, {more}" if before else more


def _decompressed(packed: Compression, below: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", packed.open(below()))


def _head(source: Source, size: int) -> bytes:
    """Return the first bytes; what cannot be read gives none here, and is told as it is read in earnest."""
    try:
        with source.open() as file:
            return file.read(size)
    except (OSError, ValueError, CorpusError, *DAMAGES):
        return b""


def _from_member(source: Source, archive: Archive, member: str, column: str) -> Source:
    told = Told(kind=archive.kind, what=f"the file is a {archive.kind} archive, of which {member} is read")
    found = _from_bytes(
        replace(
            source,
            name=Path(member).name,
            open=lambda: archive.open(member),
            path=None,
            field=column,
            size=archive.size(member),
            compression=_and(source.compression, archive.kind),
            told=(*source.told, told),
        )
    )
    if found.format == "parquet":
        raise CorpusError(f"{source.label}: {member} is Parquet in an archive", "unpack the archive first")
    whole = source.name.removesuffix(f".{archive.kind}") if len(archive.members) == 1 else found.name
    return replace(found, path=source.path, field=f"{member}:{column}" if column else member, name=whole or found.name)


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))


def _endings() -> str:
    return ", ".join(kind for kind in FIELDS if kind.startswith("."))


def _from_strings(strings: Sequence[str]) -> Source:
    for place, string in enumerate(strings):
        if not isinstance(string, str):
            remedy = "leave out what is missing, as frame['name'].dropna() does"
            raise CorpusError(
                f"string {place} is {type(string).__name__}, not text",
                remedy if str(string) in _MISSING else "make text of it first, as str(value) does",
            )
        try:
            string.encode()
        except UnicodeEncodeError as error:
            raise CorpusError(f"string {place} is not valid Unicode: {error.reason}") from None
    pieces = [list[str | None](strings[first : first + 10_000]) for first in range(0, len(strings), 10_000)]
    return Source(
        name="lines", label="the given lines", open=io.BytesIO, fields=lambda *_how: iter(pieces), format="strings"
    )


def _from_stdin() -> Source:
    if sys.stdin.isatty():
        raise CorpusError("stdin is a terminal", "pipe text into the command, or name a file")
    return spooled("stdin", "stdin", sys.stdin.buffer)


def spooled(name: str, label: str, stream: BinaryIO, field: str = "") -> Source:
    """Return a source of what a stream holds: two passes are made over a corpus, and a stream can be read but once."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the source)
    shutil.copyfileobj(stream, spool)
    spool.flush()
    size = spool.tell()

    def reopen() -> BinaryIO:
        descriptor = spool.fileno()
        file = os.fdopen(os.dup(descriptor), "rb")
        file.seek(0)
        return file

    weakref.finalize(reopen, spool.close)
    return source_of(name, label, reopen, size, field)


def source_of(name: str, label: str, reopen: Callable[[], BinaryIO], size: int, field: str = "") -> Source:
    """Return the source of bytes that can be opened repeatedly; `name` is that of a file with its ending."""
    return _from_bytes(Source(name=name, label=label, open=reopen, size=size, field=field))
