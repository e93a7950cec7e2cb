"""The first pass: layout, length, alphabet and counts, what is few, what is refused, and what is warned of."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.corpus.scan import MAX_LENGTH, MIN_DISTINCT, SIZES, FirstPass, decide_layout, scan
from seqgan_wgp.text.corpus.stats import DISTINCT_FEW
from seqgan_wgp.text.readers.reader import BLOCK_BYTES, LINE_BYTES, Reader
from seqgan_wgp.text.vocabulary import BYTES

from ..corpora import batches_of, blocks_of, made_lines, made_text, plain_rows, scanned, source_of

# Length


@pytest.mark.parametrize(("longer", "expected"), [(9, 8), (10, 8), (11, 16)])
def test_the_length_holds_99_lines_of_100_and_is_rounded_up(longer: int, expected: int) -> None:
    lines = [line + "xyz" for line in made_lines(1_000 - longer)] + [line + "uvxyz" for line in made_lines(longer)]
    facts = scanned(lines + [""] * 500).facts
    assert facts.length == expected
    assert facts.cropped == (longer if expected == 8 else 0)


@given(st.lists(st.integers(1, 80), min_size=16, max_size=300))
@settings(max_examples=40)
def test_the_length_is_the_least_that_holds_them(sizes: list[int]) -> None:
    lines = [f"{place:03d}".ljust(size, "x")[:size] for place, size in enumerate(sizes)] + made_lines(16)
    lengths = sorted(map(len, lines))
    holding = lengths[-(-len(lines) * 99 // 100) - 1]
    assert scanned(lines).facts.length == min(next(n for n in range(8, 200, 8) if n >= holding), MAX_LENGTH)


def test_the_length_is_at_most_64_unless_asked_for() -> None:
    lines = [line * 20 for line in made_lines(50)]
    assert scanned(lines).facts.length == MAX_LENGTH == 64
    assert scanned(lines, length=100).facts.length == 100
    assert scanned(lines, length=100).facts.cropped == 0


# Alphabet


sizes_around = st.integers(1, 18) | st.sampled_from([63, 64, 65, 80])


@st.composite
def lines_with_rare_characters(draw: st.DrawFn) -> list[str]:
    """Common lines and a few in which one character is rare, at any place."""
    lines = made_lines(draw(st.sampled_from([MIN_DISTINCT, 1_500])))
    for rare in draw(st.lists(st.sampled_from("éßñ李王👩🚀XYZ"), max_size=12)):
        size = draw(sizes_around)
        place = draw(st.integers(0, size - 1))
        line = "a" * place + rare + "a" * (size - 1 - place)
        lines.insert(draw(st.integers(0, len(lines))), line)
    return lines


@pytest.mark.parametrize("long", ["crop", "drop", "chunk"])
@settings(max_examples=50)
@given(lines=lines_with_rare_characters(), length=st.sampled_from([None, 5, 8, 9, 16, 64]), group=st.integers(25, 700))
def test_the_alphabet_is_that_of_the_rows(long: str, lines: list[str], length: int | None, group: int) -> None:
    """No character of it is in no row, wherever it stands in the lines, and in whatever blocks these come."""
    data = "".join(line + "\n" for line in lines).encode()
    batches = [lines[first : first + group] for first in range(0, len(lines), group)]
    found = scanned(data, length=length, overflow=long)
    expected = "".join(sorted(set("".join(plain_rows(lines, found.facts.length, long)))))
    assert found.vocabulary.characters == expected
    assert found.facts.alphabet == len(expected)
    assert scanned(batches_of(batches), length=length, overflow=long).vocabulary.characters == expected


@pytest.mark.parametrize(("long", "held"), [("crop", 5), ("drop", 0), ("chunk", 200)])
def test_a_line_read_in_parts_counts_as_one(long: str, held: int) -> None:
    """Parts behind the first lie behind every crop."""
    different = "".join(map(chr, range(0x4E00, 0x4E00 + 200)))
    data = "\n".join([*made_lines(50), different, *made_lines(50)]).encode()
    with blocks_of(16):
        facts = (found := scanned(data, length=5, overflow=long)).facts
    assert found.vocabulary.characters == "".join(sorted(set("".join(made_lines(50))))) + different[:held]
    assert (facts.read, facts.cropped + facts.dropped + facts.chunked) == (101, 1)


def test_a_line_feed_is_a_character_where_strings_have_it() -> None:
    assert "\n" in scanned([*made_lines(50), "ab\ncd"]).vocabulary.characters
    assert "\n" not in scanned([*made_lines(50), "abcde\n"], length=5).vocabulary.characters
    assert "\n" not in scanned("\n".join(made_lines(50)).encode()).vocabulary.characters


def test_only_what_is_kept_counts_for_the_alphabet() -> None:
    lines = [*made_lines(50), "李" * 9]
    assert "李" not in scanned(lines, length=5, overflow="drop").vocabulary.characters
    assert "é" not in scanned([*made_lines(50), "abcdeé"], length=5).vocabulary.characters


def test_the_alphabet_of_bytes_is_all_of_them() -> None:
    found = scanned(made_lines(50), unit="byte", max_alphabet=1)
    assert found.vocabulary.characters == BYTES
    assert found.facts.alphabet == 256


# Layout


def filled_and_empty(filled: int, empty: int, size: int, *, shorter: int = 0) -> bytes:
    """So many lines of `size` letters, some of them shorter by one, and so many empty ones."""
    lines = [made_text(size)[place < shorter :] for place in range(filled)]
    return "".join(line + "\n" for line in lines + [""] * empty).encode()


PARAGRAPHS = filled_and_empty(380, 20, 50)

LAYOUTS: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "one line in twenty empty": (PARAGRAPHS, {}, "windows"),
    "fewer empty": (filled_and_empty(381, 20, 50), {}, "lines"),
    "none empty": (filled_and_empty(400, 0, 50), {}, "lines"),
    "two lines to an empty one": (filled_and_empty(200, 100, 50), {}, "windows"),
    "fewer than two": (filled_and_empty(200, 101, 50), {}, "lines"),
    "every other line empty": (filled_and_empty(200, 200, 50), {}, "lines"),
    "lines of 20": (filled_and_empty(500, 50, 20), {}, "windows"),
    "lines of just under 20": (filled_and_empty(500, 50, 20, shorter=1), {}, "lines"),
    "8,192 characters": (filled_and_empty(312, 32, 25)[:-1] + b"a" * 48 + b"\n", {}, "windows"),
    "8,191 characters": (filled_and_empty(312, 32, 25)[:-1] + b"a" * 47 + b"\n", {}, "lines"),
    "enough for short windows": (filled_and_empty(100, 10, 25), {"length": 20}, "windows"),
    "too little for longer ones": (filled_and_empty(100, 10, 25), {"length": 21}, "lines"),
    "lines of 1,000": (filled_and_empty(10, 0, 1_000), {}, "windows"),
    "lines of just under 1,000": (filled_and_empty(10, 0, 1_000, shorter=1), {}, "lines"),
    "one line": (b"a" * 8_191, {}, "windows"),
    "one short line": (b"a" * 8_190, {}, "lines"),
    "a line in parts": (b"a" * 10 * BLOCK_BYTES, {}, "windows"),
    "line ends of two bytes": (PARAGRAPHS.replace(b"\n", b"\r\n"), {}, "windows"),
    "bytes": (PARAGRAPHS, {"unit": "byte"}, "windows"),
    "long lines to be dropped": (PARAGRAPHS, {"overflow": "drop"}, "lines"),
    "long lines to be cut in pieces": (PARAGRAPHS, {"overflow": "chunk"}, "lines"),
    "lines, as set": (PARAGRAPHS, {"layout": "lines"}, "lines"),
    "windows, as set": (filled_and_empty(400, 0, 50), {"layout": "windows"}, "windows"),
    "windows, as set, whatever long says": (PARAGRAPHS, {"layout": "windows", "overflow": "chunk"}, "windows"),
}


@pytest.mark.parametrize("what", LAYOUTS)
def test_text_in_paragraphs_or_without_lines_is_running_text(what: str) -> None:
    data, changes, expected = LAYOUTS[what]
    corpus_settings = CorpusSettings(**changes)
    tally = FirstPass(source_of(data), corpus_settings)
    for lines in Reader(source_of(data), corpus_settings):
        tally.add(lines)
    assert decide_layout(corpus_settings, tally) == expected


def test_the_settings_of_a_scan_have_nothing_open() -> None:
    text = "\n\n".join(made_text(40 + number) for number in range(150)).replace(" ", "\n")
    found = scanned(text.encode(), layout="windows")
    assert (found.settings.layout, found.settings.length, found.facts.windows > 1) == ("windows", 64, True)
    found = scanned(made_lines(50))
    assert (found.settings.layout, found.settings.length, found.facts.windows) == ("lines", 8, 1)


@pytest.mark.parametrize("length", [1, 10, 64])
@pytest.mark.parametrize(
    ("times", "less", "stretch"), [(2, 0, 2), (3, 1, 2), (3, 0, 3), (16, 1, 15), (16, 0, 16), (17, 0, 16), (40, 0, 16)]
)
def test_little_text_is_laid_out_in_shorter_stretches(length: int, times: int, less: int, stretch: int) -> None:
    """At least 64 of them, each of two windows side by side or more."""
    units = 64 * times * length - less
    facts = scanned(made_text(units - 1).encode(), layout="windows", length=length).facts
    assert facts.span == stretch * length
    assert facts.windows == facts.span - length + 1 > 1
    assert facts.rows == units // facts.span
    assert facts.items(facts.rows) == facts.rows * stretch
    assert facts.rows >= 64


@pytest.mark.parametrize("length", [1, 10, 64])
def test_too_little_text_for_windows_is_refused(length: int) -> None:
    message = (
        rf"^test\.txt: {128 * length - 1:,} characters are too few for windows of {length}\n"
        rf"at least {128 * length:,} are needed"
    )
    with pytest.raises(CorpusError, match=message):
        scanned(made_text(128 * length - 2).encode(), layout="windows", length=length)


def test_the_alphabet_of_running_text_has_the_line_feed_and_all_characters() -> None:
    data = (made_text(20_000) + "é" + made_text(20_000)).encode()
    for size in (BLOCK_BYTES, 512):
        with blocks_of(size):
            assert scanned(data, layout="windows").vocabulary.characters == "\n abcdefghé"


# Counts


@pytest.mark.parametrize("number", [DISTINCT_FEW - 1, DISTINCT_FEW, DISTINCT_FEW + 1])
def test_few_is_counted_exactly(number: int) -> None:
    distinct = scanned(made_lines(number) * 2).facts.distinct
    assert distinct == (number if number < DISTINCT_FEW else None)


def test_few_is_counted_of_what_becomes_of_lines() -> None:
    """Of rows, not of lines: behind the crop, or dropped, lines may differ as they like; pieces may be many."""
    lines = made_lines(2_000)
    behind = [line * 13 + other for line, other in zip(lines[:50] * 40, lines, strict=True)]
    assert scanned(behind).facts.distinct == 50
    short = made_lines(500) * 100
    assert scanned(short + [made_lines(1)[0] + "xyz" + line for line in lines[:450]]).facts.distinct == 501
    assert scanned(lines[:50] * 40 + behind, length=5, overflow="drop").facts.distinct == 50
    long = ["".join(lines[first : first + 20]) for first in range(0, 2_000, 20)]
    assert scanned(long, length=5, overflow="chunk").facts.distinct is None
    assert scanned("".join(lines).encode(), layout="windows", length=5).facts.distinct == 10_001 // 80
    assert scanned(("".join(lines) * 9).encode(), layout="windows", length=5).facts.distinct == 125
    assert scanned(made_text(100_000).encode(), layout="windows", length=5).facts.distinct is None


@pytest.mark.parametrize("size", [SIZES - 1, SIZES, SIZES + 1, 3 * SIZES, 9 * BLOCK_BYTES])
def test_pieces_of_the_longest_lines_are_counted(size: int) -> None:
    """A line of more than 4 MiB is read in parts, and each part cut in pieces."""
    data = b"\n".join([*(line.encode() for line in made_lines(50)), b"x" * size, b"tail"])
    facts = scanned(data, length=64, overflow="chunk").facts
    assert 0 <= facts.rows - 51 - -(-size // 64) <= size // LINE_BYTES
    assert (facts.read, facts.kept, facts.chunked) == (52, 52, 1)


def test_progress_is_told_in_bytes_of_the_text() -> None:
    data = "\n".join(made_lines(60_000) * 8).encode()
    told: list[int] = []
    scan(source_of(data), CorpusSettings(), told.append)
    assert told == sorted(set(told))
    assert len(told) >= 3
    assert told[-1] == len(data)


def test_the_sha256_is_of_the_text_without_its_byte_order_mark(tmp_path: Path) -> None:
    """Packed or not, marked or not: the same text has the same sum, that of `sha256sum` on the plain file."""
    data = "\n".join(made_lines(60_000) * 5).encode() + b"\n\xc3\xa9"
    assert len(data) > BLOCK_BYTES
    plain, marked, packed = tmp_path / "plain.txt", tmp_path / "marked.txt", tmp_path / "packed.txt.gz"
    plain.write_bytes(data)
    marked.write_bytes(b"\xef\xbb\xbf" + data)
    packed.write_bytes(gzip.compress(data, 1))
    expected = hashlib.sha256(data).hexdigest()
    assert [scanned(file).facts.sha256 for file in (plain, marked, packed)] == [expected] * 3


# What is refused, what is warned of


def test_every_problem_has_its_warning() -> None:
    lines = made_lines(2_000)
    assert scanned(lines).facts.warnings() == []
    assert scanned(lines[:300]).facts.warnings() == [
        "only 300 distinct lines: batches repeat them, and the model may memorise them"
    ]
    longer = [line + "x" for line in lines[:100]]
    assert scanned(lines + longer, length=5).facts.warnings() == [
        "100 of 2,100 lines (4.8%) are cropped to 5 characters"
    ]
    assert scanned(lines + longer, length=5, overflow="drop").facts.warnings() == [
        "100 lines (4.8%) are longer than 5 characters and were dropped"
    ]
    assert scanned(lines + longer, length=5, overflow="chunk").facts.warnings() == [
        "100 of 2,100 lines (4.8%) are split into chunks of 5"
    ]
    assert scanned(lines + longer, length=5, unit="byte").facts.warnings() == [
        "100 of 2,100 lines (4.8%) are cropped to 5 bytes"
    ]
    bad = "\n".join(lines).encode() + b"\n\xff"
    assert scanned(bad, errors="skip").facts.warnings() == ["1 of 2,001 lines could not be decoded and were skipped"]
    assert scanned(made_text(200_000).encode(), layout="windows", length=10).facts.warnings() == []
    assert scanned(made_text(20_000).encode(), layout="windows", length=10).facts.warnings() == [
        "only 20,000 characters of text: the model may memorise them"
    ]


def test_a_corpus_is_summed_up_in_a_line() -> None:
    lines = made_lines(2_000)
    assert scanned(lines).facts.summary() == "lines: 2,000 lines, 16 characters, rows of 8"
    assert scanned([*lines, ""]).facts.summary() == (
        "lines: 2,000 lines (1 empty lines skipped), 16 characters, rows of 8"
    )
    assert scanned(lines, length=3, overflow="chunk").facts.summary() == (
        "lines: 2,000 lines in 4,000 chunks, 16 characters, rows of 3"
    )
    assert scanned(lines, unit="byte").facts.summary() == "lines: 2,000 lines, 256 distinct bytes, rows of 8"
    assert scanned(lines, layout="windows", length=10).facts.summary() == (
        "lines: running text, 12,000 characters in 2,000 lines, 17 distinct; windows of 10"
    )
    assert scanned(lines, layout="windows", length=10, unit="byte").facts.summary() == (
        "lines: running text, 12,000 bytes in 2,000 lines, 256 distinct; windows of 10"
    )


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (b"", {}, r"^test\.txt: the file is empty\ngive a text file"),
        (b"\xef\xbb\xbf", {}, r"^test\.txt: the file is empty\n"),
        (b"\n\r\n\n", {}, r"^test\.txt: all 3 lines are empty\n"),
        (b"\n\r\n\n", {"layout": "windows", "length": 1}, r"^test\.txt: all 3 lines are empty\n"),
        (b"a\n" * 5_000 + b"b\n", {}, r"^test\.txt: only 2 distinct lines\nat least 16 are needed"),
        ("\n".join(made_lines(15)).encode(), {}, r"only 15 distinct lines"),
        ("\n".join(made_lines(99)).encode(), {"length": 1}, r"only 1 distinct line$|only 1 distinct line\n"),
        ("\n".join(made_lines(99)).encode(), {"limit": 15}, r"only 15 distinct lines"),
        (b"abcd" * 9_999, {}, r"only 1 distinct line\n"),
        (
            "\n".join([*made_lines(15) * 99, *(line + "x" for line in made_lines(2_000))]).encode(),
            {"length": 5, "overflow": "drop"},
            r"only 15 distinct lines",
        ),
        (
            "\n".join(made_lines(99)).encode(),
            {"length": 4, "overflow": "drop"},
            r"^test\.txt: all 99 lines are longer than 4 characters\nraise corpus\.length, .* corpus\.overflow=crop",
        ),
        (
            "".join(f"{chr(0x4E00 + place)}\n" for place in range(8193)).encode(),
            {},
            r"8,193 distinct characters, but corpus\.max_alphabet is 8,192\n"
            r".*--set corpus\.max_alphabet=8193, .*corpus\.unit=byte",
        ),
        ("ab\n".encode("utf-16"), {}, r"^test\.txt: the file is UTF-16\n.*corpus\.encoding=utf-16"),
        ("ab\n".encode("utf-16"), {"encoding": "utf-16"}, r"only 1 distinct line\n"),
    ],
)
def test_a_corpus_that_cannot_be_learnt_from_is_refused(data: bytes, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        scanned(data, **changes)
