"""The look-ahead is the probability of reaching an allowed string, exactly under the chain that it is computed for."""

from __future__ import annotations

import numpy as np
import pytest

from seqgan_wgp.text.constrained import lookahead
from seqgan_wgp.text.constrained.lookahead import Lookahead, PositionChain
from seqgan_wgp.text.constrained.trellis import Trellis
from seqgan_wgp.text.vocabulary import PAD

from .trellises import ABC, LENGTH, of

PATTERNS = ["ab.*", ".*c", ".*a..", "(.*a){2}.*", ".{2}", "a*b*c*", "[ab]*|c"]


def any_chain(length: int = LENGTH, contexts: int = ABC.size + 1) -> PositionChain:
    rows = np.random.default_rng(0).dirichlet(np.ones(ABC.size), size=(length, contexts))
    return PositionChain(probability_LXV=rows)


def chance(chain: PositionChain, trellis: Trellis, place: int, state: int, last: int) -> float:
    """By trying every symbol: the probability that what is allowed follows a symbol, from a state on."""
    context = min(last, chain.probability_LXV.shape[1] - 1)
    if place == trellis.length:
        return 1.0
    row_V = chain.probability_LXV[place, context]
    if place == len(trellis.layers):
        return float(row_V[PAD])
    layer = trellis.layers[place]
    total = float(row_V[PAD]) if layer.ends_S[state] else 0.0
    for symbol in range(1, ABC.size):
        target = -1 if layer.class_V[symbol] < 0 else int(layer.target_SC[state, layer.class_V[symbol]])
        if target >= 0:
            total += float(row_V[symbol]) * chance(chain, trellis, place + 1, target, symbol)
    return total


@pytest.mark.parametrize("contexts", [ABC.size + 1, 1])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_weights_are_those_of_every_way_to_go_on(pattern: str, contexts: int) -> None:
    trellis, chain = of(pattern), any_chain(contexts=contexts)
    assert trellis is not None
    ahead = Lookahead.of(trellis, chain)
    assert len(ahead.weights) == len(trellis.layers)
    for place, (layer, weight_SV) in enumerate(zip(trellis.layers, ahead.weights, strict=True)):
        for state in range(len(layer.ends_S)):
            expected = np.zeros(ABC.size)
            expected[PAD] = layer.ends_S[state]
            for symbol in layer.id_K:
                target = int(layer.target_SC[state, layer.class_V[symbol]])
                if target >= 0:
                    expected[symbol] = chance(chain, trellis, place + 1, target, int(symbol))
            np.testing.assert_allclose(np.exp(weight_SV[state]), expected / expected.max(), rtol=1e-5, atol=1e-12)


def test_a_fitted_chain_has_the_frequencies_of_many_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    true = any_chain()
    rng, ids_NL = np.random.default_rng(1), np.zeros((20_000, LENGTH), np.int64)
    last_N, open_N = np.full(len(ids_NL), ABC.size), np.ones(len(ids_NL), np.bool_)
    for place in range(LENGTH):
        sum_NV = true.probability_LXV[place][last_N].cumsum(axis=1)
        drawn_N = (rng.random((len(ids_NL), 1)) > sum_NV).sum(axis=1)
        ids_NL[:, place] = last_N = np.where(open_N, drawn_N, PAD)
        open_N &= last_N != PAD
    fitted = PositionChain.fit(ids_NL, ABC.size).probability_LXV
    np.testing.assert_allclose(fitted.sum(axis=2), 1)
    assert (fitted > 0).all()
    np.testing.assert_allclose(fitted[0, ABC.size], true.probability_LXV[0, ABC.size], atol=0.02)
    np.testing.assert_allclose(fitted[2, 1:-1], true.probability_LXV[2, 1:-1], atol=0.05)
    monkeypatch.setattr(lookahead, "MAX_CONTEXT_CELLS", 1)
    assert PositionChain.fit(ids_NL, ABC.size).probability_LXV.shape == (LENGTH, 1, ABC.size)


def test_constraints_that_are_hardly_ever_met_do_not_underflow() -> None:
    length = 400
    row_V = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1 - 4e-4])
    trellis = of("a{399}.?", length=length)
    assert trellis is not None
    chain = PositionChain(probability_LXV=np.broadcast_to(row_V, (length, ABC.size + 1, ABC.size)))
    for weight_SV in Lookahead.of(trellis, chain).weights:
        assert (weight_SV.max(axis=1) == 0).all()
