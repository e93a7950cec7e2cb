"""Tell what kind of file a corpus is by its content, and read it as such: the step before all others.

Only the first bytes are looked at, whatever the size of the file. `inspect` and everything that trains, evaluates or
compares takes this step, so all say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ..readers.codec import find_codec, wide_by_mark
from ..readers.column_spec import Fields
from ..readers.containers import BY_ENDING, DAMAGES
from ..readers.fasta_fields import HEAD_PARTS, SEQUENCE, fasta_fields
from ..readers.file_formats import FIELDS, FILTERS
from ..readers.label_column import FILE, labelled
from ..readers.separated import separated_fields, separator_of
from ..readers.source import Source, Told, weighed
from ..readers.table_shapes import TABLE_BYTES, decoded, lines_of, table_reader_of
from ..readers.weighted import weighted_columns
from .line_changes import as_utf8, changed, ends_as_feeds, returns_as_feeds
from .line_ends import LINE_ENDS, end_of_lines
from .line_kinds import LEVELS, LineKind, line_kinds
from .sample import Sample, Sighting
from .sequences import fasta_head, fasta_sighting

NONE = "none"
"""The value of corpus.weights that leaves counts out."""


def recognised(source: Source, settings: CorpusSettings) -> Source:
    """Return a source that reads its kind, with what is to be said of it; a source that has been told is as it was.

    Args:
        source: as it was opened.
        settings: of the corpus; with corpus.format=lines only what cannot be text at all is told.

    Raises:
        CorpusError: corpus.field or corpus.weights does not fit what the source is.
    """
    if source.parts:
        return replace(source, parts=tuple(recognised(part, settings) for part in source.parts))
    if source.is_told:
        return source
    told = replace(_told(source, settings), is_told=True)
    return _with_labels(told, settings) if settings.label else told


def for_lists(settings: CorpusSettings) -> CorpusSettings:
    """Return settings for a file other than the corpus: without its field, and with each string once."""
    return replace(settings, field="", separator="", weights=NONE, label="")


def saying(told: Told) -> str:
    """Return what is told, in one line with its remedy."""
    return f"{told.what} ({told.remedy})" if told.remedy else told.what


def check_kind(source: Source) -> None:
    """Raise CorpusError where a source that has been told is of a kind that is refused."""
    for file in source.files:
        for told in file.told:
            if told.level == "problem":
                raise CorpusError(f"{file.label}: {told.what}", told.remedy)


def check_list_kind(source: Source) -> None:
    """Raise CorpusError as `check_kind` does, for a list of strings beside the corpus, which has no settings."""
    try:
        check_kind(source)
    except CorpusError as error:
        plain = "give a text file with one string per line, or name a column of it: FILE:COLUMN"
        raise CorpusError(error.message, plain if "--set" in error.remedy else error.remedy) from None


def _told(source: Source, settings: CorpusSettings) -> Source:
    is_byte = UNITS[settings.unit].is_byte
    if any(told.level == "problem" for told in source.told):  # what is binary; as bytes it may be meant
        return replace(source, told=(), format="text") if is_byte else source
    if source.fields is not None and source.format in ("strings", "dataset"):
        return source
    head = _head(source)
    if settings.format == "auto" and not is_byte:
        source = _with_mark(source, settings, head)
    if settings.separator or settings.field or _names_weights(settings):
        return _by_settings(source, settings, head)
    if settings.format != "auto" or source.fields is not None:
        return source
    return _by_lines(source, settings, head)


def _names_weights(settings: CorpusSettings) -> bool:
    return settings.weights not in ("", NONE)


def _head(source: Source) -> bytes:
    """Return the first bytes, before anything is taken out of them.

    Where they cannot be read there are none; what is wrong is said when they are read in earnest.
    """
    try:
        with (source.whole or source.open)() as file:
            return file.read(TABLE_BYTES)
    except (OSError, ValueError, CorpusError, *DAMAGES):
        return b""


def _with_mark(source: Source, settings: CorpusSettings, head: bytes) -> Source:
    """Return a source in the encoding that its byte order mark says, where that is another than was asked for."""
    wide = wide_by_mark(head)
    if wide is None or find_codec(source.encoding or settings.encoding, head).name.startswith(wide):
        return source
    told = Told(kind=wide, what=f"the text is {wide.upper()} by its byte order mark, and is read as such")
    return replace(source, encoding=wide, told=(*source.told, told))


def _by_settings(source: Source, settings: CorpusSettings, head: bytes) -> Source:
    """Return the source of the field, and of the counts, that the settings name."""
    field = source.field or settings.field
    if source.fields is not None and source.field and not _names_weights(settings):
        return source
    make, kind = _columns(source, settings, head)
    shown = f"of {kind}"
    if settings.separator:
        shown = f"with {separator_of(settings.separator)!r} between them"
        source = replace(source, open=source.whole or source.open)
    if not field:
        raise CorpusError(
            f"{source.label}: corpus.{'separator' if settings.separator else 'weights'} is set, but no field is named",
            "name the one to learn: FILE:COLUMN, or --set corpus.field=1",
        )
    path = source.path or Path(source.name)
    fields = make(path, field)
    what = f"field {field} is learnt, {shown}" if settings.separator else f"the column {field} is learnt"
    told = Told(kind=kind, what=what)
    if _names_weights(settings):
        fields = weighted_columns(make, path, field, settings.weights)
        told = weighed(field, settings.weights)
    return replace(source, fields=fields, format=kind, field=field, size=None, told=(*source.told, told))


def _columns(source: Source, settings: CorpusSettings, head: bytes) -> tuple[Callable[[Path, str], Fields], str]:
    """Return what reads a column of a source, and what kind of table it is. Raises CorpusError where it is none."""
    if settings.separator:
        return separated_fields(settings.separator), "fields"
    table = f".{source.format}" if f".{source.format}" in FIELDS else source.format
    found = table if source.fields is not None else table_reader_of(head)
    if found not in FIELDS:
        wanted = next(name for name in ("field", "label", "weights") if getattr(settings, name))
        raise CorpusError(
            f"{source.label}: corpus.{wanted} is {getattr(settings, wanted)!r}, but the lines are no table",
            f"say what stands between its fields, such as --set corpus.separator=tab, or leave {wanted} out",
        )
    return FIELDS[found], found.removeprefix(".")


def _with_labels(source: Source, settings: CorpusSettings) -> Source:
    """Return a source whose lines have the labels that corpus.label names.

    Raises CorpusError for a source without columns, or whose strings are repeated by counts.
    """
    if settings.label == FILE:
        return labelled(source, None)
    if any(told.kind == "counts" for told in source.told):
        raise CorpusError(
            f"{source.label}: strings are repeated by their counts, and such have no labels",
            "leave --label out, or read each string once: --set corpus.weights=none",
        )
    if source.format == "fasta" and source.whole is not None:
        return _with_heads(source, settings.label)
    make, _kind = _columns(source, settings, _head(source))
    if source.fields is None or not source.field:
        raise CorpusError(
            f"{source.label}: --label names a column, but no column of strings is named",
            "name the one to learn: FILE:COLUMN",
        )
    return labelled(source, make(source.path or Path(source.name), settings.label))


def _with_heads(source: Source, part: str) -> Source:
    """Return a source of FASTA records whose labels are a part of their heads. Raises CorpusError for no such part."""
    if part not in HEAD_PARTS:
        raise CorpusError(
            f"{source.label}: label is {part!r}, but the head of a FASTA record has {' and '.join(HEAD_PARTS)}",
            f"choose one: --label {HEAD_PARTS[0]}",
        )
    assert source.whole is not None
    path = source.path or Path(source.name)
    sequences = replace(source, open=source.whole, whole=None, fields=fasta_fields(path, SEQUENCE))
    return labelled(sequences, fasta_fields(path, part))


def _by_lines(source: Source, settings: CorpusSettings, head: bytes) -> Source:
    """Return a source that reads the kind that its first lines show."""
    encoding = source.encoding or settings.encoding
    is_ascii = find_codec(encoding, head).ascii
    text = decoded(head, encoding)
    if source.format == "fasta":
        lines = lines_of(text, is_whole=len(head) < TABLE_BYTES)
        if not lines or fasta_head(lines):
            return _seen(source, settings, "fasta", "read", fasta_sighting(lines)) if lines else source
        assert source.whole is not None
        what = "the file is named as FASTA, but no line begins with '>': each line is a sequence"
        told = Told(kind="lines", what=what)
        source = replace(source, open=source.whole, whole=None, format="text", told=(*source.told, told))
    is_whole = len(head) < TABLE_BYTES
    if (end := end_of_lines(text)) is not None:
        if find_codec(encoding, head).name != "utf-8":
            source, encoding, is_ascii = _in_utf8(source, encoding), "utf-8", True
        source = _with_ends(source, end)
        text = text.replace(end, "\n")
    if "\0" in text:
        return source
    sample = Sample(text=text, lines=lines_of(text, is_whole=is_whole), ending=_ending(source), is_whole=is_whole)
    kinds = line_kinds(once=settings.weights == NONE)
    if (found := _first_kind(sample, kinds)) is None:
        return source
    kind, sighting = found
    if sighting.change is not None and not is_ascii:
        source = _in_utf8(source, encoding)
    source = _seen(source, settings, kind.name, kind.does, sighting)
    below = [kind for kind in kinds if kind.goes_below_comments]
    if sighting.rest is None or (found := _first_kind(sighting.rest, below)) is None:
        return source
    kind, sighting = found
    return _seen(source, settings, kind.name, kind.does, sighting)


def _first_kind(sample: Sample, kinds: Iterable[LineKind]) -> tuple[LineKind, Sighting] | None:
    return next(((kind, found) for kind in kinds if (found := kind.tell(sample)) is not None), None)


def _with_ends(source: Source, end: str) -> Source:
    """Return a source whose lines end otherwise than with a line feed."""
    told = Told(kind="cr" if end == "\r" else "ends", what=f"lines end with {LINE_ENDS[end]}, and are read so")
    open_ = returns_as_feeds(source.open) if end == "\r" else ends_as_feeds(source.open, end.encode())
    return replace(source, open=open_, size=None, told=(*source.told, told))


def _ending(source: Source) -> str:
    suffixes = source.path.suffixes if source.path else []
    return next((one for one in (suffix.lower() for suffix in reversed(suffixes)) if one not in BY_ENDING), "")


def _in_utf8(source: Source, encoding: str) -> Source:
    return replace(source, open=as_utf8(source.open, encoding, source.label), encoding="utf-8", size=None)


def _still_open(remedy: str, settings: CorpusSettings) -> str:
    """Return a remedy without the ways out that the settings have taken already."""
    return "; ".join(way for way in remedy.split("; ") if not _is_taken(way, settings))


_ASSIGNED = re.compile(r'--set "?corpus\.(\w+)=([^\s"]+)')


def _is_taken(way: str, settings: CorpusSettings) -> bool:
    assigned = _ASSIGNED.findall(way)
    return bool(assigned) and all(getattr(settings, name, None) == value for name, value in assigned)


def _seen(source: Source, settings: CorpusSettings, name: str, does: str, sighting: Sighting) -> Source:
    """Return a source that is read as a kind, which is told with it."""
    what, remedy = sighting.what, _still_open(sighting.remedy, settings)
    told = (*source.told, Told(kind=name, what=what, remedy=remedy, level=LEVELS[does]))  # type: ignore[index]
    source = replace(source, told=told, format=name)
    if sighting.fields is not None:
        return replace(source, fields=sighting.fields, size=None)
    if name == "fasta" and source.whole is None:
        whole, change = source.open, FILTERS[".fasta"]
        return replace(source, open=lambda: change(whole()), whole=whole, size=None)
    if sighting.change is not None:
        return replace(source, open=changed(source.open, sighting.change, source.label), size=None)
    return source
