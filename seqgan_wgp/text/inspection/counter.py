"""Count a corpus in one pass: characters, lengths, line endings, white space, duplicates, normal forms.

Memory is bounded, and the result does not depend on the division into blocks.

Shape suffixes: M units of a block, N lines, C code points.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...utils.token_symbols import TokenSymbols
from ..corpus.scan import SIZES
from ..hashing.distinct_counter import DistinctCounter, LongLineHash, line_hashes
from ..readers.lines import LINE_FEED, Lines, Places, Units
from ..vocabulary import CODE_POINTS
from .characters import kind

_CARRIAGE_RETURN = 13

_BLANKS = [code_point for code_point in range(0x3001) if chr(code_point).isspace()]

Flags = npt.NDArray[np.bool_]
Form = Literal["NFC", "NFKC"]

_NORMAL_BELOW: dict[Form, int] = {"NFC": 0x300, "NFKC": 0xA0}
"""Normal form -> text with all characters below this is in it."""

_MAX_MARKS = 32
"""Number of characters that are examined again where a line is cut, which covers the marks on one letter."""

SAMPLE_LINES, SAMPLE_CHARACTERS = 1_000, 4_000
"""Number of first lines that are kept, and of characters of each."""

_TWICE_ENCODED = [0xC2, 0xC3]
"""UTF-8 lead bytes of most accented letters, seen as Latin-1 and Windows-1252."""

_TAILS = [byte for byte in range(0x80, 0xC0) if byte not in range(0x91, 0x95)]
"""The bytes that can follow, except curly quotes, which follow letters in correct text too."""


def _marked(code_points: list[int]) -> Flags:
    is_in_C = np.zeros(CODE_POINTS, np.bool_)
    is_in_C[code_points] = True
    return is_in_C


_TAIL_C = _marked([*_TAILS, *map(ord, bytes(_TAILS).decode("cp1252", "ignore"))])


@dataclass
class Ends:
    """Counts of line endings."""

    lf: int = 0
    """Number of line feeds without carriage return."""

    crlf: int = 0
    lone_cr: int = 0
    """Number of carriage returns without line feed, which do not end a line."""

    last_line_ended: bool = True


@dataclass
class _Long:
    """State of a long line that is read in parts."""

    leading: bool
    size: int = 0
    trailing: bool = False
    blank: bool = True
    tail: str = ""
    odd: dict[Form, bool] = field(default_factory=dict)
    digest: LongLineHash = field(default_factory=LongLineHash)


class Census:
    """Counts over the lines of a reader.

    Args:
        as_bytes: whether units are bytes, which have no names and no normal form.
        tokens: counts the units of a line, where these are not its characters; lines come in characters all the same.
    """

    def __init__(self, *, as_bytes: bool = False, tokens: TokenSymbols | None = None) -> None:
        self.as_bytes, self._tokens = as_bytes, tokens
        self.count_C = np.zeros(CODE_POINTS, np.int64)
        """Number of occurrences of each unit in lines."""

        self.first_line: dict[int, int] = {}
        """Suspicious unit -> number of the first line that has it, from 1."""

        self.sizes = np.zeros(SIZES + 1, np.int64)
        """Number of lines of each size, including empty ones; the last entry counts all longer lines."""

        self.longer: list[int] = []
        """Sizes of the longer lines."""

        self.read = self.blank = self.leading = self.trailing = 0
        self.odd: dict[Form, int] = {"NFC": 0, "NFKC": 0}
        """Number of lines that are not in a normal form."""

        self.ends = Ends()
        self.twice_encoded: dict[str, int] = {}
        """Pair of characters that looks like UTF-8 decoded as Latin-1 -> number of occurrences."""

        self.distinct = DistinctCounter()
        self.sample: list[str] = []
        """The first non-empty lines, cropped."""

        self._blank_C = _marked([blank for blank in _BLANKS if not as_bytes or blank < 0x80])
        self._long: _Long | None = None

    def add(self, lines: Lines) -> None:
        """Count the lines of one block."""
        if not len(lines.sizes_N):
            return
        self._note_units(lines)
        last = len(lines.sizes_N) - 1
        if lines.continued:
            self._note_part(lines, 0, goes_on=lines.goes_on and last == 0)
        whole = lines.select(slice(int(lines.continued), last + 1 - int(lines.goes_on)))
        if len(whole.sizes_N):
            self.read += len(whole.sizes_N)
            self._note_forms(whole)
            self._note_lines(whole)
        if lines.goes_on and not (lines.continued and last == 0):
            self._note_part(lines, last, goes_on=True)

    def finish(self) -> None:
        """Count the rest at the end of the input."""
        if self._long is not None:
            self._end_long(self._long)

    def _note_units(self, lines: Lines) -> None:
        units_M = lines.units_M[: end(lines)]
        is_wide = units_M.dtype != np.uint8
        block_C = np.bincount(units_M, minlength=CODE_POINTS if is_wide else 256)
        feeds, returns = self._note_ends(lines, units_M, block_C)
        block_C[LINE_FEED] -= feeds
        block_C[_CARRIAGE_RETURN] -= returns
        count_C = self.count_C[: len(block_C)]
        for unit in np.flatnonzero((block_C > 0) & (count_C == 0)).tolist():
            if (unit < 0x80 or not self.as_bytes) and kind(unit):
                self.first_line[unit] = self.read + _line_of(lines, units_M, unit) + (not lines.continued)
        count_C += block_C
        before = self._long.tail[-1:] if self._long and lines.continued else ""
        if is_wide and (before or block_C[_TWICE_ENCODED].any()):
            self._note_twice_encoded(np.concatenate([np.array([*map(ord, before)], units_M.dtype), units_M]))

    def _note_ends(self, lines: Lines, units_M: Units, block_C: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Return the number of line feeds and carriage returns between the lines of a block."""
        between = len(units_M) - int(lines.sizes_N.sum())
        feeds = min(between, int(block_C[LINE_FEED]))
        returns = between - feeds
        self.ends.last_line_ended = len(units_M) == 0 or bool(units_M[-1] == LINE_FEED)
        # A carriage return at the very end is removed too, although no line feed follows.
        pairs = returns - (returns > 0 and bool(units_M[-1] == _CARRIAGE_RETURN))
        self.ends.crlf += pairs
        self.ends.lf += feeds - pairs
        self.ends.lone_cr += int(block_C[_CARRIAGE_RETURN]) - pairs
        return feeds, returns

    def _note_twice_encoded(self, units_M: Units) -> None:
        at_P = np.flatnonzero(np.isin(units_M[:-1], _TWICE_ENCODED))
        at_P = at_P[_TAIL_C[units_M[at_P + 1]]]
        pairs, counts = np.unique(np.stack([units_M[at_P], units_M[at_P + 1]]), axis=1, return_counts=True)
        for first, second, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
            pair = chr(first) + chr(second)
            self.twice_encoded[pair] = self.twice_encoded.get(pair, 0) + count

    def _note_lines(self, whole: Lines) -> None:
        is_filled_N = whole.sizes_N > 0
        filled = whole if is_filled_N.all() else whole.select(is_filled_N)
        units_M, starts_N, behind_N = filled.units_M, filled.starts_N, filled.starts_N + filled.sizes_N
        leading_N = self._blank_C[units_M[starts_N]]
        trailing_N = self._blank_C[units_M[behind_N - 1]]
        blank_N = leading_N & trailing_N
        if blank_N.any():
            solid_M = np.concatenate([[0], np.cumsum(~self._blank_C[units_M])])
            blank_N &= solid_M[starts_N] == solid_M[behind_N]
        sizes_N = whole.sizes_N
        if self._tokens is not None:
            sizes_N = np.fromiter(map(self._size, whole.strings()), np.int64, len(sizes_N))
        self._count(sizes_N, leading_N, trailing_N, blank_N)
        self.distinct.add(line_hashes(filled))
        if len(self.sample) < SAMPLE_LINES:
            few = filled.select(slice(0, SAMPLE_LINES - len(self.sample)))
            cropped = Lines(units_M, few.starts_N, np.minimum(few.sizes_N, SAMPLE_CHARACTERS))
            self.sample += cropped.strings()

    def _size(self, string: str) -> int:
        assert self._tokens is not None
        return len(self._tokens.encode(string))

    def _count(self, sizes_N: Places, leading_N: Flags, trailing_N: Flags, blank_N: Flags) -> None:
        self.sizes += np.bincount(np.minimum(sizes_N, SIZES), minlength=SIZES + 1)
        self.longer += sizes_N[sizes_N >= SIZES].tolist()
        self.blank += int(blank_N.sum())
        self.leading += int((leading_N & ~blank_N).sum())
        self.trailing += int((trailing_N & ~blank_N).sum())

    def _note_forms(self, whole: Lines) -> None:
        if whole.units_M.dtype == np.uint8:
            return
        odd = _odd_forms(whole.units_M, "")
        if odd:
            # Line by line only now, since most blocks are already normal.
            strings = [string for string in whole.strings() if not string.isascii()]
            for form in odd:
                self.odd[form] += sum(not unicodedata.is_normalized(form, string) for string in strings)

    def _note_part(self, lines: Lines, place: int, *, goes_on: bool) -> None:
        """Count a part of a long line."""
        start, size = int(lines.starts_N[place]), int(lines.sizes_N[place])
        units_M = lines.units_M[start : start + size]
        if self._long is None:
            self.read += 1
            self._long = _Long(leading=bool(self._blank_C[units_M[:1]].any()))
            if len(self.sample) < SAMPLE_LINES:
                self.sample.append(text(units_M[:SAMPLE_CHARACTERS]))
        long = self._long
        long.size += size if self._tokens is None else self._size(text(units_M))
        long.digest.update(units_M)
        if size:
            long.trailing = bool(self._blank_C[units_M[-1]])
            long.blank = long.blank and bool(self._blank_C[units_M].all())
        if not self.as_bytes:
            long.odd |= dict.fromkeys(_odd_forms(units_M, long.tail), True)
            long.tail = (long.tail + text(units_M[-_MAX_MARKS:]))[-_MAX_MARKS:]
        if not goes_on:
            self._end_long(long)

    def _end_long(self, long: _Long) -> None:
        self._long = None
        leading_N, trailing_N, blank_N = (np.array([flag]) for flag in (long.leading, long.trailing, long.blank))
        self._count(np.array([long.size]), leading_N, trailing_N, blank_N)
        self.distinct.add(np.array([long.digest.value], np.uint64))
        for form in long.odd:
            self.odd[form] += 1


