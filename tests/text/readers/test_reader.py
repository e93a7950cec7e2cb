"""From bytes to lines: what splits, what is removed, what is decoded, and what is counted and noted."""

from __future__ import annotations

import codecs
import functools
import hashlib
import io
import itertools
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers import file_reader as reader_module
from seqgan_wgp.text.readers.open import Source, open_source
from seqgan_wgp.text.readers.reader import BLOCK_BYTES, LINE_BYTES, Reader

BOM = codecs.BOM_UTF8
AWKWARD = (
    "a\r\t \x0b\x0c\x1c\x85\u2028\u2029\N{NO-BREAK SPACE}\N{COMBINING ACUTE ACCENT}é李👩表ー\ufeff\ufffd\U0010ffff"
)

CASES = [
    ("utf-8", b""),
    ("utf-8", BOM),
    ("utf-8-sig", BOM),
    ("ascii", b""),
    ("cp1252", b""),
    ("shift_jis", b""),
    ("utf-16-le", b""),
    ("utf-16-be", codecs.BOM_UTF16_BE),
    ("utf-16", b""),
    ("utf-16", codecs.BOM_UTF16_LE),
    ("utf-16", codecs.BOM_UTF16_BE),
    ("utf-32", codecs.BOM_UTF32_LE),
    ("utf-32", codecs.BOM_UTF32_BE),
    ("iso2022_jp", b""),
    ("cp037", b""),
]
"""The encoding that is set, and what stands at the head of the file."""

EXAMPLES = 25
"""Of every case: Hypothesis draws others for each, so that together they are hundreds."""

each_case = pytest.mark.parametrize(("encoding", "head"), CASES, ids=lambda value: value if value else "")

texts = st.text(st.sampled_from("ab\r\n" + AWKWARD) | st.characters(exclude_categories=["Cs"]))

_BAD = [b"\xff", b"\xc3", b"\xf0\x9f", b"\x81", b"\n", b"\x25", b"\x00\xd8", b"\xd8\x00", b"\x00", b"\r", b"$"]
_ESCAPES = [b"\x1b", b"\x1b$B", b'$"', b"\x1b(B"]


class Plain(NamedTuple):
    """What plain reading gives."""

    lines: list[str]
    read: int
    empty: int
    bad: int


def source_of(data: bytes) -> Source:
    return Source(name="test", label="test.txt", open=lambda: io.BytesIO(data))


def read(data: bytes | Source, **changes: Any) -> tuple[list[str], Reader]:
    """Read lines, empty ones too, with those that come in parts put together again."""
    reader = Reader(source_of(data) if isinstance(data, bytes) else data, CorpusSettings(**changes))
    found: list[str] = []
    goes_on = False
    for lines in reader:
        assert lines.continued == goes_on
        strings = lines.strings()
        if lines.continued:
            found[-1] += strings.pop(0)
        found += strings
        goes_on = lines.goes_on
    assert not goes_on
    return found, reader


def as_plain(found: tuple[list[str], Reader]) -> Plain:
    lines, reader = found
    return Plain(lines, reader.read, reader.empty, reader.bad)


def plain_codec(encoding: str, data: bytes) -> tuple[str, bytes]:
    """Return the name of the encoding, byte order included, and the mark that is taken off at the head."""
    if encoding in ("utf-16", "utf-32"):
        big = codecs.BOM_UTF16_BE if encoding == "utf-16" else codecs.BOM_UTF32_BE
        encoding += "-be" if data.startswith(big) else "-le"
    encoding = encoding.removesuffix("-sig")
    return encoding, "\ufeff".encode(encoding) if encoding.startswith("utf-") else b""


def plain_split(data: bytes, feed: bytes) -> list[bytes]:
    pieces, piece = [], b""
    for place in range(0, len(data), len(feed)):
        unit = data[place : place + len(feed)]
        if unit == feed:
            pieces.append(piece)
        piece = b"" if unit == feed else piece + unit
    return pieces + [piece] * bool(piece)


