"""Read lines from a source, one input after another, with statistics over all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ...utils.progress import OnBytes
from ...utils.token_symbols import TokenSymbols
from .codec import Codec, find_codec
from .file_reader import BLOCK_BYTES as BLOCK_BYTES
from .file_reader import LINE_BYTES as LINE_BYTES
from .file_reader import FileReader
from .label_column import LabelNumbers
from .lines import Lines
from .source import Source


class Reader:
    """Reads a source from start to end as lines, with counts.

    Each input has its own compression and byte order mark. The last line of an input ends there, with or without a line
    feed.

    Args:
        source: the source.
        settings: encoding, errors, normalize, unit and limit apply here; both passes must use the same.
        on_bytes: called with the number of bytes read so far.
        tokens: writes each unit as one code point; None: lines come in characters or bytes.

    Raises:
        CorpusError: during iteration: a file cannot be read, is damaged or binary, or has a bad byte (strict).
    """

    def __init__(
        self,
        source: Source,
        settings: CorpusSettings,
        on_bytes: OnBytes = lambda _bytes: None,
        tokens: TokenSymbols | None = None,
    ) -> None:
        self.source, self.settings, self.on_bytes, self._tokens = source, settings, on_bytes, tokens
        self.files: list[FileReader] = []
        """Readers of the inputs so far."""

        self.labels = LabelNumbers()
        """Labels so far, if the source has them."""

        self._digest = hashlib.sha256()
        find_codec(source.encoding or settings.encoding, b"")
        if UNITS[settings.unit].is_byte and settings.normalize != "none":
            raise CorpusError(
                f"corpus.normalize is {settings.normalize!r}, but bytes have no normal form",
                "normalise the file first, or train on characters: --set corpus.unit=char",
            )

    def __iter__(self) -> Iterator[Lines]:
        """Yield lines, including empty ones, in order."""
        left, done = self.settings.limit, 0
        for source in self.source.files:
            if self.files:
                self._digest.update(self.files[-1].missing_feed)
            file = FileReader(
                source, self.settings, self._digest, self._told_behind(done), left, self._tokens, self.labels
            )
            self.files.append(file)
            yield from file
            left, done = file.left, done + file.bytes
            if left == 0:
                return

    def _told_behind(self, before: int) -> OnBytes:
        return lambda done: self.on_bytes(before + done)

    @property
    def sha256(self) -> str:
        """SHA-256 of the text after decompression, without byte order mark; fields one per line.

        For several inputs it is that of their concatenation, with a line feed at the end of each.
        """
        return self._digest.hexdigest()

    @property
    def read(self) -> int:
        """Number of lines read."""
        return sum(file.read for file in self.files)

    @property
    def empty(self) -> int:
        """Number of empty lines."""
        return sum(file.empty for file in self.files)

    @property
    def bad(self) -> int:
        """Number of undecodable lines that were skipped."""
        return sum(file.bad for file in self.files)

    @property
    def bytes(self) -> int:
        """Number of bytes read, after decompression."""
        return sum(file.bytes for file in self.files)

    @property
    def carriage_returns(self) -> int:
        """Number of lines from which a carriage return was removed."""
        return sum(file.carriage_returns for file in self.files)

    @property
    def hex(self) -> int:
        """Number of strings written as $HEX[...]."""
        return sum(file.hex for file in self.files)

    @property
    def codec(self) -> Codec | None:
        """Codec of the present input; None before anything is read."""
        return self.files[-1].codec if self.files else None

    @property
    def bom(self) -> bool:
        """Whether an input began with a byte order mark."""
        return any(file.bom for file in self.files)
