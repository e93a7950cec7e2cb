"""Strings with counts: each is repeated as often as its count says, so that all that follows goes by weight.

What is drawn for training, held out, and measured, and its floors, are then those of the text that was counted.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import CorpusError
from .column_spec import STRINGS, Fields, Wanted, is_sound, mended, text_lines

MAX_COPIES = 10_000_000
"""Strings with all their copies; of more, each is repeated in proportion, to about so many."""

CountedStrings = Callable[[], Iterator[tuple[str | None, str | None]]]
"""Yields strings, each with its count as text."""

Split = Callable[[str], tuple[str, str] | None]
"""Line -> its string and its count; None where it has none."""


_MISSING: Any = object()
"""What a shorter column lacks."""


def weighted_columns(column: Callable[[Path, str], Fields], path: Path, field: str, counts: str) -> Fields:
    """Return the strings of a column, repeated as another column says, given how a column is read."""

    def found(open_: Callable[[], BinaryIO], label: str, encoding: str, errors: str) -> Iterator[list[str | None]]:
        how = open_, label, encoding, errors

        def pairs() -> Iterator[tuple[str | None, str | None]]:
            strings, numbers = column(path, field)(*how), column(path, counts)(*how)
            flat = itertools.chain.from_iterable
            for string, number in itertools.zip_longest(flat(strings), flat(numbers), fillvalue=_MISSING):
                if string is _MISSING or number is _MISSING:
                    raise CorpusError(
                        f"{label}: the columns {field} and {counts} have different numbers of rows",
                        "give both by their names, or both by their numbers",
                    )
                yield string, number

        return _copies(pairs, label)

    return found


def weighted_lines(split: Split, *, once: bool) -> Fields:
    """Return the strings of lines with counts in them, each repeated by its count, or `once`."""

    def found(open_: Callable[[], BinaryIO], label: str, encoding: str, errors: str) -> Iterator[list[str | None]]:
        want = Wanted(Path(label), "", open_, label, encoding, errors)

        def pairs() -> Iterator[tuple[str | None, str | None]]:
            for number, line in enumerate(text_lines(want, "\n"), 1):
                pair = split(line.rstrip("\r\n"))
                if pair is None:
                    if line.strip():
                        yield None, None
                    continue
                string, count = pair
                yield _sound(string, want, number), "1" if once else count

        return _copies(pairs, label)

    return found


def _sound(string: str, want: Wanted, number: int) -> str | None:
    if is_sound(string):
        return string
    return mended(
        string,
        want,
        lambda found: CorpusError(
            f"{want.label}: line {number}: byte 0x{ord(found[0]) & 0xFF:02x} is not valid {want.encoding.upper()}",
            "set the right encoding, e.g. --set corpus.encoding=latin-1, or replace bad bytes: "
            "--set corpus.errors=replace (or skip, to skip such strings)",
        ),
    )


def _copies(pairs: CountedStrings, label: str) -> Iterator[list[str | None]]:
    """Yield strings, some thousands at a time, each so often as its count; None for one without either."""
    total = sum(_weight(count, label, number) for number, (_, count) in enumerate(pairs(), 1) if count is not None)
    scale = min(1.0, MAX_COPIES / total) if total else 1.0
    batch: list[str | None] = []
    for number, (string, count) in enumerate(pairs(), 1):
        if string is None or count is None:
            batch.append(None)
        else:
            left = rounded(_weight(count, label, number) * scale, string)
            while left:
                some = min(left, STRINGS)
                batch += [string] * some
                left -= some
                if len(batch) >= STRINGS:
                    yield batch
                    batch = []
        if len(batch) >= STRINGS:
            yield batch
            batch = []
    if batch:
        yield batch


def _weight(count: str, label: str, number: int) -> float:
    try:
        weight = float(count.replace(",", "").strip() or "0")
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise CorpusError(
            f"{label}: string {number:,} has the count {count[:20]!r}, which is no number from 0 on",
            "name the column of the counts, or leave them out: --set corpus.weights=none",
        )
    return weight


def rounded(weight: float, string: str) -> int:
    """Return a whole number of copies, right on average: what is left of the weight decides by a hash of the string."""
    whole = math.floor(weight)
    if whole == weight:
        return whole
    digest = hashlib.blake2b(string.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return whole + (int.from_bytes(digest, "little") / 2.0**64 < weight - whole)
