"""Recognise compressed and binary files by their first bytes: decompress the former, refuse the latter by name."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

import zstandard

from .fasta import Pieces

HEAD_BYTES = 512
"""First bytes that tell a container; a tar archive has its mark at byte 257."""


@dataclass(frozen=True, kw_only=True)
class Compression:
    """A way in which the bytes of one file are packed."""

    ending: str
    magic: tuple[bytes, ...]
    """What its data begins with."""

    open: Callable[[BinaryIO], IO[bytes]]
    """Packed bytes -> what they hold."""


def _open_zstd(file: BinaryIO) -> BinaryIO:
    return io.BufferedReader(Pieces(file, _frames(file)), 1 << 17)


def _frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield what zstd data holds. Raises EOFError where it is cut off, of which zstandard's own reader says nothing."""
    frame, rest = None, b""
    while packed := rest or file.read(1024):  # so little, as four bytes may stand for 128 KiB
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        yield frame.decompress(packed)
        rest = frame.unused_data
        if frame.eof:
            frame = None
    if frame:
        raise EOFError("it ends within a frame")


XZ_MEMORY_BYTES = 1 << 28
"""Memory that unpacking xz may take; `xz -9` asks for a quarter of it, and the format allows 4 GB."""

_XZ_BYTES = 1 << 16
"""Bytes that are unpacked at a time, and at most so many bytes that they unpack to."""


def _open_xz(file: BinaryIO) -> BinaryIO:
    return io.BufferedReader(Pieces(file, _xz_streams(file)), 1 << 17)


def _xz_streams(file: BinaryIO) -> Iterator[bytes]:
    """Yield what xz data holds, streams one behind the other. The reader of `lzma` has no limit of memory.

    Raises:
        EOFError: it is cut off.
        lzma.LZMAError: it is damaged.
        OSError: it needs more memory than XZ_MEMORY_BYTES.
    """
    stream, rest = None, b""
    while packed := rest or file.read(_XZ_BYTES):
        if stream is None:
            packed = packed.lstrip(b"\0")  # what may stand between streams
            if not packed:
                rest = b""
                continue
            stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)
        yield _unpacked(stream, packed)
        while not stream.eof and not stream.needs_input:
            yield _unpacked(stream, b"")
        rest = stream.unused_data
        if stream.eof:
            stream = None
    if stream:
        raise EOFError("it ends within a stream")


def _unpacked(stream: lzma.LZMADecompressor, packed: bytes) -> bytes:
    try:
        return stream.decompress(packed, _XZ_BYTES)
    except lzma.LZMAError as error:
        if "limit" in str(error):
            text = f"unpacking takes more than {XZ_MEMORY_BYTES >> 20} MB of memory; unpack it yourself: unxz FILE"
            raise OSError(errno.ENOMEM, text) from None
        raise


class _Owner(io.BufferedReader):
    """A stream that closes the file below it too: the decompressors leave open what they did not open themselves."""

    def __init__(self, stream: IO[bytes], below: BinaryIO) -> None:
        super().__init__(cast("io.RawIOBase", stream), 1 << 17)
        self._below = below

    def close(self) -> None:
        """Close both."""
        super().close()
        self._below.close()


