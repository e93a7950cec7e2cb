"""Statistics of a corpus, with a one-line summary and warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from ...registry import UNITS
from ...training.labels import MAX_LABELS
from ...utils.file_schema import Between, Count, Name

DISTINCT_FEW = 1_000
"""Fewer distinct rows cause a warning, and batches are drawn with replacement."""

LENGTH_LIMIT, ALPHABET_LIMIT = 4_096, 65_534
"""Of any item and vocabulary, as `corpus.length` has it and as ids of two bytes have it."""


def few_lines(count: int) -> str:
    """Return e.g. "only 2 distinct lines", the beginning of a message."""
    return f"only {count:,} distinct {'line' if count == 1 else 'lines'}"


def hex_finding(count: int, *, decoded: bool) -> tuple[str, str]:
    """Return a sentence about strings written as $HEX[...], and its remedy."""
    what = f"strings written as $HEX[...], which are {'decoded' if decoded else 'not decoded'}: {count:,}"
    return what, "to keep them: --set corpus.hex=keep" if decoded else "to decode them: --set corpus.hex=decode"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Statistics of a corpus, stored next to the ids and in the model file."""

    name: Name
    sha256: Name
    """SHA-256 of the text after decompression, without byte order mark."""

    unit: Name = "char"
    """Unit of a position: "char" (a code point) or "byte"."""

    length: Annotated[int, Between(1, LENGTH_LIMIT)]
    """L, number of positions in an item."""

    windows: Annotated[int, Between(1, 1 << 31)] = 1
    """Number of items in a row on disk: 1 for lines; many windows for running text."""

    alphabet: Annotated[int, Between(0, ALPHABET_LIMIT)]
    read: Count
    """Number of lines read; those counted below were left out or changed."""

    empty: Count
    bad: Count
    cropped: Count
    dropped: Count
    chunked: Count = 0
    rows: Count
    """Number of rows on disk."""

    distinct: Count | None
    """Number of distinct rows if below DISTINCT_FEW; None: more."""

    hex_decoded: Count = 0
    """Number of strings written as $HEX[...] and decoded."""

    hex_kept: Count = 0
    """Number of strings written as $HEX[...] and not decoded."""

    train: Count = 0
    validation: Count = 0
    test: Count = 0
    """Number of rows of each part."""

    labels: Annotated[dict[Name, Count], Between(0, MAX_LABELS)] = field(default_factory=dict)
    """Label -> number of its training rows; empty: the lines have no labels."""

    @property
    def label_names(self) -> list[str]:
        """Return the labels in the order of their numbers."""
        return sorted(self.labels)

    @property
    def span(self) -> int:
        """Number of positions in a row on disk."""
        return self.length + self.windows - 1

    @property
    def layout(self) -> str:
        """Layout: "lines", or "windows" of running text."""
        return "lines" if self.windows == 1 else "windows"

    @property
    def kept(self) -> int:
        """Number of lines that became rows; for running text, all lines."""
        return self.read - self.bad - self.dropped - (self.empty if self.windows == 1 else 0)

    def items(self, rows: int) -> int:
        """Return the number of non-overlapping items in a number of rows."""
        return rows * (self.span // self.length)

    def summary(self) -> str:
        """Describe the corpus in one line."""
        what = "distinct bytes" if UNITS[self.unit].is_byte else self._units
        if self.windows > 1:
            return (
                f"{self.name}: running text, {self.rows * self.span:,} {self._units} in {self.read:,} lines, "
                f"{self.alphabet:,} distinct; windows of {self.length}"
            )
        left_out = f" ({self.empty:,} empty lines skipped)" if self.empty else ""
        pieces = f" in {self.rows:,} chunks" if self.chunked else ""
        labels = f", {len(self.labels):,} labels" if self.labels else ""
        return (
            f"{self.name}: {self.kept:,} lines{left_out}{pieces}, {self.alphabet:,} {what}, rows of {self.length}"
            f"{labels}"
        )

    def warnings(self) -> list[str]:
        """Return warnings, each one sentence."""
        found = []
        if self.distinct is not None and self.windows == 1:
            found.append(f"{few_lines(self.distinct)}: batches repeat them, and the model may memorise them")
        if self.distinct is not None and self.windows > 1:
            found.append(f"only {self.rows * self.span:,} {self._units} of text: the model may memorise them")
        if self.bad:
            found.append(f"{self.bad:,} of {self.read:,} lines could not be decoded and were skipped")
        if self.hex_kept:
            found.append("; ".join(hex_finding(self.hex_kept, decoded=False)))
        if self.cropped:
            share = self.cropped / self.kept
            found.append(
                f"{self.cropped:,} of {self.kept:,} lines ({share:.1%}) are cropped to {self.length} {self._units}"
            )
        if self.dropped:
            share = self.dropped / (self.kept + self.dropped)
            found.append(
                f"{self.dropped:,} lines ({share:.1%}) are longer than {self.length} {self._units} and were dropped"
            )
        if self.chunked:
            share = self.chunked / self.kept
            found.append(
                f"{self.chunked:,} of {self.kept:,} lines ({share:.1%}) are split into chunks of {self.length}"
            )
        return found

    @property
    def _units(self) -> str:
        return UNITS[self.unit].plural
