"""Scan a corpus: find its layout, length, alphabet and counts, and which strings are held out.

The split depends only on a hash of each string. So no string is in two parts, and neither the order of the lines nor
the seed matters.

Shape suffixes: M units of a block, N lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ...training.labels import MAX_LABELS
from ...utils.progress import OnBytes
from ...utils.token_symbols import FoundTokens, TokenSymbols
from ..readers.lines import LINE_FEED, Lines, Places
from ..readers.open import Source
from ..readers.reader import Reader
from ..recognition.recognise import check_kind, recognised
from ..units import tokens_for
from ..vocabulary import CODE_POINTS, Vocabulary
from .layout import Layout, rows
from .stats import DISTINCT_FEW, Facts, few_lines

MAX_LENGTH = 64
"""Largest row length that is chosen automatically."""

LENGTH_SHARE = 0.99
"""Share of lines that fit into a row of the automatic length."""

LENGTH_MULTIPLE = 8
"""The automatic length is rounded up to a multiple of this, which fits slightly longer lines and vector sizes."""

MIN_DISTINCT = 16
"""Least number of distinct rows."""

MIN_LABEL_LINES = 16
"""Least number of lines of a label."""

PARAGRAPH_EMPTY, PARAGRAPH_LINES, PARAGRAPH_SIZE = 0.05, 2, 20
"""Criteria for text in paragraphs: least share of empty lines, least number of other lines per empty line, and least
mean length of lines."""

UNBROKEN_SIZE = 1_000
"""Mean length of lines above which text counts as running text."""

STRETCH, MIN_STRETCH = 16, 2
"""Length of a row of running text on disk, as a multiple of the item length; less for short text, but at least twice,
so that a row has more than one window."""

MIN_STRETCHES = 64

SIZES = 1 << 16
"""Largest line size counted separately; longer lines are counted together."""

MAX_ALPHABET = 65_000
"""Largest value of corpus.max_alphabet."""

NOWHERE, _FAR = 1 << 30, 1 << 29
"""Position of a unit that does not occur, and of one beyond the longest row."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Result of the first pass."""

    source: Source
    settings: CorpusSettings
    """The settings, with automatic `layout` and `length` decided."""

    facts: Facts
    vocabulary: Vocabulary
    tokens: TokenSymbols | None
    """What the text is read with."""

    validation_below: int
    """Strings whose 64-bit hash is below this are for validation."""

    test_below: int
    """Strings below this, and not below `validation_below`, are for the test; all others for training."""

    labels: tuple[str, ...] = ()
    """The labels in the order of their numbers; none: the lines have no labels."""


def scan(source: Source, settings: CorpusSettings, on_bytes: OnBytes = lambda _bytes: None) -> Scan:
    """Recognise the kind of a corpus, read it once, and decide its layout, length, alphabet and parts.

    Raises:
        CorpusError: the corpus is unreadable, of a kind that is refused, empty, binary or badly encoded, has too few
            or only too long lines, or too many characters.
    """
    source = recognised(source, settings)
    check_kind(source)
    tokens = tokens_for(settings)
    reader = Reader(source, settings, on_bytes, tokens)
    tally = FirstPass(source, settings)
    for lines in reader:
        tally.add(lines)
    if not tally.histogram[1:].any():
        what = f"all {reader.read:,} lines are empty" if reader.read else "the file is empty"
        raise CorpusError(f"{source.label}: {what}", "give a text file with one string per line")
    settings = replace(settings, layout=decide_layout(settings, tally))
    layout = _layout(source, settings, tally)
    settings = replace(settings, length=layout.length)
    vocabulary = _vocabulary(source, settings, tally, layout.length, tokens)
    longer = int(tally.histogram[layout.length + 1 :].sum()) if settings.layout == "lines" else 0
    facts = Facts(
        name=source.name.encode(errors="backslashreplace").decode(),  # a file's name need not be UTF-8
        sha256=reader.sha256,
        unit=settings.unit,
        length=layout.length,
        windows=layout.windows,
        alphabet=vocabulary.size - 2,
        read=reader.read,
        empty=reader.empty,
        bad=reader.bad,
        cropped=longer if settings.overflow == "crop" else 0,
        dropped=longer if settings.overflow == "drop" else 0,
        chunked=longer if settings.overflow == "chunk" else 0,
        rows=tally.rows(layout, settings.overflow),
        distinct=None,
        hex_decoded=reader.hex if settings.hex == "decode" else 0,
        hex_kept=reader.hex if settings.hex == "keep" else 0,
        labels=_label_counts(source, settings, reader, tally),
    )
    distinct, validation_below, test_below = _thresholds(source, settings, facts, tokens)
    return Scan(
        source=source,
        settings=settings,
        facts=replace(facts, distinct=distinct),
        vocabulary=vocabulary,
        tokens=tokens,
        validation_below=validation_below,
        test_below=test_below,
        labels=tuple(facts.label_names),
    )


