"""What CORPUS means: files, compressed or not, columns, stdin, pipes, bundled names and Python strings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers.open import Source, open_source
from seqgan_wgp.text.readers.reader import BLOCK_BYTES, Reader

BOM = b"\xef\xbb\xbf"
DATA = BOM + "Añes\r\n\n李\nlast".encode() * 1_000
LINES = ["Añes", "", *["李", "lastAñes", ""] * 999, "李", "last"]

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}

each_compression = pytest.mark.parametrize("ending", COMPRESS)


def read(source: Source, **changes: Any) -> list[str]:
    return [string for lines in Reader(source, CorpusSettings(**changes)) for string in lines.strings()]


# Files


def test_a_file_is_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "some.names.txt"
    file.write_bytes(DATA)
    for source in (open_source(file), open_source(str(file))):
        assert read(source) == LINES
        assert (source.name, source.label, source.size) == ("some.names", str(file), len(DATA))
        assert source.fields is None


@each_compression
def test_a_compressed_file_gives_the_same_lines(ending: str, tmp_path: Path) -> None:
    """In one piece, or in two that stand one behind the other."""
    compress = COMPRESS[ending]
    for number, packed in enumerate([compress(DATA), compress(DATA[:700]) + compress(DATA[700:])]):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = folder / f"some.names.txt{ending}"
        file.write_bytes(packed)
        source = open_source(file)
        assert read(source) == LINES
        assert (source.name, source.label, source.size) == ("some.names", str(file), None)


@each_compression
def test_the_ending_of_a_compressed_file_may_be_in_capitals(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"NAMES.TXT{ending.upper()}"
    file.write_bytes(COMPRESS[ending](b"Ana\nBo\n"))
    assert read(open_source(file)) == ["Ana", "Bo"]


@each_compression
def test_compressed_data_of_many_blocks_is_read(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"many{ending}"
    file.write_bytes(COMPRESS[ending](b"line\n" * BLOCK_BYTES))
    with open_source(file).open() as stream:
        assert len(stream.read(BLOCK_BYTES)) == BLOCK_BYTES
    reader = Reader(open_source(file), CorpusSettings())
    assert sum(len(lines.sizes_N) for lines in reader) == BLOCK_BYTES
    assert reader.bytes == 5 * BLOCK_BYTES


@each_compression
def test_damaged_compressed_data_is_refused(ending: str, tmp_path: Path) -> None:
    good = COMPRESS[ending](b"".join(b"line number %d\n" % number for number in range(50_000)))
    wounded = good[:30] + b"\xff\xff" * 20 + good[70:]
    for place, data in enumerate([good[:-9], good[:100], good[:5], wounded, b"plain text\n"]):
        file = tmp_path / f"{place}{ending}"
        file.write_bytes(data)
        with pytest.raises(CorpusError, match=rf"{place}\{ending}: (the compressed data is damaged|cannot be read) \("):
            read(open_source(file))


@pytest.mark.parametrize("ending", [".gz", ".zst", ".xz"])
def test_compressed_data_with_something_else_behind_is_refused(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"tail{ending}"
    file.write_bytes(COMPRESS[ending](b"line\n") + b"tail")
    with pytest.raises(CorpusError, match=r"the compressed data is damaged"):
        read(open_source(file))


def test_xz_streams_may_have_zeros_between_them(tmp_path: Path) -> None:
    file = tmp_path / "streams.xz"
    file.write_bytes(lzma.compress(b"one\n") + bytes(200_000) + lzma.compress(b"two\n") + bytes(8))
    assert read(open_source(file)) == ["one", "two"]


def test_xz_data_that_takes_gigabytes_to_unpack_is_refused(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(b"Ana\nBo\n", check=lzma.CHECK_CRC32))
    size = 4 * (packed[12] + 1)  # of the header of the first block, which ends with its checksum
    assert packed[14:16] == bytes([0x21, 1])  # the filter LZMA2, with one byte: the size of its dictionary
    packed[16] = 40  # 4 GB
    packed[12 + size - 4 : 12 + size] = zlib.crc32(packed[12 : 12 + size - 4]).to_bytes(4, "little")
    (tmp_path / "huge.xz").write_bytes(packed)
    assert lzma.decompress(packed) == b"Ana\nBo\n"
    with pytest.raises(CorpusError, match=r"huge\.xz: cannot be read \(unpacking takes more than 256 MB of memory"):
        read(open_source(tmp_path / "huge.xz"))


def test_zstd_data_may_hold_what_is_to_be_skipped(tmp_path: Path) -> None:
    file = tmp_path / "frames.zst"
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    file.write_bytes(skippable + zstandard.compress(b"one\n") + skippable + zstandard.compress(b"two\n") + skippable)
    assert read(open_source(file)) == ["one", "two"]


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_bytes(b"a\n")
    source = open_source(file)
    file.unlink()
    with pytest.raises(CorpusError, match=r"lines\.txt: cannot be read \(No such file or directory\)$"):
        read(source)


def test_fasta_is_its_sequences(tmp_path: Path) -> None:
    for name, data in {
        "a.fasta": b">one\nAC\nGT\n>two\nTT\n",
        "b.fa.gz": gzip.compress(b">one\nAC\nGT\n>two\nTT\n"),
    }.items():
        (tmp_path / name).write_bytes(data)
        source = open_source(tmp_path / name)
        assert read(source) == ["ACGT", "TT"]
        assert source.name == name[0]


# Columns


@pytest.mark.parametrize("name", ["people.csv", "peo:ple.csv", "a:b:c.csv", "people.csv.gz", "PEOPLE.CSV"])
def test_a_path_and_a_column_are_told_apart(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    data = b"name,town\nAna,Riga\nBo,Oslo\n"
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    for column, expected in {"name": ["Ana", "Bo"], "town": ["Riga", "Oslo"]}.items():
        source = open_source(f"{file}:{column}")
        assert read(source) == expected
        assert (source.label, source.size) == (str(file), None)
        assert source.name == f"{name.partition('.')[0]}-{column}"
        assert read(open_source(Path(f"{file}:{column}"))) == expected


def test_a_file_whose_own_name_ends_in_a_colon_and_more_comes_first(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"name,town\nAna,Riga\n")
    (tmp_path / "people.csv:name").write_bytes(b"other\nlines\n")
    assert read(open_source(f"{tmp_path}/people.csv:name")) == ["other", "lines"]
    assert read(open_source(f"{tmp_path}/people.csv:town")) == ["Riga"]


def test_a_folder_may_have_a_colon_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "lines.txt").write_bytes(b"a\n")
    (folder / "people.csv").write_bytes(b"name,town\nAna,Riga\n")
    assert read(open_source(folder / "lines.txt")) == ["a"]
    assert read(open_source(f"{folder}/people.csv:town")) == ["Riga"]


@pytest.mark.parametrize("name", ["lines.txt", "lines", "lines.txt.gz", "seq.fasta"])
def test_a_column_of_what_has_none_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"a\n")
    with pytest.raises(CorpusError) as caught:
        open_source(f"{file}:name")
    assert caught.value.message == f"{file}:name: {name} has no columns"
    assert caught.value.remedy == ("columns can be named for files that end in: .csv, .tsv, .jsonl, .ndjson, .parquet")


def test_a_column_of_no_file_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent\.csv:name: no such file or bundled corpus\n"):
        open_source(f"{tmp_path}/absent.csv:name")


# Stdin and pipes


def test_a_source_can_be_read_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes are made, over stdin too."""
    file = tmp_path / "lines.txt"
    file.write_bytes(b"one\ntwo\n" * (BLOCK_BYTES // 4))
    expected = ["one", "two"] * (BLOCK_BYTES // 4)
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        from_stdin = open_source("-")
    assert (from_stdin.name, from_stdin.label, from_stdin.size) == ("stdin", "stdin", file.stat().st_size)
    for source in (open_source(file), open_source(expected), from_stdin):
        assert [read(source) == expected for _ in range(3)] == [True] * 3


def test_a_pipe_can_be_read_again_and_again() -> None:
    """As a shell makes for `<(command)`."""
    end, start = os.pipe()
    path = Path(f"/dev/fd/{end}")
    if not path.exists():
        pytest.skip("pipes have no paths here")
    os.write(start, b"one\ntwo\n")
    os.close(start)
    source = open_source(path)
    os.close(end)
    assert [read(source) for _ in range(3)] == [["one", "two"]] * 3


def test_a_terminal_is_no_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.StringIO()
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(CorpusError, match=r"^stdin is a terminal\npipe text into the command, or name a file$"):
        open_source("-")


# What is no source, and names


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("{folder}/absent.txt", r"absent\.txt: no such file or bundled corpus\nbundled corpora: "),
        ("https://example.org/a b.txt", r"is an address, not a file\ndownload it first: curl -LO 'https://"),
        ("wrods", r"^wrods: no such file or bundled corpus; did you mean 'words'\?\nbundled corpora: "),
        ("{folder}", r": is a folder\n"),
        ("{folder}:text", r": is a folder\n"),
        ("{folder}/" + "n" * 5_000, r": cannot be read \("),
        ("{folder}/" + "n" * 5_000 + ".csv:name", r": cannot be read \("),
        ("a\0b", r"no such file or bundled corpus|is no path"),
        ("", r"is a folder|no such file"),
    ],
    ids=["absent", "address", "misspelt", "folder", "folder-column", "long", "long-column", "nul", "empty"],
)
def test_what_is_no_source_is_refused(corpus: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=message):
        open_source(corpus.format(folder=tmp_path))


def test_a_file_of_nearly_that_name_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"a\n")
    with pytest.raises(CorpusError) as caught:
        open_source(tmp_path / "nams.txt")
    assert caught.value.message.endswith(f"; did you mean '{tmp_path}/names.txt'?")


