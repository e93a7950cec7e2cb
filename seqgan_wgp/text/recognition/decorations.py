"""Kinds of lists whose strings have something around them: comments, numbers, bullets, quotes, flags of words."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from .line_changes import replaced, without_head
from .sample import AS_LINES, MIN_LINES, Sample, Sighting, nearly_all

_COMMENT = re.compile(r"#!comment:.*|# ?\S.*\s.*\S.*|#\s*|//\s.*\s.*|;;;.*|%%.*")

_NUMBERED = re.compile(r"\s*(\d+)([.)]|:|\t) ?(\s*\S.*)")

_BULLET = re.compile(r"\s*([-*\u2022\u2023\u25aa\u2013]) (?=\S).*")

_LIST_HEAD = re.compile(r"---\s*|[\w ]+:\s*|#{1,6} .*|(?=.*=).*[\[({]\s*")
"""What may stand before a list in YAML, Markdown, or a program."""

_BOX = re.compile(r"\[[ xX]\] ")

_YAML = re.compile(r"\s*(- )?\s*([\w-]+):(?:\s.*)?")

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
    if not head or len(rest) < MIN_LINES or any(line.startswith(marks) for line in rest[:MIN_LINES]):
        return None
    if len(head) == 1 and len(head[0].split()) < 3 and not head[0].startswith("#!"):
        return None  # a single short line may well be one of the strings
    shown = f"{len(head):,} lines" if len(head) > 1 else "1 line"
    return Sighting(
        f"the list begins with a comment of {shown}, which is left out",
        change=without_head(len(head)),
        rest=replace(sample, text="\n".join(lines[len(head) :]), lines=rest[: len(sample.lines)]),
    )


def numbered_list(sample: Sample) -> Sighting | None:
    """A list with the numbers 1, 2, 3, ... in front of its strings, or 1, 1, 1, ... as Markdown has it."""
    head = _head(sample)
    lines = sample.lines[sum(1 for line in head if line) :]
    found = [match for line in lines if (match := _NUMBERED.fullmatch(line))]
    if len(found) < MIN_LINES or len(found) < len(lines):
        return None
    numbers = [int(match[1]) for match in found]
    rises = numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] <= 1
    in_markdown = sample.ending in (".md", ".markdown") or any(line.startswith("#") for line in head)
    if not rises and not (in_markdown and set(numbers) == {1}):
        return None
    change = replaced(rb"^[ \t]*\d+(?:[.):]|\t)[ \t]*")
    return Sighting(
        f"the lines are numbered; the numbers are left out{_BEFORE if head else ''}",
        change=without_head(len(head), change) if head else change,
    )


_BEFORE = ", and what stands before the first of them"


def _head(sample: Sample) -> list[str]:
    """Return the lines before a list: empty ones and headings."""
    lines = (line.rstrip("\r") for line in sample.text.split("\n"))
    return list(itertools.takewhile(lambda line: not line.strip() or _LIST_HEAD.fullmatch(line), lines))


def yaml_records(sample: Sample) -> Sighting | None:
    """Records in YAML: `- key: value`, and more keys below."""
    lines = sample.lines[sum(1 for line in _head(sample) if line) :]
    if not nearly_all(lines, _YAML):
        return None
    found = [match for line in lines if (match := _YAML.fullmatch(line)) and match[1]]
    keys = {match[2] for match in found}
    if len(found) < MIN_LINES or len(keys) > 1:
        return None
    key = keys.pop()
    return Sighting(
        "the lines are records in YAML",
        f"to learn one key: sed -nE 's/^ *-? *{key}: *//p' FILE > NEW.txt; {AS_LINES}",
    )


def bulleted_list(sample: Sample) -> Sighting | None:
    """A list with a bullet in front of each string, and perhaps a box to tick."""
    head = _head(sample)
    lines = sample.lines[sum(1 for line in head if line) :]
    if not nearly_all(lines, _BULLET):
        return None
    marks = {line.strip()[0] for line in lines if _BULLET.fullmatch(line)}
    if len(marks) > 1:
        return None
    mark = marks.pop()
    boxed = all(_BOX.match(line.strip()[2:].lstrip()) for line in lines)
    box = rb"(?:\[[ xX]\][ \t]+)?" if boxed else b""
    change = replaced(rb"^[ \t]*" + re.escape(mark.encode()) + rb"[ \t]+" + box)
    what = f"each line begins with the bullet {mark!r}{' and a box' if boxed else ''}, which is left out"
    return Sighting(what + (_BEFORE if head else ""), change=without_head(len(head), change) if head else change)


def quoted_list(sample: Sample) -> Sighting | None:
    """A list with each string in quotes, as programs write it, perhaps with commas behind and brackets around."""
    head = _head(sample)
    below = sample.lines[sum(1 for line in head if line) :]
    lines = [line for line in below if line.strip() not in ("[", "]", "];", "(", ")", "{", "}", "};", "],", ");")]
    if len(lines) < MIN_LINES or not nearly_all(lines, _QUOTED):
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
        + rb"[ \t]*,?[ \t]*\]?[ \t]*\r?$|^[ \t]*[\[\](){}][;,]?[ \t]*\r?\n",
        rb"\1",
    )
    return Sighting(
        f"each string stands in quotes, which are left out, with the commas behind them{_BEFORE if head else ''}",
        change=without_head(len(head), change) if head else change,
    )


MIN_PIECES = 20
"""Fewer pieces of one line are no list."""

MAX_PIECE = 60
"""Characters of the longest of nearly all of them."""


def one_line_list(sample: Sample) -> Sighting | None:
    """A list in one line: short pieces with a comma or another sign between them."""
    lines = sample.lines
    if not 0 < len(lines) <= 2 or ("\n" in sample.text.rstrip("\r\n") and not sample.is_whole):
        return None
    line = max(lines, key=len)
    for sign in ",;|\t":
        pieces = [piece.strip() for piece in line.split(sign)]
        short = sorted(map(len, pieces))
        if len(pieces) < MIN_PIECES or short[int(0.95 * (len(short) - 1))] > MAX_PIECE:
            continue
        if sum(piece.count(" ") > 2 for piece in pieces) > 0.25 * len(pieces):
            continue  # clauses of prose
        shown = "a TAB" if sign == "\t" else repr(sign)
        written = "\\t" if sign == "\t" else sign
        clean = r"sed -E '/^\[.*\]$/d; s/^.*[[{(]//; s/[])}].*$//; s/^[ \"]+|[ \"\r]+$//g'"
        return Sighting(
            f"the text is one line, a list with {shown} between its strings",
            f"to give each string a line: tr '{written}' '\\n' < FILE | {clean} > NEW.txt; {AS_LINES}",
        )
    return None


def dictionary(sample: Sample) -> Sighting | None:
    """A word list of a spelling checker: the number of words, then words, many with flags behind a slash."""
    if len(sample.lines) < MIN_LINES or not re.fullmatch(r"\d{2,8}\s*", sample.lines[0]):
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