def _label_counts(source: Source, settings: CorpusSettings, reader: Reader, tally: FirstPass) -> dict[str, int]:
    """Return label -> number of its lines. Raises CorpusError for running text."""
    if not source.has_labels:
        return {}
    if settings.layout == "windows":
        raise CorpusError(
            f"{source.label}: it is read as running text, whose windows have no labels",
            "read it by lines: --set corpus.layout=lines",
        )
    names = list(reader.labels.numbers)
    return {name: int(tally.labels[number]) for number, name in enumerate(names) if tally.labels[number]}


def check_labels(found: Scan) -> None:
    """Raise CorpusError where lines have labels that a generator cannot learn by: one alone, or one of few lines."""
    counts, source = found.facts.labels, found.source
    if not source.has_labels:
        return
    if len(counts) < 2:
        raise CorpusError(
            f"{source.label}: all lines have the label {next(iter(counts), '')!r}",
            "at least 2 labels are needed; leave --label out to train without",
        )
    few = sorted((name for name in counts if counts[name] < MIN_LABEL_LINES), key=lambda name: counts[name])
    if few:
        lines = f"{counts[few[0]]:,} {'line' if counts[few[0]] == 1 else 'lines'}"
        others = f", and {len(few) - 1:,} other labels have too few" if len(few) > 1 else ""
        raise CorpusError(
            f"{source.label}: the label {few[0]!r} has only {lines}{others}",
            f"at least {MIN_LABEL_LINES} are needed for each: leave such lines out, or give them one common label",
        )


