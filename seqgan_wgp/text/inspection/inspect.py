"""Inspect a corpus before training: statistics, findings and a verdict.

A corpus that training would refuse is reported, not refused. Memory is bounded.
"""

from __future__ import annotations

import codecs
import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ... import config as configs
from ...config import Config
from ...config.kinds import DATA_KINDS
from ...config.schema import CorpusSettings
from ...errors import ConfigError, CorpusError
from ...registry import UNITS, load_plugins
from ...utils.progress import OnBytes, ignore_bytes
from ..corpus.scan import Scan, scan
from ..readers.codec import find_codec
from ..readers.open import Source, open_source
from ..readers.reader import Reader
from ..recognition.recognise import recognised
from ..units import tokens_for
from .characters import written_byte
from .counter import Census
from .encodings import BadBytes, find_bad, guess, head, wide
from .file_type import shape
from .findings import findings, verdict
from .preview import outlook
from .report import EncodingReport, FileReport, Inspection, SourceReport, Verdict
from .summarize import characters_report, forms_report, lengths_report, lines_report

if TYPE_CHECKING:
    from .timing import Measure

_REPLACEMENT = 0xFFFD


class _Read(NamedTuple):
    """The result of reading a corpus."""

    source: Source
    settings: CorpusSettings
    fallback: str
    reader: Reader
    census: Census


def inspect_corpus(
    corpus: Any,
    *,
    recipe: str = "fast",
    config: str | Path | None = None,
    settings: Mapping[str, object] | None = None,
    weights: str | None = None,
    timed: bool = True,
    plugins: Sequence[str | Path] = (),
    on_bytes: OnBytes = ignore_bytes,
) -> Inspection:
    """Check a corpus before training: encoding, lines, characters, findings, and how it would be prepared.

    Args:
        corpus: as for `train`, of text.
        recipe: recipe that it would be trained with.
        config: TOML file with settings that override the recipe.
        settings: dotted setting -> value.
        weights: the column of counts.
        timed: estimate the training time too, which takes a second.
        plugins: plugin files that the settings need.
        on_bytes: called with the number of bytes read so far.

    Raises:
        ConfigError: the recipe is not for text, or a setting is wrong.
        CorpusError: the corpus cannot be read at all.
    """
    load_plugins(plugins)
    changes = {**(settings or {}), **configs.given("corpus", weights=weights)}
    wanted = configs.recipe(recipe, changes, file=None if config is None else Path(config))
    if not DATA_KINDS[wanted.domain].is_discrete:
        raise ConfigError(
            f"the recipe {recipe!r} is for {wanted.domain} data, but inspect reads text", "use the recipe fast"
        )
    measure = None
    if timed:  # what trains is imported only here
        from ...utils.devices import pick_device
        from . import timing

        measure = functools.partial(timing.measure, device=pick_device(wanted.training.device))
    source = corpus if isinstance(corpus, Source) else open_source(corpus)
    return inspect(source, wanted, on_bytes, measure)


def inspect(
    source: Source, config: Config, on_bytes: OnBytes = lambda _bytes: None, measure: Measure | None = None
) -> Inspection:
    """Read a corpus twice, and again if it has problems, and return statistics and findings.

    Args:
        source: the corpus.
        config: the config for training.
        on_bytes: called with the number of bytes read so far; each pass begins at 0.
        measure: measures the speed of training, see `timing.measure`; None: it is not measured.

    Raises:
        CorpusError: the corpus cannot be read at all: no permission, a folder, damaged compression, unknown encoding,
            too many units.
    """
    source = recognised(source, config.corpus)
    try:
        read = _read(source, config.corpus, on_bytes)
    except ConfigError as error:  # of the units
        raise CorpusError(f"{source.label}: {error.message}", error.remedy) from None
    found: Scan | None = None
    refusal: CorpusError | None = None
    try:
        found = scan(source, config.corpus, on_bytes)
    except CorpusError as error:
        refusal = error
    census = read.census
    inspection = Inspection(
        source=_source(read),
        encoding=_encoding(read, config.corpus),
        line_ends=None if read.source.by_field else census.ends,
        lines=lines_report(census, read.source, read.settings, missing=read.reader.bad, hex_strings=read.reader.hex),
        lengths=lengths_report(census, UNITS[read.settings.unit].plural),
        characters=characters_report(census, read.settings.unit),
        normal_form=forms_report(census),
        shape=None if read.source.by_field else shape(census.sample),
        outlook=outlook(found, config, census, measure) if found else None,
        verdict=Verdict(trains=found is not None, what=""),
    )
    said = findings(inspection)
    return replace(inspection, findings=said, verdict=verdict(said, refusal))


