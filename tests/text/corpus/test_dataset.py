"""From lines to ids on disk: rows and items, and the parts, against a plain model and on real files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import json
import math
import random
import shutil
import tempfile
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqgan_wgp.config import Config
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CheckpointError, CorpusError
from seqgan_wgp.text.corpus.dataset import (
    FACTS,
    IDS,
    TOKENIZER,
    Corpus,
    CorpusItems,
    encoded_rows,
    open_corpus,
    prepare,
)
from seqgan_wgp.text.corpus.scan import MIN_DISTINCT, Scan
from seqgan_wgp.text.corpus.stats import DISTINCT_FEW, Facts
from seqgan_wgp.text.readers.bundled import bundled, bundled_folder
from seqgan_wgp.text.readers.lines import CELLS, Lines
from seqgan_wgp.text.readers.reader import BLOCK_BYTES
from seqgan_wgp.text.vocabulary import UNKNOWN, special_tokens_as_text

from ..corpora import Data, batches_of, blocks_of, made_lines, made_text, plain_rows, scanned

Ids = npt.NDArray[np.integer[Any]]


def prepared(data: Data | Scan, **changes: Any) -> Corpus:
    """Prepare in a folder that is gone at once: the map of the ids outlives it."""
    with tempfile.TemporaryDirectory() as where:
        corpus = prepare(data if isinstance(data, Scan) else scanned(data, **changes), Path(where))
        return dataclasses.replace(corpus, ids_NS=np.array(corpus.ids_NS))


def parts(corpus: Corpus) -> dict[str, list[str]]:
    decode = corpus.vocabulary.decode
    return {
        "train": decode(corpus.train.rows_NS),
        "validation": decode(corpus.validation_NL),
        "test": decode(corpus.test_NL),
    }


def part_rows(corpus: Corpus) -> list[Ids]:
    """Rows on disk: training, validation, test."""
    first = corpus.facts.train
    return [np.asarray(rows_NS) for rows_NS in np.split(corpus.ids_NS, [first, first + corpus.facts.validation])]


def all_rows(corpus: Corpus) -> list[str]:
    return corpus.vocabulary.decode(corpus.ids_NS)


def in_order(found: Scan) -> Ids:
    """All rows in the order of the file."""
    return np.concatenate([rows_NS for rows_NS, *_ in encoded_rows(found)])


def counted(ids_NL: Iterable[Ids]) -> Counter[bytes]:
    return Counter(map(bytes, ids_NL))


def counts_add_up(facts: Facts) -> bool:
    rows_of_lines = facts.kept == facts.rows or (facts.chunked > 0 and facts.kept < facts.rows)
    changed = facts.cropped, facts.dropped, facts.chunked
    return (
        facts.kept == facts.read - facts.bad - facts.dropped - (facts.empty if facts.layout == "lines" else 0)
        and facts.rows == facts.train + facts.validation + facts.test
        and (rows_of_lines if facts.layout == "lines" else not any(changed))
        and sum(count > 0 for count in changed) <= 1
        and max(facts.cropped, facts.chunked) <= facts.kept
    )


strings = st.text(
    st.sampled_from("abcdé李👩[]\r\u2028\x85") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=9
)
enough_strings = st.lists(strings, min_size=1, max_size=60).map(lambda lines: lines + made_lines(MIN_DISTINCT))
long_strings = st.tuples(st.text("abé👩\r", min_size=1, max_size=9), st.integers(1, 50)).map(
    lambda pair: pair[0] * pair[1]
)


# What becomes of lines


@pytest.mark.parametrize("long", ["crop", "drop", "chunk"])
@settings(max_examples=40)
@given(lines=enough_strings, length=st.integers(1, 10))
def test_rows_are_those_of_the_plain_model(long: str, lines: list[str], length: int) -> None:
    lines = lines + [line[:length] for line in made_lines(20)] + ["ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻⅼⅽⅾⅿ"[place] for place in range(16)]
    data = "".join(line + "\n" for line in lines).encode()
    plain = [line.removesuffix("\r") for line in lines]
    plain[0] = plain[0].removeprefix("\ufeff")
    longer = sum(len(line) > length for line in plain)
    expected = plain_rows(plain, length, long)
    found = scanned(data, length=length, overflow=long)
    corpus = prepared(found)
    facts = corpus.facts
    assert corpus.vocabulary.decode(in_order(found)) == expected
    assert Counter(all_rows(corpus)) == Counter(expected)
    assert corpus.vocabulary.characters == "".join(sorted(set("".join(expected))))
    assert facts.alphabet == len(corpus.vocabulary.characters)
    changed = {"cropped": facts.cropped, "dropped": facts.dropped, "chunked": facts.chunked}
    assert changed == {name: longer if name.startswith(long) else 0 for name in changed}
    assert (facts.read, facts.empty, facts.bad) == (len(lines), plain.count(""), 0)
    assert (facts.rows, facts.distinct) == (len(expected), len(set(expected)))
    assert counts_add_up(facts)
    assert np.array_equal(in_order(found), corpus.vocabulary.encode(expected, length))
    assert counted(corpus.ids_NS) == counted(in_order(found))
    assert corpus.ids_NS.dtype == corpus.vocabulary.dtype


def test_training_rows_are_in_the_order_of_the_file() -> None:
    lines = made_lines(3_000)
    training = set(parts(corpus := prepared(lines))["train"])
    assert parts(corpus)["train"] == [line for line in lines if line in training]


def test_blocks_leave_no_trace() -> None:
    """The same lines in one block and in many, with a bad one and an empty one here and there."""
    lines = [line.encode() for line in made_lines(20_000)]
    lines[5_000], lines[15_000] = b"", b"\xff\xff"
    data = b"\r\n".join(lines)
    filled = b"\n".join([data, b"z" * 3 * BLOCK_BYTES, data])
    one, many = prepared(data, errors="skip", length=5), prepared(filled, errors="skip", length=5, layout="lines")
    assert Counter(all_rows(many)) == Counter([*all_rows(one), *all_rows(one), "zzzzz"])
    assert (many.facts.read, many.facts.empty, many.facts.bad) == (2 * one.facts.read + 1, 2, 2)


@pytest.mark.parametrize("changes", [{"overflow": "crop"}, {"overflow": "drop"}, {"layout": "windows"}], ids=str)
@settings(max_examples=25)
@given(texts=st.lists(long_strings, max_size=9), size=st.integers(32, 99))
def test_lines_read_in_parts_leave_no_trace(changes: dict[str, str], texts: list[str], size: int) -> None:
    data = "\r\n".join([*texts, *made_lines(120)]).encode()
    whole = prepared(data, length=5, **changes)
    with blocks_of(size):
        cut = prepared(data, length=5, **changes)
    assert cut.facts == whole.facts
    assert cut.vocabulary.characters == whole.vocabulary.characters
    assert np.array_equal(cut.ids_NS, whole.ids_NS)


@given(st.lists(long_strings, max_size=8))
@settings(max_examples=25)
def test_pieces_of_lines_read_in_parts_make_up_the_lines(texts: list[str]) -> None:
    """No more than one piece of a part is shorter than the others, as otherwise only the last of a line is."""
    lines = [*texts, *made_lines(30)]
    with blocks_of(32):
        found = scanned("\r\n".join(lines).encode(), length=4, overflow="chunk")
        rows = found.vocabulary.decode(in_order(found))
        assert prepared(found).facts.rows == len(rows)
    assert "".join(rows) == "".join(lines)
    whole = plain_rows(lines, 4, "chunk")
    assert len(whole) <= len(rows) <= len(whole) + len("".join(texts).encode()) // 60 + len(texts)
    assert (found.facts.read, found.facts.chunked) == (len(lines), sum(len(line) > 4 for line in lines))


def test_bytes_of_other_encodings() -> None:
    lines = [f"Año{line}" for line in made_lines(200)]
    data = "\n".join(lines).encode("latin-1")
    corpus = prepared(data, encoding="latin-1")
    assert sorted(all_rows(corpus)) == sorted(lines)
    with pytest.raises(CorpusError, match=r"^test\.txt: line 1: byte 0xf1 is not valid UTF-8\n"):
        scanned(data)
    replaced = prepared(data, errors="replace")
    assert sorted(all_rows(replaced)) == sorted(line.replace("ñ", "\N{REPLACEMENT CHARACTER}") for line in lines)
    assert replaced.facts.bad == 0
    with pytest.raises(CorpusError, match=r"^test\.txt: all 200 lines"):
        scanned(data, errors="skip")
    assert sorted(all_rows(prepared("\n".join(lines).encode("utf-16"), encoding="utf-16"))) == sorted(lines)


def test_strings_are_rows_as_they_are() -> None:
    """Line feeds, carriage returns and marks too; what is null is bad."""
    lines = [*made_lines(50), "a\nb\r", "\ufeffc", "", "\n"]
    for data in (lines, batches_of([lines[:7], lines[7:]])):
        corpus = prepared(scanned(data))
        assert sorted(all_rows(corpus)) == sorted(line for line in lines if line)
        assert counts_add_up(corpus.facts)
    source = batches_of([lines])
    pieces: list[list[str | None]] = [[None, *lines], [None]]
    with_nulls = dataclasses.replace(source, fields=lambda *_how: iter(pieces))
    again = prepared(scanned(with_nulls))
    assert (again.facts.read, again.facts.bad, again.facts.rows) == (len(lines) + 2, 2, len(lines) - 1)
    assert counts_add_up(again.facts)


@pytest.mark.parametrize("limit", [16, 40, 99, 2_000])
def test_no_more_lines_are_read_than_the_limit(limit: int) -> None:
    """Empty ones are not counted; what follows is not even looked at."""
    lines = [text for line in made_lines(1_500) for text in ("", line, "")]
    data = "\n".join(lines).encode() + b"\n\xff\xff\xe9"
    found = scanned(data if limit < 1_500 else data[:-3], limit=limit)
    facts = prepared(found).facts
    assert found.vocabulary.decode(in_order(found)) == made_lines(1_500)[:limit]
    assert facts.rows == min(limit, 1_500)
    assert facts.read == (3 * limit - 1 if limit < 1_500 else 4_500)
    assert counts_add_up(facts)


def test_the_limit_is_of_lines_whatever_becomes_of_them() -> None:
    lines = made_lines(60)
    longer = [line + "xyz" for line in lines]
    mixed = [line for pair in zip(lines, longer, strict=True) for line in pair]
    dropped = scanned(mixed, limit=60, length=5, overflow="drop")
    assert dropped.vocabulary.decode(in_order(dropped)) == lines[:30]
    pieces = scanned(mixed, limit=60, length=5, overflow="chunk")
    assert pieces.vocabulary.decode(in_order(pieces)) == plain_rows(mixed[:60], 5, "chunk")
    text = ("".join(line + "\n\n" for line in lines)).encode()
    running = scanned(text, limit=40, length=1, layout="windows")
    assert running.facts.read == 79
    rows = "".join(running.vocabulary.decode(in_order(running)))
    assert rows == text.decode()[: (40 * 6 + 39) // running.facts.span * running.facts.span]


@pytest.mark.parametrize("form", ["nfc", "nfd", "nfkc", "nfkd", "none"])
def test_text_is_brought_to_the_normal_form(form: Any) -> None:
    """Before it is cut to length, in files and in strings alike."""
    lines = [prefix + line[::-1] for prefix in ("é", "e\u0301", "ﬁ", "각", "각") for line in made_lines(40)]
    expected = [line if form == "none" else unicodedata.normalize(form.upper(), line) for line in lines]
    for data in ("\n".join(lines).encode(), lines):
        found = scanned(data, normalize=form, length=6)
        assert found.vocabulary.decode(in_order(found)) == [line[:6] for line in expected]
        assert found.vocabulary.characters == "".join(sorted({c for line in expected for c in line[:6]}))
        facts = prepared(found).facts
        assert facts.cropped == sum(len(line) > 6 for line in expected)
        assert facts.distinct == len({line[:6] for line in expected})


def test_ids_are_mapped_from_disk_and_bytes_where_they_can_be(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    small = prepare(scanned(made_lines(100)), few)
    large = prepare(scanned([chr(0x4E00 + place) * 2 for place in range(400)]), many)
    assert isinstance(small.ids_NS, np.memmap)
    assert isinstance(small.train.rows_NS, np.memmap)
    assert not small.ids_NS.flags.writeable
    assert [small.ids_NS.dtype.name, large.ids_NS.dtype.name] == ["uint8", "uint16"]
    assert large.ids_NS.max() == large.vocabulary.size - 1 == 401


# Bytes


some_bytes = st.lists(
    st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b"\0", "é李👩".encode(), b"\xff", b"\xc3", b"\xf0\x9f", b"[UNK]"])
    | st.binary(max_size=20),
    max_size=60,
).map(b"".join)


@given(some_bytes, st.sampled_from(["crop", "drop", "chunk"]), st.integers(1, 12))
@settings(max_examples=60)
def test_rows_of_bytes_are_those_of_any_file_and_none_is_unknown(data: bytes, long: str, length: int) -> None:
    data = data.removeprefix(b"\xef\xbb\xbf") + b"".join(b"\n" + bytes([byte]) for byte in range(0x30, 0x50))
    lines = [line.removesuffix(b"\r").decode("latin-1") for line in data.split(b"\n")]
    lines[-1] = data.split(b"\n")[-1].decode("latin-1")
    expected = [row.encode("latin-1") for row in plain_rows(lines, length, long)]
    found = scanned(data, unit="byte", length=length, overflow=long, layout="lines")
    ids_NS = in_order(found)
    corpus = prepared(found)
    assert corpus.vocabulary.size == 258
    assert UNKNOWN not in ids_NS
    assert ids_NS.tolist() == [[byte + 2 for byte in row] + [0] * (length - len(row)) for row in expected]
    assert counted(corpus.ids_NS) == counted(ids_NS)
    assert corpus.vocabulary.decode(ids_NS) == [row.decode("utf-8", "backslashreplace") for row in expected]
    assert counts_add_up(corpus.facts)


@given(enough_strings)
@settings(max_examples=30)
def test_strings_come_back_from_their_bytes(lines: list[str]) -> None:
    found = scanned(lines, unit="byte", length=64)
    assert found.vocabulary.decode(in_order(found)) == [line for line in lines if line]


def test_a_character_cut_in_two_shows_its_bytes() -> None:
    corpus = prepared([f"{line}é" for line in made_lines(40)], unit="byte", length=6)
    assert sorted(all_rows(corpus)) == sorted(line + r"\xc3" for line in made_lines(40))
    assert corpus.facts.cropped == 40


# Running text


def plain_text(lines: list[str]) -> str:
    return "".join(line.removesuffix("\r") + "\n" for line in lines)


@settings(max_examples=60)
@given(
    lines=st.lists(long_strings | st.text("abc é李👩\r\u2028", max_size=20), max_size=30),
    length=st.integers(1, 9),
    unit=st.sampled_from(["char", "byte"]),
    size=st.sampled_from([BLOCK_BYTES, 33, 200]),
)
def test_rows_of_running_text_are_stretches_of_it(lines: list[str], length: int, unit: str, size: int) -> None:
    """Lines joined by line feeds, empty ones too; the rest that fills no stretch is left out."""
    lines = [*lines, *made_lines(200)]
    text = plain_text(lines)
    with blocks_of(size):
        found = scanned("".join(line + "\n" for line in lines).encode(), layout="windows", length=length, unit=unit)
        ids_NS = in_order(found)
        corpus = prepared(found)
    facts = corpus.facts
    units = text if unit == "char" else text.encode().decode("latin-1")
    assert facts.span == length * min(16, len(units) // (64 * length)) > length
    assert facts.rows == len(ids_NS) == len(units) // facts.span
    shown = "".join(found.vocabulary.characters[place] for place in (ids_NS - 2).ravel())
    assert shown == units[: ids_NS.size]
    assert counted(corpus.ids_NS) == counted(ids_NS)
    if unit == "char":
        assert found.vocabulary.characters == "".join(sorted(set(text)))
    assert (facts.read, facts.empty) == (len(lines), text.split("\n")[:-1].count(""))
    assert facts.kept == facts.read
    assert counts_add_up(facts)


def test_strings_are_running_text_too_and_bad_lines_are_not() -> None:
    lines = [line for line in made_lines(300) for line in (line, "")]
    expected = plain_text(lines)
    for data in (lines, "\r\n".join(lines).encode(), "\n".join([*lines[:50], "é", *lines[50:]]).encode("latin-1")):
        found = scanned(data, layout="windows", length=4, errors="skip")
        rows = "".join(found.vocabulary.decode(in_order(found)))
        # A line feed behind the last line, whether it is written or not; but an empty line at the end is none.
        assert expected.startswith(rows)
        assert len(rows) == found.facts.rows * found.facts.span > len(expected) - 2 - found.facts.span


def test_windows_are_learnt_from_whole_stretches_of_one_part() -> None:
    """Also where stretches are alike: none is in two parts."""
    different = [made_text(63 * 40)[first : first + 63] + "\n" for first in range(0, 63 * 40, 63)]
    stretches = different * 3
    random.Random(0).shuffle(stretches)
    corpus = prepared("".join(stretches).encode(), layout="windows", length=4)
    assert corpus.facts.span == 64
    rows = [set(corpus.vocabulary.decode(part)) for part in part_rows(corpus)]
    assert set.union(*rows) == set(different)
    assert sum(map(len, rows)) == len(different)
    assert [len(part) for part in rows[1:]] == [4, 4]
    decode = corpus.vocabulary.decode
    training = decode(corpus.train[np.arange(len(corpus.train))])
    assert len(training) == corpus.facts.train * 61
    assert Counter(training) == Counter(row[at : at + 4] for row in decode(part_rows(corpus)[0]) for at in range(61))
    for part_NS, part_NL in zip(part_rows(corpus)[1:], (corpus.validation_NL, corpus.test_NL), strict=True):
        assert decode(part_NL) == [row[at : at + 4] for row in decode(part_NS) for at in range(0, 64, 4)]


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 12), st.data())
def test_items_are_the_windows_of_rows(rows: int, length: int, more: int, data: st.DataObject) -> None:
    ids_NS = np.random.default_rng(rows * 100 + more).integers(0, 5, (rows, length + more)).astype(np.uint8)
    items = CorpusItems(rows_NS=ids_NS, length=length)
    plain = [row[at : at + length].tolist() for row in ids_NS for at in range(more + 1)]
    assert (len(items), items.windows) == (len(plain), more + 1)
    chosen = data.draw(st.lists(st.integers(0, len(plain) - 1)))
    got = items[np.array(chosen, np.int64)]
    assert got.tolist() == [plain[place] for place in chosen]
    assert got.dtype == ids_NS.dtype
    assert got.shape == (len(chosen), length)
    yielded = [item.tolist() for block_NL in items.blocks() for item in block_NL]
    assert sorted(yielded) == sorted(plain)
    whole = (length + more) // length * length
    assert items.apart().ravel().tolist() == ids_NS[:, :whole].ravel().tolist()
    assert items.apart().shape[1] == length


def test_blocks_give_each_item_exactly_once() -> None:
    """Each id is different, so that no item is like another."""
    items = CorpusItems(rows_NS=np.arange(700, dtype=np.uint16).reshape(7, 100), length=30)
    firsts = [int(item[0]) for block_NL in items.blocks() for item in block_NL]
    assert sorted(firsts) == [100 * row + at for row in range(7) for at in range(71)]


# The parts


@pytest.mark.parametrize("long", ["crop", "chunk"])
def test_no_string_is_on_two_sides(long: str) -> None:
    lines = made_lines(4_000) + made_lines(4_000)[::3] * 2 + [line + "xyz" for line in made_lines(4_000)]
    found = parts(corpus := prepared(lines, length=5, overflow=long))
    for one, other in itertools.combinations(found.values(), 2):
        assert not set(one) & set(other)
    assert sum(map(len, found.values())) == corpus.facts.rows == len(plain_rows(lines, 5, long))


def test_no_string_is_on_two_sides_where_a_block_is_more_rows_than_are_made_at_once() -> None:
    lines = made_lines(CELLS // 64 + 1_000) * 2
    assert len("\n".join(lines)) < BLOCK_BYTES
    found = parts(prepared("\n".join(lines).encode(), length=64))
    for one, other in itertools.combinations(found.values(), 2):
        assert not set(one) & set(other)
    assert Counter(row for rows in found.values() for row in rows) == Counter(lines)


@pytest.mark.parametrize("number", [200, 5_000])
def test_the_order_and_the_number_of_lines_do_not_decide(number: int) -> None:
    lines = made_lines(number)
    first = prepared(lines)
    again = prepared(sorted(lines))
    assert again.vocabulary.characters == first.vocabulary.characters
    assert {part: sorted(rows) for part, rows in parts(again).items()} == {
        part: sorted(rows) for part, rows in parts(first).items()
    }
    doubled = parts(prepared(lines + lines[::-1]))
    assert {part: set(rows) for part, rows in doubled.items()} == {
        part: set(rows) for part, rows in parts(first).items()
    }


def test_more_lines_move_no_string_to_another_part() -> None:
    first, more = parts(prepared(made_lines(5_000))), parts(prepared(made_lines(9_000)))
    assert all(set(rows) <= set(more[part]) for part, rows in first.items())


def test_what_is_held_out_does_not_depend_on_the_run(tiny_config: Callable[..., Config]) -> None:
    """Nothing but the settings of the corpus is given to `scan`, and no seed is among them."""
    one, other = tiny_config(**{"training.seed": 1}), tiny_config(**{"training.seed": 2})
    assert one.corpus == other.corpus
    assert "seed" not in {field.name for field in dataclasses.fields(CorpusSettings)}


def test_the_hash_of_a_string_never_changes() -> None:
    """A string held out today must be held out for ever, whatever the rows it is laid out in."""
    lines = ["abcd", "ab", ""]
    for found in (
        Lines.of(lines, as_bytes=False),
        Lines.of(lines, as_bytes=True),
        Lines.of([*lines, "é"], as_bytes=False),
    ):
        assert found.hashes(4)[:3].tolist() == HASHES
        assert found.hashes(8)[:3].tolist() == HASHES
        assert found.hashes(2)[:3].tolist() == [HASHES[1], HASHES[1], HASHES[2]]


@given(st.lists(strings), st.integers(1, 10))
def test_the_hash_is_of_the_cropped_string_alone(lines: list[str], length: int) -> None:
    expected = [plain_string_hash(line[:length]) for line in lines]
    assert Lines.of(lines, as_bytes=False).hashes(length).tolist() == expected
    as_bytes = [plain_string_hash(line.encode()[:length].decode("latin-1")) for line in lines]
    assert Lines.of(lines, as_bytes=True).hashes(length).tolist() == as_bytes


def plain_string_hash(string: str) -> int:
    def mix(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    value = 0x5EED0F5E0A2D11E5
    for character in string:
        value = mix(value ^ (ord(character) + 1))
    return mix(value)


HASHES = [plain_string_hash(string) for string in ("abcd", "ab", "")]


def test_the_plain_hash_is_the_one_that_always_was() -> None:
    assert HASHES == [0xB2ACE9D4C79CADD8, 0x84F9F0C32A788097, 0xC5529917E11029AB]


@pytest.mark.parametrize("held_out", [0.02, 0.2, 0.5, 0.9])
def test_the_share_held_out_is_about_as_asked_in_equal_halves(held_out: float) -> None:
    """Binomial; within 5 standard deviations."""
    number = 20_000
    facts = prepared(made_lines(number), held_out=held_out).facts
    for half in (facts.validation, facts.test):
        expected = number * held_out / 2
        assert abs(half - expected) < 5 * math.sqrt(expected)


def test_no_more_is_held_out_than_the_most() -> None:
    facts = prepared(made_lines(20_000), held_out_max=400).facts
    assert abs(facts.validation + facts.test - 400) < 5 * math.sqrt(400)
    few = prepared(made_lines(800), held_out_max=20).facts
    assert (few.validation, few.test) == (10, 10)


@pytest.mark.parametrize("number", [MIN_DISTINCT, 17, 30, 99, 500, DISTINCT_FEW - 1])
@pytest.mark.parametrize("held_out", [0.001, 0.2, 0.9])
def test_small_corpora_have_no_empty_part(number: int, held_out: float) -> None:
    corpus = prepared(made_lines(number), held_out=held_out)
    facts = corpus.facts
    assert facts.validation == facts.test == max(1, int(held_out * number / 2))
    assert facts.train == number - 2 * facts.validation > 0


def test_a_half_that_is_empty_is_refused() -> None:
    """One in ten million of 2,000 lines: nothing could be measured."""
    with pytest.raises(CorpusError, match=r"^the given lines: the split has 2,000 training, 0 validation .*\nchange "):
        prepared(made_lines(2_000), held_out=1e-7)


# On disk


def test_a_file_that_changes_between_the_passes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    lines = made_lines(100)
    as_many = [line.upper() for line in lines]
    for changed in (lines[:-1], [*lines, "more"], as_many, [*lines[:-1], lines[-1][::-1]]):
        file.write_text("\n".join(lines))
        found = scanned(file)
        file.write_text("\n".join(changed))
        with pytest.raises(CorpusError, match=r"lines\.txt: the file changed while it was read\nwait"):
            prepare(found, tmp_path)


def test_a_prepared_corpus_is_opened_equal(tiny_corpus: Path, tiny_lines: list[str], tmp_path: Path) -> None:
    corpus = prepare(scanned(tiny_corpus), tmp_path)
    again = open_corpus(tmp_path)
    assert again.facts == corpus.facts
    assert again.vocabulary.characters == corpus.vocabulary.characters
    assert np.array_equal(again.ids_NS, corpus.ids_NS)
    assert sorted(all_rows(again)) == sorted(tiny_lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([IDS, TOKENIZER, FACTS])
    assert corpus.facts.name == "tiny"


def archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, ids=np.zeros(3))
    return buffer.getvalue()


def damage() -> dict[str, Callable[[Path], object]]:
    def change_facts(**changes: object) -> Callable[[Path], object]:
        def change(where: Path) -> object:
            facts = json.loads((where / FACTS).read_text())
            return (where / FACTS).write_text(json.dumps(facts | changes))

        return change

    def cut(name: str, share: float) -> Callable[[Path], object]:
        return lambda where: (where / name).write_bytes(
            (where / name).read_bytes()[: int((where / name).stat().st_size * share)]
        )

    absent = {f"no {name}": (lambda where, name=name: (where / name).unlink()) for name in (IDS, TOKENIZER, FACTS)}
    return absent | {
        **{f"{name} cut to {share}": cut(name, share) for name in (IDS, TOKENIZER, FACTS) for share in (0, 0.01, 0.9)},
        "no folder": shutil.rmtree,
        "facts of another corpus": change_facts(train=3),
        "facts of another length": change_facts(length=3),
        "facts of text": change_facts(train="many"),
        "facts of null": change_facts(length=None),
        "facts are a list": lambda where: (where / FACTS).write_text("[]"),
        "ids of floats": lambda where: np.save(where / IDS, np.load(where / IDS).astype(np.float32)),
        "ids are objects": lambda where: np.save(where / IDS, np.array([{}], object)),
        "ids are an archive": lambda where: (where / IDS).write_bytes(archive()),
        "ids are text": lambda where: (where / IDS).write_text("1 2 3\n" * 100),
        "tokenizer of another form": lambda where: (where / TOKENIZER).write_text("{}"),
        "tokenizer not UTF-8": lambda where: (where / TOKENIZER).write_bytes(b"\xff"),
    }


@pytest.mark.parametrize("what", damage())
def test_a_damaged_folder_is_a_checkpoint_error(what: str, tiny_corpus: Path, tmp_path: Path) -> None:
    prepare(scanned(tiny_corpus), tmp_path)
    damage()[what](tmp_path)
    with pytest.raises(CheckpointError):
        open_corpus(tmp_path)


# Corpora that exist


@pytest.mark.parametrize("name", bundled())
def test_the_index_describes_the_bundled_corpora(name: str) -> None:
    entry = bundled()[name]
    data = entry.path.read_bytes()
    lines = data.decode().split("\n")
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    assert lines.pop() == ""
    assert len(lines) == entry.lines == len(set(lines))
    assert entry.licence
    assert entry.source
    assert entry.description
    facts = prepared(entry.path).facts
    assert facts.sha256 == entry.sha256
    assert facts.kept == facts.read == entry.lines
    assert facts.distinct is None
    assert counts_add_up(facts)


def test_the_index_and_the_folder_agree() -> None:
    index = tomllib.loads((bundled_folder() / "index.toml").read_text(encoding="utf-8"))
    assert list(bundled()) == sorted(index)
    assert {entry["file"] for entry in index.values()} == {path.name for path in bundled_folder().glob("*.txt")}
    assert {entry["kind"] for entry in index.values()} == {"text"}


def test_words_are_words_and_identifiers_are_identifiers() -> None:
    words = bundled()["words"].path.read_text(encoding="utf-8").split()
    identifiers = bundled()["identifiers"].path.read_text(encoding="utf-8").split()
    assert len(words) >= 6_000
    assert len(identifiers) >= 20_000
    assert not [word for word in words if not (word.isascii() and word.isalpha() and word.islower())]
    assert not [name for name in identifiers if not name.isidentifier()]


@pytest.mark.parametrize("name", ["first_names__all", "surnames__all", "surnames__de", "surnames__il"])
def test_dirty_files_load(name: str, shared_data: Callable[[str], Path]) -> None:
    file = shared_data(f"dirty/{name}.txt")
    lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode().split("\n")
    kept = [line for raw in lines if (line := raw.removesuffix("\r"))]
    corpus = prepared(file)
    assert Counter(all_rows(corpus)) == Counter(line[: corpus.facts.length] for line in kept)
    assert counts_add_up(corpus.facts)


def test_a_file_in_another_encoding_is_named_with_its_line(shared_data: Callable[[str], Path]) -> None:
    file = shared_data("dirty/first_names__es.txt")
    with pytest.raises(CorpusError, match=r"first_names__es\.txt: line 1: byte 0xf1 is not valid UTF-8\n"):
        scanned(file)
    corpus = prepared(file, encoding="latin-1")
    assert "Añes" in all_rows(corpus)
    skipped = scanned(file, errors="skip").facts
    expected = [line for line in file.read_bytes().split(b"\n") if not line.isascii()]
    assert skipped.bad == len(expected) > 0
    assert skipped.read == corpus.facts.read


LINE_FILES = [
    "names/names.txt",
    "cities/world_cities.txt",
    *(f"words_scripts/{script}.txt" for script in ("arabic", "chinese", "hindi", "korean", "russian", "thai")),
    "smiles/qm9.txt",
    "promoters/promoters_57bp.txt",
    "passwords/zxcvbn_passwords.txt",
    "captions/train_image_coco.txt",
    "lm1b/1b_benchmark.dev.tokens",
]


def tokenized(corpus: Corpus, texts: list[str]) -> Ids:
    """Return the ids of the plain tokenizer, read from its file, which knows nothing of us but the flag."""
    tokenizer = special_tokens_as_text(Tokenizer.from_str(corpus.vocabulary.to_json(corpus.facts.span)))
    firsts = range(0, len(texts), 1_000)  # a bounded number of encodings at a time: each is many objects
    return np.array([one.ids for first in firsts for one in tokenizer.encode_batch(texts[first : first + 1_000])])


@pytest.mark.parametrize("name", LINE_FILES)
def test_real_lines_come_through_whole(name: str, shared_data: Callable[[str], Path]) -> None:
    file = shared_data(name)
    found = scanned(file)
    corpus = prepared(found)
    lines = [line for raw in file.read_bytes().decode().split("\n") if (line := raw.removesuffix("\r"))]
    length = corpus.facts.length
    assert corpus.facts.layout == "lines"
    assert corpus.facts.rows == corpus.facts.kept == len(lines)
    assert counts_add_up(corpus.facts)
    ids_NS = in_order(found)
    assert corpus.vocabulary.decode(ids_NS) == [line[:length] for line in lines]
    assert counted(corpus.ids_NS) == counted(ids_NS)
    assert np.array_equal(tokenized(corpus, lines), ids_NS)
    held_out = counted(corpus.validation_NL).keys() | counted(corpus.test_NL).keys()
    assert not counted(corpus.train.rows_NS).keys() & held_out
    assert not counted(corpus.validation_NL).keys() & counted(corpus.test_NL).keys()


@pytest.mark.parametrize("name", LINE_FILES)
def test_the_order_of_real_lines_does_not_matter(name: str, shared_data: Callable[[str], Path]) -> None:
    lines = shared_data(name).read_bytes().split(b"\n")
    mixed = [line for line in lines if line]
    random.Random(0).shuffle(mixed)
    one, other = prepared(b"\n".join(lines)), prepared(b"\n".join(mixed))
    assert other.vocabulary.characters == one.vocabulary.characters
    assert counted(other.validation_NL) == counted(one.validation_NL)
    assert counted(other.test_NL) == counted(one.test_NL)
    assert counted(other.train.rows_NS) == counted(one.train.rows_NS)
    assert not np.array_equal(other.ids_NS, one.ids_NS)


def test_real_running_text_comes_through_whole(shared_data: Callable[[str], Path]) -> None:
    file = shared_data("shakespeare/input.txt")
    found = scanned(file)
    corpus = prepared(found)
    text = plain_text(file.read_bytes().decode().removesuffix("\n").split("\n"))
    span = corpus.facts.span
    assert (corpus.facts.layout, corpus.facts.length, span) == ("windows", 64, 1024)
    assert counts_add_up(corpus.facts)
    stretches = [text[first : first + span] for first in range(0, len(text) - span + 1, span)]
    ids_NS = in_order(found)
    assert corpus.vocabulary.decode(ids_NS) == stretches
    assert counted(corpus.ids_NS) == counted(ids_NS)
    assert np.array_equal(tokenized(corpus, stretches), ids_NS)
    training = set(corpus.vocabulary.decode(part_rows(corpus)[0]))
    held_out = corpus.vocabulary.decode(np.concatenate(part_rows(corpus)[1:]))
    assert not training & set(held_out)
    assert corpus.vocabulary.decode(np.concatenate([corpus.validation_NL, corpus.test_NL])) == [
        stretch[at : at + 64] for stretch in held_out for at in range(0, span, 64)
    ]


@pytest.mark.parametrize("name", ["names/names.txt", "words_scripts/thai.txt", "cities/world_cities.txt"])
def test_real_lines_come_through_as_bytes(name: str, shared_data: Callable[[str], Path]) -> None:
    file = shared_data(name)
    found = scanned(file, unit="byte")
    corpus = prepared(found)
    lines = [line for line in file.read_bytes().decode().split("\n") if line]
    ids_NS = in_order(found)
    assert UNKNOWN not in ids_NS
    assert np.array_equal(tokenized(corpus, lines), ids_NS)
    length = corpus.facts.length
    assert corpus.vocabulary.decode(ids_NS) == [
        line.encode()[:length].decode(errors="backslashreplace") for line in lines
    ]
