"""Read lines from one input: blocks of bytes, decoded, with statistics.

Lines end at line feeds only. One carriage return before a line feed and a byte order mark at the start are removed, and
the rest is decoded. Other line separators of Unicode are ordinary characters. Strings from fields (a column, a record)
are taken as they are.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple, Protocol, TypeVar, cast

import numpy as np

from ...config.schema import CorpusSettings
from ...errors import ConfigError, CorpusError
from ...registry import UNITS
from ...utils.progress import OnBytes
from ...utils.token_symbols import TokenSymbols
from .codec import Codec, behind_last_feed, check_text, find_codec, split_lines
from .containers import DAMAGES
from .label_column import LabelColumn, LabelNumbers
from .lines import LINE_FEED, Lines, Units
from .rewriting import HEX_MARK, TextChange, hex_lines, hex_string
from .source import Source

BLOCK_BYTES = 1 << 20

LINE_BYTES = 4 * BLOCK_BYTES
"""Longer lines are read in parts, which limits memory."""

_CARRIAGE_RETURN = 13

_Item = TypeVar("_Item")


class Digest(Protocol):
    """Receives all bytes that are read."""

    def update(self, data: bytes, /) -> object:
        """Add the next bytes."""


class ByteBlock(NamedTuple):
    """Bytes of whole lines, or a part of a long line."""

    data: bytes
    continued: bool
    """Whether it begins inside a line."""

    goes_on: bool
    """Whether it ends inside a line."""


class FileReader:
    """Reads one input from start to end as lines, with counts.

    Args:
        source: a single source, without parts.
        settings: encoding, errors, normalize and unit apply here; both passes must use the same.
        digest: receives the text after decompression, without byte order mark; fields one per line.
        on_bytes: called with the number of bytes read so far.
        limit: largest number of non-empty lines.
        tokens: writes each unit as one code point; None: lines come in characters or bytes.
        labels: gives numbers to the labels of lines, if the source has labels.

    Raises:
        CorpusError: during iteration: the file cannot be read, is damaged or binary, or has a bad byte (strict).
    """

    def __init__(
        self,
        source: Source,
        settings: CorpusSettings,
        digest: Digest,
        on_bytes: OnBytes,
        limit: int | None,
        tokens: TokenSymbols | None = None,
        labels: LabelNumbers | None = None,
    ) -> None:
        self.source, self.settings, self.on_bytes, self.left = source, settings, on_bytes, limit
        self.read = self.empty = self.bad = self.bytes = 0
        self.codec: Codec | None = None
        self.bom = False
        self.carriage_returns = self.hex = 0
        self._text = TextChange(settings)
        self._digest, self._last = digest, b""
        self._as_bytes, self._tokens = UNITS[settings.unit].is_byte, tokens
        self._partial: codecs.IncrementalDecoder | None = None
        self._labels: LabelColumn | None = None
        if source.has_labels:
            self._labels = LabelColumn(source, labels or LabelNumbers(), settings.encoding, settings.errors)

    def __iter__(self) -> Iterator[Lines]:
        """Yield lines, including empty ones, in order."""
        found = self._from_fields() if self.source.fields else self._from_blocks()
        for lines in found:
            if self._tokens is not None:
                lines = self._in_units(lines, self._tokens)
            if self.left is not None:
                lines, self.left = _first(lines, self.left)
            self.read += len(lines.sizes_N) - lines.continued
            self.empty += int((lines.sizes_N[int(lines.continued) :] == 0).sum())
            yield lines
            if self.left == 0 and not lines.goes_on:
                return

    def _in_units(self, lines: Lines, tokens: TokenSymbols) -> Lines:
        """Return lines with a code point for each unit. Parts of a long line are split separately."""
        try:
            found = Lines.of([tokens.encode(string) for string in lines.strings()], as_bytes=False)
        except ConfigError as error:
            raise CorpusError(f"{self.source.label}: {error.message}", error.remedy) from error
        return replace(found, continued=lines.continued, goes_on=lines.goes_on, labels_N=lines.labels_N)

    @property
    def missing_feed(self) -> bytes:
        """The line feed that the last line lacks; empty if it has one, or if nothing was read."""
        feed = b"\n" if self.codec is None else self.codec.feed
        return feed if self._last and not self._last.endswith(feed) else b""

    def _from_fields(self) -> Iterator[Lines]:
        for strings in _readable(
            self.source, lambda: self.source.strings(self.settings.encoding, self.settings.errors)
        ):
            labels_N = None
            if self._labels is not None:
                strings, labels_N = self._labels.beside(strings)
            present = [string for string in strings if string is not None]
            missing = len(strings) - len(present)
            self.bad += missing
            self.read += missing
            if self.settings.normalize != "none":
                present = [unicodedata.normalize(self._form, string) for string in present]
            present = self._changed_strings(present)
            data = "".join(f"{string}\n" for string in present).encode()
            self._count(data)
            lines = Lines.of(present, as_bytes=self._as_bytes)
            yield lines if labels_N is None else replace(lines, labels_N=labels_N)
        if self._labels is not None:
            self._labels.check_end()

    def _from_blocks(self) -> Iterator[Lines]:
        for block in _readable(self.source, self._blocks):
            self._count(block.data)
            if HEX_MARK in block.data and self._codec.ascii and not (block.continued or block.goes_on):
                data, count = hex_lines(
                    block.data,
                    encoding=None if self._as_bytes else self._codec.name,
                    keep=self.settings.hex == "keep",
                )
                self.hex += count
                block = ByteBlock(data, False, False)
            lines = self._lines(block)
            if self._labels is not None:
                lines = replace(lines, labels_N=self._labels.same(len(lines.sizes_N)))
            yield lines

    def _changed_strings(self, strings: list[str]) -> list[str]:
        changed = []
        for string in strings:
            plain = hex_string(string) if string.startswith("$HEX[") else None
            self.hex += plain is not None
            string = string if plain is None or self.settings.hex == "keep" else plain
            changed.append(self._text.of_text(string) if self._text.is_any else string)
        return changed

    def _count(self, data: bytes) -> None:
        self._digest.update(data)
        self._last = data[-4:]
        self.bytes += len(data)
        self.on_bytes(self.bytes)

    def _blocks(self) -> Iterator[ByteBlock]:
        """Yield the bytes of the source, without byte order mark."""
        rest, continued = b"", False
        feed = b"\n"
        with self.source.open() as file:
            while chunk := file.read(BLOCK_BYTES):
                chunk = rest + (chunk if self.codec else self._head(chunk))
                feed = b"\n" if self._as_bytes else self._codec.feed
                cut = behind_last_feed(chunk, feed)
                if cut and continued:
                    own = len(next(split_lines(chunk, feed))[0]) + len(feed)
                    yield ByteBlock(chunk[:own], True, False)
                    chunk, cut, continued = chunk[own:], cut - own, False
                if cut:
                    yield ByteBlock(chunk[:cut], False, False)
                elif len(chunk) >= LINE_BYTES:
                    # At least one character is kept back, so a part is never empty and never ends right before a line
                    # feed.
                    cut = len(chunk) - 4 - len(chunk) % 4
                    yield ByteBlock(chunk[:cut], continued, True)
                    continued = True
                rest = chunk[cut:]
        if rest:
            yield ByteBlock(rest, continued, False)

    def _head(self, chunk: bytes) -> bytes:
        """Determine the codec from the first bytes, and return these without byte order mark."""
        encoding = self.source.encoding or self.settings.encoding
        self.codec = find_codec(encoding, chunk)
        if not self._as_bytes:
            check_text(self.source.label, self.codec, chunk)
        for mark in self.codec.marks:
            if chunk.startswith(mark):
                self.bom = True
                self.bytes = len(mark)
                return chunk.removeprefix(mark)
        return chunk

    @property
    def _codec(self) -> Codec:
        assert self.codec is not None
        return self.codec

    @property
    def _form(self) -> Literal["NFC", "NFD", "NFKC", "NFKD"]:
        return cast("Literal['NFC', 'NFD', 'NFKC', 'NFKD']", self.settings.normalize.upper())

    def _lines(self, block: ByteBlock) -> Lines:
        units_M = self._units(block)
        ends = np.flatnonzero(units_M == LINE_FEED)
        if block.goes_on or (units_M[-1] != LINE_FEED if len(units_M) else block.continued):
            ends = np.append(ends, len(units_M))
        starts = np.concatenate([[0], ends + 1])[: len(ends)]
        before = units_M.take(ends - 1, mode="clip") if len(units_M) else ends
        returns = (ends > starts) & (before == _CARRIAGE_RETURN)
        if block.goes_on:
            returns[-1] = False
        self.carriage_returns += int(returns.sum())
        return Lines(units_M, starts, ends - starts - returns, block.continued, block.goes_on)

    def _units(self, block: ByteBlock) -> Units:
        plain = self._codec.ascii and self._partial is None and block.data.isascii()
        if self._as_bytes or (plain and not block.goes_on):
            data = self._text.of_bytes(block.data) if self._text.is_any else block.data
            return np.frombuffer(data, np.uint8)
        text = self._decode(block)
        if self.settings.normalize != "none":
            text = unicodedata.normalize(self._form, text)
        if self._text.is_any:
            text = self._text.of_text(text)
        try:
            return np.frombuffer(text.encode("utf-32-le"), np.uint32)
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"{self.source.label}: {self._codec.name} gives what is not Unicode ({error.reason})"
            ) from None

    def _decode(self, block: ByteBlock) -> str:
        if block.continued or block.goes_on:
            return self._decode_part(block)
        errors = "replace" if self.settings.errors == "replace" else "strict"
        if self._codec.by_line:
            return self._decode_by_line(block, errors)
        try:
            return block.data.decode(self._codec.name, errors)
        except UnicodeDecodeError:
            return self._decode_by_line(block, errors)

    def _decode_part(self, block: ByteBlock) -> str:
        # It may end inside a character, which the next part then completes. A line of which parts have been read
        # cannot be skipped any more: the bad bytes in it are.
        errors = "ignore" if self.settings.errors == "skip" else self.settings.errors
        decoder = self._partial or codecs.getincrementaldecoder(self._codec.name)(errors)
        self._partial = decoder if block.goes_on else None
        try:
            return decoder.decode(block.data, final=not block.goes_on)
        except UnicodeDecodeError as error:
            raise self._bad_byte(error, self.read + 1 - block.continued) from None

    def _decode_by_line(self, block: ByteBlock, errors: str) -> str:
        good = []
        for number, (line, end) in enumerate(split_lines(block.data, self._codec.feed), 1):
            try:
                good.append(line.decode(self._codec.name, errors) + end)
            except UnicodeDecodeError as error:
                if self.settings.errors == "strict":
                    raise self._bad_byte(error, self.read + number) from None
                self.bad += 1
                self.read += 1
        return "".join(good)

    def _bad_byte(self, error: UnicodeDecodeError, line: int) -> CorpusError:
        return CorpusError(
            f"{self.source.label}: line {line}: byte 0x{error.object[error.start]:02x} is not valid "
            f"{self._codec.name.upper()}",
            "set the right encoding, e.g. --set corpus.encoding=latin-1, or replace bad bytes: "
            "--set corpus.errors=replace (or skip such lines with skip)",
        )


def _first(lines: Lines, count: int) -> tuple[Lines, int]:
    """Return the lines up to the `count`-th non-empty one, and the number still to be read."""
    own = (lines.sizes_N > 0) & (np.arange(len(lines.sizes_N)) >= int(lines.continued))
    so_far = np.cumsum(own)
    total = int(so_far[-1]) if len(so_far) else 0
    if total < count:
        return lines, count - total
    kept = lines.select(slice(0, int(np.searchsorted(so_far, count)) + 1))
    goes_on = lines.goes_on and len(kept.sizes_N) == len(lines.sizes_N)
    return replace(kept, continued=lines.continued, goes_on=goes_on), 0


def _readable(source: Source, items: Callable[[], Iterator[_Item]]) -> Iterator[_Item]:
    """Yield items of a source; turn read errors into CorpusErrors."""
    try:
        yield from items()
    except DAMAGES as error:
        raise _damaged(source, error) from None
    except OSError as error:
        if error.errno is None:  # raised by bz2
            raise _damaged(source, error) from None
        raise CorpusError(f"{source.label}: cannot be read ({error.strerror})") from None


def _damaged(source: Source, error: Exception) -> CorpusError:
    return CorpusError(
        f"{source.label}: the compressed data is damaged ({error})", "get the file from its source again"
    )