def plain_read(data: bytes, encoding: str, errors: str) -> Plain:
    """The contract, written plainly: lines, and how many were read, were empty, were bad."""
    name, mark = plain_codec(encoding, data)
    pieces = plain_split(data.removeprefix(mark), "\n".encode(name))
    lines, bad = [], 0
    for piece in pieces:
        try:
            lines.append(piece.decode(name, "replace" if errors == "replace" else "strict").removesuffix("\r"))
        except UnicodeDecodeError:
            bad += 1
    return Plain(lines, len(pieces), lines.count(""), bad)


def is_refused(data: bytes, encoding: str) -> bool:
    """Whether the head says that the file is something else, which is another test."""
    name, _ = plain_codec(encoding, data)
    marks = {
        codecs.BOM_UTF32_LE: "utf-32",
        codecs.BOM_UTF32_BE: "utf-32",
        codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16",
    }
    is_of = next((wide for mark, wide in marks.items() if data.startswith(mark)), name)
    return not name.startswith(is_of) or (b"\0" in data and not name.startswith(("utf-16", "utf-32")))


@functools.cache
def good_bytes(encoding: str, head: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of text that is valid in the encoding; each character is written by itself."""
    name, _ = plain_codec(encoding, head)
    characters = [c for c in AWKWARD + "b" if c.encode(name, "ignore").decode(name) == c]
    pieces = [*(c.encode(name) for c in characters), *["\n".encode(name), "\r\n".encode(name)] * 3]
    return st.lists(st.sampled_from(pieces), max_size=40).map(lambda found: head + b"".join(found))


@functools.cache
def any_bytes(encoding: str, head: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of which some are text."""
    name, _ = plain_codec(encoding, head)
    escapes = _ESCAPES if name.startswith("iso2022") else []
    pieces = good_bytes(encoding, b"") | st.sampled_from(_BAD + escapes) | st.binary(max_size=4)
    return st.lists(pieces, max_size=8).map(lambda found: head + b"".join(found))


@contextmanager
def small_blocks(block_bytes: int, line_bytes: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader_module, "BLOCK_BYTES", block_bytes)
        patch.setattr(reader_module, "LINE_BYTES", line_bytes)
        yield


# Against the plain model


@given(texts)
@example("\n")
@example("\r")
@example("\r\n\r\n")
@example("\n\na")
@example("\ufeff")
@example("\ufeff\ufeffa")
def test_lines_are_those_of_the_plain_reader(text: str) -> None:
    data = text.replace("\0", "0").encode()
    assert as_plain(read(data)) == plain_read(data, "utf-8", "strict")


@each_case
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_good_bytes_are_read_as_by_the_plain_reader_in_every_encoding(
    encoding: str, head: bytes, data: st.DataObject
) -> None:
    given_bytes = data.draw(good_bytes(encoding, head))
    assume(not is_refused(given_bytes, encoding))
    expected = plain_read(given_bytes, encoding, "strict")
    assert expected.bad == 0
    for errors in ("strict", "replace", "skip"):
        assert as_plain(read(given_bytes, encoding=encoding, errors=errors)) == expected


@each_case
@settings(max_examples=EXAMPLES)
@given(data=st.data(), errors=st.sampled_from(["replace", "skip"]))
def test_bad_bytes_are_replaced_or_their_lines_skipped_in_every_encoding(
    encoding: str, head: bytes, errors: str, data: st.DataObject
) -> None:
    given_bytes = data.draw(any_bytes(encoding, head))
    if encoding == "iso2022_jp":
        given_bytes += b"\n"  # a last line of an escape alone is no line
    assume(not is_refused(given_bytes, encoding))
    expected = plain_read(given_bytes, encoding, errors)
    assert as_plain(read(given_bytes, encoding=encoding, errors=errors)) == expected


@pytest.mark.parametrize(
    "data", [b"\xff\n", b"\xff", b"a\n\xff", b"\xff\n\n", b"\xff\r\n\xffa\nb\n\xc3", b"\n\xff\n\n"]
)
def test_lines_with_bad_bytes_are_skipped(data: bytes) -> None:
    assert as_plain(read(data, errors="skip")) == plain_read(data, "utf-8", "skip")


@pytest.mark.parametrize("errors", ["strict", "replace", "skip"])
@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", "é".encode(), b"\xff", b"\xf0\x9f"])).map(b"".join))
def test_strict_raises_exactly_where_a_line_is_bad(errors: str, data: bytes) -> None:
    lines = data.split(b"\n")
    bad = next((number for number, line in enumerate(lines, 1) if "\ufffd" in line.decode("utf-8", "replace")), None)
    if errors == "strict" and bad:
        with pytest.raises(CorpusError, match=rf"^test\.txt: line {bad}: byte 0x.. is not valid UTF-8\n"):
            read(data)
    else:
        assert as_plain(read(data, errors=errors)) == plain_read(data, "utf-8", errors)


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
        (b"\n\r\n\n", ["", "", ""]),
        (b"a\n\nb", ["a", "", "b"]),
    ],
)
def test_only_a_line_feed_splits(data: bytes, expected: list[str]) -> None:
    assert read(data)[0] == expected


