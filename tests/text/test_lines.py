"""From bytes to lines: what splits, what is removed, what is decoded, and what is counted."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.lines import BLOCK_BYTES, CELLS, LineReader, Lines, Source, blocks, open_source

BOM = b"\xef\xbb\xbf"
AWKWARD = "a\r\t \x0b\x0c\x1c\x85\u2028\u2029\N{NO-BREAK SPACE}\N{COMBINING ACUTE ACCENT}é李👩\ufeff\ufffd\U0010ffff"

texts = st.text(st.sampled_from("ab\r\n" + AWKWARD) | st.characters(exclude_categories=["Cs"]))
some_bytes = st.lists(
    st.sampled_from(
        [b"a", b"bc", b"\n", b"\n", b"\r\n", b"\r", "é".encode(), "👩".encode(), b"\xff", b"\xc3", b"\xf0\x9f"]
    )
).map(b"".join)


def source_of(data: bytes) -> Source:
    return Source(name="test", label="test.txt", open=lambda: io.BytesIO(data))


def strings(lines: Lines) -> list[str]:
    text = lines.code_points_M.tobytes().decode("utf-32-le")
    pairs = zip(lines.starts_N.tolist(), lines.sizes_N.tolist(), strict=True)
    return [text[start : start + size] for start, size in pairs]


def read(data: bytes | Source, encoding: str = "utf-8", errors: str = "strict") -> tuple[list[str], LineReader]:
    source = source_of(data) if isinstance(data, bytes) else data
    reader = LineReader(source.label, encoding, errors)
    return [string for block in blocks(source) for string in strings(reader.lines(block))], reader


def plain_read(data: bytes, encoding: str, errors: str) -> tuple[list[str], int, int, int]:
    """The contract, written plainly: kept lines, and how many were read, were empty, were bad."""
    pieces = data.removeprefix(BOM).split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    kept, empty, bad = [], 0, 0
    for piece in pieces:
        try:
            string = piece.decode(encoding, "replace" if errors == "replace" else "strict").removesuffix("\r")
        except UnicodeDecodeError:
            bad += 1
            continue
        empty += not string
        kept += [string] * bool(string)
    return kept, len(pieces), empty, bad


@given(texts)
@example("\n")
@example("\r")
@example("\r\n\r\n")
@example("\n\na")
@example("\ufeff")
@example("\ufeff\ufeffa")
def test_lines_are_those_of_the_plain_reader(text: str) -> None:
    data = text.replace("\0", "0").encode()
    kept, reader = read(data)
    assert (kept, reader.read, reader.empty, reader.bad) == plain_read(data, "utf-8", "strict")


@given(some_bytes, st.sampled_from(["replace", "skip"]), st.sampled_from(["utf-8", "ascii", "cp1252", "shift_jis"]))
@example(b"\xff\n", "skip", "utf-8")
@example(b"\xff", "skip", "utf-8")
@example(b"a\n\xff", "skip", "utf-8")
@example(b"\xff\n\n", "skip", "utf-8")
def test_bad_bytes_are_replaced_or_their_lines_skipped(data: bytes, errors: str, encoding: str) -> None:
    kept, reader = read(data, encoding, errors)
    assert (kept, reader.read, reader.empty, reader.bad) == plain_read(data, encoding, errors)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ab\ncd\n", ["ab", "cd"]),
        (b"ab\ncd", ["ab", "cd"]),
        (b"ab\r\ncd\r\n", ["ab", "cd"]),
        (b"ab\r\ncd\r", ["ab", "cd"]),
        (b"a\rb\n\rc\n", ["a\rb", "\rc"]),
        (b"ab\r\r\n", ["ab\r"]),
        (b"a \t\n  \n", ["a \t", "  "]),
        (BOM + b"ab\n", ["ab"]),
        (b"ab\n" + BOM + b"cd\n", ["ab", "\ufeffcd"]),
        ("a\u2028b\na\x85b\na\x0bb\x0cc\x1cd\u2029\n".encode(), ["a\u2028b", "a\x85b", "a\x0bb\x0cc\x1cd\u2029"]),
        ("e\u0301\né\n".encode(), ["e\u0301", "é"]),
        (b"", []),
        (BOM, []),
        (b"\n\r\n\n", []),
    ],
)
def test_only_a_line_feed_splits(data: bytes, expected: list[str]) -> None:
    assert read(data)[0] == expected


def test_counts_of_empty_lines() -> None:
    _, reader = read(b"a\n\n\r\nb\n\n")
    assert (reader.read, reader.empty, reader.bad) == (5, 3, 0)


# Blocks


@pytest.mark.parametrize("away", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("character", ["a", "é", "👩"])
def test_the_end_of_a_block_cannot_be_seen(away: int, end: str, character: str) -> None:
    """A character, a CRLF and a line that lie across it are whole."""
    line = character * 50 + end
    head = "x" * (BLOCK_BYTES % len(line.encode()) + away + 100) + end
    text = head + line * (2 * BLOCK_BYTES // len(line.encode()) + 3)
    kept, reader = read(text.encode())
    assert kept == text.replace("\r", "").split("\n")[:-1]
    assert reader.read == len(kept)


def test_a_line_may_be_longer_than_blocks() -> None:
    long = "aé李" * (BLOCK_BYTES // 2)
    assert len(long.encode()) > 2 * BLOCK_BYTES
    assert read(f"x\n{long}\ny".encode())[0] == ["x", long, "y"]
    assert read(long.encode())[0] == [long]


def test_blocks_are_whole_lines_of_bounded_size() -> None:
    data = b"abcdefg\n" * (3 * BLOCK_BYTES // 8)
    parts = list(blocks(source_of(BOM + data)))
    assert b"".join(parts) == data
    assert len(parts) >= 3
    assert all(part.endswith(b"\n") and len(part) <= BLOCK_BYTES + 8 for part in parts)


@given(st.lists(st.text("abé👩", min_size=1, max_size=12), min_size=1), st.integers(1, 14))
def test_rows_are_the_lines_cropped_and_padded(lines: list[str], length: int) -> None:
    found = LineReader("test", "utf-8", "strict").lines("\n".join(lines).encode())
    for code_points_NL, filled_NL in found.rows(length):
        rows = zip(code_points_NL.tolist(), filled_NL.tolist(), strict=True)
        shown = ["".join(chr(c) for c, is_there in zip(*row, strict=True) if is_there) for row in rows]
        assert shown == [line[:length] for line in lines]
        assert filled_NL.sum(axis=1).tolist() == [min(len(line), length) for line in lines]


def test_rows_come_in_groups_that_fit_in_memory() -> None:
    lines = LineReader("test", "utf-8", "strict").lines(b"ab\n" * 5_000)
    groups = [rows_NL for rows_NL, _ in lines.rows(1_024)]
    assert [len(group) for group in groups] == [CELLS // 1_024] * 2 + [5_000 - 2 * (CELLS // 1_024)]
    assert not [group for group in groups if group.size > CELLS]
    assert len(next(lines.rows(2 * CELLS))[0]) == 1


def test_lines_are_selected_by_a_mask() -> None:
    lines = LineReader("test", "utf-8", "strict").lines(b"a\nbb\nccc\n")
    assert strings(lines.select(np.array([True, False, True]))) == ["a", "ccc"]


# Encodings


def test_a_bad_byte_is_named_with_its_line_and_remedies() -> None:
    with pytest.raises(CorpusError) as caught:
        read("Ana\nA\xf1es\n".encode("latin-1"))
    assert caught.value.message == "test.txt: line 2: byte 0xf1 is not valid UTF-8"
    assert "corpus.encoding=latin-1" in caught.value.remedy
    assert "corpus.errors=replace" in caught.value.remedy
    assert read("Ana\nA\xf1es\n".encode("latin-1"), "latin-1")[0] == ["Ana", "Añes"]


@pytest.mark.parametrize("place", [0, 1, 2, 1_000, 200_000, 399_999])
@pytest.mark.parametrize("head", [b"", BOM])
def test_the_line_of_a_bad_byte_is_right_in_any_block(place: int, head: bytes) -> None:
    pieces = [b"name\r", b"", b"nam", b"name of somebody"] * 100_000
    pieces[place] = b"na\xc3me"
    data = head + b"\n".join(pieces)
    assert len(data) > 2 * BLOCK_BYTES
    with pytest.raises(CorpusError, match=rf"^test\.txt: line {place + 1}: byte 0xc3 is not valid UTF-8\n"):
        read(data)


@pytest.mark.parametrize(
    "tail", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x91", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"]
)
def test_cut_overlong_and_surrogate_bytes_are_bad(tail: bytes) -> None:
    for data in (b"ok\n" + tail, b"ok\n" + tail + b"\nok\n"):
        with pytest.raises(CorpusError, match="line 2: byte 0x"):
            read(data)


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "cp1251", "koi8-r", "shift_jis", "gbk", "euc-kr", "big5", "ascii"]
)
def test_encodings_that_keep_line_feeds_apart_are_read(encoding: str) -> None:
    words = ["abc", "é", "ямы", "表示", "中文", "한국"]
    fitting = [word for word in words if word.encode(encoding, "ignore").decode(encoding) == word]
    assert read("\r\n".join(fitting).encode(encoding), encoding)[0] == fitting


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"])
def test_encodings_in_which_a_line_feed_is_no_byte_are_refused(encoding: str) -> None:
    with pytest.raises(
        CorpusError, match=rf"^corpus\.encoding is '{encoding}', in which a line feed is not one byte\n"
    ):
        LineReader("test", encoding, "strict")


@pytest.mark.parametrize("encoding", ["utf8x", "", "base64", "rot13", "undefined", "a\0b"])
def test_what_is_no_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(CorpusError, match=r"^corpus\.encoding is '.*': no such encoding\n"):
        LineReader("test", encoding, "strict")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_in_utf_16_are_not_read_as_something_else(encoding: str) -> None:
    with pytest.raises(CorpusError, match=r"the file is UTF-16|looks binary"):
        read("some\nwords\n".encode(encoding))


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^test\.txt: byte 4 is NUL: the file looks binary, not text\n"):
        read(b"\x7fELF\0\1\2\n")


# Sources


def test_a_file_and_its_gzip_give_the_same_lines(tmp_path: Path) -> None:
    data = BOM + "Añes\r\n\n李\nlast".encode() * 1_000
    plain, packed = tmp_path / "some.names.txt", tmp_path / "some.names.txt.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data[:700]) + gzip.compress(data[700:]))
    sources = [open_source(plain), open_source(str(packed))]
    assert read(sources[0])[0] == read(sources[1])[0] == plain_read(data, "utf-8", "strict")[0]
    assert [source.name for source in sources] == ["some.names", "some.names"]
    assert [source.label for source in sources] == [str(plain), str(packed)]


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    good = gzip.compress(bytes(range(65, 91)) * 5_000)
    for place, data in enumerate([good[:-9], good[:30] + b"\xff\xff" + good[32:], b"plain text\n", good + b"tail"]):
        file = tmp_path / f"{place}.gz"
        file.write_bytes(data)
        with pytest.raises(CorpusError, match=r"\.gz: the gzip data is damaged"):
            read(open_source(file))


def test_a_source_can_be_read_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes are made, over stdin too."""
    file = tmp_path / "lines.txt"
    file.write_bytes(b"one\ntwo\n" * (BLOCK_BYTES // 4))
    expected = ["one", "two"] * (BLOCK_BYTES // 4)
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        from_stdin = open_source("-")
    assert from_stdin.name == "stdin"
    for source in (open_source(file), open_source(expected), from_stdin):
        assert [read(source)[0] == expected for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("{folder}/absent.txt", r"absent\.txt: no such file or bundled corpus\nbundled corpora: "),
        ("wrods", r"^wrods: no such file or bundled corpus; did you mean 'words'\?\nbundled corpora: "),
        ("{folder}", r": is a folder\n"),
        ("{folder}/" + "n" * 5_000, r": cannot be read \("),
        ("a\0b", r"no such file or bundled corpus"),
        ("", r"is a folder|no such file"),
    ],
    ids=["absent", "misspelt", "folder", "long", "nul", "empty"],
)
def test_what_is_no_source_is_refused(corpus: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=message):
        open_source(corpus.format(folder=tmp_path))


def test_bundled_names_are_sources() -> None:
    source = open_source("words")
    assert (source.name, source.label) == ("words", "words")
    assert len(read(source)[0]) > 6_000


@given(st.lists(st.text(st.sampled_from(AWKWARD.replace("\r", "").replace("\ufeff", "")))))
def test_strings_are_lines(given_strings: list[str]) -> None:
    kept, reader = read(open_source(given_strings))
    assert kept == [string for string in given_strings if string]
    assert (reader.read, reader.empty) == (len(given_strings), given_strings.count(""))


def test_strings_that_are_no_lines_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"^string 1 has a line feed in it: 'a\\nb'$"):
        open_source(["ok", "a\nb"])
    with pytest.raises(CorpusError, match=r"^a string is not valid Unicode: surrogates not allowed$"):
        open_source(["ok", "\ud800"])
