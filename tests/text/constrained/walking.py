"""An automaton walked plainly."""

from __future__ import annotations

from seqgan_wgp.text.constrained.automaton import Automaton


def accepts(automaton: Automaton, symbols: list[int]) -> bool:
    """Walk through an automaton, one state at a time."""
    state = 0
    for symbol in symbols:
        if automaton.class_U[symbol] < 0:
            return False
        state = int(automaton.target_SC[state, automaton.class_U[symbol]])
        if state < 0:
            return False
    return bool(automaton.accepts_S[state])