def end(lines: Lines) -> int:
    """Return the position after the last line and its line ending."""
    behind = int(lines.starts_N[-1] + lines.sizes_N[-1])
    has_return = behind < len(lines.units_M) and lines.units_M[behind] == _CARRIAGE_RETURN
    return min(behind + 1 + has_return, len(lines.units_M))


def _line_of(lines: Lines, units_M: Units, unit: int) -> int:
    """Return the index in its block, from 0, of the first line that has a unit."""
    at_P = np.flatnonzero(units_M == unit)
    line_P = np.searchsorted(lines.starts_N, at_P, side="right") - 1
    is_inside_P = at_P - lines.starts_N[line_P] < lines.sizes_N[line_P]
    return int(line_P[is_inside_P.argmax()])


def text(units_M: Units) -> str:
    """Return units as a Python string; bytes above 127 become the code points with the same number."""
    return units_M.astype("<u4").tobytes().decode("utf-32-le")


def _odd_forms(units_M: Units, before: str) -> list[Form]:
    """Return the normal forms that a text is not in, given the text before it."""
    top = units_M.max(initial=0)
    forms = [form for form, below in _NORMAL_BELOW.items() if top >= below]
    whole = before + text(units_M) if forms else ""
    return [form for form in forms if not unicodedata.is_normalized(form, whole)]
