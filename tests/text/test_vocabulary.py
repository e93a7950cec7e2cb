"""The vocabulary: the look-up table, the `tokenizers` object and the file give one and the same ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.text.vocabulary import BYTES, CODE_POINTS, PAD, REPLACEMENT, UNKNOWN, Vocabulary, special_tokens_as_text

AWKWARD = (
    "\0\t\n\r\x1b\x7f\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\ufeff\ufffd\uffff"  # controls and non-characters
    "\N{COMBINING ACUTE ACCENT}\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}\N{RIGHT-TO-LEFT OVERRIDE}"
    "👩🚀🇩🇪\U0001f3ff\U0010ffff각ᄀ각ǅﬁ\N{NO-BREAK SPACE} []PADUNK#"
)

characters = st.characters(exclude_categories=["Cs"]) | st.sampled_from(AWKWARD)
lines = st.text(characters) | st.sampled_from(["[PAD]", "[UNK]", "a[PAD]b", "[PAD][PAD]", "##a", "\n\n\r\r\n", "[CLS]"])
lengths = st.integers(1, 12)


def by_tokenizer(tokenizer: Tokenizer, strings: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(strings)]


def plain_encode(alphabet: str, string: str, length: int) -> list[int]:
    """The definition, written plainly."""
    ids = {character: place for place, character in enumerate(sorted(set(alphabet)), start=2)}
    row = [ids.get(character, 1) for character in string[:length]]
    return row + [0] * (length - len(row))


@given(st.lists(lines, max_size=5), st.lists(lines, min_size=1, max_size=5), lengths)
def test_table_tokenizer_and_file_give_the_same_ids(known: list[str], others: list[str], length: int) -> None:
    vocabulary = Vocabulary("".join(set("".join(known))))
    strings = known + others
    expected = [plain_encode("".join(known), string, length) for string in strings]
    written = vocabulary.to_json(length)
    assert vocabulary.encode(strings, length).tolist() == expected
    assert by_tokenizer(vocabulary.tokenizer(length), strings) == expected
    assert by_tokenizer(special_tokens_as_text(Tokenizer.from_str(written)), strings) == expected
    assert Vocabulary.from_json(written).encode(strings, length).tolist() == expected


@given(st.lists(lines, min_size=1, max_size=5), lengths)
def test_a_plain_reader_of_the_file_agrees_on_strings_without_token_names(strings: list[str], length: int) -> None:
    """`tokenizers` alone, knowing nothing of us."""
    plain = [string for string in strings if "[PAD]" not in string and "[UNK]" not in string]
    vocabulary = Vocabulary("".join(set("".join(strings))))
    tokenizer = Tokenizer.from_str(vocabulary.to_json(length))
    assert by_tokenizer(tokenizer, plain) == vocabulary.encode(plain, length).tolist()


@given(st.lists(lines, max_size=5), lengths)
def test_known_strings_come_back_cropped(strings: list[str], length: int) -> None:
    vocabulary = Vocabulary("".join(set("".join(strings))))
    assert vocabulary.decode(vocabulary.encode(strings, length)) == [string[:length] for string in strings]


@given(st.text(characters, min_size=1), st.text(characters), lengths)
def test_unknown_characters_have_id_1_and_print_as_the_replacement(known: str, string: str, length: int) -> None:
    vocabulary = Vocabulary("".join(set(known)))
    ids = vocabulary.encode([string], length)
    shown = "".join(character if character in known else REPLACEMENT for character in string[:length])
    assert vocabulary.decode(ids) == [shown]
    assert [UNKNOWN not in ids, PAD not in ids] == [set(string[:length]) <= set(known), len(string) >= length]


def test_a_string_ends_at_its_first_pad() -> None:
    vocabulary = Vocabulary("ab")
    ids = np.array([[2, 0, 3], [0, 2, 3], [3, 2, 2], [2, 1, 0]], vocabulary.dtype)
    assert vocabulary.decode(ids) == ["a", "", "baa", f"a{REPLACEMENT}"]
    assert vocabulary.decode(ids[:0]) == []
    assert vocabulary.encode([], 3).shape == (0, 3)


@pytest.mark.parametrize("name", ["[PAD]", "[UNK]"])
def test_the_name_of_a_token_is_five_characters(name: str) -> None:
    vocabulary = Vocabulary("".join(set(name)))
    ids = vocabulary.encode([name], 6)
    assert (ids[0, :5] >= 2).all()
    assert ids[0, 5] == PAD
    assert vocabulary.decode(ids) == [name]
    assert by_tokenizer(vocabulary.tokenizer(6), [name]) == ids.tolist()


def test_without_our_flag_a_reader_takes_the_name_for_the_token() -> None:
    """Why `special_tokens_as_text` is there; should `tokenizers` come to keep the flag in the file, it can go."""
    plain = Tokenizer.from_str(Vocabulary("[PAD]").to_json(6))
    assert by_tokenizer(plain, ["[PAD]"]) == [[PAD] * 6]


@given(st.data())
def test_the_order_of_the_alphabet_does_not_matter(data: st.DataObject) -> None:
    alphabet = data.draw(st.lists(characters, unique=True))
    one, other = Vocabulary("".join(alphabet)), Vocabulary("".join(data.draw(st.permutations(alphabet))))
    assert one.characters == other.characters == "".join(sorted(alphabet))
    assert one.to_json(5) == other.to_json(5)
    assert np.array_equal(one.table, other.table)


@given(st.text(characters), lengths)
def test_the_file_holds_the_vocabulary_and_is_written_alike(alphabet: str, length: int) -> None:
    vocabulary = Vocabulary("".join(set(alphabet)))
    written = vocabulary.to_json(length)
    again = Vocabulary.from_json(written)
    assert (again.characters, again.size, again.dtype) == (vocabulary.characters, vocabulary.size, vocabulary.dtype)
    assert again.to_json(length) == written


def test_the_table_covers_all_code_points() -> None:
    vocabulary = Vocabulary("a\U0010ffff")
    assert vocabulary.table.shape == (CODE_POINTS,)
    assert np.flatnonzero(vocabulary.table != UNKNOWN).tolist() == [ord("a"), 0x10FFFF]
    assert PAD not in vocabulary.table


@pytest.mark.parametrize(
    ("characters_known", "dtype"), [(1, "u1"), (253, "u1"), (254, "u1"), (255, "u2"), (65_000, "u2")]
)
def test_ids_are_as_small_as_they_can_be(characters_known: int, dtype: str) -> None:
    """254 characters, a pad and an unknown fill a byte."""
    alphabet = "".join(map(chr, range(0x10000, 0x10000 + characters_known)))
    vocabulary = Vocabulary(alphabet)
    ids = vocabulary.encode([alphabet], characters_known)
    assert vocabulary.dtype == ids.dtype == np.dtype(dtype)
    assert ids.max() == vocabulary.size - 1
    assert vocabulary.decode(ids) == [alphabet]


# Bytes


def plain_encode_bytes(data: bytes, length: int) -> list[int]:
    """The definition for bytes, written plainly."""
    row = [byte + 2 for byte in data[:length]]
    return row + [0] * (length - len(row))


@given(st.lists(lines, min_size=1, max_size=5), st.integers(1, 40))
def test_table_tokenizer_and_file_give_the_same_bytes(strings: list[str], length: int) -> None:
    vocabulary = Vocabulary.of_bytes()
    expected = [plain_encode_bytes(string.encode(), length) for string in strings]
    written = vocabulary.to_json(length)
    assert vocabulary.encode(strings, length).tolist() == expected
    assert by_tokenizer(vocabulary.tokenizer(length), strings) == expected
    assert by_tokenizer(special_tokens_as_text(Tokenizer.from_str(written)), strings) == expected
    assert Vocabulary.from_json(written).encode(strings, length).tolist() == expected
    plain = [string for string in strings if "[PAD]" not in string and "[UNK]" not in string]
    assert by_tokenizer(Tokenizer.from_str(written), plain) == vocabulary.encode(plain, length).tolist()


@given(st.lists(lines, max_size=5), st.integers(1, 3))
def test_any_string_comes_back_from_its_bytes(strings: list[str], more: int) -> None:
    vocabulary = Vocabulary.of_bytes()
    length = max((len(string.encode()) for string in strings), default=0) + more
    assert vocabulary.decode(vocabulary.encode(strings, length)) == strings


@given(st.lists(lines, min_size=1, max_size=5), st.sampled_from(["char", "byte"]))
def test_the_decoder_of_the_file_gives_strings_back(strings: list[str], unit: str) -> None:
    """`tokenizers` alone turns ids into the strings that they were."""
    plain = [string for string in strings if "[PAD]" not in string and "[UNK]" not in string]
    vocabulary = Vocabulary.of_bytes() if unit == "byte" else Vocabulary("".join(set("".join(strings))))
    length = max(len(string.encode()) for string in strings) + 1
    tokenizer = Tokenizer.from_str(vocabulary.to_json(length))
    ids = vocabulary.encode(plain, length).tolist()
    assert [tokenizer.decode(row, skip_special_tokens=True) for row in ids] == plain


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_bytes_that_are_no_text_show_their_numbers(rows: list[bytes]) -> None:
    vocabulary = Vocabulary.of_bytes()
    ids = np.array([plain_encode_bytes(row, 12) for row in rows], vocabulary.dtype).reshape(-1, 12)
    assert UNKNOWN not in ids
    assert vocabulary.decode(ids) == [row.decode("utf-8", "backslashreplace") for row in rows]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (b"\xff", r"\xff"),
        (b"a\xc3", r"a\xc3"),
        (b"a\xc3b", r"a\xc3b"),
        ("é".encode(), "é"),
        (b"\xe6\x9d", r"\xe6\x9d"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
        (b"\x00\n", "\0\n"),
        (b"\\xff", r"\xff"),
    ],
)
def test_bytes_show_as_text_where_they_are_text(row: bytes, shown: str) -> None:
    vocabulary = Vocabulary.of_bytes()
    assert vocabulary.decode(np.array([plain_encode_bytes(row, 6)])) == [shown]


def test_an_unknown_byte_prints_as_the_replacement() -> None:
    """No corpus has one, but a generator may give it, also within a character."""
    ids = np.array([[1, 0xC3 + 2, 1, 0xA9 + 2, 1], [0xC3 + 2, 0xA9 + 2, 1, 0, 5]])
    replaced = rf"{REPLACEMENT}\xc3{REPLACEMENT}\xa9{REPLACEMENT}"
    assert Vocabulary.of_bytes().decode(ids) == [replaced, f"é{REPLACEMENT}"]


def test_the_vocabulary_of_bytes_is_256_a_pad_and_an_unknown() -> None:
    vocabulary = Vocabulary.of_bytes()
    assert (vocabulary.size, vocabulary.dtype, vocabulary.unit) == (258, np.dtype(np.uint16), "byte")
    assert vocabulary.characters == BYTES == bytes(range(256)).decode("latin-1")
    assert vocabulary.table[:256].tolist() == list(range(2, 258))
    assert (vocabulary.table[256:] == UNKNOWN).all()


@given(lengths)
def test_the_file_of_bytes_holds_them_and_is_written_alike(length: int) -> None:
    vocabulary = Vocabulary.of_bytes()
    written = vocabulary.to_json(length)
    again = Vocabulary.from_json(written)
    assert (again.unit, again.characters, again.dtype) == ("byte", vocabulary.characters, vocabulary.dtype)
    assert again.to_json(length) == written
    assert Vocabulary.from_json(Vocabulary(BYTES).to_json(length)).unit == "char"


def sorted_ids(ids: dict[str, int]) -> dict[str, int]:
    """The same tokens, with ids in the order of their code points."""
    tokens = sorted(token for token in ids if len(token) == 1)
    return {"[PAD]": 0, "[UNK]": 1} | {token: place for place, token in enumerate(tokens, 2)}


def damaged() -> dict[str, str]:
    """Name -> a file that is not ours."""
    good = json.loads(Vocabulary("abc").to_json(4))

    def with_vocabulary(vocabulary: object) -> str:
        return json.dumps(good | {"model": good["model"] | {"vocab": vocabulary}})

    def with_decoder(decoder: object) -> str:
        return json.dumps(good | {"decoder": decoder})

    ids = good["model"]["vocab"]
    of_bytes = json.loads(Vocabulary.of_bytes().to_json(4))
    return {
        "empty": "",
        "cut": json.dumps(good)[:-40],
        "no JSON": "tokenizer",
        "a list": "[]",
        "a number": "3",
        "null": "null",
        "no model": "{}",
        "model is text": '{"model": "x"}',
        "no vocabulary": '{"model": {}}',
        "vocabulary is null": with_vocabulary(None),
        "vocabulary is a list": with_vocabulary(["[PAD]", "[UNK]", "a"]),
        "vocabulary is text": with_vocabulary("abc"),
        "vocabulary is a number": with_vocabulary(4),
        "vocabulary is empty": with_vocabulary({}),
        "no pad": with_vocabulary({token: place for token, place in ids.items() if token != "[PAD]"}),
        "pad elsewhere": with_vocabulary(ids | {"[PAD]": 1, "[UNK]": 0}),
        "a gap": with_vocabulary(ids | {"c": 7}),
        "two alike": with_vocabulary(ids | {"c": 3}),
        "another order": with_vocabulary(ids | {"a": 3, "b": 2}),
        "a word": with_vocabulary(ids | {"the": 5}),
        "an empty token": with_vocabulary(ids | {"": 5}),
        "ids of text": with_vocabulary({token: str(place) for token, place in ids.items()}),
        "an id of text": with_vocabulary(ids | {"c": "4"}),
        "ids of null": with_vocabulary(dict.fromkeys(ids)),
        "no decoder": json.dumps({name: part for name, part in good.items() if name != "decoder"}),
        "decoder is null": with_decoder(None),
        "decoder is text": with_decoder("ByteLevel"),
        "decoder has no type": with_decoder({}),
        "decoder of bytes": with_decoder({"type": "ByteLevel"}),
        "bytes with a decoder of characters": json.dumps(of_bytes | {"decoder": good["decoder"]}),
        "fewer bytes": json.dumps(good | {"decoder": of_bytes["decoder"]}),
        "bytes in the order of their characters": json.dumps(
            of_bytes | {"model": of_bytes["model"] | {"vocab": sorted_ids(of_bytes["model"]["vocab"])}}
        ),
    }


@pytest.mark.parametrize("what", damaged())
def test_a_damaged_file_is_a_checkpoint_error(what: str) -> None:
    with pytest.raises(CheckpointError, match=r"^the tokenizer (is not|cannot be read)"):
        Vocabulary.from_json(damaged()[what])


SHARED = [
    "names/names.txt",
    "cities/world_cities.txt",
    "passwords/zxcvbn_passwords.txt",
    "smiles/qm9.txt",
    *(f"words_scripts/{script}.txt" for script in ("arabic", "chinese", "hindi", "korean", "russian", "thai")),
]


@pytest.mark.parametrize("name", SHARED)
def test_table_and_tokenizer_agree_on_real_text(name: str, shared_data: Callable[[str], Path]) -> None:
    """Every line of small files, 4,000 lines from all over of larger ones; every seventh character is unknown."""
    strings = shared_data(name).read_bytes().decode().split("\n")
    strings = strings[:: max(1, len(strings) // 4_000)]
    alphabet = sorted(set("".join(strings)))
    known = Vocabulary("".join(character for place, character in enumerate(alphabet) if place % 7 != 3))
    tokenizer = special_tokens_as_text(Tokenizer.from_str(known.to_json(24)))
    ids = known.encode(strings, 24)
    assert UNKNOWN in ids
    assert by_tokenizer(tokenizer, strings) == ids.tolist()
    everything = Vocabulary("".join(alphabet))
    assert everything.decode(everything.encode(strings, 24)) == [string[:24] for string in strings]
    as_bytes = Vocabulary.of_bytes()
    assert (
        by_tokenizer(special_tokens_as_text(Tokenizer.from_str(as_bytes.to_json(24))), strings)
        == as_bytes.encode(strings, 24).tolist()
    )
