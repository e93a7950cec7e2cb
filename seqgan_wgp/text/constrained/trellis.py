"""The trellis of all allowed strings of at most L ids: states in layers, one layer per position.

A trellis is an automaton unrolled over the positions of a string. Constraints are added one after another. After each,
states that no allowed string visits are removed, and states with the same future are merged. So constraints on single
positions (a mask, a prefix, a length) leave one state per layer.

Shape suffixes: S states of a layer, C classes of ids that all states of the layer treat alike, V ids, P pairs of a
trellis state and an automaton state, J pairs of their classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from ...utils.arrays import Floats
from ..vocabulary import PAD
from .automaton import NONE, Automaton, Int64s

Bools: TypeAlias = npt.NDArray[np.bool_]

MAX_CELLS = 2**23
"""Largest number of pairs of state and class in all layers."""


@final
@dataclass(frozen=True, kw_only=True)
class TrellisLayer:
    """The states before one position, and their transitions."""

    target_SC: Int64s
    """State in the next layer, or NONE if no allowed string continues like this."""

    ends_S: Bools
    """Whether a string may end here, with a pad at this position."""

    class_V: Int64s
    """Id -> class, or NONE if no allowed string has this id here."""

    @cached_property
    def id_K(self) -> Int64s:
        """The ids of allowed strings at this position, in order."""
        return np.flatnonzero(self.class_V != NONE)

    @cached_property
    def class_K(self) -> Int64s:
        """The class of each of these."""
        return self.class_V[self.id_K]

    @cached_property
    def by_class(self) -> tuple[Int64s, Int64s]:
        """The ids (K,) sorted by class, and the start of each class (C,)."""
        order_K = np.argsort(self.class_K, kind="stable")
        return self.id_K[order_K], np.flatnonzero(np.diff(self.class_K[order_K], prepend=NONE))


@final
@dataclass(frozen=True, kw_only=True)
class Trellis:
    """Layers for positions 0, 1, ... State 0 of the first layer is the start; after the last layer there is one state.

    There are `length` layers, or fewer if no string is that long; a string ends after the last layer.
    """

    layers: tuple[TrellisLayer, ...]
    length: int

    def behind(self, table_NLV: Floats) -> Floats:
        """Return the log probability (N,) of the end after the last layer: of a pad, or 0 at position `length`."""
        places = len(self.layers)
        return table_NLV[:, places, PAD] if places < self.length else np.zeros(len(table_NLV))


def everything(size: int, length: int) -> Trellis:
    """Return the trellis of all strings of at most `length` ids below `size`, without the pad 0."""
    class_V = np.where(np.arange(size) == 0, NONE, 0)
    layer = TrellisLayer(target_SC=np.zeros((1, 1), np.int64), ends_S=np.ones(1, np.bool_), class_V=class_V)
    return Trellis(layers=(layer,) * length, length=length)


def intersect(trellis: Trellis, automaton: Automaton) -> Trellis | None:
    """Return the trellis of those strings that an automaton over ids accepts; None if there is none.

    Raises:
        ConfigError: it would have more than MAX_CELLS pairs of state and class before it is reduced.
    """
    products, pairs, room = [], np.zeros((1, 2), np.int64), MAX_CELLS
    for layer in trellis.layers:
        product, pairs = _product(layer, automaton, pairs, room)
        products.append(product)
        room -= product.target_SC.size
    name_P = np.where(automaton.accepts_S[pairs[:, 1]], 0, NONE)
    layers: list[TrellisLayer] = []
    for product in reversed(products):
        layer, name_P = _reduced(product, name_P)
        layers.append(layer)
    if name_P[0] == NONE:
        return None
    kept = [layer for layer in reversed(layers) if layer.target_SC.shape[1]]
    return Trellis(layers=tuple(kept), length=trellis.length)


def allows(trellis: Trellis, ids_NL: npt.NDArray[np.integer]) -> Bools:
    """Return which rows (N,) of ids, with pads only at their ends, are strings of a trellis."""
    found_N = np.zeros(len(ids_NL), np.bool_)
    row_R, state_R = np.arange(len(ids_NL)), np.zeros(len(ids_NL), np.int64)
    for place, layer in enumerate(trellis.layers):
        id_R = ids_NL[row_R, place]
        ends_R = id_R == PAD
        found_N[row_R[ends_R & layer.ends_S[state_R]]] = True
        class_R = layer.class_V[id_R]
        next_R = np.where(class_R == NONE, NONE, layer.target_SC[state_R, class_R])
        goes_R = ~ends_R & (next_R != NONE)
        row_R, state_R = row_R[goes_R], next_R[goes_R]
    if len(trellis.layers) < trellis.length:
        row_R = row_R[ids_NL[row_R, len(trellis.layers)] == PAD]
    found_N[row_R] = True
    return found_N


def by_position(trellis: Trellis) -> Trellis:
    """Return the trellis of all strings with ids and an end that some string of a trellis has at the same positions."""
    layers = []
    for layer in trellis.layers:
        class_V = np.where(layer.class_V == NONE, NONE, 0)
        ends_S = np.array([layer.ends_S.any()])
        layers.append(TrellisLayer(target_SC=np.zeros((1, 1), np.int64), ends_S=ends_S, class_V=class_V))
    return Trellis(layers=tuple(layers), length=trellis.length)


def _product(layer: TrellisLayer, automaton: Automaton, pairs_P2: Int64s, room: int) -> tuple[TrellisLayer, Int64s]:
    """Return the layer of all reachable pairs of states, and the pairs of the next layer."""
    states, classes = automaton.target_SC.shape
    class_J, class_V = _numbered(_paired(layer.class_V, automaton.class_U, classes))
    if len(pairs_P2) * len(class_J) > room:
        raise ConfigError("the constraints need too many states", "give fewer or simpler constraints")
    left_J, right_J = np.divmod(class_J, max(classes, 1))
    left_P, right_P = pairs_P2.T
    code_PJ = _paired(layer.target_SC[left_P][:, left_J], automaton.target_SC[right_P][:, right_J], states)
    code, target_PJ = _numbered(code_PJ)
    ends_P = layer.ends_S[left_P] & automaton.accepts_S[right_P]
    reached = TrellisLayer(target_SC=target_PJ, ends_S=ends_P, class_V=class_V)
    return reached, np.stack(np.divmod(code, states), axis=1)


def _paired(left: Int64s, right: Int64s, rights: int) -> Int64s:
    """Return one number for each pair of numbers, the right one below `rights`; NONE if either is NONE."""
    return np.where((left == NONE) | (right == NONE), NONE, left * rights + right)


def _numbered(values: Int64s) -> tuple[Int64s, Int64s]:
    """Return the distinct values without NONE, and the index of each value among them, NONE for NONE."""
    different, place = np.unique(values, return_inverse=True)
    skipped = int(NONE in different[:1])
    return different[skipped:], place.reshape(values.shape) - skipped


def _reduced(layer: TrellisLayer, name_P: Int64s) -> tuple[TrellisLayer, Int64s]:
    """Remove states and ids that lead nowhere, and merge equivalent states and classes.

    Args:
        layer: the layer, with all pairs as its states.
        name_P: new indices of the next states, or NONE.

    Returns:
        The layer, and the new indices of its states.
    """
    target = np.append(name_P, NONE)[layer.target_SC]
    alive_P = layer.ends_S | (target != NONE).any(axis=1)
    rows = np.concatenate([layer.ends_S[:, None], target], axis=1)[alive_P]
    rows, row = np.unique(rows, axis=0, return_inverse=True)
    own_P = np.full(len(alive_P), NONE)
    own_P[alive_P] = row.reshape(-1)
    target_SC, column_C = np.unique(rows[:, 1:], axis=1, return_inverse=True)
    lives_C = (target_SC != NONE).any(axis=0)
    name_C = np.where(lives_C, np.cumsum(lives_C) - 1, NONE)[column_C.reshape(-1)]
    class_V = np.append(name_C, NONE)[layer.class_V]
    return TrellisLayer(target_SC=target_SC[:, lives_C], ends_S=rows[:, 0].astype(np.bool_), class_V=class_V), own_P
