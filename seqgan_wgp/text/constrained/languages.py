"""Sets of strings as automata over characters: expressions, counts, strings without words, complements.

A policy such as "two digits or more, and no listed word" is one automaton per rule. The trellis intersects them.

Shape suffixes: S states, C classes of symbols that all states treat alike, U symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, final

import numpy as np

from ...errors import ConfigError
from ..vocabulary import CODE_POINTS
from .automaton import NONE, Automaton, Int64s, compile_expression
from .expressions import Characters, Expression, leaves, within

MAX_WORD_STATES = 50_000
"""Largest number of beginnings of words that an automaton can tell apart."""

_COUNT, _OTHER = 1, 0
"""Classes of the automaton of a count."""


@final
@dataclass(frozen=True, kw_only=True)
class Counted:
    """Strings with `least` to `most` characters of a set, anywhere; None: any number."""

    characters: Characters
    least: int
    most: int | None


@final
@dataclass(frozen=True, kw_only=True)
class Without:
    """Strings in which none of the words stands; the words are not empty."""

    words: tuple[str, ...]
    ignore_case: bool


@final
@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """Strings that an expression does not match as a whole."""

    expression: Expression


Language: TypeAlias = Expression | Counted | Without | Unmatched
"""A set of strings that one constraint allows."""


def compile_language(language: Language, code_point_U: Int64s, length: int) -> Automaton:
    """Return the automaton of the strings of a language with at most `length` characters.

    It may accept longer strings too.

    Args:
        language: the strings.
        code_point_U: the alphabet.
        length: largest number of characters.

    Raises:
        ConfigError: it is too large.
    """
    if isinstance(language, Counted):
        return _counting(language, code_point_U, length)
    if isinstance(language, Without):
        return _avoiding(language, code_point_U)
    if isinstance(language, Unmatched):
        return complement_of(compile_expression(language.expression, code_point_U, length))
    return compile_expression(language, code_point_U, length)


def needed(language: Language) -> Iterator[Characters]:
    """Yield the sets of characters without which a language can be empty, for messages."""
    if isinstance(language, Counted):
        yield from (language.characters,) * (language.least > 0)
    elif not isinstance(language, Without | Unmatched):
        yield from leaves(language)


def fold(character: str) -> str:
    """Return a character without its case; those whose folding has several characters stay as they are."""
    folded = character.casefold()
    return folded if len(folded) == 1 else character


def complement_of(automaton: Automaton) -> Automaton:
    """Return the automaton of all strings over the alphabet that an automaton does not accept.

    A string that led nowhere now leads to a state from which everything is accepted. Symbols in no string have a class
    of their own that leads there.
    """
    states, classes = automaton.target_SC.shape
    target_SC = np.full((states + 1, classes + 1), states)
    target_SC[:states, :classes] = np.where(automaton.target_SC == NONE, states, automaton.target_SC)
    return Automaton(
        target_SC=target_SC,
        accepts_S=np.append(~automaton.accepts_S, True),
        class_U=np.where(automaton.class_U == NONE, classes, automaton.class_U),
    )


def _counting(rule: Counted, code_point_U: Int64s, length: int) -> Automaton:
    """Return the automaton whose state is the number of characters of the set so far, as far as it matters."""
    least = min(rule.least, length + 1)
    most = None if rule.most is None or rule.most >= length else rule.most
    last = least if most is None else max(least, most)
    target_SC = np.empty((last + 1, 2), np.int64)
    target_SC[:, _OTHER] = np.arange(last + 1)
    target_SC[:, _COUNT] = np.arange(1, last + 2)
    target_SC[last, _COUNT] = last if most is None else NONE
    count_S = np.arange(last + 1)
    accepts_S = (count_S >= least) & (count_S <= (last if most is None else most))
    class_U = np.where(within(rule.characters.ranges, code_point_U), _COUNT, _OTHER)
    return Automaton(target_SC=target_SC, accepts_S=accepts_S, class_U=class_U)


def _avoiding(rule: Without, code_point_U: Int64s) -> Automaton:
    """Return the automaton of Aho and Corasick 1975, "Efficient string matching", without the states behind a word.

    A state is the longest beginning of a word that the string ends in.
    """
    letters = {letter: place for place, letter in enumerate(sorted(set("".join(map(_folded(rule), rule.words)))), 1)}
    children, ends = _trie(rule, letters)
    target_SC = np.zeros((len(children), len(letters) + 1), np.int64)
    order, behind = [0], {0: 0}
    for node in order:  # grows while it is walked: a breadth-first search
        shorter = behind[node]
        if node:
            target_SC[node] = target_SC[shorter]
        for place, child in children[node].items():
            behind[child] = int(target_SC[shorter, place]) if node else 0
            target_SC[node, place] = child
            ends[child] = ends[child] or ends[behind[child]]
            order.append(child)
    ends_S = np.array(ends)
    kept_S = ~ends_S
    name_S = np.where(kept_S, np.cumsum(kept_S) - 1, NONE)
    return Automaton(
        target_SC=name_S[target_SC[kept_S]],
        accepts_S=np.ones(int(kept_S.sum()), np.bool_),
        class_U=_letter_classes(rule, letters, code_point_U),
    )


def _trie(rule: Without, letters: Mapping[str, int]) -> tuple[list[dict[int, int]], list[bool]]:
    """Return the children of each beginning, by class, and whether it is a word."""
    children: list[dict[int, int]] = [{}]
    ends, folded = [False], _folded(rule)
    for word in sorted(rule.words, key=len):
        node = 0
        for letter in folded(word):
            if ends[node]:
                break  # a shorter word is the beginning of this one
            child = children[node].setdefault(letters[letter], len(children))
            if child == len(children):
                children.append({})
                ends.append(False)
            node = child
        ends[node] = True
        if len(children) > MAX_WORD_STATES:
            raise ConfigError(f"its words have more than {MAX_WORD_STATES:,} different beginnings", "give fewer words")
    return children, ends


class _Folding:
    """Folds the case of texts, or leaves them as they are."""

    def __init__(self, ignore_case: bool) -> None:
        self._ignore_case = ignore_case

    def __call__(self, text: str) -> str:
        return "".join(map(fold, text)) if self._ignore_case else text


def _folded(rule: Without) -> _Folding:
    return _Folding(rule.ignore_case)


def stands_in(rule: Without, string: str) -> bool:
    """Return whether one of the words stands in a string, checked directly without an automaton."""
    folded = _folded(rule)
    text = folded(string)
    return any(folded(word) in text for word in rule.words)


def _letter_classes(rule: Without, letters: Mapping[str, int], code_point_U: Int64s) -> Int64s:
    """Return the class of each symbol: of its letter, or 0 for those in no word."""
    class_P = np.zeros(CODE_POINTS, np.int64)
    for letter, place in letters.items():
        class_P[ord(letter)] = place
    if rule.ignore_case:
        for character, letter in _case_pairs():
            class_P[ord(character)] = letters.get(letter, 0)
    return class_P[code_point_U]


@cache
def _case_pairs() -> tuple[tuple[str, str], ...]:
    """Return each character that folds to another one, with that one."""
    everything = map(chr, range(CODE_POINTS))
    return tuple((character, fold(character)) for character in everything if fold(character) != character)
