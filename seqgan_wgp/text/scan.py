"""The first pass over a corpus: its alphabet, its length, its counts, and which strings are held out.

Which part a line belongs to is decided by a hash of the (cropped) string alone, so no string is on both sides and
neither the order of the lines nor the run's seed matters.

Shape suffixes: N lines, L length.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..config import CorpusSettings
from ..errors import CorpusError
from ..randomness import mix_numpy
from .lines import LineReader, Lines, Source, blocks
from .vocabulary import CODE_POINTS, Vocabulary

LENGTH_MOST = 64
"""The longest row that is chosen when `corpus.length` is not set."""

LENGTH_SHARE = 0.99
"""The share of lines that the chosen row holds in full."""

LENGTH_MULTIPLE = 8
"""The chosen row is rounded up to a multiple of this: room for lines a little longer than most, and whole vectors."""

DISTINCT_LEAST = 16
"""Fewer different lines than this are refused."""

DISTINCT_FEW = 1_000
"""Fewer different lines than this are warned of, and trained on with replacement."""

_SIZES = 1 << 16
_SPLIT_KEY = np.uint64(0x5EED_0F5E_0A2D_11E5)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a corpus turned out to be; written beside the ids and into the model."""

    name: str
    sha256: str
    """Of the text as it was read: after decompression, without the byte order mark."""

    length: int
    alphabet: int
    read: int
    """Lines read, of which those below were left out or changed."""

    empty: int
    bad: int
    cropped: int
    dropped: int
    distinct: int | None
    """Different lines, where they are few enough to be counted exactly (below DISTINCT_FEW); None: more."""

    train: int = 0
    validation: int = 0
    test: int = 0

    @property
    def kept(self) -> int:
        """Lines that became rows."""
        return self.read - self.empty - self.bad - self.dropped

    def warnings(self) -> list[str]:
        """Return what the user should know, each in one sentence."""
        found = []
        if self.distinct is not None:
            found.append(
                f"only {self.distinct} different lines: batches repeat them, and the model may learn them by heart"
            )
        if self.bad:
            found.append(f"{self.bad:,} of {self.read:,} lines have bad bytes and were left out")
        if self.cropped:
            share = self.cropped / self.kept
            found.append(
                f"{self.cropped:,} of {self.kept:,} lines ({share:.1%}) are cropped to {self.length} characters"
            )
        if self.dropped:
            share = self.dropped / (self.kept + self.dropped)
            found.append(
                f"{self.dropped:,} lines ({share:.1%}) are longer than {self.length} characters and were dropped"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What the first pass found."""

    source: Source
    settings: CorpusSettings
    facts: Facts
    vocabulary: Vocabulary
    validation_below: int
    """Strings whose 64-bit hash is below this are for validation ..."""

    test_below: int
    """... those below this, and not for validation, for the test; all others are trained on."""


def scan(source: Source, settings: CorpusSettings) -> Scan:
    """Read a corpus once and decide its length, alphabet and parts.

    Raises:
        CorpusError: unreadable, empty, binary, badly encoded, too few or only too long lines, too many characters.
    """
    reader = open_reader(source, settings)
    tally = _Tally(settings)
    digest = hashlib.sha256()
    for block in blocks(source):
        digest.update(block)
        tally.add(reader.lines(block))
    if not tally.histogram.any():
        what = f"all {reader.read:,} lines are empty" if reader.read else "the file is empty"
        raise CorpusError(f"{source.label}: {what}", "give a text file with one string a line")
    length = settings.length or _length(tally.histogram)
    longer = int(tally.histogram[length + 1 :].sum())
    _check(source, tally, length, longer)
    vocabulary = Vocabulary(np.flatnonzero(tally.seen).astype("<u4").tobytes().decode("utf-32-le"))
    facts = Facts(
        name=source.name,
        sha256=digest.hexdigest(),
        length=length,
        alphabet=vocabulary.size - 2,
        read=reader.read,
        empty=reader.empty,
        bad=reader.bad,
        cropped=longer if settings.long == "crop" else 0,
        dropped=longer if settings.long == "drop" else 0,
        distinct=tally.distinct,
    )
    validation_below, test_below = _thresholds(facts, tally, settings)
    return Scan(
        source=source,
        settings=settings,
        facts=facts,
        vocabulary=vocabulary,
        validation_below=validation_below,
        test_below=test_below,
    )


def hash_strings(rows_NL: npt.NDArray[np.uint32], filled_NL: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each string; what lies behind a string's end does not count."""
    hash_N = np.full(len(rows_NL), _SPLIT_KEY)
    with np.errstate(over="ignore"):
        for column in range(int(filled_NL.sum(axis=1).max(initial=0))):
            mixed_N = mix_numpy(hash_N ^ (rows_NL[:, column].astype(np.uint64) + np.uint64(1)))
            hash_N = np.where(filled_NL[:, column], mixed_N, hash_N)
        return mix_numpy(hash_N)


class _Tally:
    """What the first pass counts: sizes of lines, characters, and different strings as long as they are few."""

    def __init__(self, settings: CorpusSettings) -> None:
        self.settings = settings
        self.limit = settings.length or LENGTH_MOST
        self.histogram = np.zeros(_SIZES + 1, np.int64)
        self.seen = np.zeros(CODE_POINTS, np.bool_)
        self.hashes = np.zeros(0, np.uint64)

    def add(self, lines: Lines) -> None:
        self.histogram += np.bincount(np.minimum(lines.sizes_N, _SIZES), minlength=_SIZES + 1)
        for rows_NL, filled_NL in fitting(lines, self.settings, self.limit).rows(self.limit):
            self.seen[rows_NL[filled_NL]] = True
            if len(self.hashes) < DISTINCT_FEW:
                self.hashes = np.unique(np.concatenate([self.hashes, hash_strings(rows_NL, filled_NL)]))

    @property
    def distinct(self) -> int | None:
        """Number of different strings, None when they are not few."""
        return len(self.hashes) if len(self.hashes) < DISTINCT_FEW else None


def open_reader(source: Source, settings: CorpusSettings) -> LineReader:
    """Return a fresh reader of a source's blocks; both passes must read alike."""
    return LineReader(source.label, source.encoding or settings.encoding, settings.errors)


def fitting(lines: Lines, settings: CorpusSettings, length: int) -> Lines:
    """Return the lines that become rows: all, or those short enough where longer ones are dropped."""
    return lines.select(lines.sizes_N <= length) if settings.long == "drop" else lines


def _length(histogram: npt.NDArray[np.int64]) -> int:
    """Return the least length that holds LENGTH_SHARE of the lines in full, rounded up, at most LENGTH_MOST."""
    share = np.cumsum(histogram) / histogram.sum()
    least = int(np.searchsorted(share, LENGTH_SHARE))
    return min(math.ceil(least / LENGTH_MULTIPLE) * LENGTH_MULTIPLE, LENGTH_MOST)


def _check(source: Source, tally: _Tally, length: int, longer: int) -> None:
    """Raise CorpusError when the lines are nothing to learn from."""
    settings, alphabet = tally.settings, int(tally.seen.sum())
    if settings.long == "drop" and longer == tally.histogram.sum():
        raise CorpusError(
            f"{source.label}: all {longer:,} lines are longer than {length} characters",
            "raise corpus.length, or crop lines with --set corpus.long=crop",
        )
    if alphabet > settings.max_alphabet:
        raise CorpusError(
            f"{source.label}: {alphabet:,} different characters; corpus.max_alphabet is {settings.max_alphabet:,}",
            f"if this is text, allow more with --set corpus.max_alphabet={alphabet}",
        )
    if tally.distinct is not None and tally.distinct < DISTINCT_LEAST:
        raise CorpusError(
            f"{source.label}: only {tally.distinct} different lines to learn from",
            f"at least {DISTINCT_LEAST} are needed, and thousands for good strings",
        )


def _thresholds(facts: Facts, tally: _Tally, settings: CorpusSettings) -> tuple[int, int]:
    """Return the hashes below which a string is for validation, and for validation or test."""
    share = min(settings.held_out, settings.held_out_most / facts.kept)
    if facts.distinct is None:
        return int(share / 2 * 2.0**64), int(share * 2.0**64)
    # So few strings that chance might leave a half empty: the lowest hashes are taken, the same number for each.
    half = max(1, math.floor(share * facts.distinct / 2))
    return int(tally.hashes[half]), int(tally.hashes[2 * half])