class FirstPass:
    """Counts of the first pass: sizes of lines, and the row lengths at which characters occur."""

    def __init__(self, source: Source, settings: CorpusSettings) -> None:
        self.settings = settings
        self.histogram = np.zeros(SIZES + 1, np.int64)
        """Number of lines of each size, including empty ones; the last entry counts all longer lines."""

        self.units = 0
        """Total number of units, including a line feed after each line."""

        self.first = np.full(CODE_POINTS, NOWHERE, np.int32)
        """For each unit, the index from which rows contain it: its first position, or the size of its shortest line
        less 1."""

        self.labels = np.zeros(MAX_LABELS, np.int64)
        """Number of non-empty lines with each label."""

        self._parts: list[int] = []
        self._settled = settings.length or LENGTH_MULTIPLE
        if not source.by_field:
            self.first[LINE_FEED] = -1  # not in lines, only between them

    def add(self, lines: Lines) -> None:
        """Count the lines of one block."""
        whole = lines.whole()
        self.histogram += np.bincount(np.minimum(whole.sizes_N, SIZES), minlength=SIZES + 1)
        self.units += int(lines.sizes_N.sum()) + len(lines.sizes_N) - lines.goes_on
        self._parts += whole.sizes_N[whole.sizes_N >= SIZES].tolist()
        if whole.labels_N is not None:
            self.labels += np.bincount(whole.labels_N[whole.sizes_N > 0], minlength=MAX_LABELS)
        if lines.continued:
            self._parts.append(int(lines.sizes_N[0]))
        self._note_units(lines)

    def alphabet(self, length: int) -> npt.NDArray[np.int64]:
        """Return the units that occur in rows of `length`, in order."""
        return np.flatnonzero((self.first >= 0) & (self.first < length))

    def rows(self, layout: Layout, long: str) -> int:
        """Return the number of rows in a layout."""
        if layout.windows > 1:
            return self.units // layout.span
        if long == "chunk":
            sizes = np.arange(SIZES)
            short = int((self.histogram[:-1] * -(-sizes // layout.length)).sum())
            return short + sum(-(-size // layout.length) for size in self._parts)
        return int(self.histogram[1:].sum() if long == "crop" else self.histogram[1 : layout.length + 1].sum())

    def _note_units(self, lines: Lines) -> None:
        # Nearly all units have already occurred early in a row; only the positions of the others matter.
        table = self.first[:256] if lines.units_M.dtype == np.uint8 else self.first
        # In a later part of a long line, positions are far from its start; only the occurrence itself matters.
        settled = NOWHERE if lines.continued and self.settings.overflow != "chunk" else self._settled
        at_P = np.flatnonzero(table[lines.units_M] >= settled)
        line_P = np.maximum(np.searchsorted(lines.starts_N, at_P, side="right") - 1, 0)
        inside_P = at_P - lines.starts_N[line_P] < lines.sizes_N[line_P]
        at_P, line_P = at_P[inside_P], line_P[inside_P]
        needed_P = _NEEDED[self.settings.overflow](at_P - lines.starts_N[line_P], lines.sizes_N[line_P])
        if lines.continued and self.settings.overflow != "chunk":
            needed_P = np.where(line_P == 0, _FAR, needed_P)
        np.minimum.at(self.first, lines.units_M[at_P], needed_P.astype(np.int32))


_NEEDED: dict[str, Callable[[Places, Places], Places]] = {
    "crop": lambda place_P, _size_P: place_P,
    "drop": lambda _place_P, size_P: size_P - 1,
    "chunk": lambda place_P, _size_P: np.zeros_like(place_P),
}
"""Treatment of long lines -> index from which rows contain a unit."""


def decide_layout(settings: CorpusSettings, tally: FirstPass) -> str:
    """Return "lines" or "windows": the setting or, if "auto", a choice by the form of the text."""
    if settings.layout != "auto":
        return settings.layout
    empty, filled = int(tally.histogram[0]), int(tally.histogram[1:].sum())
    size = (tally.units - empty - filled) / filled
    if settings.overflow != "crop":  # a setting for long lines implies lines
        return "lines"
    paragraphs = empty >= PARAGRAPH_EMPTY * (empty + filled) and filled >= PARAGRAPH_LINES * empty
    running = (paragraphs and size >= PARAGRAPH_SIZE) or size >= UNBROKEN_SIZE
    enough = tally.units >= MIN_STRETCH * MIN_STRETCHES * (settings.length or MAX_LENGTH)
    return "windows" if running and enough else "lines"


def choose_length(histogram: npt.NDArray[np.int64]) -> int:
    """Return the least length that fits LENGTH_SHARE of the lines, rounded up, at most MAX_LENGTH."""
    filled = histogram.copy()
    filled[0] = 0
    least = int(np.searchsorted(np.cumsum(filled) / filled.sum(), LENGTH_SHARE))
    return min(math.ceil(least / LENGTH_MULTIPLE) * LENGTH_MULTIPLE, MAX_LENGTH)


def _layout(source: Source, settings: CorpusSettings, tally: FirstPass) -> Layout:
    """Return the layout of the text in rows. Raises CorpusError when no row would be left."""
    if settings.layout == "lines":
        length = settings.length or choose_length(tally.histogram)
        longer = int(tally.histogram[length + 1 :].sum())
        if settings.overflow == "drop" and longer == tally.histogram[1:].sum():
            raise CorpusError(
                f"{source.label}: all {longer:,} lines are longer than {length} {UNITS[settings.unit].plural}",
                "raise corpus.length, or crop lines with --set corpus.overflow=crop",
            )
        return Layout(length=length)
    length = settings.length or MAX_LENGTH
    stretch = min(STRETCH, tally.units // (MIN_STRETCHES * length))
    if stretch < MIN_STRETCH:
        least = MIN_STRETCH * MIN_STRETCHES * length
        raise CorpusError(
            f"{source.label}: {tally.units:,} {UNITS[settings.unit].plural} are too few for windows of {length}",
            f"at least {least:,} are needed, and a hundred times as many for good strings",
        )
    return Layout(length=length, windows=(stretch - 1) * length + 1)


def _vocabulary(
    source: Source, settings: CorpusSettings, tally: FirstPass, length: int, tokens: TokenSymbols | None
) -> Vocabulary:
    unit = UNITS[settings.unit]
    if unit.is_byte:
        return Vocabulary.of_bytes()
    units = tally.alphabet(length)
    if settings.layout == "windows":
        units = np.union1d(tally.alphabet(NOWHERE), LINE_FEED)
    if len(units) > settings.max_alphabet:
        more = f"if this is text, allow more with --set corpus.max_alphabet={len(units)}, or "
        finer = "take it as bytes with --set corpus.unit=byte"
        if isinstance(tokens, FoundTokens):
            finer = "leave corpus.unit_pattern and corpus.unit out, to learn characters"
        raise CorpusError(
            f"{source.label}: {len(units):,} distinct {unit.plural}, but corpus.max_alphabet is "
            f"{settings.max_alphabet:,}",
            (more if len(units) <= MAX_ALPHABET else "") + finer,
        )
    characters = units.astype("<u4").tobytes().decode("utf-32-le")
    if isinstance(tokens, FoundTokens):
        return Vocabulary.of_texts(map(tokens.decode, characters), settings.unit, tokens.pattern)
    return Vocabulary(characters, settings.unit)


def hashed_units(lines: Lines, key_U: npt.NDArray[np.uint64] | None) -> Lines:
    """Return lines whose hashes decide the split; `key_U` is that of `split_keys`."""
    return lines if key_U is None else lines.look_up(key_U)


def split_keys(tokens: TokenSymbols | None) -> npt.NDArray[np.uint64] | None:
    """Return a number for each unit that its text alone decides; None: its code point does."""
    return tokens.hash_keys(CODE_POINTS) if isinstance(tokens, FoundTokens) else None


def _thresholds(
    source: Source, settings: CorpusSettings, facts: Facts, tokens: TokenSymbols | None
) -> tuple[int | None, int, int]:
    """Return the number of distinct rows if they are few, and the hashes below which a row is held out."""
    share = min(settings.held_out, settings.held_out_max / facts.items(facts.rows))
    layout = Layout(length=facts.length, windows=facts.windows)
    hashes, key_U = np.zeros(0, np.uint64), split_keys(tokens)
    for lines in rows(Reader(source, settings, tokens=tokens), layout, settings.overflow):
        hashes = np.unique(np.concatenate([hashes, hashed_units(lines, key_U).hashes(layout.span)]))
        if len(hashes) >= DISTINCT_FEW:
            return None, int(share / 2 * 2.0**64), int(share * 2.0**64)
    if len(hashes) < MIN_DISTINCT:
        raise CorpusError(
            f"{source.label}: {few_lines(len(hashes))}",
            f"at least {MIN_DISTINCT} are needed, and thousands for good results",
        )
    # With few strings a part could be empty by chance, so a fixed number of the lowest hashes is taken for each.
    half = max(1, math.floor(share * len(hashes) / 2))
    return len(hashes), int(hashes[half]), int(hashes[2 * half])
