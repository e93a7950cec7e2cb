"""Convert automata over characters to automata over ids, which are characters, bytes of UTF-8, or tokens.

Shape suffixes: S states, C classes, U code points, V ids, B the 256 bytes, T the 64 continuation bytes, M nodes, the
state after the first bytes of a character; node 0 is its start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...errors import ConfigError
from ..vocabulary import CODE_POINTS, Vocabulary
from .automaton import MAX_STATES, NONE, Automaton, Int64s
from .expressions import Repetition
from .languages import Language, compile_language

MAX_BYTE_STATES = 10 * MAX_STATES

_SURROGATES = slice(0xD800, 0xE000)
_TAILS = slice(0x80, 0xC0)
_TAIL = 64
_TWO, _THREE, _FOUR = 0x80, 0x800, 0x10000
"""The first code points whose UTF-8 has 2, 3 and 4 bytes."""


def automaton_of(language: Language, vocabulary: Vocabulary, length: int) -> Automaton:
    """Return the automaton over the ids of a vocabulary of a language's strings of at most `length` characters.

    For a vocabulary of bytes these are exactly the well-formed UTF-8 of the strings (The Unicode Standard, table 3-7).
    For a unit with tokens, `length` counts units, and so does an expression that `counts_units`. No string contains a
    pad or an unknown symbol.

    Raises:
        ConfigError: it would be too large.
    """
    if vocabulary.is_byte:
        automaton = _over_bytes(compile_language(language, np.arange(CODE_POINTS), length))
    elif vocabulary.tokens is not None and isinstance(language, Repetition) and language.counts_units:
        automaton = _of_length(language, len(vocabulary.characters), length)
    elif vocabulary.tokens is not None:
        texts, most = vocabulary.texts, length * vocabulary.tokens.longest
        known = sorted(set("".join(texts)))
        characters = compile_language(language, np.array([ord(character) for character in known]), most)
        automaton = _over_tokens(characters, {character: place for place, character in enumerate(known)}, texts)
    else:
        code_point_U = np.array([ord(character) for character in vocabulary.characters])
        automaton = compile_language(language, code_point_U, length)
    return replace(automaton, class_U=np.concatenate([[NONE, NONE], automaton.class_U]))


def _of_length(expression: Repetition, tokens: int, length: int) -> Automaton:
    """Return the automaton of the strings of `least` to `most` tokens; state k is k tokens, the last one may go on."""
    most = expression.most
    states = 1 + min(length, expression.least if most is None else most)
    target_SC = np.append(np.arange(1, states), states - 1 if most is None else NONE).reshape(-1, 1)
    accepts_S = np.arange(states) >= expression.least
    return Automaton(target_SC=target_SC, accepts_S=accepts_S, class_U=np.zeros(tokens, np.int64))


def _over_tokens(automaton: Automaton, places: Mapping[str, int], texts: Sequence[str]) -> Automaton:
    """Return the automaton over tokens: a token has the transition of its sequence of characters."""
    states = len(automaton.accepts_S)
    # A last row and a last column of NONE, for NONE, which is index -1.
    target_SC = np.pad(automaton.target_SC, ((0, 1), (0, 1)), constant_values=NONE)
    target_SV = np.empty((states, len(texts)), np.int64)
    for place, text in enumerate(texts):
        at_S = np.arange(states)
        for character in text:
            at_S = target_SC[at_S, automaton.class_U[places[character]]]
        target_SV[:, place] = at_S
    alike_CS, class_V = np.unique(target_SV.T, axis=0, return_inverse=True)
    return Automaton(target_SC=alike_CS.T.copy(), accepts_S=automaton.accepts_S, class_U=class_V.reshape(-1))


def _over_bytes(automaton: Automaton) -> Automaton:
    """Return the automaton over bytes. State s * M + m is state s with node m of an incomplete character."""
    emitted_MB, child_MB = _reader(automaton.class_U)
    states, nodes = len(automaton.accepts_S), len(child_MB)
    if states * nodes > MAX_BYTE_STATES:
        raise ConfigError(f"over bytes its automaton has more than {MAX_BYTE_STATES:,} states", "simplify it")
    alike, class_B = np.unique(np.stack([emitted_MB, child_MB]).reshape(2 * nodes, -1), axis=1, return_inverse=True)
    emitted_MC, child_MC = alike[:nodes], alike[nodes:]
    # A last column of NONE, for the class NONE, which is index -1.
    after_SMC = np.pad(automaton.target_SC, ((0, 0), (0, 1)), constant_values=NONE)[:, emitted_MC]
    within_SMC = np.where(child_MC == NONE, NONE, np.arange(states)[:, None, None] * nodes + child_MC)
    target_SMC = np.where(after_SMC == NONE, within_SMC, after_SMC * nodes)
    accepts_SM = np.zeros((states, nodes), np.bool_)
    accepts_SM[:, 0] = automaton.accepts_S
    return Automaton(
        target_SC=target_SMC.reshape(states * nodes, -1), accepts_S=accepts_SM.reshape(-1), class_U=class_B.reshape(-1)
    )


def _reader(class_U: Int64s) -> tuple[Int64s, Int64s]:
    """Return the table for reading UTF-8 bytes: the class of the character that a byte completes, or the next node.

    Equal rows of 64 share a node, and most rows are equal, since neighbouring code points mostly have the same class.
    """
    class_U = class_U.copy()
    class_U[_SURROGATES] = NONE
    two_MT, two = _distinct(class_U, 1)
    three_MT, three = _distinct(_without(two, _THREE // _TAIL), 1 + len(two_MT))
    padded = np.full(5 * _TAIL, NONE)
    padded[: len(three)] = _without(three, _FOUR // _TAIL**2)
    four_MT = padded.reshape(-1, _TAIL)
    leaves, first_four = 1 + len(two_MT), 1 + len(two_MT) + len(three_MT)
    emitted_MB = np.full((first_four + len(four_MT), 256), NONE)
    child_MB = emitted_MB.copy()
    emitted_MB[0, :_TWO] = class_U[:_TWO]
    emitted_MB[1:leaves, _TAILS] = two_MT
    child_MB[leaves:, _TAILS] = np.concatenate([three_MT, four_MT])
    child_MB[0, 0xC2:0xE0] = two[_TWO // _TAIL : _THREE // _TAIL]
    child_MB[0, 0xE0:0xF0] = three[: _FOUR // _TAIL**2]
    child_MB[0, 0xF0:0xF5] = first_four + np.arange(len(four_MT))
    return emitted_MB, child_MB


def _distinct(values: Int64s, first: int) -> tuple[Int64s, Int64s]:
    """Return the distinct rows of 64, and the index of each row among them, numbered from `first`."""
    rows = values.reshape(-1, _TAIL)
    begins = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))  # few rows begin a run, and only these are sorted
    rows_MT, row = np.unique(rows[begins], axis=0, return_inverse=True)
    return rows_MT, row.reshape(-1)[np.cumsum(begins) - 1] + first


def _without(values: Int64s, shorter: int) -> Int64s:
    """Return the values without the first `shorter` ones: overlong UTF-8 is not allowed."""
    return np.where(np.arange(len(values)) < shorter, NONE, values)
