"""What a corpus is read from: one file or stream, or several that follow each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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
