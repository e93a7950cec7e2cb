"""One field of each line, given what stands between fields: nothing is quoted, and the last field keeps the rest."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ...errors import CorpusError
from .column_spec import Fields, Wanted, bad_byte, fields, is_sound, mended, text_lines

NAMES = {"tab": "\t", r"\t": "\t", "space": " ", "comma": ",", "colon": ":", "semicolon": ";", "bar": "|"}
"""Words for separators that a shell makes hard to write."""

LOOKED_AT = 1_000
"""First lines that say how many fields a line has."""


def separator_of(text: str) -> str:
    """Return the separator that a setting means."""
    return NAMES.get(text.lower(), text)


def separated(separator: str, want: Wanted) -> Iterator[str | None]:
    """Yield the wanted field of each line that is not empty; None where a line has too few.

    A line has as many fields as most of the first ones; a separator in the last of them is part of it, as ':' may be of
    a password behind its hash.
    """
    lines = (line.rstrip("\r\n") for line in text_lines(want, "\n"))
    first = list(itertools.islice(lines, LOOKED_AT))
    filled = [line for line in first if line]
    if not filled:
        raise CorpusError(f"{want.label}: the file is empty")
    most = Counter(line.count(separator) + 1 for line in filled).most_common(1)[0][0]
    place = _place(want, most, separator)
    for number, line in enumerate(itertools.chain(first, lines), 1):
        if not line:
            continue
        parts = line.split(separator, max(most, place + 1) - 1)
        if place >= len(parts):
            yield None
        elif is_sound(parts[place]):
            yield parts[place]
        else:
            yield mended(parts[place], want, partial(_bad_field, want, number))


def _bad_field(want: Wanted, number: int, found: re.Match[str]) -> CorpusError:
    return bad_byte(want, number, found[0])


def _place(want: Wanted, most: int, separator: str) -> int:
    """Return the place of the wanted field, from 0 on. Raises CorpusError where lines have no such one."""
    if not (want.field.isdecimal() and 1 <= int(want.field) <= most):
        raise CorpusError(
            f"{want.label}: corpus.field is {want.field!r}, but most lines have {most} fields with {separator!r} "
            "between them",
            f"set it to a number from 1 to {most}, e.g. --set corpus.field={most}",
        )
    return int(want.field) - 1


def separated_fields(separator: str) -> Callable[[Path, str], Fields]:
    """Return what makes Fields of a path and the number of a field."""
    return fields(partial(separated, separator_of(separator)))
