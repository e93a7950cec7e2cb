"""Strings under constraints have the distribution of a causal network given that the constraints hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from seqgan_wgp.text.causal import CausalNetwork, CausalSettings, Drawing
from seqgan_wgp.text.constrained.lookahead import Lookahead, PositionChain
from seqgan_wgp.text.constrained.trellis import Trellis
from seqgan_wgp.text.generation.causal_stream import (
    MAX_PROPOSALS,
    Steering,
    chain_of,
    constrained_sample,
    proposals_for,
    propose,
    steering_of,
)
from seqgan_wgp.text.vocabulary import PAD

from ..constrained.trellises import ABC, LENGTH, has, of

PATTERNS = [".*c", ".*ab.*", "(.*a){2}.*", "a*b*c*", ".{3}"]


def any_network(scale: float = 0.3) -> CausalNetwork:
    network = CausalNetwork(CausalSettings(vocabulary_size=ABC.size, length=LENGTH, width=12, kernel=4, blocks=2))
    network.draw_weights(3)
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=noise))
    return network.eval()


def steering_for(network: CausalNetwork, drawing: Drawing, trellis: Trellis) -> Steering:
    return steering_of(network, drawing, trellis, chain_of(network, drawing))


def every_string() -> torch.Tensor:
    rows = [
        list(row) + [PAD] * (LENGTH - size)
        for size in range(LENGTH + 1)
        for row in itertools.product(range(1, ABC.size), repeat=size)
    ]
    return torch.tensor(rows)


def conditional(network: CausalNetwork, pattern: str) -> np.ndarray:
    """The probability of each string of `every_string`, given that it is allowed."""
    trellis, ids_NL = of(pattern), every_string()
    assert trellis is not None
    allowed_N = np.array([has(trellis, [symbol for symbol in row if symbol != PAD]) for row in ids_NL.tolist()])
    share_N = np.exp(network.log_likelihood(ids_NL)[0].numpy()) * allowed_N
    return np.asarray(share_N / share_N.sum())


def shares(ids_NL: torch.Tensor, weight_N: np.ndarray) -> np.ndarray:
    """The weighted share of each string of `every_string`."""
    base = ABC.size ** np.arange(LENGTH)
    known = {int(key): place for place, key in enumerate((every_string().numpy() * base).sum(axis=1))}
    place_N = [known[int(key)] for key in (ids_NL.numpy() * base).sum(axis=1)]
    return np.asarray(np.bincount(place_N, weights=weight_N, minlength=len(known)) / weight_N.sum())


@pytest.mark.parametrize("pattern", PATTERNS)
def test_weighted_proposals_have_the_conditional_distribution(pattern: str) -> None:
    network, trellis = any_network(), of(pattern)
    assert trellis is not None
    # A look-ahead that is far off, so that the weights have something to put right.
    rows = np.random.default_rng(5).dirichlet(np.ones(ABC.size), size=(LENGTH, ABC.size + 1))
    ahead = Lookahead.of(trellis, PositionChain(probability_LXV=rows))
    uniform_NL = torch.rand(30_000, LENGTH, generator=torch.Generator().manual_seed(7))
    found = propose(network, uniform_NL, Drawing(), trellis, ahead)
    weight_N = np.exp(found.log_weight_B.numpy())
    expected = conditional(network, pattern)
    assert np.abs(shares(found.ids_BL, weight_N) - expected).sum() < 0.08
    assert np.abs(shares(found.ids_BL, np.ones(len(weight_N))) - expected).sum() > 0.08  # which they are needed for


@pytest.mark.parametrize("pattern", PATTERNS)
def test_more_proposals_bring_strings_nearer_to_the_conditional_distribution(pattern: str) -> None:
    network, trellis = any_network(), of(pattern)
    assert trellis is not None
    own = steering_for(network, Drawing(), trellis)

    def error(proposals: int) -> float:
        steering = Steering(trellis=trellis, ahead=own.ahead, proposals=proposals)
        ids_NL, given_up_N = constrained_sample(network, 1, torch.arange(10_000), Drawing(), steering)
        assert (given_up_N >= -1e-9).all()
        return float(np.abs(shares(ids_NL, np.ones(len(ids_NL))) - conditional(network, pattern)).sum())

    assert error(own.proposals) < 0.25
    assert error(MAX_PROPOSALS) < max(0.7 * error(1), 0.04)


def test_a_string_depends_on_its_number_alone() -> None:
    network, trellis = any_network(), of(".*ab.*")
    assert trellis is not None
    steering = Steering(trellis=trellis, ahead=steering_for(network, Drawing(), trellis).ahead, proposals=MAX_PROPOSALS)
    whole, _ = constrained_sample(network, 1, torch.arange(60), Drawing(), steering)
    part, _ = constrained_sample(network, 1, torch.arange(20, 40), Drawing(), steering)
    assert torch.equal(whole[20:40], part)
    other, _ = constrained_sample(network, 2, torch.arange(60), Drawing(), steering)
    assert not torch.equal(whole, other)


def test_only_symbols_above_epsilon_or_the_likeliest_are_drawn_under_constraints() -> None:
    network, trellis = any_network(), of(".{4}")
    assert trellis is not None
    steering = steering_for(network, Drawing(epsilon=0.999), trellis)
    ids_NL, _ = constrained_sample(network, 1, torch.arange(500), Drawing(epsilon=0.999), steering)
    assert len(set(map(tuple, ids_NL.tolist()))) == 1


def test_the_number_of_proposals_follows_from_how_good_they_are() -> None:
    assert [proposals_for(share) for share in (1.0, 0.91, 0.75, 0.5, 0.3, 0.01)] == [1, 1, 3, 4, 7, MAX_PROPOSALS]
    network, trellis = any_network(), of("[abc]*")
    assert trellis is not None
    assert steering_for(network, Drawing(), trellis).proposals == 1
