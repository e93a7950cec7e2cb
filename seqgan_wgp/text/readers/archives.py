"""Read one member of a zip or tar archive; refuse documents that are zip files inside (docx, xlsx), with a remedy."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from ...errors import CorpusError, did_you_mean, one_line
from .column_spec import listed

Open = Callable[[], BinaryIO]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")

_OFFICE = {
    "xl/workbook.xml": "an Excel workbook",
    "xl/workbook.bin": "an Excel workbook",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
}
"""Member -> what a zip file with it is."""

_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet",
    b"application/vnd.oasis.opendocument.text": "an OpenDocument text",
    b"application/epub+zip": "an EPUB book",
}

_SHEET = "save the sheet as CSV (File > Save As), then give FILE.csv:COLUMN"
_DOCUMENT = "save it as plain text (File > Save As)"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A file of files."""

    kind: str
    """zip or tar."""

    members: tuple[str, ...]
    """Names of those that may hold text: no folders, no hidden files, none that systems add."""

    open: Callable[[str], BinaryIO]
    """Member -> its bytes."""

    size: Callable[[str], int]
    """Member -> how many."""


def archive_of(head: bytes, reopen: Open, label: str) -> Archive | None:
    """Return the archive that data is, given its first bytes; None where it is none.

    Raises:
        CorpusError: a document that is a zip file inside, or an archive that is damaged or locked.
    """
    try:
        if head.startswith(_ZIP):
            return _zip(reopen, label)
        if head[257:262] == b"ustar":
            return _tar(reopen)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError) as error:
        raise CorpusError(
            f"{label}: the archive is damaged ({one_line(error)})", "get the file from its source again"
        ) from None
    return None


def _zip(reopen: Open, label: str) -> Archive:
    with reopen() as file, zipfile.ZipFile(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        document = next((what for name, what in _OFFICE.items() if name in infos), None)
        if document is None and "mimetype" in infos:
            document = _OPEN_DOCUMENT.get(archive.read("mimetype").strip())
    if document:
        raise CorpusError(
            f"{label}: the file is {document}, not text",
            _SHEET if "sheet" in document or "Excel" in document else _DOCUMENT,
        )
    if any(name.endswith(".npy") for name in infos):
        raise CorpusError(
            f"{label}: the file holds NumPy arrays (.npz), not text",
            "write their strings to a text file: numpy.savetxt('NEW.txt', array, '%s', encoding='utf-8')",
        )
    if any(name.endswith("/data.pkl") for name in infos):
        raise CorpusError(f"{label}: the file is a PyTorch file, not text", "give a text file with one string per line")
    if locked := next((name for name, info in infos.items() if info.flag_bits & 1), None):
        raise CorpusError(f"{label}: {locked} is locked with a password", "unpack it first: unzip FILE")

    def opened(name: str) -> BinaryIO:
        file = reopen()
        archive = zipfile.ZipFile(file)
        return cast("BinaryIO", _Member(cast("io.RawIOBase", archive.open(name)), archive.close, file.close))

    return Archive(kind="zip", members=tuple(_wanted(infos)), open=opened, size=lambda name: infos[name].file_size)


def _tar(reopen: Open) -> Archive:
    with reopen() as file, tarfile.open(fileobj=file, mode="r|") as archive:
        sizes = {info.name: info.size for info in archive if info.isfile()}

    def opened(name: str) -> BinaryIO:
        file = reopen()
        archive = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115  (closed with the member)
        for info in archive:
            if info.name == name and info.isfile():
                member = archive.extractfile(info)
                assert member is not None
                return cast("BinaryIO", _Member(cast("io.RawIOBase", member), archive.close, file.close))
        raise EOFError(f"{name} is not there any more")

    return Archive(kind="tar", members=tuple(_wanted(sizes)), open=opened, size=sizes.__getitem__)


class _Member(io.BufferedReader):
    """A member that closes its archive with it."""

    def __init__(self, stream: io.RawIOBase, *close: Callable[[], object]) -> None:
        super().__init__(stream, 1 << 17)
        self._others = close

    def close(self) -> None:
        """Close the member and its archive."""
        if not self.closed:
            super().close()
            for close in self._others:
                close()


def _wanted(names: object) -> Iterator[str]:
    for name in cast("dict[str, object]", names):
        parts = name.split("/")
        if parts[-1] and not parts[-1].startswith(".") and "__MACOSX" not in parts:
            yield name


def picked(archive: Archive, label: str, wanted: str) -> tuple[str, str]:
    """Return the member that is read, and what of `wanted` is left: a column of it.

    Args:
        archive: of one member, or of several of which `wanted` names one.
        label: what messages call it.
        wanted: what was named behind the path: a member, a member and a column of it, or a column of the only one.

    Raises:
        CorpusError: there is no such member, or none is named where there are several.
    """
    members = archive.members
    if not members:
        raise CorpusError(f"{label}: the {archive.kind} archive holds no files", "give a text file")
    for name in sorted(members, key=len, reverse=True):
        if wanted == name or wanted.startswith(f"{name}:"):
            return name, wanted[len(name) + 1 :]
    if len(members) == 1:
        return members[0], wanted
    if wanted:
        raise CorpusError(
            f"{label}: no member {wanted!r}{did_you_mean(wanted, members)}", f"members: {listed(members)}"
        )
    raise CorpusError(
        f"{label}: the {archive.kind} archive holds {len(members)} files; name one",
        f"e.g. {label}:{members[0]}; members: {listed(members)}",
    )