def test_counts_of_empty_lines() -> None:
    _, reader = read(b"a\n\n\r\nb\n\n")
    assert (reader.read, reader.empty, reader.bad) == (5, 3, 0)


# Blocks


@each_case
@settings(max_examples=EXAMPLES)
@given(data=st.data(), errors=st.sampled_from(["strict", "replace", "skip"]), block_bytes=st.integers(4, 16))
def test_blocks_leave_no_trace(encoding: str, head: bytes, errors: str, data: st.DataObject, block_bytes: int) -> None:
    given_bytes = data.draw(good_bytes(encoding, head) if errors == "strict" else any_bytes(encoding, head))
    assume(not is_refused(given_bytes, encoding))
    expected, reader = read(given_bytes, encoding=encoding, errors=errors)
    with small_blocks(block_bytes, LINE_BYTES):
        found, again = read(given_bytes, encoding=encoding, errors=errors)
    assert found == expected
    assert (again.read, again.empty, again.bad) == (reader.read, reader.empty, reader.bad)
    assert (again.bytes, again.sha256) == (reader.bytes, reader.sha256)
    assert (again.bom, again.carriage_returns, again.codec) == (reader.bom, reader.carriage_returns, reader.codec)


@each_case
@settings(max_examples=EXAMPLES)
@given(data=st.data(), block_bytes=st.integers(4, 16), line_bytes=st.integers(8, 24))
def test_the_parts_of_a_line_together_are_the_line_in_every_encoding(
    encoding: str, head: bytes, data: st.DataObject, block_bytes: int, line_bytes: int
) -> None:
    """Wherever it is cut: in a character, in an escape, between carriage return and line feed."""
    given_bytes = data.draw(good_bytes(encoding, head))
    assume(not is_refused(given_bytes, encoding))
    expected = plain_read(given_bytes, encoding, "strict")
    returns = read(given_bytes, encoding=encoding)[1].carriage_returns
    for errors in ("strict", "replace", "skip"):
        with small_blocks(block_bytes, line_bytes):
            found, reader = read(given_bytes, encoding=encoding, errors=errors)
        assert found == expected.lines
        assert (reader.read, reader.bad, reader.carriage_returns) == (expected.read, 0, returns)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "shift_jis", "utf-16-le", "cp037"])
@settings(max_examples=EXAMPLES)
@given(data=st.data(), block_bytes=st.integers(4, 16), line_bytes=st.integers(8, 24))
def test_bad_bytes_in_parts_of_a_line_are_replaced_as_in_the_whole(
    encoding: str, data: st.DataObject, block_bytes: int, line_bytes: int
) -> None:
    given_bytes = data.draw(any_bytes(encoding, b""))
    assume(not is_refused(given_bytes, encoding))
    with small_blocks(block_bytes, line_bytes):
        found = as_plain(read(given_bytes, encoding=encoding, errors="replace"))
    assert found == plain_read(given_bytes, encoding, "replace")