def _read(source: Source, asked: CorpusSettings, on_bytes: OnBytes) -> _Read:
    """Read a corpus like training; if that fails, in the most informative way."""
    settings = replace(asked, errors="replace")
    if not source.by_field:
        return _counted(source, *_readable(source, settings), on_bytes)
    try:
        return _counted(source, settings, "", on_bytes)
    except CorpusError as error:
        if source.parts:
            raise
        plain = replace(source, fields=None)
        try:
            settings, fallback = _readable(plain, settings)
        except CorpusError:
            raise error from None
        if fallback == "bytes":
            raise
        return _counted(plain, settings, "lines", on_bytes)


def _readable(source: Source, settings: CorpusSettings) -> tuple[CorpusSettings, str]:
    """Return settings with which lines can be read, and the fallback: "encoding", "bytes" or nothing."""
    if UNITS[settings.unit].is_byte:
        return settings, ""
    first = head(source, settings)
    codec = find_codec(source.encoding or settings.encoding, first)
    encoding = wide(first)
    has_mark = encoding in ("utf-16", "utf-32")
    if encoding and not codec.name.startswith(encoding[:6]) and (has_mark or codec.ascii):
        return replace(settings, encoding=encoding), "encoding"
    if b"\0" in first and codec.ascii:
        return replace(settings, unit="byte"), "bytes"
    return settings, ""


def _counted(source: Source, settings: CorpusSettings, fallback: str, on_bytes: OnBytes) -> _Read:
    reader = Reader(source, settings, on_bytes)
    census = Census(as_bytes=UNITS[settings.unit].is_byte, tokens=tokens_for(settings))
    for lines in reader:
        census.add(lines)
    census.finish()
    return _Read(source, settings, fallback, reader, census)


def _source(read: _Read) -> SourceReport:
    source = read.source
    kinds, compressions, columns = (
        _all_of([getattr(file, what) for file in source.files]) for what in ("format", "compression", "field")
    )
    files = zip(source.files, read.reader.files, strict=False)  # corpus.limit may leave some unread
    return SourceReport(
        label=source.label,
        name=source.name,
        files=tuple(FileReport(label=file.label, lines=reader.read) for file, reader in files),
        kind=kinds,
        column=columns,
        compression=compressions,
        fallback=read.fallback,
        told=source.sayings,
        bytes=read.reader.bytes,
        sha256=read.reader.sha256,
    )


def _all_of(values: Sequence[str]) -> str:
    """Return the distinct values of all inputs."""
    return ", ".join(value for value in dict.fromkeys(values) if value)


def _encoding(read: _Read, asked: CorpusSettings) -> EncodingReport:
    bad = BadBytes()
    if not read.census.as_bytes and read.census.count_C[_REPLACEMENT]:
        bad = _bad_strings(read) if read.source.by_field else find_bad(read.source, read.settings)
    return EncodingReport(
        asked=codecs.lookup(read.source.encoding or asked.encoding).name,
        used=codecs.lookup(read.source.encoding or read.settings.encoding).name,
        byte_order_mark=read.reader.bom,
        errors=asked.errors,
        bad_lines=bad.lines,
        first_bad_line=bad.first_line or None,
        first_bad_byte=written_byte(bad.first_byte) if bad.first_line else None,
        guess=guess(bad.sample) if bad.sample else None,
        sound_lines=bad.sound,
    )


def _bad_strings(read: _Read) -> BadBytes:
    """Count the strings of a column that are skipped because of bad bytes, whose positions are unknown."""
    reader = Reader(read.source, replace(read.settings, errors="skip"))
    for _lines in reader:
        pass
    return BadBytes(lines=reader.bad - read.reader.bad)
