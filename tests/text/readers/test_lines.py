"""Lines as slices of one array: rows, hashes, pieces, running text; and what becomes rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqgan_wgp.text.corpus.layout import Layout, rows
from seqgan_wgp.text.readers.lines import CELLS, Lines, Units

Dtype = type[np.unsignedinteger[Any]]


def lines_of(
    strings: Sequence[str], dtype: Dtype = np.uint32, gap: str = "\n", *, continued: bool = False, goes_on: bool = False
) -> Lines:
    """Lines in an array that holds something else between them."""
    units_M = np.array([ord(c) for c in gap.join([*strings, ""])], dtype)
    sizes_N = np.array([len(string) for string in strings], np.int64)
    return Lines(units_M, np.cumsum(sizes_N + len(gap)) - sizes_N - len(gap), sizes_N, continued, goes_on)


def text_of(units: Units) -> str:
    return "".join(map(chr, units.tolist()))


wide = st.text(st.sampled_from("ab\0é李👩\U0010ffff"), max_size=12)
narrow = st.text(st.sampled_from("ab\0\r\x7fé\xff"), max_size=12)

some_lines = st.one_of(
    st.builds(lines_of, st.lists(wide), st.just(np.uint32), st.sampled_from(["\n", "", "\r\n"])),
    st.builds(lines_of, st.lists(narrow), st.sampled_from([np.uint8, np.uint32]), st.sampled_from(["\n", "", "\r\n"])),
)


# Strings


@given(st.lists(wide), st.sampled_from(["\n", "", "xyz"]))
def test_lines_are_strings_again(strings: list[str], gap: str) -> None:
    assert lines_of(strings, gap=gap).strings() == strings


@settings(max_examples=40)  # long lists of long texts: each takes its time
@given(st.lists(st.text() | st.sampled_from(["", "\n", "a\nb\r\n"])))
@example([])
@example([""])
def test_strings_become_lines_whatever_stands_in_them(strings: list[str]) -> None:
    lines = Lines.of(strings, as_bytes=False)
    assert lines.strings() == strings
    assert lines.units_M.dtype == (np.uint8 if all(map(str.isascii, strings)) else np.uint32)
    assert (lines.continued, lines.goes_on) == (False, False)
    as_bytes = Lines.of(strings, as_bytes=True)
    assert [string.encode("latin-1").decode() for string in as_bytes.strings()] == strings
    assert as_bytes.units_M.dtype == np.uint8


@given(some_lines, st.data())
def test_lines_are_selected_by_a_mask(lines: Lines, data: st.DataObject) -> None:
    strings = lines.strings()
    keep = data.draw(st.lists(st.booleans(), min_size=len(strings), max_size=len(strings)))
    assert lines.select(np.array(keep, np.bool_)).strings() == list(itertools.compress(strings, keep))
    first, last = data.draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    assert lines.select(slice(first, last)).strings() == strings[first:last]


@pytest.mark.parametrize("goes_on", [False, True])
def test_whole_lines_are_those_that_begin_in_the_block(goes_on: bool) -> None:
    strings = ["rest", "", "line", "begun"]
    assert lines_of(strings, goes_on=goes_on).whole().strings() == strings
    assert lines_of(strings, continued=True, goes_on=goes_on).whole().strings() == strings[1:]
    assert lines_of(["part"], continued=True, goes_on=goes_on).whole().strings() == []


@given(some_lines, st.booleans(), st.booleans(), st.sampled_from([np.uint8, np.uint16, np.int32]))
def test_units_are_looked_up_in_a_table(
    lines: Lines, continued: bool, goes_on: bool, dtype: type[np.integer[Any]]
) -> None:
    lines = Lines(lines.units_M, lines.starts_N, lines.sizes_N, continued, goes_on)
    table = (np.arange(0x110000) % 97).astype(dtype)
    found = lines.look_up(table)
    assert found.strings() == ["".join(chr(ord(c) % 97) for c in string) for string in lines.strings()]
    assert found.units_M.dtype == dtype
    assert (found.continued, found.goes_on) == (continued, goes_on)


# Rows


@given(some_lines, st.integers(1, 14))
def test_rows_are_the_lines_cropped_and_padded(lines: Lines, length: int) -> None:
    found = list(lines.rows(length))
    assert [row for rows_NL in found for row in rows_NL.tolist()] == [
        [ord(c) for c in string[:length].ljust(length, "\0")] for string in lines.strings()
    ]
    assert all(rows_NL.dtype == lines.units_M.dtype and rows_NL.shape[1:] == (length,) for rows_NL in found)


def test_rows_may_be_written_to() -> None:
    lines = lines_of(["abc", "de"])
    next(lines.rows(2))[:] = 0
    assert next(lines.rows(2)).tolist() == [[97, 98], [100, 101]]


def test_rows_come_in_groups_that_fit_in_memory() -> None:
    lines = Lines.of(["ab"] * 5_000, as_bytes=False)
    groups = list(lines.rows(1_024))
    assert [len(group) for group in groups] == [CELLS // 1_024] * 2 + [5_000 - 2 * (CELLS // 1_024)]
    assert not [group for group in groups if group.size > CELLS]
    assert len(next(lines.rows(2 * CELLS))) == 1


@given(some_lines, st.integers(1, 14))
def test_pieces_are_the_lines_cut_in_order(lines: Lines, length: int) -> None:
    assert lines.pieces(length).strings() == [
        string[first : first + length] for string in lines.strings() for first in range(0, len(string), length)
    ]


@given(some_lines)
def test_places_are_those_of_units_in_their_lines(lines: Lines) -> None:
    units_M, within_M = lines.places_M()
    assert text_of(units_M) == "".join(lines.strings())
    assert within_M.tolist() == [place for string in lines.strings() for place in range(len(string))]
    assert units_M.dtype == lines.units_M.dtype


@given(some_lines, st.booleans(), st.booleans())
def test_running_text_has_a_line_feed_behind_each_line_but_one_that_goes_on(
    lines: Lines, continued: bool, goes_on: bool
) -> None:
    text = "".join(f"{string}\n" for string in lines.strings())
    found = Lines(lines.units_M, lines.starts_N, lines.sizes_N, continued, goes_on).running()
    assert text_of(found) == (text[:-1] if goes_on else text)
    assert found.dtype == lines.units_M.dtype


# Hashes


def plain_hash(string: str) -> int:
    def mix(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    value = 0x5EED0F5E0A2D11E5
    for character in string:
        value = mix(value ^ (ord(character) + 1))
    return mix(value)


@given(some_lines, st.integers(1, 14))
def test_hashes_are_those_of_the_plain_function(lines: Lines, length: int) -> None:
    hash_N = lines.hashes(length)
    assert hash_N.tolist() == [plain_hash(string[:length]) for string in lines.strings()]
    assert hash_N.dtype == np.uint64


def test_the_hash_of_a_string_never_changes() -> None:
    """A string held out today must be held out for ever."""
    pinned = {
        "": 0xC5529917E11029AB,
        "a": 0x29F891691B547D40,
        "abcd": 0xB2ACE9D4C79CADD8,
        "Añes 李👩": 0xBB2E9CE6C126D227,
    }
    assert lines_of(list(pinned)).hashes(64).tolist() == list(pinned.values())
    assert Lines.of(list(pinned), as_bytes=False).hashes(9).tolist() == list(pinned.values())


@given(st.lists(narrow, max_size=8), st.randoms(use_true_random=False))
def test_a_hash_depends_on_nothing_but_the_units(strings: list[str], random: Any) -> None:
    alone = {string: int(lines_of([string], np.uint8).hashes(20)[0]) for string in strings}
    random.shuffle(strings)
    dtypes: list[Dtype] = [np.uint8, np.uint32]
    for dtype, gap, length in itertools.product(dtypes, ["", "\n", "abc"], [12, 20, 4096]):
        assert lines_of(strings, dtype, gap).hashes(length).tolist() == [alone[string] for string in strings]


def test_a_hash_does_not_depend_on_how_many_lines_there_are() -> None:
    strings = [f"{number:x}" * (number % 4) for number in range(40_000)]
    hashes = Lines.of(strings, as_bytes=False).hashes(8).tolist()
    for number in (0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 39_999):
        assert hashes[number] == plain_hash(strings[number][:8])
    assert len(set(hashes)) == len({string[:8] for string in strings})


# What becomes rows


class Part(NamedTuple):
    """A line, or a part of it."""

    text: str
    continued: bool
    goes_on: bool


LONGEST = 5
"""No row is longer than this here; a part that is not the last of its line is, as in reading."""

_characters = st.sampled_from("abé李")

_line_in_parts = st.tuples(
    st.lists(st.text(_characters, min_size=LONGEST + 1, max_size=12), max_size=2), st.text(_characters, max_size=12)
).map(lambda found: [*found[0], found[1]])

in_parts = st.lists(_line_in_parts, max_size=8)


@st.composite
def blocked(draw: st.DrawFn) -> tuple[list[list[str]], list[Lines]]:
    """Lines as lists of their parts, and these in blocks: each ends where a line goes on, or anywhere else."""
    lines = draw(in_parts)
    blocks: list[list[Part]] = [[]]
    for parts in lines:
        for place, text in enumerate(parts):
            part = Part(text, place > 0, place < len(parts) - 1)
            blocks[-1].append(part)
            if part.goes_on or draw(st.booleans()):
                blocks.append([])
    return lines, [_block(parts, draw(st.booleans())) for parts in blocks if parts]


def _block(parts: list[Part], wide: bool) -> Lines:
    strings = [part.text for part in parts]
    dtype: Dtype = np.uint32 if wide or any("李" in string for string in strings) else np.uint8
    return lines_of(strings, dtype, continued=parts[0].continued, goes_on=parts[-1].goes_on)


def rows_of(blocks: list[Lines], layout: Layout, long: str) -> list[str]:
    """Return the rows as strings, without what they are padded with."""
    found = []
    for lines in rows(blocks, layout, long):
        for rows_NS in lines.rows(layout.span):
            found += [text_of(row).rstrip("\0") for row in rows_NS]
        assert (lines.sizes_N > 0).all()
        assert long == "crop" or (lines.sizes_N <= layout.span).all()
    return found


@given(blocked(), st.integers(1, LONGEST))
def test_cropped_rows_are_the_beginnings_of_lines(given_blocks: tuple[list[list[str]], list[Lines]], size: int) -> None:
    lines, blocks = given_blocks
    expected = [line[:size] for line in map("".join, lines) if line]
    assert rows_of(blocks, Layout(length=size), "crop") == expected


@given(blocked(), st.integers(1, LONGEST))
def test_lines_that_are_too_long_are_dropped(given_blocks: tuple[list[list[str]], list[Lines]], size: int) -> None:
    lines, blocks = given_blocks
    expected = [line for line in map("".join, lines) if 0 < len(line) <= size]
    assert rows_of(blocks, Layout(length=size), "drop") == expected


@given(blocked(), st.integers(1, LONGEST))
def test_long_lines_are_cut_in_pieces_that_together_are_the_lines(
    given_blocks: tuple[list[list[str]], list[Lines]], size: int
) -> None:
    """Each part of a line that was read in parts begins a new piece."""
    lines, blocks = given_blocks
    found = rows_of(blocks, Layout(length=size), "chunk")
    parts = [part for line in lines for part in line]
    assert found == [part[first : first + size] for part in parts for first in range(0, len(part), size)]
    assert "".join(found) == "".join(parts)


@given(blocked(), st.integers(1, 4), st.integers(2, 20), st.sampled_from(["crop", "drop", "chunk"]))
def test_windows_are_of_the_running_text_in_stretches(
    given_blocks: tuple[list[list[str]], list[Lines]], size: int, windows: int, long: str
) -> None:
    """Whatever the blocks, and empty lines count; what is left at the end is left out."""
    lines, blocks = given_blocks
    text = "".join(f"{''.join(line)}\n" for line in lines)
    span = size + windows - 1
    layout = Layout(length=size, windows=windows)
    assert layout.span == span
    found = rows_of(blocks, layout, long)
    assert found == [text[first : first + span] for first in range(0, len(text) - span + 1, span)]


def test_no_lines_are_no_rows() -> None:
    layouts = [Layout(length=3), Layout(length=3, windows=4)]
    for layout, long in itertools.product(layouts, ["crop", "drop", "chunk"]):
        assert rows_of([], layout, long) == []
        assert rows_of([Lines.of([], as_bytes=False)], layout, long) == []
        assert rows_of([Lines.of(["", ""], as_bytes=False)], layout, long) == []


def test_stretches_of_running_text_hash_alike_whatever_the_blocks() -> None:
    strings = ["abc", "é李", "", "defgh", "ij"] * 20
    layout = Layout(length=3, windows=5)
    one = [Lines.of(strings, as_bytes=False)]
    many = [Lines.of([string], as_bytes=False) for string in strings]
    hashes = [
        [int(value) for lines in rows(blocks, layout, "crop") for value in lines.hashes(layout.span)]
        for blocks in (one, many)
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == sum(len(string) + 1 for string in strings) // layout.span
