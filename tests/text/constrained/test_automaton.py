"""Automata accept what a plain matcher does: over characters, and over the bytes of UTF-8."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.automaton import MAX_POSITIONS, Automaton, compile_expression
from seqgan_wgp.text.constrained.expressions import (
    ANY,
    ANYTHING,
    Alternation,
    Characters,
    Concatenation,
    Expression,
    Repetition,
    complement,
    literal,
    of_characters,
    union,
    within,
)
from seqgan_wgp.text.constrained.utf8 import automaton_of
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN, Vocabulary

from .walking import accepts

LENGTH = 4
STRINGS = ["".join(parts) for size in range(LENGTH + 1) for parts in itertools.product("abc", repeat=size)]
ABC = np.array([ord(character) for character in "abc"])


def ends(expression: Expression, string: str, starts: set[int]) -> set[int]:
    """Return where a match may end that begins at one of `starts`: the definition, written plainly."""
    if isinstance(expression, Characters):
        return {start + 1 for start in starts if start < len(string) and string[start] in expression}
    if isinstance(expression, Concatenation):
        for part in expression.parts:
            starts = ends(part, string, starts)
        return starts
    if isinstance(expression, Alternation):
        return set().union(*(ends(part, string, starts) for part in expression.parts))
    found = set(starts) if expression.least == 0 else set()
    most = expression.least + len(string) if expression.most is None else expression.most
    for count in range(1, most + 1):
        starts = ends(expression.part, string, starts)
        found |= starts if count >= expression.least else set()
    return found


def of(characters: str) -> Characters:
    return Characters(ranges=of_characters(characters), text=characters)


sets = st.sets(st.sampled_from("abcd"), min_size=1).map(lambda chosen: of("".join(sorted(chosen))))


def larger(smaller: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(smaller, max_size=3).map(tuple)
    counts = st.tuples(st.integers(0, 3), st.none() | st.integers(0, 3))
    repeated = st.builds(
        lambda part, count: Repetition(part=part, least=count[0], most=None if count[1] is None else sum(count)),
        smaller,
        counts,
    )
    chosen = st.lists(smaller, min_size=1, max_size=3).map(lambda several: Alternation(parts=tuple(several)))
    return parts.map(lambda several: Concatenation(parts=several)) | chosen | repeated


expressions: st.SearchStrategy[Expression] = st.recursive(sets, larger, max_leaves=6)


@given(expressions)
@settings(max_examples=300)
def test_an_automaton_accepts_what_the_expression_matches(expression: Expression) -> None:
    automaton = compile_expression(expression, ABC, LENGTH)
    for string in STRINGS:
        symbols = ["abc".index(character) for character in string]
        assert accepts(automaton, symbols) == (len(string) in ends(expression, string, {0})), string


def test_what_contains_a_word_takes_a_state_a_character() -> None:
    """As in the automaton of Knuth, Morris and Pratt 1977, and after the word one for each again."""
    automaton = compile_expression(Concatenation(parts=(ANYTHING, literal("abab"))), ABC, 30)
    assert automaton.target_SC.shape == (5, 3)


def test_states_that_only_longer_strings_reach_are_not_made() -> None:
    endless = Repetition(part=ANY, least=0, most=None)
    tail = Concatenation(parts=(endless, literal("a"), *[ANY] * 30))
    assert len(compile_expression(tail, ABC, 3).accepts_S) <= 1 + 2 + 4 + 8
    with pytest.raises(ConfigError, match="more than 10,000 states"):
        compile_expression(tail, ABC, 40)


def test_too_many_places_are_refused() -> None:
    many = Repetition(part=literal("a" * 100), least=99, most=99)
    with pytest.raises(ConfigError, match=f"more than {MAX_POSITIONS:,} positions"):
        compile_expression(many, ABC, 200)


# Sets of characters

ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))))


@given(ranges, ranges)
def test_sets_are_sets(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    def members(of: list[tuple[int, int]]) -> set[int]:
        return {number for first, last in of for number in range(first, last + 1)}

    merged = union(one + other)
    assert members(list(merged)) == members(one) | members(other)
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(merged))
    assert complement(complement(merged)) == merged
    inside = set(np.flatnonzero(within(merged, np.arange(60))).tolist())
    outside = set(np.flatnonzero(within(complement(merged), np.arange(60))).tolist())
    assert inside == members(list(merged))
    assert outside == set(range(60)) - inside


# Bytes

BYTES = Vocabulary.of_bytes()
EDGES = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF]


def over_bytes(expression: Expression, length: int) -> Automaton:
    return automaton_of(expression, BYTES, length)


def ids(data: bytes) -> list[int]:
    return [byte + 2 for byte in data]


ANY_UTF8 = over_bytes(ANYTHING, 8)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


OVERLONG = [b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf"]
NO_CHARACTER = [b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff"]
awkward = st.sampled_from(OVERLONG + NO_CHARACTER)


@given(st.binary(max_size=6) | awkward | st.text(max_size=3).map(lambda text: text.encode(errors="ignore")[:7]))
def test_bytes_are_accepted_where_they_are_utf8(data: bytes) -> None:
    assert accepts(ANY_UTF8, ids(data)) == is_utf8(data)


def test_every_length_of_utf8_begins_and_ends_where_it_should() -> None:
    for code_point in EDGES:
        assert accepts(ANY_UTF8, ids(chr(code_point).encode())), hex(code_point)
    for lead, second in itertools.product(range(0xC0, 256), (0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF)):
        for tail in (b"", b"\x80", b"\x80\x80"):
            data = bytes([lead, second]) + tail
            assert accepts(ANY_UTF8, ids(data)) == is_utf8(data), data


@settings(max_examples=50)
@given(st.lists(st.sampled_from(EDGES), min_size=2, max_size=6), st.lists(st.sampled_from(EDGES), max_size=2))
def test_a_set_of_characters_is_the_set_of_their_utf8(bounds: list[int], text: list[int]) -> None:
    bounds = sorted(bounds[: len(bounds) // 2 * 2])
    chosen = Characters(ranges=union(zip(bounds[::2], bounds[1::2], strict=True)), text="")
    automaton = over_bytes(Repetition(part=chosen, least=0, most=None), 8)
    string = "".join(map(chr, text))
    assert accepts(automaton, ids(string.encode())) == all(character in chosen for character in string)


def test_counts_are_of_characters() -> None:
    two = over_bytes(Repetition(part=ANY, least=2, most=2), 8)
    assert [accepts(two, ids(string.encode())) for string in ("é", "aé", "漢😀", "aaa")] == [False, True, True, False]


@pytest.mark.parametrize("vocabulary", [BYTES, Vocabulary("abc\x00\x01")])
def test_no_string_has_a_pad_or_an_unknown(vocabulary: Vocabulary) -> None:
    automaton = automaton_of(ANYTHING, vocabulary, 3)
    assert (automaton.class_U[[PAD, UNKNOWN]] == -1).all()
    assert len(automaton.class_U) == vocabulary.size


def test_too_large_an_automaton_over_bytes_is_refused() -> None:
    scattered = Characters(ranges=tuple((root**2, root**2) for root in range(1_056)), text="")
    long = Repetition(part=scattered, least=400, most=400)
    with pytest.raises(ConfigError, match="over bytes"):
        over_bytes(long, 500)