def test_bundled_names_are_sources() -> None:
    source = open_source("words")
    assert (source.name, source.label) == ("words", "words")
    assert len(read(source)) > 6_000
    with source.open() as stream:
        assert source.size == len(stream.read())


# Python strings


@given(st.lists(st.text(st.sampled_from("ab\r\n\0\x85\u2028\ufeffé李👩") | st.characters(exclude_categories=["Cs"]))))
def test_strings_are_taken_as_they_are(strings: list[str]) -> None:
    """Line feeds, carriage returns, marks and NUL are part of them."""
    source = open_source(strings)
    reader = Reader(source, CorpusSettings())
    assert [string for lines in reader for string in lines.strings()] == strings
    assert (reader.read, reader.empty, reader.bad) == (len(strings), strings.count(""), 0)
    assert (reader.bom, reader.carriage_returns) == (False, 0)
    assert (source.name, source.label, source.size) == ("lines", "the given lines", None)


@given(st.lists(st.text()))
def test_strings_as_bytes_are_those_of_utf_8(strings: list[str]) -> None:
    found = read(open_source(strings), unit="byte", encoding="latin-1")
    assert [string.encode("latin-1").decode() for string in found] == strings


def test_many_strings_come_in_blocks() -> None:
    strings = [f"string\n{number}" for number in range(25_000)]
    blocks = list(Reader(open_source(tuple(strings)), CorpusSettings()))
    assert len(blocks) > 1
    assert [string for lines in blocks for string in lines.strings()] == strings


