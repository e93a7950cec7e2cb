"""Source: what a corpus is read from, such as a file, a stream, several files or path patterns."""

from __future__ import annotations

import glob
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import CorpusError
from .column_spec import Fields


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that strings come from."""

    name: str
    """Short name, for run folders: that of the file without its endings."""

    label: str
    """What messages call it."""

    open: Callable[[], BinaryIO]
    """Open its bytes at their beginning, decompressed."""

    fields: Fields | None = None
    """How strings are found in it; None: they are its lines."""

    encoding: str | None = None
    """The encoding, where the source knows it better than the settings."""

    size: int | None = None
    """Bytes that `open` gives, where that is known before they are read."""

    path: Path | None = None
    """The one file that all comes from, where there is one."""

    field: str = ""
    """The column of it."""

    parts: tuple[Source, ...] = ()
    """Of several inputs each, in their order; then what stands above is of all, and nothing is opened but these."""

    @property
    def files(self) -> tuple[Source, ...]:
        """The inputs, one after the other: this one, or its parts."""
        return self.parts or (self,)

    @property
    def by_field(self) -> bool:
        """Whether any of it is not lines."""
        return any(file.fields is not None for file in self.files)

    def strings(self, encoding: str, errors: str) -> Iterator[list[str | None]]:
        """Yield the strings of a source that has `fields`, some at a time; None is one that cannot be had."""
        assert self.fields is not None
        return self.fields(self.open, self.label, self.encoding or encoding, errors)


LINES_LEAST = 16
"""Fewer strings than this are no lines to learn from (`scan.DISTINCT_LEAST`), so files among them are meant as such."""


MARKS = "*?["
"""What makes a pattern of a path."""


def is_inputs(corpus: Sequence[str] | Sequence[str | Path]) -> bool:
    """Say whether a sequence names inputs, in place of being the lines itself.

    It does where there is a path in it and, of few strings, where one is a file or a pattern of files.

    Raises CorpusError for many strings that are all files: both may be meant.
    """
    if any(isinstance(name, Path) for name in corpus):
        return True
    if len(corpus) < LINES_LEAST:
        return any(_is_file(name) or _is_file(str(name).rpartition(":")[0]) or _matches(name) for name in corpus)
    if all(map(_is_file, corpus)):  # which ends at the first that is none
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
    """Return the inputs that a pattern means, such as `data/*.txt` or `data/*.csv:name`, in the order of their names.

    `*` stands for any characters, `?` for one, `[ab]` for one of some, and `**` for folders within folders. Folders and
    hidden files are not meant.

    Raises:
        CorpusError: there is no such file.
    """
    for paths, field in ((pattern, ""), pattern.rpartition(":")[::2]):
        names = glob.glob(paths, recursive=True)  # noqa: PTH207  (Path's own takes no absolute patterns)
        if found := sorted(name for name in names if not Path(name).is_dir()):
            return [f"{name}:{field}" if field else name for name in found]
    raise CorpusError(f"{pattern}: no file matches", "* matches any characters, ? one character, ** any folders")


def in_order(sources: Sequence[Source]) -> Source:
    """Return sources as one: the only one, or all of them, one behind the other.

    It is called by the first and the number of the others. Raises CorpusError when one is there twice.
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
