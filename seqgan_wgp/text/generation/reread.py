"""Read back the strings of a file that `generate --continue` has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...config.schema import CorpusSettings
from ...errors import CheckpointError, ConfigError, CorpusError
from ..readers.column_spec import Wanted, fields, text_lines
from ..readers.file_formats import FIELDS
from ..readers.lines import Lines
from ..readers.open import Source
from ..readers.reader import Reader
from ..readers.tables import cells
from ..vocabulary import Vocabulary
from .formats import CSV_SAFE, as_txt, without_mark


def check_rereadable(vocabulary: Vocabulary, format_: str) -> None:
    """Raise ConfigError when a format cannot represent all strings of a vocabulary uniquely."""
    lossy = {
        "txt": lambda character: as_txt(character) != character or character == _MARK,
        "csv": "\0".__eq__,
        CSV_SAFE: "\0".__eq__,
    }
    if format_ in lossy and any(map(lossy[format_], "".join(vocabulary.texts))):
        odd = next(filter(lossy[format_], "".join(vocabulary.texts)))
        raise ConfigError(
            f"--continue with --unique reads FILE back, but --format {format_} cannot represent all characters of this "
            f"model, for example {odd!a}",
            "give --format jsonl",
        )


_MARK = "\ufeff"
"""A byte order mark, which readers remove at the start of a file."""


def reread(file: Path, format_: str, count: int, *, scores: bool, unit: str) -> Iterator[Lines]:
    """Yield the strings in a file, in order.

    Args:
        file: the file.
        format_: a key of `formats.FORMATS`.
        count: expected number of strings.
        scores: whether it has the columns of scores.
        unit: unit of the vocabulary.

    Raises:
        CheckpointError: the file has another number of strings, or cannot be read.
    """
    if not count:
        return
    by_column = {
        "txt": _behind_tabs if scores else None,
        "jsonl": FIELDS[".jsonl"],
        "csv": FIELDS[".csv"],
        CSV_SAFE: _unmarked,
    }[format_]
    found = by_column(file, "text") if by_column else None
    source = Source(name=file.name, label=str(file), open=lambda: file.open("rb"), fields=found)
    reader = Reader(source, CorpusSettings(unit=unit))
    try:
        yield from reader
    except CorpusError as error:
        raise CheckpointError(error.message, _CHANGED) from None
    if reader.read != count:
        raise CheckpointError(f"{file}: has {reader.read:,} strings, but its index expects {count:,}", _CHANGED)


_CHANGED = "the file was changed; give another FILE, or start again with --overwrite"


def _last_column(want: Wanted) -> Iterator[str]:
    return (line.removesuffix("\n").rpartition("\t")[2] for line in text_lines(want, "\n"))


def _unmarked_cells(want: Wanted) -> Iterator[str | None]:
    return (None if cell is None else without_mark(cell) for cell in cells(",", want))


_behind_tabs, _unmarked = fields(_last_column), fields(_unmarked_cells)
