"""Scan a corpus: find its layout, length, alphabet and counts, and which strings are held out.

Which part a string belongs to is decided by a hash of it alone, so no string is on both sides and neither the order
of the lines nor the run's seed matters.

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
from ...utils.progress import OnBytes
from ..readers.lines import LINE_FEED, Lines, Places
from ..readers.open import Source
from ..readers.reader import Reader
from ..vocabulary import CODE_POINTS, Vocabulary
from .layout import Layout, rows
from .stats import DISTINCT_FEW, Facts

LENGTH_MOST = 64
"""The longest row that is chosen when `corpus.length` is not set."""

LENGTH_SHARE = 0.99
"""The share of lines that the chosen row holds in full."""

LENGTH_MULTIPLE = 8
"""The chosen row is rounded up to a multiple of this: room for lines a little longer than most, and whole vectors."""

DISTINCT_LEAST = 16
"""Fewer different rows than this are refused."""

PARAGRAPH_EMPTY, PARAGRAPH_LINES, PARAGRAPH_SIZE = 0.05, 2, 20
"""Text in paragraphs: so large a share of the lines is empty, so many others to each, of so many characters each."""

UNBROKEN_SIZE = 1_000
"""Text whose lines are this long on average is taken as running text too."""

STRETCH, STRETCH_LEAST = 16, 2
"""A row of running text on disk is this many times as long as what is learnt from it; less where there is little,
but at least twice: it then has more than one window."""

STRETCHES_LEAST = 64

SIZES = 1 << 16
"""Lines are counted by size up to this; all longer ones together."""

NOWHERE, _FAR = 1 << 30, 1 << 29
"""The place of a unit that is nowhere, and of one so far in a line that no row reaches it."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What the first pass found."""

    source: Source
    settings: CorpusSettings
    """With nothing left open: `layout` and `length` are what was decided."""

    facts: Facts
    vocabulary: Vocabulary
    validation_below: int
    """Strings whose 64-bit hash is below this are for validation ..."""

    test_below: int
    """... those below this, and not for validation, for the test; all others are trained on."""


def scan(source: Source, settings: CorpusSettings, on_bytes: OnBytes = lambda _bytes: None) -> Scan:
    """Read a corpus once and decide its layout, length, alphabet and parts.

    Raises:
        CorpusError: unreadable, empty, binary, badly encoded, too few or only too long lines, too many characters.
    """
    reader = Reader(source, settings, on_bytes)
    tally = FirstPass(source, settings)
    for lines in reader:
        tally.add(lines)
    if not tally.histogram[1:].any():
        what = f"all {reader.read:,} lines are empty" if reader.read else "the file is empty"
        raise CorpusError(f"{source.label}: {what}", "give a text file with one string per line")
    settings = replace(settings, layout=decide_layout(settings, tally))
    layout = _layout(source, settings, tally)
    settings = replace(settings, length=layout.length)
    vocabulary = _vocabulary(source, settings, tally, layout.length)
    longer = int(tally.histogram[layout.length + 1 :].sum()) if settings.layout == "lines" else 0
    facts = Facts(
        name=source.name,
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
    )
    distinct, validation_below, test_below = _thresholds(source, settings, facts)
    return Scan(
        source=source,
        settings=settings,
        facts=replace(facts, distinct=distinct),
        vocabulary=vocabulary,
        validation_below=validation_below,
        test_below=test_below,
    )


