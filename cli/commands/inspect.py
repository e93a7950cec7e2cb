"""seqgan-wgp inspect: check a corpus before training."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from .. import options
from ..ui.byte_progress import Reading
from ..ui.console import guarded, messages, results
from ..ui.output import echo, utf8_stdout
from ..ui.tables import plain

if TYPE_CHECKING:
    from seqgan_wgp.text.inspection.characters import Character
    from seqgan_wgp.text.inspection.preview import Timing
    from seqgan_wgp.text.inspection.report import Bucket, Inspection

Row = tuple[str, str]

_STYLES = {"problem": "bold red", "warning": "yellow", "note": "", "ok": "green"}

FILES_SHOWN = 5
"""Largest number of inputs that are listed by name."""

_BAR, _EIGHTHS = 40, " ▏▎▍▌▋▊▉"


@guarded
def inspect(
    corpus: options.Corpus,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of tables.")] = False,
    recipe: options.Recipe = "fast",
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    weights: options.Weights = None,
    no_timing: Annotated[bool, typer.Option("--no-timing", help="Skip the estimate of training time.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Check a corpus before training: encoding, lines, characters, and how it would be prepared."""
    options.load_plugins(plugin)
    from seqgan_wgp.config.serialization import parse_assignments
    from seqgan_wgp.text.inspection.inspect import inspect_corpus
    from seqgan_wgp.text.readers.open import open_inputs

    assigned = parse_assignments(options.with_columns(set_, corpus, weights=weights))
    options.note_former_names(assigned, config)
    source, console = open_inputs(corpus), messages()
    with Reading(console, f"reading {source.label}", source.size) as on_bytes:
        found = inspect_corpus(
            source,
            recipe=recipe,
            config=config,
            settings=assigned,
            timed=not no_timing,
            on_bytes=on_bytes if console.is_terminal else lambda _bytes: None,
        )
    utf8_stdout()
    if as_json:
        echo(json.dumps(found.to_json(), indent=2))
        return
    _show(found, results())


def _show(found: Inspection, console: Console) -> None:
    for title, rows_of in SECTIONS.items():
        if rows := list(rows_of(found)):
            _print(console, title, rows)
            console.print()
    console.print(Text("findings", style="bold"))
    for finding in found.findings:
        rows = [(finding.level, finding.what), ("", finding.remedy)]
        _print(console, "", rows if finding.remedy else rows[:1], _STYLES[finding.level])
    level = "ok" if found.verdict.what == "ready to train" else "warning" if found.verdict.trains else "problem"
    console.print()
    console.print(Text(plain(found.verdict.what), style=_STYLES[level]), soft_wrap=True)
    if found.verdict.remedy:
        console.print(Text(plain(found.verdict.remedy)), soft_wrap=True)


