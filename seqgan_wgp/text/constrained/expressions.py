"""Regular expressions as trees, and character sets as ranges of code points.

Every constraint becomes such a tree. A tree describes strings of characters, independent of their encoding as ids or
bytes.

Shape suffixes: N characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from ..generation.formats import printable
from ..vocabulary import CODE_POINTS

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""(first, last) code points, inclusive, in order, with gaps in between."""

EVERYTHING: Ranges = ((0, CODE_POINTS - 1),)


def quoted(text: str) -> str:
    """Return the user's text quoted for a message: on one line, without doubled backslashes."""
    return f"'{printable(text)}'"


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Convert ranges in any order, overlapping or not, to Ranges."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Return all other code points."""
    firsts = [0, *(last + 1 for _, last in ranges)]
    lasts = [*(first - 1 for first, _ in ranges), CODE_POINTS - 1]
    return tuple((first, last) for first, last in zip(firsts, lasts, strict=True) if first <= last)


def of_characters(characters: str) -> Ranges:
    """Return the set of the characters of a string."""
    return union((ord(character), ord(character)) for character in characters)


@cache
def of_escape(escape: str) -> Ranges:
    r"""Return the Unicode set of \d, \w, \s, \D, \W or \S, as in Python's `re`."""
    everything = "".join(map(chr, range(CODE_POINTS)))
    return tuple((found.start(), found.end() - 1) for found in re.finditer(f"{escape}+", everything))


def within(ranges: Ranges, code_points_N: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which code points (N,) are in the set."""
    bounds = np.array(ranges, np.int64).reshape(-1, 2)
    place_N = np.searchsorted(bounds[:, 0], code_points_N, side="right") - 1
    if not len(bounds):
        return np.zeros(len(code_points_N), np.bool_)
    inside_N: npt.NDArray[np.bool_] = (place_N >= 0) & (code_points_N <= bounds[place_N, 1])
    return inside_N


@final
@dataclass(frozen=True, kw_only=True)
class Characters:
    """One character of a set."""

    ranges: Ranges
    text: str
    """The user's text, for messages."""

    def __contains__(self, character: str) -> bool:
        return any(first <= ord(character) <= last for first, last in self.ranges)


@final
@dataclass(frozen=True, kw_only=True)
class Concatenation:
    """A sequence of parts; without parts the empty string."""

    parts: tuple[Expression, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Alternation:
    """A choice between parts."""

    parts: tuple[Expression, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Repetition:
    """A part, repeated `least` to `most` times; None means unlimited."""

    part: Expression
    least: int
    most: int | None

    counts_units: bool = False
    """Of any characters: whether it counts tokens where the unit has tokens, not characters."""


Expression: TypeAlias = Characters | Concatenation | Alternation | Repetition

ANY = Characters(ranges=EVERYTHING, text="any character")
ANYTHING = Repetition(part=ANY, least=0, most=None)


def literal(text: str) -> Concatenation:
    """Return the expression of one string."""
    parts = (Characters(ranges=of_characters(character), text=character) for character in text)
    return Concatenation(parts=tuple(parts))


def leaves(expression: Expression) -> Iterator[Characters]:
    """Yield the sets of an expression, from left to right."""
    if isinstance(expression, Characters):
        yield expression
    elif isinstance(expression, Repetition):
        yield from leaves(expression.part)
    else:
        for part in expression.parts:
            yield from leaves(part)
