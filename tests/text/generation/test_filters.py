"""What is let through: each string once, none of a file; known by hashes that are those of the shown text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.generation.filters import Excluded, StringFilter
from seqgan_wgp.text.hashing.row_hashes import row_hashes
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.readers.lines import Lines
from seqgan_wgp.text.vocabulary import Vocabulary

LENGTH = 5
ALPHABETS = {
    "ascii": Vocabulary("abc"),
    "beyond": Vocabulary("aéß🚀"),
    "with U+FFFD": Vocabulary("ab\ufffd"),
    "with NUL": Vocabulary("ab\0"),
    "large": Vocabulary("".join(map(chr, range(0x4E00, 0x4F80)))),
    "bytes": Vocabulary.of_bytes(),
}


def some_ids(vocabulary: Vocabulary, count: int, seed: int = 0) -> npt.NDArray[Any]:
    """Return rows of which many are one string, with something behind their first pads."""
    ids_NL = np.random.default_rng(seed).integers(0, min(vocabulary.size, 6), (count, LENGTH))
    if vocabulary.unit == "byte":
        ids_NL = np.array([0, 1, 0xC3 + 2, 0xA9 + 2, ord("x") + 2, 0xFF + 2])[ids_NL]
    return ids_NL.astype(vocabulary.dtype)


@pytest.mark.parametrize("name", ALPHABETS)
def test_strings_have_the_same_hash_exactly_where_they_are_shown_alike(name: str) -> None:
    vocabulary = ALPHABETS[name]
    ids_NL = some_ids(vocabulary, 3_000)
    strings = vocabulary.decode(ids_NL)
    hash_N = StringHashes(vocabulary, LENGTH).of_ids(ids_NL)
    assert hash_N.dtype == np.uint64
    assert len(set(hash_N.tolist())) == len(set(strings)) == len(set(zip(hash_N.tolist(), strings, strict=True)))


@pytest.mark.parametrize("name", ALPHABETS)
def test_lines_have_the_hashes_of_the_strings_that_they_are(name: str) -> None:
    vocabulary = ALPHABETS[name]
    hashes = StringHashes(vocabulary, LENGTH)
    ids_NL = some_ids(vocabulary, 500)
    lines = Lines.of(vocabulary.decode(ids_NL), as_bytes=vocabulary.unit == "byte")
    assert np.array_equal(hashes.of_lines(lines), hashes.of_ids(ids_NL))


def test_lines_that_no_string_can_equal_have_none() -> None:
    hashes = StringHashes(Vocabulary("abc"), 3)
    lines = Lines.of(["abc", "abca", "abd", "", "é", "ab\ufffd", "A"], as_bytes=False)
    assert hashes.of_lines(lines).tolist() == hashes.of_ids(np.array([[2, 3, 4], [0, 2, 3], [2, 3, 1]])).tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_two_short_rows_have_one_hash(dtype: type) -> None:
    rows_NL: npt.NDArray[Any] = np.array(list(itertools.product(range(9), repeat=5)), dtype)
    assert len(np.unique(row_hashes(rows_NL))) == len(rows_NL)
    # And each bit is set in half of them.
    bits = np.unpackbits(row_hashes(rows_NL).view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
    assert abs(bits - 0.5).max() < 0.01


@given(st.lists(st.lists(st.text("ab", max_size=3), max_size=30), max_size=5), st.sets(st.text("abc", max_size=4)))
@pytest.mark.parametrize("unique", [True, False])
def test_a_sieve_lets_through_what_sets_say(unique: bool, blocks: list[list[str]], excluded: set[str]) -> None:
    vocabulary = Vocabulary("ab")
    sieve = StringFilter(StringHashes(vocabulary, 3), unique=unique)
    sieve.exclude([Lines.of(sorted(excluded), as_bytes=False)])
    known = set(excluded)
    for block in blocks:
        expected = []
        for string in block:
            expected.append(string not in known)
            if unique:
                known.add(string)
        assert sieve.passes(vocabulary.encode(block, 3)).tolist() == expected


@given(
    unique=st.booleans(),
    blocks=st.lists(
        st.tuples(st.lists(st.text("abc", max_size=2), min_size=1, max_size=12), st.none() | st.integers(0, 5)),
        max_size=5,
    ),
    asks=st.booleans(),
)
def test_what_comes_after_the_last_string_kept_is_not_remembered(
    unique: bool, blocks: list[tuple[list[str], int | None]], asks: bool
) -> None:
    def keep(strings: Sequence[str]) -> npt.NDArray[np.bool_]:
        return np.array([len(string) != 1 for string in strings])

    vocabulary = ALPHABETS["ascii"]
    sieve = StringFilter(StringHashes(vocabulary, LENGTH), unique=unique, keep_if=keep if asks else None)
    known: set[str] = set()
    for strings, most in blocks:
        expected, left = [], len(strings) if most is None else most
        for string in strings:
            passing = left > 0 and not (unique and string in known)
            if passing and unique:
                known.add(string)
            passing = passing and not (asks and len(string) == 1)
            left -= passing
            expected.append(passing)
        assert sieve.passes(vocabulary.encode(strings, LENGTH), most).tolist() == expected


def test_a_file_is_read_as_the_corpus_was(tmp_path: Path) -> None:
    file = tmp_path / "known.txt"
    file.write_bytes("ab\r\nb\xe9a\r\n\r\nlong, too long\r\n".encode("latin-1"))
    vocabulary = Vocabulary("abé")
    sieve = StringFilter(StringHashes(vocabulary, 3), unique=False)
    sieve.exclude(Excluded(str(file), CorpusSettings(encoding="latin-1", limit=1)))
    passes = sieve.passes(vocabulary.encode(["ab", "béa", "", "ba", "lon"], 3))
    assert passes.tolist() == [False, False, False, True, True]


def test_the_hash_of_a_file_is_that_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ab\nba\n")
    (tmp_path / "b.csv").write_bytes(b"name,age\nab,7\nba,8\n")
    (tmp_path / "c.txt").write_bytes(b"ab\nbb\n")
    files = [Excluded(str(tmp_path / name), CorpusSettings()) for name in ("a.txt", "b.csv:name", "c.txt")]
    for file in files:
        StringFilter(StringHashes(Vocabulary("ab"), 3), unique=False).exclude(file)
    assert files[0].sha256 == files[1].sha256 != files[2].sha256


def test_what_is_wrong_with_a_file_is_told_without_settings_that_cannot_be_set(tmp_path: Path) -> None:
    file = tmp_path / "known.txt"
    file.write_bytes(b"ab\nb\xe9\n")
    sieve = StringFilter(StringHashes(Vocabulary("ab"), 3), unique=False)
    with pytest.raises(CorpusError, match=r"known.txt: line 2: byte 0xe9") as caught:
        sieve.exclude(Excluded(str(file), CorpusSettings()))
    assert (
        caught.value.remedy
        == "the file is read like the model's corpus, as utf-8 with errors = strict: convert the file"
    )
    with pytest.raises(CorpusError, match="no such file"):
        Excluded(str(tmp_path / "none.txt"), CorpusSettings())
