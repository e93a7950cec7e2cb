"""Masks mean what they mean to hashcat."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.masks import SETS, parse_mask, parse_set

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


def characters(mask: str, *sets: str | None) -> list[str]:
    """Return which of the printable ASCII characters each position allows."""
    return ["".join(filter(allowed.__contains__, PRINTABLE)) for allowed in parse_mask(mask, sets)]


def test_the_sets_are_those_of_hashcat() -> None:
    assert characters("?l?u?d") == ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"]
    assert characters("?s") == [" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]
    assert characters("?a") == [PRINTABLE]
    assert characters("?h?H") == ["0123456789abcdef", "0123456789ABCDEF"]
    assert characters("?b") == [PRINTABLE] and "漢" in parse_mask("?b", ())[0]
    assert sorted("".join(SETS[name] for name in "luds")) == sorted(SETS["a"]) == list(PRINTABLE)


def test_a_mask_is_one_set_a_position() -> None:
    assert characters("") == []
    assert characters("x??y") == ["x", "?", "y"]
    assert characters("?1?2?1", "aeiou", "?d??") == ["aeiou", "0123456789?", "aeiou"]
    assert characters("?4", None, None, None, "zz") == ["z"]
    assert characters("?2", "ab", "?1?d") == ["0123456789ab"]
    assert characters("1l?d") == ["1", "l", "0123456789"]
    assert "é" in parse_mask("é?1", ("漢",))[0]


@given(st.text(string.ascii_letters + "?1é", min_size=1))
def test_a_doubled_question_mark_is_one(text: str) -> None:
    positions = parse_mask(text.replace("?", "??"), ())
    assert [next(filter(allowed.__contains__, "?" + text)) for allowed in positions] == list(text)


@pytest.mark.parametrize(
    ("mask", "sets", "message"),
    [
        ("ab?", (), "--mask 'ab?' ends in a single question mark"),
        ("a?x", (), "--mask 'a?x': there is no set ?x (symbol 2)"),
        ("?5", (), "there is no set ?5"),
        ("?1", (), "--mask '?1' has ?1, but no -1 is given"),
        ("?1?2", ("a",), "--mask '?1?2' has ?2, but no -2 is given"),
        ("a", ("b",), "-1 is given, but --mask 'a' has no ?1"),
        ("??1", ("b",), "-1 is given, but --mask '??1' has no ?1"),
        ("?1", ("",), "-1 is empty"),
        ("?1?2", ("?2", "a"), "-1 '?2' has ?2, but no -2 is given before it"),
        ("?1?2", ("?1", "a"), "-1 '?1' has ?1, but no -1 is given before it"),
        ("?1", ("?k",), "-1 '?k': there is no set ?k"),
        ("?1", ("?",), "-1 '?' ends in a single question mark"),
    ],
)
def test_what_is_not_a_mask_is_refused(mask: str, sets: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mask(mask, sets)
    assert caught.value.message.startswith(message) or message in caught.value.message


def test_a_set_of_characters() -> None:
    assert "".join(filter(parse_set("?dabc", "--charset").__contains__, PRINTABLE)) == "0123456789abc"
    with pytest.raises(ConfigError, match="--charset is empty"):
        parse_set("", "--charset")
