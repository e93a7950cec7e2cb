"""Lines as slices of one array of units, in blocks: rows, hashes, chunks, running text.

A unit is a code point or, with corpus.unit=byte, a byte. Pure ASCII text stays in bytes throughout.

Shape suffixes: M units of a block, N lines, L length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...utils.counter_rng import mix_in_place

Units = npt.NDArray[np.integer]
Places = npt.NDArray[np.int64]

CELLS = 1 << 21
"""Number of units laid out in rows at a time; limits memory."""

LINE_FEED = 10

_HASHED = 1 << 14
"""Number of lines hashed together, so that their state fits into the processor's cache."""

_SPLIT_KEY = np.uint64(0x5EED_0F5E_0A2D_11E5)


@dataclass(frozen=True)
class Lines:
    """Lines of one block."""

    units_M: Units
    """Code points (uint32) or, if all are below 256, bytes (uint8)."""

    starts_N: Places
    sizes_N: Places
    """Number of units in each line."""

    continued: bool = False
    """Whether the first line continues a long line of the previous block."""

    goes_on: bool = False
    """Whether the last line continues in the next block."""

    labels_N: Places | None = None
    """Number of the label of each line, if lines have labels; see `label_column.LabelNumbers`."""

    @classmethod
    def of(cls, strings: Sequence[str], *, as_bytes: bool) -> Lines:
        """Convert strings to lines; their line feeds are part of them."""
        if as_bytes or all(map(str.isascii, strings)):
            pieces: Sequence[str] | list[bytes] = [string.encode() for string in strings] if as_bytes else strings
            joined = b"".join(pieces) if as_bytes else "".join(strings).encode()  # type: ignore[arg-type]
            units_M: Units = np.frombuffer(joined, np.uint8)
        else:
            pieces = strings
            units_M = np.frombuffer("".join(strings).encode("utf-32-le"), np.uint32)
        sizes_N = np.fromiter(map(len, pieces), np.int64, len(pieces))
        return cls(units_M, np.cumsum(sizes_N) - sizes_N, sizes_N)

    def select(self, keep: npt.NDArray[np.bool_] | slice) -> Lines:
        """Return the lines selected by a mask or a slice."""
        labels_N = None if self.labels_N is None else self.labels_N[keep]
        return Lines(self.units_M, self.starts_N[keep], self.sizes_N[keep], labels_N=labels_N)

    def whole(self) -> Lines:
        """Return the lines without the rest of a line from another block."""
        return self.select(slice(1, None)) if self.continued else self

    def strings(self) -> list[str]:
        """Return the lines as Python strings; bytes above 127 become the code points with the same number."""
        text = self.units_M.astype("<u4").tobytes().decode("utf-32-le")
        pairs = zip(self.starts_N.tolist(), self.sizes_N.tolist(), strict=True)
        return [text[start : start + size] for start, size in pairs]

    def look_up(self, table: npt.NDArray[np.integer]) -> Lines:
        """Return lines with units replaced by a table, unit -> id."""
        return replace(self, units_M=table[self.units_M])

    def pieces(self, length: int) -> Lines:
        """Return the lines cut into pieces of at most `length` units, in order."""
        counts_N = -(-self.sizes_N // length)
        line_P = np.repeat(np.arange(len(counts_N)), counts_N)
        within_P = (np.arange(len(line_P)) - np.repeat(np.cumsum(counts_N) - counts_N, counts_N)) * length
        sizes_P = np.minimum(self.sizes_N[line_P] - within_P, length)
        labels_P = None if self.labels_N is None else self.labels_N[line_P]
        return Lines(self.units_M, self.starts_N[line_P] + within_P, sizes_P, labels_N=labels_P)

    def places_M(self) -> tuple[Units, Places]:
        """Return the units in the lines, and the position of each in its line, in order."""
        behind_N = np.cumsum(self.sizes_N)
        within_M = np.arange(behind_N[-1] if len(behind_N) else 0) - np.repeat(behind_N - self.sizes_N, self.sizes_N)
        return self.units_M[np.repeat(self.starts_N, self.sizes_N) + within_M], within_M

    def running(self) -> Units:
        """Return all lines as one text, with a line feed after each complete line."""
        if len(self.sizes_N) == 1:  # usually a part of a long line: nothing needs to be moved
            line = self.units_M[self.starts_N[0] : self.starts_N[0] + self.sizes_N[0]]
            return line if self.goes_on else np.append(line, line.dtype.type(LINE_FEED))
        sizes_N = self.sizes_N + 1
        if self.goes_on and len(sizes_N):
            sizes_N[-1] -= 1
        text = np.full(int(sizes_N.sum()), LINE_FEED, self.units_M.dtype)
        units_M, within_M = self.places_M()
        text[np.repeat(np.cumsum(sizes_N) - sizes_N, self.sizes_N) + within_M] = units_M
        return text

    def rows(self, length: int) -> Iterator[Units]:
        """Yield (N, L) units, cropped and padded with 0, a limited number of lines at a time."""
        group = max(1, CELLS // length)
        padded = np.concatenate([self.units_M, np.zeros(length, self.units_M.dtype)])
        # A row is read as one item of L units that can begin at any unit, which is four times as fast as index
        # arithmetic.
        item = np.dtype((np.void, length * padded.itemsize))
        windows_M = np.ndarray((len(padded) - length + 1,), item, padded, strides=(padded.itemsize,))
        place_L = np.arange(length, dtype=np.int32)
        sizes_N = np.minimum(self.sizes_N, length).astype(np.int32)
        for first in range(0, len(self.starts_N), group):
            last = first + group
            rows_NL = windows_M[self.starts_N[first:last]].view(padded.dtype).reshape(-1, length)
            rows_NL *= place_L < sizes_N[first:last, None]
            yield rows_NL

    def hashes(self, length: int) -> npt.NDArray[np.uint64]:
        """Return a 64-bit hash of each line, cropped to `length`. It depends only on the units."""
        hash_N = np.empty(len(self.starts_N), np.uint64)
        for first in range(0, len(hash_N), _HASHED):
            last = first + _HASHED
            sizes_N = np.minimum(self.sizes_N[first:last], length)
            # Longest lines first: then the lines that reach a position form a prefix.
            order_N = np.argsort(-sizes_N, kind="stable")
            longer_L = np.searchsorted(-sizes_N[order_N], -np.arange(int(sizes_N.max(initial=0))), side="left")
            starts_N = self.starts_N[first:last][order_N]
            state_N = np.full(len(starts_N), _SPLIT_KEY)
            for place, count in enumerate(longer_L.tolist()):
                state_N[:count] ^= self.units_M[starts_N[:count] + place].astype(np.uint64) + np.uint64(1)
                mix_in_place(state_N[:count])
            mix_in_place(state_N)
            hash_N[first:last][order_N] = state_N
        return hash_N
