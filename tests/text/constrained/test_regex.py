"""The regular expressions that decoding knows mean what they mean to Python's `re`; all others are refused."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.expressions import of_escape
from seqgan_wgp.text.constrained.languages import compile_language
from seqgan_wgp.text.constrained.regex import MAX_COUNT, MAX_DEPTH, parse_regex

from .walking import accepts

ALPHABET = "aB1_-\n é"
LENGTH = 3
STRINGS = ["".join(parts) for size in range(LENGTH + 1) for parts in itertools.product(ALPHABET, repeat=size)]
CODE_POINTS = np.array([ord(character) for character in ALPHABET])


def matched(pattern: str) -> list[str]:
    automata = [compile_language(language, CODE_POINTS, LENGTH) for language in parse_regex(pattern)]
    ids = {string: [ALPHABET.index(character) for character in string] for string in STRINGS}
    return [string for string in STRINGS if all(accepts(automaton, ids[string]) for automaton in automata)]


def matched_by_python(pattern: str) -> list[str]:
    compiled = re.compile(pattern)
    return [string for string in STRINGS if compiled.fullmatch(string)]


escapes = st.sampled_from([r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\n", r"\x42", r"\u00e9"])
members = escapes | st.sampled_from(["a", "B", "1", "_", "é", r"\-", "a-z", "A-Z", "0-9", r"\x31-a"])
sets = st.builds(
    lambda negated, parts, last: f"[{'^' * negated}{''.join(parts)}{last}]",
    st.booleans(),
    st.lists(members, min_size=1, max_size=3),
    st.sampled_from(["", "", "-"]),
)
atoms = sets | escapes | st.sampled_from([*"aB1_-é", ".", r"\.", "]", "}"])
counts = st.sampled_from(["*", "+", "?", "{0}", "{2}", "{1,}", "{,2}", "{0,2}", "{1,3}", "{2,9}"])


def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.lists(smaller, max_size=3).map("".join)
        | st.lists(smaller, min_size=2, max_size=3).map("|".join).map("({})".format)
        | smaller.map("(?:{})".format)
        | st.builds("({}){}".format, smaller, counts)
        | st.builds("{}{}".format, atoms, counts)
    )


patterns = st.recursive(atoms, larger, max_leaves=6)


@given(patterns, st.booleans())
@settings(max_examples=200)
def test_a_pattern_matches_what_python_matches(pattern: str, anchored: bool) -> None:
    pattern = f"^{pattern}$" if anchored else pattern
    assert matched(pattern) == matched_by_python(pattern)


@given(
    st.lists(st.builds("(?{}{}{})".format, st.sampled_from("=!"), patterns, st.sampled_from(["", "$"])), max_size=2),
    patterns,
)
@settings(max_examples=150)
def test_lookaheads_at_the_start_mean_what_they_mean_to_python(lookaheads: list[str], pattern: str) -> None:
    pattern = "".join(lookaheads) + f"(?:{pattern})"
    assert matched(pattern) == matched_by_python(pattern)


@given(st.text(r"aB1()[]{}*+?^$.|\dwnx-,2:=!é", max_size=9))
@settings(max_examples=1_000)
def test_any_text_is_refused_or_means_what_it_means_to_python(pattern: str) -> None:
    try:
        parse_regex(pattern)
    except ConfigError as error:
        assert error.message.startswith(f"--regex '{pattern}': character ")
        return
    assert matched(pattern) == matched_by_python(pattern)


@pytest.mark.parametrize(
    ("pattern", "place", "what"),
    [
        ("ab(?=c)", 3, "'(?=' begins a lookahead not at the start"),
        ("((?!a))", 2, "'(?!' begins a lookahead not at the start"),
        ("(?=a(?=b))", 5, "'(?=' begins a lookahead not at the start"),
        ("(?=a", 1, "'(' is never closed"),
        ("(?=a)*", 6, "'*' has nothing to repeat"),
        ("(?=a)b|c", 6, "a lookahead stands before one alternative"),
        ("(?=a|b$)a", 1, "'$' ends one alternative of a lookahead"),
        ("a(?<=a)", 2, "'(?<' begins a lookbehind"),
        ("(?P<name>a)", 1, "'(?P' begins a named group"),
        ("(?P=name)", 1, "begins a reference"),
        ("(?i)a", 1, "begins a flag"),
        ("(?>a)", 1, "begins an atomic group"),
        ("(?#a)", 1, "begins a comment"),
        ("(?", 1, "begins a flag"),
        (r"(a)\1", 4, r"'\1' is a reference"),
        (r"\bword", 1, r"'\b' is a word boundary"),
        (r"\A", 1, "an anchor"),
        (r"a\Z", 2, "an anchor"),
        (r"\y", 1, r"'\y' is no character"),
        ("\\", 1, "a single backslash"),
        ("a^b", 2, "'^' is supported only at the ends"),
        ("a$b", 2, "'$' is supported only at the ends"),
        ("(a$)", 3, "'$' is supported only at the ends"),
        ("*a", 1, "'*' has nothing to repeat"),
        ("^+", 2, "'+' has nothing to repeat"),
        ("(|?)", 3, "'?' has nothing to repeat"),
        ("{2}", 1, "'{' has nothing to repeat"),
        ("a*?", 3, "'?' follows another repetition"),
        ("a++", 3, "'+' follows another repetition"),
        ("a{2}{3}", 5, "'{' follows another repetition"),
        ("a{b}", 2, "'{' begins no count"),
        ("a{", 2, "'{' begins no count"),
        ("a{}", 2, "'{' begins no count"),
        ("a{,}", 2, "'{' begins no count"),
        ("a{1", 2, "'{' begins no count"),
        ("a{3,2}", 2, "{3,2} has its larger number first"),
        (f"a{{{MAX_COUNT + 1}}}", 2, "is above 1,000"),
        ("a{1,99999}", 2, "is above 1,000"),
        ("(a", 1, "'(' is never closed"),
        ("a)b", 2, "')' closes no group"),
        ("x[ab", 2, "'[' is never closed"),
        ("[]", 1, "'[' is never closed"),
        ("[^]", 1, "'[' is never closed"),
        ("[a-", 1, "'[' is never closed"),
        ("[z-a]", 2, "'z-a' is a range whose end is before"),
        (r"[a-\d]", 2, "is a range whose ends are not single characters"),
        (r"[\d-a]", 2, "is a range whose ends are not single characters"),
        ("[[a]", 2, "'[' is not supported in a set"),
        ("[a&&b]", 3, "'&&' is not supported in a set"),
        ("[+--]", 3, "'--' is not supported in a set"),
        (r"\x4", 1, "needs 2 hexadecimal digits"),
        (r"\xgg", 1, "needs 2 hexadecimal digits"),
        (r"a\u00e", 2, "needs 4 hexadecimal digits"),
        ("(" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "nested more than 50 deep"),
    ],
)
def test_what_is_refused_is_named_with_its_place(pattern: str, place: int, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_regex(pattern)
    assert f": character {place}: " in caught.value.message
    assert what in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.remedy.startswith("supported: ")


def test_classes_are_those_of_unicode() -> None:
    for escape, inside, outside in ((r"\d", "7٣", "a½"), (r"\w", "é_漢", "-\u2003"), (r"\s", "\u2003\t", "a")):
        for character in inside + outside:
            found = any(first <= ord(character) <= last for first, last in of_escape(escape))
            assert found == (character in inside), (escape, character)


def test_the_largest_counts_and_depths_are_taken() -> None:
    assert matched(f"a{{0,{MAX_COUNT}}}") == ["", "a", "aa", "aaa"]
    assert matched("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == ["a"]
    assert matched(f"{'(' * 9}{'){1000}' * 9}") == [""]