def test_of_a_line_in_parts_only_the_bad_bytes_are_skipped() -> None:
    """Its first part has gone out when a later one proves bad; the lines around it are read as ever."""
    long = b"abcdefgh" * 5
    lines = [b"one", b"tw\xff", long[:20] + b"\xff" + long[20:], b"three", b"\xff", b"\xff" * 40, b"four"]
    with small_blocks(8, 16):
        found = as_plain(read(b"\n".join(lines), errors="skip"))
    assert found == Plain(["one", long.decode(), "three", "", "four"], 7, 1, 2)


def test_a_line_in_parts_is_whole_for_any_size_of_its_last_part() -> None:
    for size, end, line_bytes in itertools.product(range(60), ["", "\n", "\r\n", "\r"], [8, 12, 17]):
        line = "".join(itertools.islice(itertools.cycle("aé李👩"), size))
        with small_blocks(8, line_bytes):
            found = read(f"first\n{line}{end}".encode())[0]
        assert found == ["first", line] if line or end else ["first"]


@pytest.mark.parametrize("away", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("character", "encoding"), [("a", "utf-8"), ("é", "utf-8"), ("👩", "utf-8"), ("👩", "utf-16-be")]
)
def test_the_end_of_a_block_cannot_be_seen(away: int, end: str, character: str, encoding: str) -> None:
    """A character, a CRLF and a line that lie across it are whole."""
    line = character * 50 + end
    size = len(line.encode(encoding))
    head = "x" * (BLOCK_BYTES % size + away + 100) + end
    text = head + line * (2 * BLOCK_BYTES // size + 3)
    kept, reader = read(text.encode(encoding), encoding=encoding)
    assert kept == text.replace("\r", "").split("\n")[:-1]
    assert reader.read == len(kept)


def test_a_line_may_be_longer_than_blocks() -> None:
    long = "aé李" * (BLOCK_BYTES // 2)
    assert 2 * BLOCK_BYTES < len(long.encode()) < LINE_BYTES
    assert read(f"x\n{long}\ny".encode())[0] == ["x", long, "y"]
    assert read(long.encode())[0] == [long]


def test_blocks_are_whole_lines_of_bounded_size() -> None:
    data = b"abcdefg\n" * (3 * BLOCK_BYTES // 8)
    blocks = list(Reader(source_of(BOM + data), CorpusSettings()))
    assert sum(len(lines.sizes_N) for lines in blocks) == 3 * BLOCK_BYTES // 8
    assert len(blocks) >= 3
    assert not [lines for lines in blocks if lines.goes_on or lines.continued]
    assert all(len(lines.units_M) <= BLOCK_BYTES + 8 for lines in blocks)


def test_a_line_that_is_too_long_comes_in_parts_of_bounded_size() -> None:
    long = "aé李" * BLOCK_BYTES
    assert len(long.encode()) > LINE_BYTES
    data = f"x\n{long}\r\ny\n\n".encode()
    blocks = list(Reader(source_of(data), CorpusSettings()))
    assert [(lines.continued, lines.goes_on) for lines in blocks] == [
        (False, False),
        (False, True),
        (True, False),
        (False, False),
    ]
    assert all(len(lines.units_M) <= LINE_BYTES for lines in blocks)
    found, reader = read(data)
    assert found == ["x", long, "y", ""]
    assert (reader.read, reader.empty, reader.carriage_returns) == (4, 1, 1)


def test_memory_does_not_grow_with_a_line(tmp_path: Path) -> None:
    """A file of 200 MB that is one line."""
    file = tmp_path / "long.txt"
    with file.open("wb") as stream:
        for _ in range(200):
            stream.write(b"abcdefgh" * 125_000)
    program = f"""
import re, resource
from pathlib import Path
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.readers.open import open_source
reader = Reader(open_source({str(file)!r}), CorpusSettings())
print(sum(int(lines.sizes_N.sum()) for lines in reader), reader.read)
status = Path("/proc/self/status")  # getrusage says, at least, what the process had that started this one
peak = re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1] if status.exists() else 0
print(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    units, lines, kibibytes = map(int, done.stdout.split())
    assert (units, lines) == (200_000_000, 1)
    assert kibibytes * 1024 < 400_000_000 or sys.platform == "darwin"


# Encodings


def test_a_bad_byte_is_named_with_its_line_and_remedies() -> None:
    with pytest.raises(CorpusError) as caught:
        read("Ana\nA\xf1es\n".encode("latin-1"))
    assert caught.value.message == "test.txt: line 2: byte 0xf1 is not valid UTF-8"
    assert "corpus.encoding=latin-1" in caught.value.remedy
    assert "corpus.errors=replace" in caught.value.remedy
    assert read("Ana\nA\xf1es\n".encode("latin-1"), encoding="latin-1")[0] == ["Ana", "Añes"]


@pytest.mark.parametrize("place", [0, 1, 2, 1_000, 200_000, 399_999])
@pytest.mark.parametrize("head", [b"", BOM])
def test_the_line_of_a_bad_byte_is_right_in_any_block(place: int, head: bytes) -> None:
    pieces = [b"name\r", b"", b"nam", b"name of somebody"] * 100_000
    pieces[place] = b"na\xc3me"
    data = head + b"\n".join(pieces)
    assert len(data) > 2 * BLOCK_BYTES
    with pytest.raises(CorpusError, match=rf"^test\.txt: line {place + 1}: byte 0xc3 is not valid UTF-8\n"):
        read(data)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("at", [0, 7, 23, 39])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_line_of_a_bad_byte_is_right_among_lines_in_parts(place: int, at: int, encoding: str) -> None:
    name, bad = ("utf-8", b"\xff") if encoding == "utf-8" else ("utf-16-le", b"\x00\xdc")
    lines = [line.encode(name) for line in ["a" * 40, "a" * 40, "b", "", "é" * 40, "d"]]
    cut = at * len("\n".encode(name))
    lines[place] = lines[place][:cut] + bad + lines[place][cut:]
    message = rf"^test\.txt: line {place + 1}: byte 0x.. is not valid {name.upper()}\n"
    with small_blocks(8, 16), pytest.raises(CorpusError, match=message):
        read("\n".encode(name).join(lines), encoding=encoding)


@pytest.mark.parametrize(
    "tail", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x91", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"]
)
def test_cut_overlong_and_surrogate_bytes_are_bad(tail: bytes) -> None:
    for data in (b"ok\n" + tail, b"ok\n" + tail + b"\nok\n"):
        with pytest.raises(CorpusError, match="line 2: byte 0x"):
            read(data)


@pytest.mark.parametrize(
    ("encoding", "tail"),
    [
        ("utf-16-le", b"\x00\xd8"),
        ("utf-16-le", b"\x00\xdc"),
        ("utf-16-be", b"a"),
        ("utf-32-le", b"\x00\xd8\x00\x00"),
        ("utf-32-be", b"\x00\x11\x00\x00"),
        ("utf-32-le", b"a\x00\x00"),
    ],
)
def test_cut_and_surrogate_units_of_wide_encodings_are_bad(encoding: str, tail: bytes) -> None:
    with pytest.raises(CorpusError, match=rf"line 2: byte 0x.. is not valid {encoding.upper()}\n"):
        read("ok\n".encode(encoding) + tail, encoding=encoding)


@pytest.mark.parametrize(
    "encoding",
    [
        *[
            "latin-1",
            "cp1252",
            "cp1251",
            "koi8-r",
            "shift_jis",
            "gbk",
            "gb18030",
            "euc-kr",
            "big5",
            "ascii",
            "utf-8-sig",
        ],
        *["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
        *["iso2022_jp", "iso2022_jp_2", "shift_jis_2004", "cp037", "cp500", "hz", "utf-7"],
    ],
)
def test_encodings_in_which_lines_can_be_told_apart_are_read(encoding: str) -> None:
    words = ["abc", "é", "ямы", "表示", "ĊਊĀ", "中文", "한국", "👩"]
    fitting = [word for word in words if word.encode(encoding, "ignore").decode(encoding) == word]
    assert read("\r\n".join(fitting).encode(encoding), encoding=encoding)[0] == fitting


@pytest.mark.parametrize(("encoding", "escaped"), [("iso2022_jp", "表示"), ("hz", "中文"), ("utf-7", "é")])
def test_escapes_of_ascii_bytes_are_decoded(encoding: str, escaped: str) -> None:
    data = f"a\n{escaped}\nb\n".encode(encoding)
    assert data.isascii()
    assert read(data, encoding=encoding)[0] == ["a", escaped, "b"]


@pytest.mark.parametrize("errors", ["replace", "skip"])
@pytest.mark.parametrize(
    "data", [b'\x1b$B$"\n$"\n\x1b(Ba\n', b'a\n\x1b$B$"\n\x1b$B$"\x1b(B\n$"\n', b"a\x1b\nb\nc\n", b'$"\n\xff\n$"\n']
)
def test_an_escape_holds_to_the_end_of_its_line(data: bytes, errors: str) -> None:
    """A line means the same whatever stands before it, and so wherever blocks end."""
    expected = plain_read(data, "iso2022_jp", errors)
    for block_bytes in (4, BLOCK_BYTES):
        with small_blocks(block_bytes, LINE_BYTES):
            assert as_plain(read(data, encoding="iso2022_jp", errors=errors)) == expected


@pytest.mark.parametrize(("encoding", "feed"), [("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n"), ("utf-32-be", b"\n")])
def test_a_line_feed_across_two_characters_is_none(encoding: str, feed: bytes) -> None:
    """The bytes of a feed within and across characters, as in Gurmukhi, where U+0A00 is near."""
    words = ["\u0a05\u0a4d\u0100", "\u010a\u0a00\u0a0a\u000b", "a\u0a00\u0a00"]
    data = "\n".join(words).encode(encoding)
    assert data.count(feed) > 2
    with small_blocks(4, 64):
        assert read(data, encoding=encoding)[0] == words


@pytest.mark.parametrize("encoding", ["iso2022_kr", "punycode", "unicode_escape"])
def test_encodings_in_which_lines_cannot_be_told_apart_are_refused(encoding: str) -> None:
    with pytest.raises(CorpusError, match=rf"^corpus\.encoding is '{encoding}', which cannot be split into lines\n"):
        Reader(source_of(b""), CorpusSettings(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf8x", "", "base64", "rot13", "undefined", "a\0b"])
def test_what_is_no_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(CorpusError, match=r"^corpus\.encoding is '.*': no such encoding\n"):
        Reader(source_of(b""), CorpusSettings(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "shift_jis", "latin-1"])
@pytest.mark.parametrize("written", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_files_in_wide_encodings_are_not_read_as_something_else(written: str, encoding: str) -> None:
    with pytest.raises(CorpusError, match=r"the file is UTF-(16|32)\n|looks binary"):
        read("some\nwords\n".encode(written), encoding=encoding)


@pytest.mark.parametrize(("written", "encoding"), [("utf-32", "utf-16"), ("utf-16", "utf-32"), ("utf-16", "cp037")])
def test_the_mark_of_a_wide_encoding_is_believed(written: str, encoding: str) -> None:
    """That of UTF-32 begins with that of UTF-16."""
    with pytest.raises(CorpusError, match=rf"^test\.txt: the file is {written.upper()}\n"):
        read("some\nwords\n".encode(written), encoding=encoding)


@pytest.mark.parametrize("written", ["utf-16", "utf-32"])
def test_the_remedy_for_a_file_in_a_wide_encoding_is_the_right_one(written: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read("some\nwords\n".encode(written))
    assert caught.value.message == f"test.txt: the file is {written.upper()}"
    assert caught.value.remedy.endswith(f"corpus.encoding={written}")
    assert read("some\nwords\n".encode(written), encoding=written)[0] == ["some", "words"]


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^test\.txt: byte 4 is NUL: the file looks binary, not text\n") as caught:
        read(b"\x7fELF\0\1\2\n")
    assert "corpus.unit=byte" in caught.value.remedy


def test_the_encoding_of_the_source_comes_before_that_of_the_settings() -> None:
    source = Source(name="test", label="test.txt", open=lambda: io.BytesIO(b"A\xf1es"), encoding="latin-1")
    assert read(source)[0] == ["Añes"]


def test_what_is_not_unicode_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^test\.txt: utf-7 gives what is not Unicode \(surrogates not allowed\)$"):
        read(b"ok\n+2AA-\n", encoding="utf-7")


# Bytes as units


@given(st.binary() | any_bytes("utf-8", b"") | any_bytes("utf-8", BOM), st.integers(4, 16), st.integers(8, 24))
@example(b"\xff\0\n\xc3\r\n\n\0", 4, 8)
def test_bytes_as_units_are_the_bytes_as_they_are(data: bytes, block_bytes: int, line_bytes: int) -> None:
    """Valid text or not, NUL too."""
    expected = [line.removesuffix(b"\r").decode("latin-1") for line in plain_split(data.removeprefix(BOM), b"\n")]
    lines, reader = read(data, unit="byte")
    assert lines == expected
    assert (reader.read, reader.empty, reader.bad) == (len(expected), expected.count(""), 0)
    with small_blocks(block_bytes, line_bytes):
        assert read(data, unit="byte")[0] == expected
        assert all(found.units_M.dtype == np.uint8 for found in Reader(source_of(data), CorpusSettings(unit="byte")))


@pytest.mark.parametrize("block_bytes", [4, 6, 1 << 20])
def test_bytes_as_units_end_at_the_byte_of_a_line_feed_whatever_the_encoding(block_bytes: int) -> None:
    data = "aĊਊ\nb\n".encode("utf-16-le")
    with small_blocks(block_bytes, LINE_BYTES):
        lines, _ = read(data, unit="byte", encoding="utf-16")
    assert [line.encode("latin-1") for line in lines] == data.split(b"\n")


def test_text_of_ascii_stays_bytes() -> None:
    dtypes = {text: next(iter(Reader(source_of(text.encode()), CorpusSettings()))).units_M.dtype for text in ("a", "é")}
    assert dtypes == {"a": np.uint8, "é": np.uint32}


# Normal forms


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@given(
    st.lists(
        st.text(
            st.sampled_from("e\u0301é\u1100\u1161\uac00ﬁ①Å\u212b\u0323\u0307")
            | st.characters(exclude_categories=["Cs", "Cc"])
        )
    )
)
def test_lines_are_brought_to_a_normal_form(form: Literal["NFC", "NFD", "NFKC", "NFKD"], lines: list[str]) -> None:
    expected = [unicodedata.normalize(form, line) for line in lines]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert read(BOM + data, normalize=form.lower())[0] == expected
    # Few strings that look like patterns of paths would be taken for inputs.
    assert read(open_source([*lines, *(["x"] * 16)]), normalize=form.lower())[0] == [*expected, *(["x"] * 16)]
    with small_blocks(4, LINE_BYTES):
        assert read(BOM + data, normalize=form.lower())[0] == expected


def test_no_normal_form_is_asked_for_unless_set() -> None:
    assert read("e\u0301\né\nﬁ\n".encode())[0] == ["e\u0301", "é", "ﬁ"]


# Limits


@given(
    st.lists(st.sampled_from(["", "a", "é", "aé" * 7, "aé" * 12, "a" * 40])),
    st.integers(1, 12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(4, 16),
    st.integers(8, 24),
)
def test_the_limit_is_the_first_so_many_lines_that_are_not_empty(
    lines: list[str], limit: int, end: str, last_end: bool, block_bytes: int, line_bytes: int
) -> None:
    """A line in parts is one of them, and whole."""
    data = end.join(lines).encode() + end.encode() * last_end
    every, _ = read(data)
    filled = [place for place, line in enumerate(every) if line]
    expected = every[: filled[limit - 1] + 1] if len(filled) >= limit else every
    assert as_plain(read(data, limit=limit)) == Plain(expected, len(expected), expected.count(""), 0)
    with small_blocks(block_bytes, line_bytes):
        assert as_plain(read(data, limit=limit)) == Plain(expected, len(expected), expected.count(""), 0)


def test_the_limit_holds_for_strings_too() -> None:
    found = as_plain(read(open_source(["a", "", "b\n", "", "c"]), limit=2))
    assert found == Plain(["a", "", "b\n"], 3, 1, 0)


def test_what_is_behind_the_limit_is_not_read() -> None:
    sizes: list[int] = []
    data = b"line\n" * BLOCK_BYTES
    reader = Reader(source_of(data), CorpusSettings(limit=10), sizes.append)
    assert sum(len(lines.sizes_N) for lines in reader) == 10
    assert len(sizes) == 1


# What is noted


@each_case
@settings(max_examples=20)
@given(data=st.data())
def test_the_fingerprint_is_of_the_bytes_without_their_mark(encoding: str, head: bytes, data: st.DataObject) -> None:
    given_bytes = data.draw(good_bytes(encoding, head))
    assume(not is_refused(given_bytes, encoding))
    name, mark = plain_codec(encoding, given_bytes)
    has_mark = bool(mark) and given_bytes.startswith(mark)
    for block_bytes, line_bytes in ((4, 8), (1 << 20, 1 << 22)):
        with small_blocks(block_bytes, line_bytes):
            _, reader = read(given_bytes, encoding=encoding)
        assert reader.sha256 == hashlib.sha256(given_bytes.removeprefix(mark)).hexdigest()
        assert reader.bom == has_mark
        assert (
            reader.codec is None if not given_bytes else reader.codec and reader.codec.name == codecs.lookup(name).name
        )


def test_the_fingerprint_of_strings_is_that_of_their_file() -> None:
    assert read(open_source(["a", "é", ""]))[1].sha256 == hashlib.sha256("a\né\n\n".encode()).hexdigest()


@pytest.mark.parametrize("head", [b"", BOM])
@pytest.mark.parametrize("data", [b"some\nlines\n" * 20, b"some\nlines" * 20, b"x" * 300, b"x", b""])
def test_progress_grows_to_the_size(head: bytes, data: bytes) -> None:
    seen: list[int] = []
    with small_blocks(16, 64):
        list(Reader(source_of(head + data), CorpusSettings(), seen.append))
    assert seen == sorted(set(seen))
    assert len(seen) >= len(data) // 80
    assert seen[-1:] == [len(head + data)] * bool(data)


@pytest.mark.parametrize(
    ("data", "returns"),
    [
        (b"a\nb\n", 0),
        (b"a\r\nb\r\n", 2),
        (b"a\r\nb\n\r\n", 2),
        (b"a\r\r\nb\rc\n", 1),
        (b"a\r", 1),
        (b"\n\r", 1),
        (b"", 0),
    ],
)
def test_carriage_returns_that_are_removed_are_counted(data: bytes, returns: int) -> None:
    assert read(data)[1].carriage_returns == returns
    with small_blocks(4, 8):
        assert read(b"x" * 30 + data)[1].carriage_returns == returns


def test_a_mark_is_noted() -> None:
    assert [read(head + b"a")[1].bom for head in (b"", BOM)] == [False, True]
    assert not read(b"a\n" + BOM)[1].bom
