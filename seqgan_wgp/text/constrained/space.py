"""All strings of a trellis: how many there are, each of them, and how probable each is under many tables.

The probability of a string under a generator with independent positions is the mean over latents z of a product:
p(x) = E_z prod_t p_z(x_t). Split at one position, the product is one of the beginning and one of the end of x. So the
probabilities of all strings that pass through one state there are a product of two matrices.

Shape suffixes: S strings, L length, V vocabulary, N tables (one for each latent), R beginnings or
ends of strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats
from ..vocabulary import PAD
from .automaton import NONE, Int64s
from .trellis import Trellis

MAX_ENUMERABLE = 1 << 20
"""Largest number of strings that are enumerated."""

MAX_CELLS = 1 << 23
"""Number of 8-byte numbers of beginnings and ends that are kept at a time; limits memory."""

_ENDED = -2
"""In place of a state: the string has ended."""


def count_strings(trellis: Trellis) -> int:
    """Return the number of id strings of a trellis: exact below 2**53, and rounded to 53 bits above."""
    count_S = np.array([1.0, 0.0])
    for layer in reversed(trellis.layers):
        sizes_C = np.bincount(layer.class_K, minlength=layer.target_SC.shape[1])
        count_S = np.append(layer.ends_S + (count_S[layer.target_SC] * sizes_C).sum(axis=1), 0.0)
    return int(count_S[0])


@final
@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Beginnings or ends of strings, in the order of their ids."""

    ids_RT: npt.NDArray[np.int32]
    origin_R: Int64s
    """State that a row begins in."""

    state_R: Int64s
    """State that it leads to, or _ENDED."""


