"""The first lines of a text, by which its kind is recognised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..readers.column_spec import Fields
from .line_changes import LineChange

MIN_LINES = 5
"""Fewer lines look like nothing."""

NEARLY_ALL = 0.95
"""The share of lines that must look alike."""

_FEW = 24
"""So many lines are looked at first: most kinds are ruled out by them."""

AS_LINES = "to learn the lines as they are: --set corpus.format=lines"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The first lines of a text."""

    text: str
    """All of it, decoded."""

    lines: Sequence[str]
    """Those that are not empty, without their ends."""

    ending: str
    """Of the file's name."""

    is_whole: bool
    """Whether it is all of the text."""


class Sighting(NamedTuple):
    """What a sample turned out to be."""

    what: str
    """In one sentence, with what is done about it."""

    remedy: str = ""
    change: LineChange | None = None
    """How its lines become strings; None: they are strings as they are, or are not read."""

    fields: Fields | None = None
    """How strings are found in it, where that is no change of its lines."""

    rest: Sample | None = None
    """What stands below comments, which may be of another kind."""


def matching(lines: Sequence[str], pattern: re.Pattern[str]) -> int:
    """Return how many lines a pattern matches as a whole; 0 where the first few say that they are not nearly all."""
    few = sum(pattern.fullmatch(line) is not None for line in lines[:_FEW])
    if few < NEARLY_ALL * min(_FEW, len(lines)) - 2:
        return 0
    return few + sum(pattern.fullmatch(line) is not None for line in lines[_FEW:])


def nearly_all(lines: Sequence[str], pattern: re.Pattern[str]) -> bool:
    """Say whether a pattern matches nearly all of a few lines or more."""
    return len(lines) >= MIN_LINES and matching(lines, pattern) >= NEARLY_ALL * len(lines)


def all_or_most(count: int, lines: Sequence[str]) -> str:
    """Return what share of the lines a count is, in words."""
    return "all lines" if count == len(lines) else "nearly all lines"
