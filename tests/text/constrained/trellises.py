"""Trellises of small expressions over three letters, walked by hand."""

from __future__ import annotations

from seqgan_wgp.text.constrained.regex import parse_regex
from seqgan_wgp.text.constrained.trellis import Trellis, everything, intersect
from seqgan_wgp.text.constrained.utf8 import automaton_of
from seqgan_wgp.text.vocabulary import PAD, Vocabulary

ABC = Vocabulary("abc")
LENGTH = 4


def has(trellis: Trellis, ids: list[int]) -> bool:
    """Walk through the layers."""
    state = 0
    for place, symbol in enumerate([*ids, PAD][: trellis.length]):
        if place == len(trellis.layers):
            return symbol == PAD
        layer = trellis.layers[place]
        if symbol == PAD:
            return bool(layer.ends_S[state])
        if layer.class_V[symbol] < 0:
            return False
        state = int(layer.target_SC[state, layer.class_V[symbol]])
        if state < 0:
            return False
    return True


def of(*patterns: str, length: int = LENGTH, vocabulary: Vocabulary = ABC) -> Trellis | None:
    trellis: Trellis | None = everything(vocabulary.size, length)
    for pattern in patterns:
        assert trellis is not None
        (language,) = parse_regex(pattern)
        trellis = intersect(trellis, automaton_of(language, vocabulary, length))
    return trellis