@final
@dataclass(frozen=True, kw_only=True)
class Space:
    """The strings of a trellis, split into beginnings and ends. Make one with `space_of`."""

    trellis: Trellis
    split: int
    """Number of positions of a beginning."""

    head: _Rows
    tail: _Rows

    def _groups(self) -> list[tuple[Int64s, Int64s]]:
        """Return the beginnings and the ends that go together, for each state between them."""
        states = np.unique(self.head.state_R)
        return [
            (np.flatnonzero(self.head.state_R == state), np.flatnonzero(self.tail.origin_R == state))
            for state in states.tolist()
        ]

    def ids(self) -> npt.NDArray[np.int32]:
        """Return all strings as padded ids (S, L), in the order of `probabilities`."""
        parts = []
        for head_R, tail_R in self._groups():
            pair = np.repeat(self.head.ids_RT[head_R], len(tail_R), axis=0)
            parts.append(np.concatenate([pair, np.tile(self.tail.ids_RT[tail_R], (len(head_R), 1))], axis=1))
        ids_SL = np.concatenate(parts)
        return np.pad(ids_SL, ((0, 0), (0, self.trellis.length - ids_SL.shape[1])), constant_values=PAD)

    def log_probabilities(self, tables: Iterable[Floats]) -> Floats:
        """Return the log (S,) of the mean probability of each string under all tables.

        A string less likely than its table's best one by a factor of 10**300 counts as impossible: minus infinity.

        Args:
            tables: log probabilities (N, L, V), in blocks.
        """
        groups = self._groups()
        sums = [np.zeros((len(head_R), len(tail_R))) for head_R, tail_R in groups]
        scale, count = -np.inf, 0
        rows = len(self.head.state_R) + len(self.tail.state_R)
        for table_NLV in _narrowed(tables, max(1, MAX_CELLS // rows)):
            head_RN = _sums(self.head, table_NLV, 0)
            tail_RN = _sums(self.tail, table_NLV, self.split)
            tail_RN += np.where(self.tail.state_R == _ENDED, 0.0, self.trellis.behind(table_NLV)[:, None]).T
            largest_N = head_RN.max(axis=0) + tail_RN.max(axis=0)
            larger = max(scale, float(largest_N.max()))
            for total in sums:
                total *= np.exp(scale - larger)
            scale, count = larger, count + len(table_NLV)
            head_RN = np.exp(head_RN - head_RN.max(axis=0)) * np.exp(largest_N - scale)
            tail_RN = np.exp(tail_RN - tail_RN.max(axis=0))
            for (head_R, tail_R), total in zip(groups, sums, strict=True):
                total += head_RN[head_R] @ tail_RN[tail_R].T
        with np.errstate(divide="ignore"):
            log_S: Floats = np.log(np.concatenate([total.reshape(-1) for total in sums])) + scale - np.log(count)
        return log_S


def space_of(trellis: Trellis) -> Space:
    """Return the strings of a trellis, of which there are at most MAX_ENUMERABLE."""
    places = len(trellis.layers)
    heads, tails = _head_counts(trellis), _tail_counts(trellis)
    split = min(range(places + 1), key=lambda place: heads[place] + tails[place])
    start = _Rows(ids_RT=np.zeros((1, 0), np.int32), origin_R=np.zeros(1, np.int64), state_R=np.zeros(1, np.int64))
    head = _expanded(trellis, start, range(split))
    states = np.unique(head.state_R)
    middle = _Rows(ids_RT=np.zeros((len(states), 0), np.int32), origin_R=states, state_R=states)
    return Space(trellis=trellis, split=split, head=head, tail=_expanded(trellis, middle, range(split, places)))


def _narrowed(tables: Iterable[Floats], most: int) -> Iterator[Floats]:
    """Yield the same tables, at most so many together."""
    for table_NLV in tables:
        for first in range(0, len(table_NLV), most):
            yield table_NLV[first : first + most]


def _head_counts(trellis: Trellis) -> list[float]:
    """Return the number of beginnings of each length, also of those that have ended."""
    counts, count_S, ended = [1.0], np.ones(1), 0.0
    for place, layer in enumerate(trellis.layers):
        ended += float(count_S[layer.ends_S].sum())
        after = trellis.layers[place + 1].ends_S.size if place + 1 < len(trellis.layers) else 1
        sizes_C = np.bincount(layer.class_K, minlength=layer.target_SC.shape[1])
        next_S = np.zeros(after + 1)
        np.add.at(next_S, layer.target_SC, count_S[:, None] * sizes_C)
        count_S = next_S[:-1]
        counts.append(ended + float(count_S.sum()))
    return counts


def _tail_counts(trellis: Trellis) -> list[float]:
    """Return the number of ends behind each position, summed over the states there."""
    count_S, counts = np.array([1.0, 0.0]), [1.0]
    for layer in reversed(trellis.layers):
        sizes_C = np.bincount(layer.class_K, minlength=layer.target_SC.shape[1])
        count_S = np.append(layer.ends_S + (count_S[layer.target_SC] * sizes_C).sum(axis=1), 0.0)
        counts.append(float(count_S.sum()))
    return counts[::-1]


def _expanded(trellis: Trellis, rows: _Rows, places: range) -> _Rows:
    """Return all continuations of rows over some positions."""
    for place in places:
        layer = trellis.layers[place]
        open_R = rows.state_R != _ENDED
        state_R = np.where(open_R, rows.state_R, 0)
        ends_R = ~open_R | layer.ends_S[state_R]
        target_RK = np.where(open_R[:, None], layer.target_SC[state_R][:, layer.class_K], NONE)
        next_RK = np.concatenate([np.where(ends_R, _ENDED, NONE)[:, None], target_RK], axis=1)
        row, column = np.nonzero(next_RK != NONE)
        new_R = np.concatenate([[PAD], layer.id_K]).astype(np.int32)[column]
        rows = _Rows(
            ids_RT=np.concatenate([rows.ids_RT[row], new_R[:, None]], axis=1),
            origin_R=rows.origin_R[row],
            state_R=next_RK[row, column],
        )
    return rows


def _sums(rows: _Rows, table_NLV: Floats, first: int) -> Floats:
    """Return the log probability (R, N) of each row from position `first` on, to its first pad."""
    total_RN = np.zeros((len(rows.ids_RT), len(table_NLV)))
    open_R = rows.origin_R != _ENDED
    for place, id_R in enumerate(rows.ids_RT.T):
        total_RN[open_R] += table_NLV[:, first + place].T[id_R[open_R]]
        open_R = open_R & (id_R != PAD)
    return total_RN
