"""Turn lines into rows: cropped, dropped or split into chunks; or windows of running text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..readers.lines import Lines, Units


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The shape of rows on disk and of the items in them."""

    length: int
    """L, number of units in an item."""

    windows: int = 1
    """Number of items in a row: 1 for lines; for running text, a window begins at every position where it fits."""

    @property
    def span(self) -> int:
        """Number of units in a row."""
        return self.length + self.windows - 1


def rows(blocks: Iterable[Lines], layout: Layout, long: str) -> Iterator[Lines]:
    """Yield lines that each become one row: not empty, and not too long unless they are to be cropped."""
    if layout.windows > 1:
        return _stretches(blocks, layout.span)
    return (LONG[long](lines, layout.length) for lines in blocks)


def _crop(lines: Lines, _length: int) -> Lines:
    whole = lines.whole()
    return whole.select(whole.sizes_N > 0)


def _drop(lines: Lines, length: int) -> Lines:
    whole = lines.whole()
    return whole.select((whole.sizes_N > 0) & (whole.sizes_N <= length))


def _chunk(lines: Lines, length: int) -> Lines:
    return lines.pieces(length)


LONG: dict[str, Callable[[Lines, int], Lines]] = {"crop": _crop, "drop": _drop, "chunk": _chunk}
"""Name -> function that handles lines longer than a row."""


def _stretches(blocks: Iterable[Lines], span: int) -> Iterator[Lines]:
    """Yield the running text in segments of `span` units; an incomplete segment at the end is left out."""
    rest: Units = np.zeros(0, np.uint8)
    for lines in blocks:
        text = np.concatenate([rest, lines.running()])
        count = len(text) // span
        starts = np.arange(count, dtype=np.int64) * span
        yield Lines(text, starts, np.full(count, span, np.int64))
        rest = text[count * span :]