class FirstPass:
    """What the first pass counts: sizes of lines, and in which rows characters are."""

    def __init__(self, source: Source, settings: CorpusSettings) -> None:
        self.settings = settings
        self.histogram = np.zeros(SIZES + 1, np.int64)
        """Lines of each size, empty ones too; the last counts all that are longer."""

        self.units = 0
        """Of all lines, a line feed behind each."""

        self.first = np.full(CODE_POINTS, NOWHERE, np.int32)
        """For each unit the least row that has it: its first place, or the size of the shortest line with it less 1."""

        self._parts: list[int] = []
        self._settled = settings.length or LENGTH_MULTIPLE
        if not source.by_field:
            self.first[LINE_FEED] = -1  # in no line, only between them: never worth looking at

    def add(self, lines: Lines) -> None:
        """Count the lines of one block."""
        whole = lines.whole()
        self.histogram += np.bincount(np.minimum(whole.sizes_N, SIZES), minlength=SIZES + 1)
        self.units += int(lines.sizes_N.sum()) + len(lines.sizes_N) - lines.goes_on
        self._parts += whole.sizes_N[whole.sizes_N >= SIZES].tolist()
        if lines.continued:
            self._parts.append(int(lines.sizes_N[0]))
        self._note_units(lines)

    def alphabet(self, length: int) -> npt.NDArray[np.int64]:
        """Return the units that rows of `length` have, in order."""
        return np.flatnonzero((self.first >= 0) & (self.first < length))

    def rows(self, layout: Layout, long: str) -> int:
        """Return how many rows of a layout there are."""
        if layout.windows > 1:
            return self.units // layout.span
        if long == "chunk":
            sizes = np.arange(SIZES)
            short = int((self.histogram[:-1] * -(-sizes // layout.length)).sum())
            return short + sum(-(-size // layout.length) for size in self._parts)
        return int(self.histogram[1:].sum() if long == "crop" else self.histogram[1 : layout.length + 1].sum())

    def _note_units(self, lines: Lines) -> None:
        # Nearly all units have been seen early in a row before; only the others are worth finding the place of.
        table = self.first[:256] if lines.units_M.dtype == np.uint8 else self.first
        # In a later part of a long line nothing is near enough to its beginning to matter, but that it is there at all.
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
"""What becomes of long lines -> rows of which length have a unit: all that are longer than this."""


def decide_layout(settings: CorpusSettings, tally: FirstPass) -> str:
    """Return "lines" or "windows": what is set or, where it is "auto", what the text looks like."""
    if settings.layout != "auto":
        return settings.layout
    empty, filled = int(tally.histogram[0]), int(tally.histogram[1:].sum())
    size = (tally.units - empty - filled) / filled
    if settings.overflow != "crop":  # whoever says what becomes of long lines has lines in mind
        return "lines"
    paragraphs = empty >= PARAGRAPH_EMPTY * (empty + filled) and filled >= PARAGRAPH_LINES * empty
    running = (paragraphs and size >= PARAGRAPH_SIZE) or size >= UNBROKEN_SIZE
    enough = tally.units >= STRETCH_LEAST * STRETCHES_LEAST * (settings.length or LENGTH_MOST)
    return "windows" if running and enough else "lines"


def choose_length(histogram: npt.NDArray[np.int64]) -> int:
    """Return the least length that holds LENGTH_SHARE of the lines in full, rounded up, at most LENGTH_MOST."""
    filled = histogram.copy()
    filled[0] = 0
    least = int(np.searchsorted(np.cumsum(filled) / filled.sum(), LENGTH_SHARE))
    return min(math.ceil(least / LENGTH_MULTIPLE) * LENGTH_MULTIPLE, LENGTH_MOST)


def _layout(source: Source, settings: CorpusSettings, tally: FirstPass) -> Layout:
    """Return how the text is laid out in rows. Raises CorpusError when nothing would be left of it."""
    if settings.layout == "lines":
        length = settings.length or choose_length(tally.histogram)
        longer = int(tally.histogram[length + 1 :].sum())
        if settings.overflow == "drop" and longer == tally.histogram[1:].sum():
            raise CorpusError(
                f"{source.label}: all {longer:,} lines are longer than {length} {UNITS[settings.unit].plural}",
                "raise corpus.length, or crop lines with --set corpus.overflow=crop",
            )
        return Layout(length=length)
    length = settings.length or LENGTH_MOST
    stretch = min(STRETCH, tally.units // (STRETCHES_LEAST * length))
    if stretch < STRETCH_LEAST:
        least = STRETCH_LEAST * STRETCHES_LEAST * length
        raise CorpusError(
            f"{source.label}: {tally.units:,} {UNITS[settings.unit].plural} are too few for windows of {length}",
            f"at least {least:,} are needed, and a hundred times as many for good strings",
        )
    return Layout(length=length, windows=(stretch - 1) * length + 1)


def _vocabulary(source: Source, settings: CorpusSettings, tally: FirstPass, length: int) -> Vocabulary:
    unit = UNITS[settings.unit]
    if unit.is_byte:
        return Vocabulary.of_bytes()
    units = tally.alphabet(length)
    if settings.layout == "windows":
        units = np.union1d(tally.alphabet(NOWHERE), LINE_FEED)
    if len(units) > settings.max_alphabet:
        raise CorpusError(
            f"{source.label}: {len(units):,} distinct {unit.plural}, but corpus.max_alphabet is "
            f"{settings.max_alphabet:,}",
            f"if this is text, allow more with --set corpus.max_alphabet={len(units)}, or take it as bytes with "
            "--set corpus.unit=byte",
        )
    return Vocabulary(units.astype("<u4").tobytes().decode("utf-32-le"), settings.unit)


def _thresholds(source: Source, settings: CorpusSettings, facts: Facts) -> tuple[int | None, int, int]:
    """Return the number of different rows where they are few, and the hashes below which a row is held out."""
    share = min(settings.held_out, settings.held_out_max / facts.items(facts.rows))
    layout = Layout(length=facts.length, windows=facts.windows)
    hashes = np.zeros(0, np.uint64)
    for lines in rows(Reader(source, settings), layout, settings.overflow):
        hashes = np.unique(np.concatenate([hashes, lines.hashes(layout.span)]))
        if len(hashes) >= DISTINCT_FEW:
            return None, int(share / 2 * 2.0**64), int(share * 2.0**64)
    if len(hashes) < DISTINCT_LEAST:
        raise CorpusError(
            f"{source.label}: only {len(hashes)} distinct lines",
            f"at least {DISTINCT_LEAST} are needed, and thousands for good results",
        )
    # So few strings that chance might leave a half empty: the lowest hashes are taken, the same number for each.
    half = max(1, math.floor(share * len(hashes) / 2))
    return len(hashes), int(hashes[half]), int(hashes[2 * half])