class Column:
    """As much of a column of a frame as a corpus needs: it has no truth, and its numbers are labels."""

    def __init__(self, strings: list[Any]) -> None:
        self.strings = strings

    def tolist(self) -> list[Any]:
        return self.strings

    def __bool__(self) -> bool:
        raise ValueError("the truth of a column is ambiguous")


def test_arrays_and_columns_are_the_strings_in_them() -> None:
    strings = ["anna", "bo", "", "é\n"]
    assert read(open_source(Column(strings))) == strings  # type: ignore[arg-type]
    assert read(open_source(np.array(strings))) == strings  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match="string 1 is float, not text"):
        open_source(Column(["anna", float("nan")]))  # type: ignore[arg-type]


def test_strings_that_change_later_do_not_change_the_source() -> None:
    strings = ["a", "b"]
    source = open_source(strings)
    strings[0] = "c"
    assert read(source) == ["a", "b"]


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        (["ok", "\ud800"], "string 1 is not valid Unicode: surrogates not allowed"),
        (["ok", "a", "x\udfffy"], "string 2 is not valid Unicode: surrogates not allowed"),
        (["ok", None], "string 1 is NoneType, not text"),
        ([b"ok"], "string 0 is bytes, not text"),
        ([1, "a"], "string 0 is int, not text"),
        (b"ok", "string 0 is int, not text"),
    ],
)
def test_what_is_not_text_is_refused(strings: Sequence[Any], message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        open_source(strings)
    assert caught.value.message == message


class Frame:
    """Columns by their names, as frames of pandas have them."""

    def __init__(self, **columns: list[str]) -> None:
        self.columns = list(columns)
        self.held = columns

    def __getitem__(self, name: str) -> Column:
        return Column(self.held[name])


def test_a_frame_of_one_column_is_its_strings_and_one_of_several_is_refused() -> None:
    assert read(open_source(Frame(name=["anna", "bo"]))) == ["anna", "bo"]  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match="the frame has 2 columns: name, town\n.*frame\\['name'\\]"):
        open_source(Frame(name=["anna"], town=["rome"]))  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=r"string 0 is NoneType, not text\nleave out what is missing"):
        open_source([None])  # type: ignore[list-item]
