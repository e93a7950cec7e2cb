"""The causal network: both ways to compute it agree, probabilities sum to 1, and strings follow from their uniforms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from seqgan_wgp.text.causal import CausalNetwork, CausalSettings, Drawing, Steps, drawn
from seqgan_wgp.text.vocabulary import PAD

SIZES = [
    CausalSettings(vocabulary_size=5, length=9, width=16, kernel=3, blocks=3, counts=2),
    CausalSettings(vocabulary_size=7, length=6, width=8, kernel=8, blocks=1, dropout=0.3),
    CausalSettings(vocabulary_size=3, length=1, width=4, kernel=1, blocks=0, counts=1),
]


def network_of(settings: CausalSettings, seed: int = 3) -> CausalNetwork:
    """A network whose every weight matters, unlike the first ones."""
    network = CausalNetwork(settings)
    network.draw_weights(seed)
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=noise))
    return network.eval()


def ids_of(settings: CausalSettings, count: int = 50) -> Tensor:
    """Strings of all lengths, padded behind their ends."""
    noise = torch.Generator().manual_seed(1)
    ids_BL = torch.randint(0, settings.vocabulary_size, (count, settings.length), generator=noise)
    return ids_BL.masked_fill((ids_BL == PAD).cumsum(dim=1) > 0, PAD)


@pytest.mark.parametrize("settings", SIZES)
def test_one_position_at_a_time_is_as_all_at_once(settings: CausalSettings) -> None:
    network, ids_BL = network_of(settings), ids_of(settings)
    batch = network.flat(ids_BL, every=True)
    whole_BLV = network(batch).unflatten(0, ids_BL.shape)
    steps = Steps(network, len(ids_BL))
    with torch.no_grad():
        for place in range(settings.length):
            step_BV = steps.next(ids_BL[:, place - 1] if place else None)
            torch.testing.assert_close(step_BV, whole_BLV[:, place], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("settings", SIZES)
def test_positions_behind_an_end_change_nothing(settings: CausalSettings) -> None:
    network, ids_BL = network_of(settings), ids_of(settings)
    batch, whole = network.flat(ids_BL), network.flat(ids_BL, every=True)
    torch.testing.assert_close(network(batch), network(whole)[batch.kept_BL.flatten()], atol=1e-5, rtol=1e-5)
    noisy_BL = torch.where((ids_BL == PAD).cumsum(dim=1) > 1, 1, ids_BL)
    for before, after in zip(network.log_likelihood(ids_BL), network.log_likelihood(noisy_BL), strict=True):
        torch.testing.assert_close(before, after)


def test_a_symbol_depends_on_no_later_one() -> None:
    network, ids_BL = network_of(SIZES[0]), ids_of(SIZES[0])
    whole_BLV = network(network.flat(ids_BL, every=True)).unflatten(0, ids_BL.shape)
    for place in range(ids_BL.shape[1]):
        changed_BL = ids_BL.clone()
        changed_BL[:, place] = (changed_BL[:, place] + 1) % SIZES[0].vocabulary_size
        other_BLV = network(network.flat(changed_BL, every=True)).unflatten(0, ids_BL.shape)
        torch.testing.assert_close(other_BLV[:, : place + 1], whole_BLV[:, : place + 1])
        if place + 1 < ids_BL.shape[1]:
            assert not torch.allclose(other_BLV[:, place + 1], whole_BLV[:, place + 1])


def test_the_probabilities_of_all_strings_sum_to_1() -> None:
    settings = CausalSettings(vocabulary_size=4, length=4, width=8, kernel=2, blocks=2, counts=1)
    network = network_of(settings)
    strings = [
        (*letters, *[PAD] * (4 - size)) for size in range(5) for letters in itertools.product((1, 2, 3), repeat=size)
    ]
    nats_N, sizes_N = network.log_likelihood(torch.tensor(strings))
    assert nats_N.exp().sum().item() == pytest.approx(1, abs=1e-6)
    assert sizes_N.tolist() == [min(sum(map(bool, string)) + 1, 4) for string in strings]
    assert network.nll(torch.tensor(strings)) == pytest.approx(-float(nats_N.sum() / sizes_N.sum()))


def test_first_weights_follow_from_the_seed_and_know_nothing() -> None:
    one, two, other = CausalNetwork(SIZES[0]), CausalNetwork(SIZES[0]), CausalNetwork(SIZES[0])
    one.draw_weights(5)
    two.draw_weights(5)
    other.draw_weights(6)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.taps, other.taps)
    assert one.nll(ids_of(SIZES[0])) == pytest.approx(math.log(5), abs=0.3)


def test_dropout_follows_from_its_generator() -> None:
    network, ids_BL = network_of(SIZES[1]), ids_of(SIZES[1])
    first, again, other = (network.loss(ids_BL, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, network.loss(ids_BL))


@pytest.mark.parametrize("settings", SIZES)
def test_a_string_follows_from_its_uniforms(settings: CausalSettings) -> None:
    network = network_of(settings)
    uniform_BL = torch.rand(200, settings.length, generator=torch.Generator().manual_seed(2))
    ids_BL = network.sample(uniform_BL)
    order_B = torch.randperm(200, generator=torch.Generator().manual_seed(3))
    assert torch.equal(network.sample(uniform_BL[order_B]), ids_BL[order_B])
    assert torch.equal(ids_BL == PAD, (ids_BL == PAD).cumsum(dim=1) > 0)


def test_strings_are_drawn_as_often_as_they_are_likely() -> None:
    settings = CausalSettings(vocabulary_size=3, length=2, width=8, kernel=2, blocks=1)
    network = network_of(settings)
    ids_NL = network.sample(torch.rand(40_000, 2, generator=torch.Generator().manual_seed(4)))
    strings_NL, counts_N = torch.unique(ids_NL, dim=0, return_counts=True)
    nats_N, _ = network.log_likelihood(strings_NL)
    assert nats_N.exp().sum().item() == pytest.approx(1, abs=1e-6)
    deviations_N = (counts_N / 40_000 - nats_N.exp()).abs() / (nats_N.exp() / 40_000).sqrt()
    assert deviations_N.max().item() < 4


def test_a_symbol_is_the_inverse_of_the_distribution_function() -> None:
    logits_BV = torch.tensor([0.1, 0.2, 0.3, 0.4]).log().expand(5, 4)
    uniform_B = torch.tensor([0.0, 0.0999, 0.1001, 0.5999, 0.6001])
    assert drawn(logits_BV, uniform_B, Drawing()).tolist() == [0, 0, 1, 2, 3]
    # Without the first: weights 2, 3, 4 of 9.
    assert drawn(logits_BV, uniform_B, Drawing(epsilon=0.15)).tolist() == [1, 1, 1, 3, 3]
    # Squared: 1, 4, 9, 16 of 30.
    assert drawn(logits_BV, uniform_B, Drawing(temperature=0.5)).tolist() == [0, 1, 1, 3, 3]
    weight_BV = torch.tensor([0.0, -torch.inf, 0.0, -torch.inf]).expand(5, 4)
    assert drawn(logits_BV, uniform_B, Drawing(), weight_BV).tolist() == [0, 0, 0, 2, 2]
    # Temperature changes the probabilities, not the weights: 1 * 4, 4, 9, 16 of 33.
    weight_BV = torch.tensor([4.0, 1.0, 1.0, 1.0]).log().expand(5, 4)
    assert drawn(logits_BV, uniform_B, Drawing(temperature=0.5), weight_BV).tolist() == [0, 0, 0, 3, 3]


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 0.9])
def test_unlikely_symbols_are_never_drawn(epsilon: float) -> None:
    settings = SIZES[0]
    network = network_of(settings)
    uniform_BL = torch.rand(500, settings.length, generator=torch.Generator().manual_seed(5))
    ids_BL = network.sample(uniform_BL, Drawing(epsilon=epsilon))
    batch = network.flat(ids_BL)
    probability_TV = network(batch).softmax(dim=1)
    chosen_T = probability_TV.gather(1, batch.target_T[:, None])[:, 0]
    assert ((chosen_T >= epsilon - 1e-4) | (chosen_T >= probability_TV.amax(dim=1) - 1e-4)).all()
