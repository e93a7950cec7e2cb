"""Source: what a corpus is read from, such as a file, a stream, several files or path patterns."""

from __future__ import annotations

import glob
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ...errors import CorpusError
from .column_spec import Fields


@dataclass(frozen=True, kw_only=True)
class Told:
    """A note on a file that is not plain text with one string per line, as its content shows."""

    kind: str
    """One word for programs: fastq, zip, counts, ..."""

    what: str
    """What the file is and how it is read, in one sentence."""

    remedy: str = ""

    level: str = "note"
    """problem: the file is refused; warning: its lines are read as they are; note: its strings are extracted."""


def weighed(column: str, counts: str) -> Told:
    """Return the note that strings are repeated by their counts."""
    return Told(kind="counts", what=f"the column {column} is learnt, each string as often as {counts} says")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of strings."""

    name: str
    """Short name for run folders: the file name without extensions."""

    label: str
    """Name in messages."""

    open: Callable[[], BinaryIO]
    """Opens the stream of decompressed bytes at its start."""

    fields: Fields | None = None
    """Yields the strings; None: they are the lines."""

    labels: Fields | None = None
    """Yields the labels of the strings of `fields`, if a column has them."""

    file_label: str | None = None
    """The label of all lines, if the file's name is that."""

    encoding: str | None = None
    """The encoding, if the source determines it."""

    size: int | None = None
    """Size of the decompressed stream, if known in advance."""

    path: Path | None = None
    """The file, if there is exactly one."""

    field: str = ""
    """The column in the file, or the member of an archive."""

    compression: str = ""
    """gz, zst, bz2, xz, zip or tar; several are separated by commas."""

    format: str = "text"
    """The kind of file: text, fasta, strings, csv, jsonl, parquet, or a kind recognised by content."""

    whole: Callable[[], BinaryIO] | None = None
    """Function that opens the bytes before a filter; None: `open` has no filter."""

    told: tuple[Told, ...] = ()
    """Notes on the kind of file."""

    is_told: bool = False
    """Whether the content has been examined, so that `told` is complete."""

    parts: tuple[Source, ...] = ()
    """The individual inputs, in order, if there are several. Then the fields above describe all of them, and only the
    parts are opened."""

    @property
    def files(self) -> tuple[Source, ...]:
        """The inputs in order: this one, or its parts."""
        return self.parts or (self,)

    @property
    def sayings(self) -> tuple[Told, ...]:
        """The notes on all inputs, each preceded by the name of its input."""
        return tuple(replace(told, what=f"{file.label}: {told.what}") for file in self.files for told in file.told)

    @property
    def by_field(self) -> bool:
        """Whether any input is read by field rather than by line."""
        return any(file.fields is not None for file in self.files)

    @property
    def has_labels(self) -> bool:
        """Whether the lines have labels."""
        return any(file.labels is not None or file.file_label is not None for file in self.files)

    def strings(self, encoding: str, errors: str) -> Iterator[list[str | None]]:
        """Yield the strings of a source with `fields`, in batches; None stands for a missing or undecodable string."""
        assert self.fields is not None
        return self.fields(self.open, self.label, self.encoding or encoding, errors)


MIN_LINES = 16
"""Fewer strings are too few to learn from (`scan.MIN_DISTINCT`), so file names among them are taken as inputs."""


MARKS = "*?["
"""Characters that make a path a pattern."""


def is_inputs(corpus: Sequence[str] | Sequence[str | Path]) -> bool:
    """Return whether a sequence consists of names of inputs rather than of lines.

    It does if it contains a Path, or if it has few strings and one of them is a file or a pattern.

    Raises CorpusError for many strings that are all files, which is ambiguous.
    """
    if any(isinstance(name, Path) for name in corpus):
        return True
    if len(corpus) < MIN_LINES:
        return any(_is_file(name) or _is_file(str(name).rpartition(":")[0]) or _matches(name) for name in corpus)
    if all(map(_is_file, corpus)):  # stops at the first that is not a file
        raise CorpusError(
            f"the {len(corpus):,} given strings are file names, so it is not clear what to train on",
            "to train on the files, give pathlib.Path objects; to train on the names, write them to a file",
        )
    return False


def _is_file(name: object) -> bool:
    try:
        return isinstance(name, str) and Path(name).is_file()
    except (OSError, ValueError):
        return False


def _matches(name: object) -> bool:
    try:
        return isinstance(name, str) and any(mark in name for mark in MARKS) and bool(expanded(name))
    except CorpusError:
        return False


def expanded(pattern: str) -> list[str]:
    """Return the inputs that match a pattern, such as `data/*.txt` or `data/*.csv:name`, sorted by name.

    `*` matches any characters, `?` one character, `[ab]` one of these, and `**` any folders. Folders and hidden files
    do not match.

    Raises:
        CorpusError: no file matches.
    """
    for paths, field in ((pattern, ""), pattern.rpartition(":")[::2]):
        names = glob.glob(paths, recursive=True)  # noqa: PTH207  (Path.glob takes no absolute patterns)
        if found := sorted(name for name in names if not Path(name).is_dir()):
            return [f"{name}:{field}" if field else name for name in found]
    raise CorpusError(f"{pattern}: no file matches", "* matches any characters, ? one character, ** any folders")


def in_order(sources: Sequence[Source]) -> Source:
    """Combine sources into one by concatenation; a single source is returned as it is.

    The label has the first source and the number of the others. Raises CorpusError when a source occurs twice.
    """
    if len(sources) == 1:
        return sources[0]
    (label, count), *_ = Counter(map(_identity, sources)).most_common(1)
    if count > 1:
        raise CorpusError(f"{label}: is given {count} times", "give it once; a pattern may also match it")
    first, more = sources[0], len(sources) - 1
    sizes = [source.size for source in sources]
    return Source(
        name=f"{first.name}-and-{more}-more",
        label=f"{first.label} and {more:,} more",
        open=io.BytesIO,
        size=None if None in sizes else sum(size or 0 for size in sizes),
        parts=tuple(sources),
    )


def _identity(source: Source) -> str:
    path = source.label if source.path is None else str(source.path.resolve())
    return f"{path}:{source.field}" if source.field else path
