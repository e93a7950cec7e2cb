"""Build deterministic automata from expressions over characters.

Glushkov 1961, "The abstract theory of automata": each occurrence of a character set in the expression is a position.
The expression determines which positions can come first, which can follow which, and which can come last. A state of
the deterministic automaton is the set of possible next positions, and whether the string may end here. Sets of
positions are integers with one bit per position.

Shape suffixes: S states, C classes of symbols that all states treat alike, U symbols (characters, or ids), I intervals
of code points, K distinct sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from .expressions import Characters, Concatenation, Expression, Ranges, Repetition, within

Int64s: TypeAlias = npt.NDArray[np.int64]

NONE = -1
"""No state, no class."""

MAX_POSITIONS = 5_000
MAX_STATES = 10_000

_SIMPLER = "simplify it: use fewer counts {m,n}, especially on groups and after a *"


@final
@dataclass(frozen=True, kw_only=True)
class Automaton:
    """A deterministic automaton; state 0 is the start."""

    target_SC: Int64s
    """State and class of the next symbol -> next state, or NONE if no string continues like this."""

    accepts_S: npt.NDArray[np.bool_]
    """Whether a string may end in a state."""

    class_U: Int64s
    """Symbol -> class, or NONE if it occurs in no string."""


def compile_expression(expression: Expression, code_point_U: Int64s, length: int) -> Automaton:
    """Return the automaton of all strings of at most `length` characters that match.

    States that only longer strings reach are left out.

    Args:
        expression: the expression that the whole string must match.
        code_point_U: the alphabet.
        length: largest number of characters.

    Raises:
        ConfigError: it would have more than MAX_POSITIONS positions or MAX_STATES states.
    """
    positions = _Positions(length)
    whole = positions.add(expression)
    class_U, taken_C = _classes(positions.sets, code_point_U)
    rows, accepts = _subsets(positions.follow, whole, taken_C, length)
    target_SC = np.array(rows, np.int64).reshape(len(rows), len(taken_C))
    return Automaton(target_SC=target_SC, accepts_S=np.array(accepts, np.bool_), class_U=class_U)


class _Fragment(NamedTuple):
    """A part of an expression: the possible first and last positions, and whether it matches the empty string."""

    first: int
    last: int
    empty: bool


@final
class _Positions:
    """The positions of an expression: the character set of each, and the positions that can follow it."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.sets: list[Ranges] = []
        self.follow: list[int] = []

    def add(self, expression: Expression) -> _Fragment:
        """Assign positions to the character sets of an expression."""
        if isinstance(expression, Characters):
            return self._leaf(expression.ranges)
        if isinstance(expression, Concatenation):
            return self._chain(expression.parts)
        if isinstance(expression, Repetition):
            return self._repetition(expression)
        fragments = [self.add(part) for part in expression.parts]
        first = last = 0
        for fragment in fragments:
            first, last = first | fragment.first, last | fragment.last
        return _Fragment(first, last, any(fragment.empty for fragment in fragments))

    def _leaf(self, ranges: Ranges) -> _Fragment:
        if len(self.sets) == MAX_POSITIONS:
            raise ConfigError(f"it has more than {MAX_POSITIONS:,} positions after expanding counts", _SIMPLER)
        self.sets.append(ranges)
        self.follow.append(0)
        bit = 1 << (len(self.sets) - 1)
        return _Fragment(bit, bit, False)

    def _chain(self, parts: tuple[Expression, ...]) -> _Fragment:
        whole = _Fragment(0, 0, True)
        for part in parts:
            whole = self._join(whole, self.add(part))
        return whole

    def _join(self, left: _Fragment, right: _Fragment) -> _Fragment:
        for position in _bits(left.last):
            self.follow[position] |= right.first
        first = left.first | right.first if left.empty else left.first
        last = left.last | right.last if right.empty else right.last
        return _Fragment(first, last, left.empty and right.empty)

    def _repetition(self, repetition: Repetition) -> _Fragment:
        """Expand the counts. At most `length` copies can match a character, so no more are needed."""
        endless = repetition.most is None or repetition.most >= self.length
        least = min(repetition.least, self.length + 1)
        most = least + 1 if repetition.most is None or endless else repetition.most
        whole = _Fragment(0, 0, True)
        for copy in range(max(least, most)):
            part = self.add(repetition.part)
            if not part.first:
                return part  # it matches only the empty string, for any count
            if copy >= least:
                part = part._replace(empty=True)
                if endless:
                    self._join(part, part)
            whole = self._join(whole, part)
        return whole


def _bits(positions: int) -> Iterator[int]:
    while positions:
        lowest = positions & -positions
        yield lowest.bit_length() - 1
        positions ^= lowest


def _classes(sets: list[Ranges], code_point_U: Int64s) -> tuple[Int64s, list[int]]:
    """Return the class of each character (U,), and for each class the positions whose set contains it.

    Characters in the same sets form a class; characters in no set have none.
    """
    different = list(dict.fromkeys(sets))
    edges = {0, *(edge for ranges in different for first, last in ranges for edge in (first, last + 1))}
    start_I = np.array(sorted(edges), np.int64)
    interval_U = np.searchsorted(start_I, code_point_U, side="right") - 1
    member_KI = np.array([within(ranges, start_I) for ranges in different], np.bool_).reshape(-1, len(start_I))
    member_KI &= np.bincount(interval_U, minlength=len(start_I)) > 0
    member_KC, column_I = np.unique(member_KI, axis=1, return_inverse=True)
    known_C = member_KC.any(axis=0)
    name_C = np.where(known_C, np.cumsum(known_C) - 1, NONE)
    number = {ranges: k for k, ranges in enumerate(different)}
    taken_C = [
        sum(1 << position for position, ranges in enumerate(sets) if member_K[number[ranges]])
        for member_K in member_KC.T[known_C]
    ]
    return name_C[column_I.reshape(-1)[interval_U]], taken_C


def _subsets(
    follow: list[int], whole: _Fragment, taken_C: list[int], length: int
) -> tuple[list[list[int]], list[bool]]:
    """Return the next states and accepting states of the deterministic automaton (Rabin and Scott 1959)."""
    states = {(whole.first, whole.empty): 0}
    rows: list[list[int]] = []
    frontier = list(states)
    for _ in range(length):
        reached: list[tuple[int, bool]] = []
        for following, _accepts in frontier:
            row = []
            for taken in taken_C:
                now = following & taken
                after = 0
                for position in _bits(now):
                    after |= follow[position]
                key = (after, bool(now & whole.last))
                if now and key not in states:
                    states[key] = len(states)
                    reached.append(key)
                row.append(states[key] if now else NONE)
            rows.append(row)
            if len(states) > MAX_STATES:
                raise ConfigError(f"its automaton has more than {MAX_STATES:,} states", _SIMPLER)
        frontier = reached
    rows += [[NONE] * len(taken_C) for _ in frontier]
    return rows, [accepts for _, accepts in states]
