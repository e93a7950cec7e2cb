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
from seqgan_wgp.text.vocabulary import CODE_POINTS, PAD, REPLACEMENT, UNKNOWN, Vocabulary, literal

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
    assert by_tokenizer(literal(Tokenizer.from_str(written)), strings) == expected
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
    """Why `literal` is there; should `tokenizers` come to keep the flag in the file, it can go."""
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


def damaged() -> dict[str, str]:
    """Name -> a file that is not ours."""
    good = json.loads(Vocabulary("abc").to_json(4))

    def with_vocabulary(vocabulary: object) -> str:
        return json.dumps(good | {"model": good["model"] | {"vocab": vocabulary}})

    ids = good["model"]["vocab"]
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
    }


@pytest.mark.parametrize("what", damaged())
def test_a_damaged_file_is_a_checkpoint_error(what: str) -> None:
    with pytest.raises(CheckpointError, match=r"^the tokenizer is not"):
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
    tokenizer = literal(Tokenizer.from_str(known.to_json(24)))
    ids = known.encode(strings, 24)
    assert UNKNOWN in ids
    assert by_tokenizer(tokenizer, strings) == ids.tolist()
    everything = Vocabulary("".join(alphabet))
    assert everything.decode(everything.encode(strings, 24)) == [string[:24] for string in strings]
