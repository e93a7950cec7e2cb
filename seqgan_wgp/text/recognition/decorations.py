"""Kinds of lists whose strings have something around them: comments, numbers, bullets, quotes, flags of words."""

from __future__ import annotations

import itertools
import re

from .line_changes import replaced, without_head
from .sample import LINES_LEAST, Sample, Sighting, nearly_all

_COMMENT = re.compile(r"#!comment:.*|# ?\S.*\s.*\S.*|#\s*|//\s.*\s.*|;;;.*|%%.*")

_NUMBERED = re.compile(r"\s*(\d+)([.)]|:|\t) ?(\s*\S.*)")

_BULLET = re.compile(r"\s*([-*\u2022\u2023\u25aa\u2013]) (?=\S).*")

_LIST_HEAD = re.compile(r"---\s*|[\w ]+:\s*")

_QUOTED = re.compile(r"""\s*\[?\s*(["'])(.*)\1\s*,?\s*\]?\s*""")


_DICTIONARY = re.compile(r"[^\s/]+(?:/[A-Za-z0-9,~!@#$%^&*_-]+)?(?:\s.*)?")


def comments(sample: Sample) -> Sighting | None:
    """A list with comments in front: its title, its licence, how it was made."""
    lines = sample.text.replace("\r", "").split("\n")
    head = list(itertools.takewhile(lambda line: not line.strip() or _COMMENT.fullmatch(line), lines))
    while head and not head[-1].strip():
        head.pop()
    rest = [line for line in lines[len(head) :] if line.strip()]
    marks = tuple({line[:1] for line in head if line.strip()})
    if not head or len(rest) < LINES_LEAST or any(line.startswith(marks) for line in rest[:LINES_LEAST]):
        return None
    if len(head) == 1 and len(head[0].split()) < 3 and not head[0].startswith("#!"):
        return None  # a single short line may well be one of the strings
    shown = f"{len(head):,} lines" if len(head) > 1 else "1 line"
    return Sighting(f"the list begins with a comment of {shown}, which is left out", change=without_head(len(head)))


def numbered_list(sample: Sample) -> Sighting | None:
    """A list with the numbers 1, 2, 3, ... in front of its strings."""
    found = [match for line in sample.lines if (match := _NUMBERED.fullmatch(line))]
    if len(found) < LINES_LEAST or len(found) < len(sample.lines):
        return None
    numbers = [int(match[1]) for match in found]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > 1:
        return None
    return Sighting(
        "the lines are numbered; the numbers are left out",
        change=replaced(rb"^[ \t]*\d+(?:[.):]|\t)[ \t]*"),
    )


def bulleted_list(sample: Sample) -> Sighting | None:
    """A list with a bullet in front of each string."""
    if not nearly_all(sample.lines, _BULLET):
        return None
    marks = {line.strip()[0] for line in sample.lines if _BULLET.fullmatch(line)}
    if len(marks) > 1:
        return None
    mark = marks.pop()
    # YAML has a line of dashes, or the name of the list, in front.
    heads = itertools.takewhile(lambda line: not line.strip() or _LIST_HEAD.fullmatch(line), sample.text.split("\n"))
    head = sum(1 for _ in heads)
    change = replaced(rb"^[ \t]*" + re.escape(mark.encode()) + rb"[ \t]+")
    before = ", and what stands before the first of them" if head else ""
    return Sighting(
        f"each line begins with the bullet {mark!r}, which is left out{before}",
        change=without_head(head, change) if head else change,
    )


def quoted_list(sample: Sample) -> Sighting | None:
    """A list with each string in quotes, as programs write it, perhaps with commas behind and brackets around."""
    lines = [line for line in sample.lines if line.strip() not in ("[", "]", "];", "(", ")", "{", "}")]
    if len(lines) < LINES_LEAST or not nearly_all(lines, _QUOTED):
        return None
    found = [match for line in lines if (match := _QUOTED.fullmatch(line))]
    marks = {match[1] for match in found}
    if len(marks) > 1 or any(match[1] in match[2] or "\\" in match[2] for match in found):
        return None  # what is escaped in them needs more than this
    mark = re.escape(marks.pop().encode())
    change = replaced(
        rb"^[ \t]*\[?[ \t]*"
        + mark
        + rb"([^\n]*)"
        + mark
        + rb"[ \t]*,?[ \t]*\]?[ \t]*\r?$|^[ \t]*[\[\](){}];?[ \t]*\r?\n",
        rb"\1",
    )
    return Sighting("each string stands in quotes, which are left out, with the commas behind them", change=change)


def dictionary(sample: Sample) -> Sighting | None:
    """A word list of a spelling checker: the number of words, then words, many with flags behind a slash."""
    if len(sample.lines) < LINES_LEAST or not re.fullmatch(r"\d{2,8}\s*", sample.lines[0]):
        return None
    words = sample.lines[1:]
    flagged = sum("/" in word for word in words)
    if flagged < 0.1 * len(words) or not nearly_all(words, _DICTIONARY):
        return None
    if sample.is_whole and not 0.5 * len(words) <= int(sample.lines[0]) <= 2 * len(words):
        return None
    return Sighting(
        "the file is the dictionary of a spelling checker (Hunspell): the number in its first line, and the flags "
        "behind '/' are left out",
        change=without_head(1, replaced(rb"[/\t][^\n]*")),
    )
