"""Constraints as they are written: what is read, what is refused, and what each means."""

from __future__ import annotations

from typing import Any

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints, WordFile, parse_length
from seqgan_wgp.text.generation.formats import printable


@pytest.mark.parametrize(
    ("text", "length"),
    [("5", (5, 5)), ("3-8", (3, 8)), ("3-", (3, None)), ("-8", (1, 8)), ("0-2", (0, 2)), ("007", (7, 7))],
)
def test_lengths_are_read(text: str, length: tuple[int, int | None]) -> None:
    assert parse_length(text) == length


@pytest.mark.parametrize(
    "text", ["", "-", "a", "3-8-9", "3\N{EN DASH}8", "3 - 8", "--3", "1.5", "٣", " 3", "3\n", "9" * 40]
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_length(text)
    assert caught.value.message == f"--length is '{printable(text)}'"
    assert "3-8" in caught.value.remedy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"length": (8, 3)}, "--length 8-3 has its larger number first"),
        ({"sets": ("a",)}, "a custom set is given, but there is no --mask"),
        ({"mask": "?1", "sets": ("a", None, None, None, "b")}, "there are 5 custom sets"),
        ({"mask": "?9"}, "there is no set ?9"),
        ({"charset": ""}, "--charset is empty"),
        ({"charset": "?x"}, "--charset '?x': there is no set ?x"),
        ({"charset": "?1"}, "--charset '?1' has ?1, but no -1 is given before it"),
        ({"at_least": ("?d",)}, "--at-least is '?d'"),
        ({"at_least": (":2",)}, "--at-least is ':2'"),
        ({"at_most": ("?d:x",)}, "--at-most is '?d:x'"),
        ({"at_most": ("?d:-1",)}, "--at-most is '?d:-1'"),
        ({"at_most": ("?x:1",)}, "--at-most '?x': there is no set ?x"),
        ({"without": ("",)}, "--without is empty"),
        ({"ignore_case": True}, "--ignore-case is given, but there is no --without"),
        ({"regex": "(a"}, "--regex '(a': character 1"),
    ],
)
def test_what_is_not_well_written_is_refused_at_once(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Constraints(**given)
    assert message in caught.value.message


def test_constraints_are_true_where_anything_is_asked() -> None:
    assert not Constraints()
    assert not Constraints(sets=(None, None), contains=())
    for given in ({"prefix": ""}, {"contains": ("",)}, {"length": (0, None)}, {"regex": ""}, {"mask": ""}):
        assert Constraints(**given)


@pytest.mark.parametrize(
    ("given", "yes", "no"),
    [
        ({}, ["a", "?", "é\n"], [""]),
        ({"prefix": "Ma"}, ["Ma", "Mara"], ["ma", "M", "aMa", ""]),
        ({"suffix": "ta"}, ["ta", "rita"], ["tan", "a", ""]),
        ({"prefix": "aba", "suffix": "bab"}, ["abab", "abaxbab"], ["aba", "bab", "abaxab"]),
        ({"contains": ("ab", "ba")}, ["aba", "abba", "xbaab"], ["ab", "ba", "aab"]),
        ({"mask": "?u?1.", "sets": ("ae",)}, ["Ma.", "Xe."], ["ma.", "Mo.", "Ma", "Ma,", "Ma.x"]),
        ({"length": (2, 3)}, ["aa", "aaa"], ["a", "aaaa", ""]),
        ({"length": (0, 1)}, ["a"], ["", "aa"]),
        ({"length": (2, None)}, ["aa", "a" * 99], ["a"]),
        ({"charset": "?dx"}, ["0", "x9x"], ["", "y", "0y"]),
        ({"regex": "[ab]+c?"}, ["a", "abc"], ["", "c", "abcc", "xab"]),
        ({"regex": "a*"}, ["a"], [""]),
        ({"regex": (".*b.*", ".*c.*")}, ["bc", "acab"], ["b", "c", ""]),
        ({"at_least": ("?d:2", "a:1")}, ["1a2", "a11"], ["1a", "11", "12b"]),
        ({"at_most": ("?d:1", "ab:0")}, ["c1", "c"], ["11", "a1", "b"]),
        ({"at_least": ("::2",)}, ["::", "a:b:"], [":", "a"]),
        ({"without": ("ab", "ß")}, ["ba", "AB", "ss"], ["ab", "xabx", "ß"]),
        ({"without": ("ab", "é"), "ignore_case": True}, ["ba", "e"], ["aB", "xAbx", "É"]),
        ({"without_files": (WordFile(name="w", words=("no",)),)}, ["on", "NO"], ["no", "know"]),
    ],
)
def test_what_each_means(given: dict[str, Any], yes: list[str], no: list[str]) -> None:
    constraints = Constraints(**given)
    assert [constraints.satisfied_by(string) for string in yes] == [True] * len(yes)
    assert [constraints.satisfied_by(string) for string in no] == [False] * len(no)
