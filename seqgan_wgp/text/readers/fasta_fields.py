"""Split FASTA records into sequences and the fields of their headers, which can be labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ...errors import CorpusError
from .column_spec import Fields, Wanted, bad_byte, fields, is_sound, mended, text_lines

SEQUENCE = "sequence"

HEAD_PARTS = ("description", "name")
"""What a head has: behind `>` the name, up to the first blank, and then the description."""


def fasta_fields(path: Path, part: str) -> Fields:
    """Return what reads a part of each record that has a sequence: SEQUENCE or one of HEAD_PARTS."""
    return fields(_parts)(path, part)


def _parts(want: Wanted) -> Iterator[str | None]:
    for number, head, sequence in _records(want):
        name, _, description = head.partition(" ")
        found = {SEQUENCE: sequence, "name": name, "description": description.strip()}[want.field]
        yield found or None if is_sound(found) else mended(found, want, partial(_bad_part, want, number))


def _bad_part(want: Wanted, number: int, found: re.Match[str]) -> CorpusError:
    return bad_byte(want, number, found[0])


def _records(want: Wanted) -> Iterator[tuple[int, str, str]]:
    """Yield of each record with a sequence the number of its first line, its head without `>`, and its sequence."""
    first, head, lines = 1, "", list[str]()
    for number, line in enumerate(text_lines(want, "\n"), 1):
        if line.startswith(">"):
            if sequence := "".join(lines):
                yield first, head, sequence
            first, head, lines = number, line[1:].replace("\t", " ").strip(), []
        elif not line.startswith(";"):
            lines.append(line.strip())
    if sequence := "".join(lines):
        yield first, head, sequence
