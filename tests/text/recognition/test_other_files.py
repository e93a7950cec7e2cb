"""Files besides the corpus, which a command reads strings of, are told by their content too."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from seqgan_wgp.config import recipe
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.generation.filters import Excluded
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.readers.source import Source
from seqgan_wgp.text.readers.strings import strings_of
from seqgan_wgp.text.recognition.recognise import recognised

WORDS = [f"word{number}" for number in range(40)]

AUTO = recipe("fast").corpus

COUNTED = recipe("fast", {"corpus.field": "name", "corpus.weights": "n"}).corpus


def excluded(file: Path) -> list[str]:
    return [string for lines in Excluded(str(file), COUNTED) for string in lines.strings()]


def test_counts_are_left_out_and_plain_lists_are_read_whatever_the_corpus_was(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("".join(f"{41 - n:7d} {word}\n" for n, word in enumerate(WORDS)))
    (tmp_path / "plain.txt").write_text("\n".join(WORDS))
    (tmp_path / "z").write_bytes(gzip.compress("\n".join(WORDS).encode()))
    for name in ("u.txt", "plain.txt", "z"):
        assert excluded(tmp_path / name) == WORDS
        assert list(strings_of(str(tmp_path / name), COUNTED)) == WORDS


def test_a_kind_that_is_refused_is_refused_here_too(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("".join(f"{'0' * 32}:{word}\n" for word in WORDS))
    with pytest.raises(CorpusError, match="32-digit hash"):
        excluded(tmp_path / "p.txt")
    with pytest.raises(CorpusError, match="32-digit hash"):
        list(strings_of(str(tmp_path / "p.txt"), AUTO))


# Containers


def test_a_list_within_archives_and_compression_is_read(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/words.txt.gz", gzip.compress("\n".join(WORDS).encode()))
        archive.writestr("__MACOSX/folder/._words.txt", b"x")
        archive.writestr("folder/.DS_Store", b"x")
    (tmp_path / "w.bin").write_bytes(gzip.compress(inner.getvalue()))
    assert list(strings_of(str(tmp_path / "w.bin"), AUTO)) == WORDS
    source = open_source(tmp_path / "w.bin")
    assert (source.compression, source.field) == ("gz, zip, gz", "folder/words.txt.gz")
    assert [told.kind for told in source.told] == ["gz", "zip"]


def test_members_of_a_tar_are_read_by_name(tmp_path: Path) -> None:
    import tarfile

    for number in (0, 1):
        (tmp_path / f"{number}.txt").write_text("\n".join(WORDS[number::2]))
    with tarfile.open(tmp_path / "w.tar.gz", "w:gz") as archive:
        for number in (0, 1):
            archive.add(tmp_path / f"{number}.txt", f"in/{number}.txt")
    assert list(strings_of(f"{tmp_path}/w.tar.gz:in/1.txt", AUTO)) == WORDS[1::2]
    (tmp_path / "w.tar.gz").rename(tmp_path / "other")
    assert list(strings_of(f"{tmp_path}/other:in/0.txt", AUTO)) == WORDS[::2]
    with pytest.raises(CorpusError, match="holds 2 files; name one"):
        open_source(tmp_path / "other")
    with pytest.raises(CorpusError, match=r"no member 'in/2.txt'; did you mean 'in/1.txt'"):
        open_source(f"{tmp_path}/other:in/2.txt")


OFFICE = {
    "xl/workbook.xml": "an Excel workbook",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
}


@pytest.mark.parametrize("member", OFFICE)
def test_office_documents_are_no_archives(member: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "list.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(member, "<x/>")
    with pytest.raises(CorpusError, match=f"the file is {OFFICE[member]}, not text") as error:
        open_source(tmp_path / "list.xlsx")
    assert "File > Save As" in error.value.remedy


def test_an_open_document_spreadsheet_is_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "list.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(CorpusError, match="an OpenDocument spreadsheet") as error:
        open_source(tmp_path / "list.ods")
    assert "CSV" in error.value.remedy


@pytest.mark.parametrize("cut", [30, 200, -40])
def test_a_damaged_archive_is_refused(cut: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("w.txt", "\n".join(WORDS))
    (tmp_path / "w.zip").write_bytes((tmp_path / "w.zip").read_bytes()[:cut])
    with pytest.raises(CorpusError, match=r"w\.zip: the archive is damaged"):
        open_source(tmp_path / "w.zip")


def test_a_member_with_a_wrong_checksum_is_damaged(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("w.txt", "\n".join(WORDS))
    data = (tmp_path / "w.zip").read_bytes()
    (tmp_path / "w.zip").write_bytes(data.replace(b"word7", b"worm7", 1))
    with pytest.raises(CorpusError, match="damaged"):
        list(strings_of(str(tmp_path / "w.zip"), AUTO))


@pytest.mark.parametrize("name", ["a.json", "b.txt"])
def test_the_first_strings_come_before_all_is_read(name: str) -> None:
    """No more of an array, or of a file whose lines change, is in memory than a few blocks."""
    text = {
        "a.json": "[" + ",\n".join(f'"{word}"' for word in WORDS * 20_000) + "]",
        "b.txt": "".join(f"- {word}\n" for word in WORDS * 20_000),
    }[name]
    streams: list[io.BytesIO] = []

    def opened() -> io.BytesIO:
        streams.append(io.BytesIO(text.encode()))
        return streams[-1]

    source = recognised(Source(name=name, label=name, open=opened), AUTO)
    blocks = iter(Reader(source, AUTO))
    lines = next(blocks)
    assert lines.strings()[:40] == WORDS
    assert streams[-1].tell() < len(text) / 2