def _print(console: Console, title: str, rows: list[Row], style: str = "") -> None:
    """Print rows: wrapped to fit a terminal, one per line elsewhere."""
    if title:
        console.print(Text(title, style="bold"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=14, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(Text(f"  {name}", style=style), Text(plain(value)))
        if not console.is_terminal:
            console.print(Text(f"  {name:<14}{plain(value)}".rstrip()), soft_wrap=True)
    if console.is_terminal:
        console.print(grid)


def _source(found: Inspection) -> Iterator[Row]:
    source, encoding, ends = found.source, found.encoding, found.line_ends
    column = f", column {source.column}" if source.column else ""
    compression = f", from {source.compression}" if source.compression else ""
    yield "corpus", ", ".join(file.label for file in source.files[:FILES_SHOWN])
    if len(source.files) > FILES_SHOWN:
        yield "", f"and {len(source.files) - FILES_SHOWN:,} more files"
    yield "kind", f"{source.kind}{column}{compression}"
    yield "size", f"{decimal(source.bytes)} ({source.bytes:,} bytes)"
    yield "sha256", source.sha256
    yield "encoding", encoding.used + (", with a byte order mark" if encoding.byte_order_mark else "")
    if ends is not None:
        unended = "" if ends.last_line_ended else "; the last line has none"
        yield "line endings", f"LF {ends.lf:,}, CRLF {ends.crlf:,}, CR alone {ends.lone_cr:,}{unended}"


def _lines(found: Inspection) -> Iterator[Row]:
    lines = found.lines
    yield (
        "read",
        f"{lines.read:,}, including {lines.empty:,} empty"
        + (f" and {lines.missing:,} missing" if lines.missing else ""),
    )
    about = "" if lines.distinct_is_exact else "about "
    yield "distinct", f"{about}{lines.distinct:,}; duplicates: {about}{lines.repeated:,}"
    for number, line in enumerate(lines.most_frequent):
        yield "" if number else "most frequent", f"{line.count:,}  {line.text}"
    around = f"leading {lines.leading_blanks:,}, trailing {lines.trailing_blanks:,}"
    yield "white space", f"{around}, white space only {lines.blank:,}"


def _lengths(found: Inspection) -> Iterator[Row]:
    lengths = found.lengths
    if lengths is None:
        return
    yield lengths.unit, f"{lengths.min:,} to {lengths.max:,}, mean {lengths.mean:,.1f}, median {lengths.median:,}"
    yield "percentiles", f"90 %: {lengths.p90:,}, 99 %: {lengths.p99:,}, 99.9 %: {lengths.p99_9:,}"
    most = max(bucket.lines for bucket in lengths.histogram)
    for bucket in lengths.histogram:
        yield _range(bucket), f"{_bar(bucket.lines / most)} {bucket.lines:,}"


def _range(bucket: Bucket) -> str:
    return f"{bucket.least:,}" if bucket.least == bucket.most else f"{bucket.least:,}-{bucket.most:,}"


def _bar(share: float) -> str:
    full, eighths = divmod(round(8 * _BAR * share), 8)
    return "█" * full + (_EIGHTHS[eighths] if eighths else "")


def _characters(found: Inspection) -> Iterator[Row]:
    characters = found.characters
    if not characters.total:
        return
    yield "total", f"{characters.total:,}, of which {characters.alphabet:,} distinct"
    shares = [
        f"{name} {script.characters:,} ({script.count / characters.total:.1%})"
        for name, script in characters.scripts.items()
    ]
    yield "scripts", ", ".join(shares)
    common = [f"{_shown(one)} {one.count / characters.total:.1%}" for one in characters.most_common]
    yield "most common", ", ".join(common)
    if characters.under_three:
        more = " ..." if characters.under_three > len(characters.rare) else ""
        few = " ".join(map(_shown, characters.rare))
        yield "rare", f"seen once {characters.once:,}, once or twice {characters.under_three:,}: {few}{more}"
    if characters.beyond_bmp.count:
        beyond = characters.beyond_bmp
        yield "above U+FFFF", f"{beyond.characters:,} distinct, {beyond.count:,} in total"
    for number, one in enumerate(characters.suspects):
        where = f"{one.count:,}, first in {found.source.where(one.first_line)}"
        yield "" if number else "suspicious", f"{one.code_point} {one.name}, {one.kind}: {where}"
    unlisted = characters.suspects_in_all - len(characters.suspects)
    if unlisted:
        yield "", f"and {unlisted:,} more"


def _shown(character: Character) -> str:
    """Return a visible character itself, any other as its code point."""
    itself = chr(int(character.code_point[2:], 16))
    can_be_seen = unicodedata.category(itself)[0] in "LNPS" and (character.code_point[0] == "U" or itself.isascii())
    return itself if can_be_seen else character.code_point


def _outlook(found: Inspection) -> Iterator[Row]:
    outlook = found.outlook
    if outlook is None:
        return
    yield "layout", f"{outlook.layout} ({outlook.why})"
    yield "length", f"{outlook.length} ({outlook.rule})"
    yield "rows", f"{outlook.rows:,}"
    for way, long in (outlook.long or {}).items():
        yield f"  {way}", f"{long.lines:,} longer lines, {long.rows:,} rows"
    yield "split", f"about {outlook.train:,} training, {outlook.validation:,} validation, {outlook.test:,} test"
    yield "automatic", ", ".join(f"{name} = {value}" for name, value in outlook.settings.items()) or "nothing"
    yield "vocabulary", f"{outlook.vocabulary:,}, including padding and unknown"
    yield "weights", f"generator {outlook.generator_weights:,}, critic {outlook.critic_weights:,}"
    yield "memory", f"{decimal(outlook.ids_bytes)} of ids on disk, {decimal(outlook.batch_bytes)} per batch"
    if outlook.timing:
        yield "time", _time(outlook.timing)


def _time(timing: Timing) -> str:
    pace = f"about {timing.milliseconds:,.3g} ms per round on {timing.device}"
    if timing.minutes is None:
        return pace
    long = f"{timing.minutes:,.1f} minutes" if timing.minutes < 90 else f"{timing.minutes / 60:,.1f} hours"
    return f"{pace}; {timing.rounds:,} rounds take about {long}"


SECTIONS: dict[str, Callable[[Inspection], Iterator[Row]]] = {
    "source": _source,
    "lines": _lines,
    "lengths": _lengths,
    "characters": _characters,
    "prepared for training": _outlook,
}
"""Title -> function that yields the rows of the table."""
