"""Blocks of ids as lines: byte for byte what is written string by string."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seqgan_wgp.text.generation.formats import FORMATS, ROWS, LineEncoder, record_lines
from seqgan_wgp.text.vocabulary import Vocabulary, mask_after_pad

Ids = npt.NDArray[np.integer[Any]]

ODD = "\0\t\n\r\x1b\x7f\x85\u2028\u2029\\\",;= '\ufeff\ufffd"

alphabets = st.sets(
    st.sampled_from("abcdeéß李🚀") | st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=9,
).map("".join)


def one_by_one(vocabulary: Vocabulary, format_: str, ids_NL: Ids) -> bytes:
    return "".join(FORMATS[format_](string) + "\n" for string in vocabulary.decode(ids_NL)).encode()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize("length", [1, 7, 300])
def test_what_stands_behind_the_first_pad_becomes_pads(dtype: type, length: int) -> None:
    ids_NL: Ids = np.random.default_rng(0).integers(0, 5, (50, length)).astype(dtype)
    expected = [[0 if 0 in row[:place] else each for place, each in enumerate(row)] for row in ids_NL.tolist()]
    assert mask_after_pad(ids_NL).tolist() == expected
    assert mask_after_pad(ids_NL).dtype == dtype


@given(alphabets, st.data())
@example("ab", None)
@example(ODD, None)
@pytest.mark.parametrize("format_", FORMATS)
def test_a_block_is_written_as_its_strings_are(format_: str, alphabet: str, data: st.DataObject | None) -> None:
    vocabulary = Vocabulary(alphabet)
    if data is None:
        ids_NL = np.random.default_rng(0).integers(0, vocabulary.size, (500, 6)).astype(vocabulary.dtype)
    else:
        shapes = st.tuples(st.integers(0, 20), st.integers(1, 6))
        ids_NL = data.draw(arrays.arrays(vocabulary.dtype, shapes, elements=st.integers(0, vocabulary.size - 1)))
    assert LineEncoder(vocabulary, format_).lines(ids_NL) == one_by_one(vocabulary, format_, ids_NL)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "vocabulary",
    [
        Vocabulary("abcdefghijklmnopqrstuvwxyz -"),
        Vocabulary("abcdefghijklmnopqrstuvwxyzäöüß '"),
        Vocabulary('ab,"\\'),
        Vocabulary("".join(map(chr, range(0x20, 0x11A)))),
        Vocabulary("".join(map(chr, range(0x4E00, 0x5E00)))),
        Vocabulary.of_bytes(),
    ],
    ids=["ascii", "latin", "quotes", "fills uint8", "han", "bytes"],
)
def test_every_kind_of_alphabet_and_size_of_block(vocabulary: Vocabulary, format_: str) -> None:
    rng = np.random.default_rng(1)
    encoder = LineEncoder(vocabulary, format_)
    for rows in (0, 1, ROWS, 2 * ROWS + 3):
        ids_NL = rng.integers(0, vocabulary.size, (rows, 9)).astype(vocabulary.dtype)
        assert encoder.lines(ids_NL) == one_by_one(vocabulary, format_, ids_NL)
        plain_NL = (ids_NL % 26 + 2).astype(vocabulary.dtype) if vocabulary.size > 28 else ids_NL
        assert encoder.lines(plain_NL) == one_by_one(vocabulary, format_, plain_NL)


def test_bytes_of_ascii_and_of_other_text() -> None:
    vocabulary = Vocabulary.of_bytes()
    strings = ["plain", "", "naïve", "a\tb", "李", 'say "x", y']
    ids_NL = vocabulary.encode(strings, 16)
    for format_ in FORMATS:
        expected = "".join(FORMATS[format_](string) + "\n" for string in strings).encode()
        assert LineEncoder(vocabulary, format_).lines(ids_NL) == expected
        assert LineEncoder(vocabulary, format_).lines(ids_NL[:2]) == b"".join(expected.splitlines(keepends=True)[:2])


def test_scores_come_before_a_txt_line_and_behind_others() -> None:
    strings, columns = ["emma", "a,b"], {"score": [0.1, -2.5], "log_probability": [-1.25, -0.1]}
    expected = {
        "txt": "0.1\t-1.25\temma\n-2.5\t-0.1\ta,b\n",
        "csv": 'emma,0.1,-1.25\n"a,b",-2.5,-0.1\n',
        "csv-safe": 'emma,0.1,-1.25\n"a,b",-2.5,-0.1\n',
        "jsonl": '{"text": "emma", "score": 0.1, "log_probability": -1.25}\n'
        '{"text": "a,b", "score": -2.5, "log_probability": -0.1}\n',
    }
    assert {name: record_lines(strings, columns, name).decode() for name in FORMATS} == expected
