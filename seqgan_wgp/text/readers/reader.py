"""Read lines from a source, one input after the other, with statistics over all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ...config.schema import CorpusSettings
from ...errors import CorpusError
from ...registry import UNITS
from ...utils.progress import OnBytes
from .codec import Codec, find_codec
from .file_reader import BLOCK_BYTES as BLOCK_BYTES
from .file_reader import LINE_BYTES as LINE_BYTES
from .file_reader import FileReader
from .lines import Lines
from .source import Source


class Reader:
    """Reads a source from start to end, as lines, and counts what it met.

    Each input has its own compression, byte order mark and, where it has no line feed at its end, its own last line.

    Args:
        source: what to read.
        settings: encoding, errors, normalize, unit and limit are heeded here; both passes must read alike.
        on_bytes: for progress.

    Raises:
        CorpusError: while reading: a file cannot be read, is damaged, binary, or has a bad byte when strict.
    """

    def __init__(self, source: Source, settings: CorpusSettings, on_bytes: OnBytes = lambda _bytes: None) -> None:
        self.source, self.settings, self.on_bytes = source, settings, on_bytes
        self.files: list[FileReader] = []
        """Of the inputs that reading has come to."""

        self._digest = hashlib.sha256()
        find_codec(source.encoding or settings.encoding, b"")
        if UNITS[settings.unit].is_byte and settings.normalize != "none":
            raise CorpusError(
                f"corpus.normalize is {settings.normalize!r}, but bytes have no normal form",
                "normalise the file first, or train on characters: --set corpus.unit=char",
            )

    def __iter__(self) -> Iterator[Lines]:
        """Yield lines, empty ones too, in order."""
        left, done = self.settings.limit, 0
        for source in self.source.files:
            if self.files:
                self._digest.update(self.files[-1].missing_feed)
            file = FileReader(source, self.settings, self._digest, self._told_behind(done), left)
            self.files.append(file)
            yield from file
            left, done = file.left, done + file.bytes
            if left == 0:
                return

    def _told_behind(self, before: int) -> OnBytes:
        return lambda done: self.on_bytes(before + done)

    @property
    def sha256(self) -> str:
        """Of what was read: the text after decompression, without its byte order mark; fields one a line.

        Of several inputs it is that of the file which they are one behind the other, with a line feed behind each.
        """
        return self._digest.hexdigest()

    @property
    def read(self) -> int:
        """Lines read."""
        return sum(file.read for file in self.files)

    @property
    def empty(self) -> int:
        """Those of them that are empty."""
        return sum(file.empty for file in self.files)

    @property
    def bad(self) -> int:
        """Those that were left out."""
        return sum(file.bad for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes read, after decompression."""
        return sum(file.bytes for file in self.files)

    @property
    def carriage_returns(self) -> int:
        """Lines that ended with one, which was removed."""
        return sum(file.carriage_returns for file in self.files)

    @property
    def codec(self) -> Codec | None:
        """How the bytes of the input that is being read are decoded; None where nothing has been read."""
        return self.files[-1].codec if self.files else None

    @property
    def bom(self) -> bool:
        """Whether an input began with a byte order mark."""
        return any(file.bom for file in self.files)
