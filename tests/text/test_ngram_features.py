"""Features of n-grams: known answers, ends of rows, what a changed character changes, and the critic that has them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import recipe
from seqgan_wgp.nn.initialization import initialize_pair
from seqgan_wgp.text.domain import networks
from seqgan_wgp.text.networks import ResidualCritic
from seqgan_wgp.text.ngram_features import NgramFeatures

B, C, L, V = 3, 5, 4, 6


def features(longest: int) -> NgramFeatures:
    torch.manual_seed(0)
    return NgramFeatures(C, longest).double()


def some_rows() -> Tensor:
    return torch.randn(B, C, L, dtype=torch.float64)


def critic_with(**settings: int) -> ResidualCritic:
    config = recipe("fast", {"generator.width": 8, "critic.width": 8} | {f"critic.{k}": v for k, v in settings.items()})
    generator, critic = networks(config, L, V)
    initialize_pair(generator, critic, config)
    assert isinstance(critic, ResidualCritic)
    return critic


@pytest.mark.parametrize("longest", [2, 3, 4])
def test_the_feature_of_an_ngram_is_the_product_of_its_positions_factors(longest: int) -> None:
    ngrams, x_BCL = features(longest), some_rows()
    factors, output = ngrams.factors, ngrams.output
    assert factors.bias is not None
    assert output.bias is not None
    map_NCC, bias_NC = factors.weight.view(longest, C, C), factors.bias.view(longest, C)
    last_NCC = output.weight.view(C, longest - 1, C).transpose(0, 1)
    expected_BCL = x_BCL + output.bias[:, None]
    for row, start, n in itertools.product(range(B), range(L), range(2, longest + 1)):
        if start + n <= L:
            factor_NC = [map_NCC[k] @ x_BCL[row, :, start + k] + bias_NC[k] for k in range(n)]
            expected_BCL[row, :, start] += last_NCC[n - 2] @ torch.stack(factor_NC).prod(dim=0)
    torch.testing.assert_close(ngrams(x_BCL), expected_BCL)


def test_only_the_ngrams_with_a_changed_position_change() -> None:
    ngrams, x_BCL = features(2), some_rows()
    changed_BCL = x_BCL.clone()
    changed_BCL[0, :, 2] += 1
    moved_BL = ((ngrams(x_BCL) - x_BCL) - (ngrams(changed_BCL) - changed_BCL)).abs().sum(dim=1)
    assert (moved_BL[0] > 1e-6).tolist() == [False, True, True, False]
    assert not moved_BL[1:].any()


def test_the_other_first_weights_are_those_of_a_critic_without_ngrams() -> None:
    plain, added = critic_with(ngrams=1).state_dict(), critic_with(ngrams=3).state_dict()
    assert {key.split(".")[0] for key in added.keys() - plain.keys()} == {"ngrams"}
    for key, value in plain.items():
        assert torch.equal(value, added[key])


@pytest.mark.parametrize(("setting", "longest"), [(1, 1), (2, 2), (4, 4), (8, L)])
def test_ngrams_are_no_longer_than_a_row(setting: int, longest: int) -> None:
    ngrams = critic_with(ngrams=setting).ngrams
    assert (1 if ngrams is None else ngrams.longest) == longest


def test_the_critic_adds_them_to_the_output_of_its_first_layer() -> None:
    critic = critic_with(ngrams=2).double()
    assert critic.ngrams is not None
    x_BLV = torch.rand(6, L, V, dtype=torch.float64).softmax(dim=-1)
    entered_BCL = critic.ngrams(critic.input(x_BLV.transpose(1, 2)))
    expected_B = critic.output(critic._through(entered_BCL).flatten(1)).squeeze(1)
    torch.testing.assert_close(critic(x_BLV), expected_B)
    torch.testing.assert_close(critic(x_BLV[:1]), expected_B[:1])  # it mixes no samples
