"""Compile constraints into a trellis of allowed strings, and explain contradictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from ...errors import ConfigError
from ..generation.formats import printable
from ..vocabulary import Vocabulary
from .automaton import Automaton
from .expressions import ANY, Characters, Repetition, quoted, within
from .languages import Language, needed
from .trellis import Trellis, everything, intersect
from .utf8 import automaton_of

_NOT_EMPTY = Repetition(part=ANY, least=1, most=None)

_MAX_SHOWN = 100
"""Number of characters of the alphabet shown in a message."""

Automata: TypeAlias = Mapping[str, Automaton]
"""Constraint as written by the user -> automaton of the allowed strings; "" -> automaton of non-empty strings."""


def automata_of(languages: Mapping[str, Language], vocabulary: Vocabulary, length: int) -> Automata:
    """Return the automata of constraints, over the ids of a vocabulary.

    Args:
        languages: constraint as written by the user -> the strings that it allows.
        vocabulary: the vocabulary. No string has unknown symbols; for bytes all strings are well-formed UTF-8.
        length: largest number of ids in a string.

    Raises:
        ConfigError: an automaton is too large; the message names its constraint.
    """
    automata = {}
    for name, language in {"": _NOT_EMPTY, **languages}.items():
        try:
            automata[name] = automaton_of(language, vocabulary, length)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error.message}", error.remedy) from None
    return automata


def trellis_of(automata: Automata, vocabulary: Vocabulary, length: int) -> Trellis | None:
    """Return the trellis of the strings that all automata accept; None when there are none.

    Raises:
        ConfigError: it is too large; the message names the constraint that made it so.
    """
    trellis: Trellis | None = everything(vocabulary.size, length)
    for name, automaton in automata.items():
        try:
            trellis = intersect(trellis, automaton) if trellis else None
        except ConfigError as error:
            raise ConfigError(f"{name}: {error.message}", error.remedy) from None
    return trellis


def impossible(
    languages: Mapping[str, Language], automata: Automata, vocabulary: Vocabulary, length: int
) -> ConfigError:
    """Return the error that explains why no string satisfies all constraints.

    It names a minimal set of contradicting constraints: without any one of them, some string satisfies the others.
    """
    guilty = dict(automata)
    for name in languages:
        others = {other: automaton for other, automaton in guilty.items() if other != name}
        if not _allow(others, vocabulary, length):
            guilty = others
    named = {name: language for name, language in languages.items() if name in guilty}
    lacking = _lacking(named, vocabulary)
    richer = Vocabulary(
        "".join({*vocabulary.characters, *(chr(leaf.ranges[0][0]) for _, leaf in lacking)}),
        vocabulary.unit,
        vocabulary.tokens,
    )
    if lacking and _allow(automata_of(named, richer, length), richer, length):
        return _no_such_character(*lacking[0], vocabulary)
    remedy = "relax it" if len(named) == 1 else "relax one of them, or leave it out"
    return ConfigError(f"no string of 1 to {length} {vocabulary.plural} satisfies {' and '.join(named)}", remedy)


def _allow(automata: Automata, vocabulary: Vocabulary, length: int) -> bool:
    """Return whether a string satisfies all automata; also True if this is too large to decide."""
    try:
        return trellis_of(automata, vocabulary, length) is not None
    except ConfigError:
        return True


def _lacking(languages: Mapping[str, Language], vocabulary: Vocabulary) -> list[tuple[str, Characters]]:
    """Return the character sets without any character of the alphabet, each with the name of its constraint."""
    if vocabulary.is_byte:
        return []
    code_points = np.array([ord(character) for character in "".join(vocabulary.texts)], np.int64)
    return [
        (name, leaf)
        for name, language in languages.items()
        for leaf in needed(language)
        if leaf.ranges and not within(leaf.ranges, code_points).any()
    ]


def _no_such_character(name: str, leaf: Characters, vocabulary: Vocabulary) -> ConfigError:
    first, last = leaf.ranges[0][0], leaf.ranges[-1][1]
    what = f"{quoted(chr(first))} is not" if first == last else f"no character of {printable(leaf.text)} is"
    known = "".join(dict.fromkeys("".join(vocabulary.texts)))
    shown = printable(known[:_MAX_SHOWN])
    more = len(known) - _MAX_SHOWN
    ending = f" and {more:,} more" if more > 0 else ""
    return ConfigError(f"{name}: {what} in the model's alphabet", f"its characters are {shown}{ending}")