COMPRESSIONS: tuple[Compression, ...] = (
    Compression(
        ending=".gz",
        magic=(b"\x1f\x8b",),
        open=lambda file: _Owner(cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")), file),
    ),
    Compression(ending=".zst", magic=(b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"), open=_open_zstd),
    Compression(
        ending=".bz2",
        magic=tuple(b"BZh%d1AY&SY" % level for level in range(1, 10)),
        open=lambda file: _Owner(cast("IO[bytes]", bz2.BZ2File(file, "rb")), file),
    ),
    Compression(ending=".xz", magic=(b"\xfd7zXZ\0",), open=_open_xz),
)
"""Each by its ending or, under any name, by its first bytes."""

BY_ENDING = {one.ending: one for one in COMPRESSIONS}


DAMAGES = (
    *(gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError, EOFError, zlib.error),
    *(zipfile.BadZipFile, tarfile.TarError),
)
"""Errors of the decompressors, except that of bz2: an OSError without number."""


def compression_of(head: bytes) -> Compression | None:
    """Return how data is compressed, given its first bytes."""
    return next((one for one in COMPRESSIONS if head.startswith(one.magic)), None)


@dataclass(frozen=True, kw_only=True)
class BinaryKind:
    """A kind of file that holds no lines of text, and how its text is got out."""

    name: str
    what: str
    """As in "the file is a PDF document"."""

    remedy: str
    magic: tuple[bytes, ...]
    """What such a file begins with."""

    place: int = 0
    """The byte at which that stands."""


_SAVE_AS = "open it and save the column as text or the sheet as CSV (File > Save As), then give FILE.csv:COLUMN"

_PICTURES = "for images use: seqgan-wgp mnist --data DIR"

BINARY_KINDS: tuple[BinaryKind, ...] = (
    BinaryKind(
        name="xls", what="an old Excel or Word document", remedy=_SAVE_AS, magic=(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
    ),
    BinaryKind(name="pdf", what="a PDF document", remedy="extract its text: pdftotext FILE NEW.txt", magic=(b"%PDF-",)),
    BinaryKind(
        name="rtf",
        what="a document in Rich Text Format",
        remedy="save it as plain text (File > Save As)",
        magic=(b"{\\rtf",),
    ),
    BinaryKind(name="7z", what="a 7-Zip archive", remedy="unpack it: 7z x FILE", magic=(b"7z\xbc\xaf\x27\x1c",)),
    BinaryKind(name="rar", what="a RAR archive", remedy="unpack it: unrar x FILE", magic=(b"Rar!\x1a\x07",)),
    BinaryKind(
        name="lz4", what="compressed with lz4", remedy="decompress it: lz4 -d FILE NEW", magic=(b"\x04\x22\x4d\x18",)
    ),
    BinaryKind(
        name="compress",
        what="compressed with compress (.Z)",
        remedy="decompress it: uncompress FILE",
        magic=(b"\x1f\x9d",),
    ),
    BinaryKind(
        name="sqlite",
        what="an SQLite database",
        remedy='write the column to a file: sqlite3 FILE "SELECT COLUMN FROM TABLE" > NEW.txt',
        magic=(b"SQLite format 3\0",),
    ),
    BinaryKind(name="png", what="a PNG image", remedy=_PICTURES, magic=(b"\x89PNG\r\n\x1a\n",)),
    BinaryKind(name="jpeg", what="a JPEG image", remedy=_PICTURES, magic=(b"\xff\xd8\xff",)),
    BinaryKind(name="gif", what="a GIF image", remedy=_PICTURES, magic=(b"GIF87a", b"GIF89a")),
    BinaryKind(
        name="idx",
        what="an IDX file of images or labels, as MNIST has them",
        remedy=_PICTURES,
        magic=(b"\0\0\x08\x01", b"\0\0\x08\x03"),
    ),
    BinaryKind(
        name="npy",
        what="a NumPy array",
        remedy="write its strings to a text file: numpy.savetxt('NEW.txt', array, '%s', encoding='utf-8')",
        magic=(b"\x93NUMPY",),
    ),
    BinaryKind(
        name="hdf5",
        what="an HDF5 file",
        remedy="write its strings to a text file, one per line",
        magic=(b"\x89HDF\r\n\x1a\n",),
    ),
    BinaryKind(
        name="pickle",
        what="a Python pickle",
        remedy="load it where you trust it, and write its strings to a text file, one per line",
        magic=tuple(bytes([0x80, protocol, code]) for protocol in (2, 3, 4, 5) for code in b"\x95]}Xc(q"),
    ),
    BinaryKind(
        name="feather",
        what="an Arrow or Feather file",
        remedy="write it as Parquet and give FILE.parquet:COLUMN",
        magic=(b"ARROW1\0\0", b"FEA1"),
    ),
    BinaryKind(
        name="bam",
        what="a BAM file",
        remedy="write its sequences as FASTA: samtools fasta FILE > NEW.fasta",
        magic=(b"BAM\x01",),
    ),
    BinaryKind(
        name="safetensors",
        what="a model file (safetensors)",
        remedy="give a text file with one string per line; to use a model: seqgan-wgp generate FILE",
        magic=(b"{",),
        place=8,
    ),
)
"""Kinds of files that are refused, each by its first bytes. Text never begins so: bytes are what tells them."""


def binary_kind_of(head: bytes) -> BinaryKind | None:
    """Return what kind of binary file this is, given its first bytes; None where they are not known."""
    return next((kind for kind in BINARY_KINDS if _begins(kind, head)), None)


def _begins(kind: BinaryKind, head: bytes) -> bool:
    if kind.name == "safetensors":  # the length of a JSON header, then the header
        return len(head) > 9 and head[8:10] == b'{"' and head[4:8] == b"\0\0\0\0"
    return head[kind.place :].startswith(kind.magic)
