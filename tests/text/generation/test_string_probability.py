"""Probabilities of strings: equal to brute force, sums of 1, errors that are true, guess numbers by enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config import recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.causal_generator import CausalGenerator
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.inversion import LatentGenerator
from seqgan_wgp.text.generation.probabilities import ProbabilityOptions, estimate, probabilities
from seqgan_wgp.text.generation.string_probability import (
    LatentModel,
    LogMoments,
    counted,
    guess_numbers,
    importance_estimate,
    prior_estimate,
)
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN, Vocabulary
from seqgan_wgp.training.latent_space import LATENT_SPACES

CPU = torch.device("cpu")
LENGTH, VOCABULARY = 3, Vocabulary("ab")
SIZE = VOCABULARY.size


class Curved(nn.Module):
    """Logits that are a fixed nonlinear function of two numbers."""

    def __init__(self, sharp: float = 2.0) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(5)
        self.into = torch.randn(2, 12, generator=chance)
        self.out = sharp * torch.randn(12, LENGTH * SIZE, generator=chance)

    def logits(self, latent_BZ: Tensor) -> Tensor:
        logits_BX: Tensor = torch.tanh(latent_BZ @ self.into) @ self.out
        return logits_BX.reshape(-1, LENGTH, SIZE)


class Sharp(nn.Module):
    """Many numbers, each of which decides a little of every symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.out = 1.5 * torch.randn(24, LENGTH * SIZE, generator=torch.Generator().manual_seed(3))

    def logits(self, latent_BZ: Tensor) -> Tensor:
        logits_BX: Tensor = latent_BZ @ self.out
        return logits_BX.reshape(-1, LENGTH, SIZE)


def generating(generator: nn.Module, distribution: str = "normal") -> LatentGenerator:
    spec = TextSpec(VOCABULARY, LENGTH, {})
    return LatentGenerator(generator=generator, spec=spec, distribution=distribution, device=CPU)


def every_string() -> Tensor:
    """All strings of at most L symbols, padded, the unknown one among the symbols: (40, L)."""
    rows = [
        [*symbols, *[PAD] * (LENGTH - size)]
        for size in range(LENGTH + 1)
        for symbols in itertools.product(range(UNKNOWN, SIZE), repeat=size)
    ]
    return torch.tensor(rows)


def by_quadrature(model: LatentGenerator) -> Tensor:
    """log p of every string, by a sum over a fine grid of two standard normal numbers."""
    place = torch.linspace(-6, 6, 481, dtype=torch.float64)
    grid_BZ = torch.cartesian_prod(place, place)
    weight_B = (-grid_BZ.square().sum(dim=1) / 2).exp()
    latent_BZ = LATENT_SPACES[model.distribution].from_normal(grid_BZ).float()
    logs_BX = model.generator.logits(latent_BZ).log_softmax(dim=-1).flatten(1).double()  # type: ignore[operator]
    likelihood_BS = (logs_BX @ counted(every_string(), SIZE).double().t()).exp()
    p_S: Tensor = (weight_B / weight_B.sum()) @ likelihood_BS
    return p_S.log()


def test_symbols_count_up_to_the_first_pad() -> None:
    ones_SX = counted(torch.tensor([[2, PAD, 3], [2, 3, 3], [PAD, 2, 2]]), SIZE)
    assert ones_SX.reshape(-1, LENGTH, SIZE).argmax(dim=2)[1].tolist() == [2, 3, 3]
    assert ones_SX.sum(dim=1).tolist() == [2, 3, 1]


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("way", [prior_estimate, importance_estimate], ids=["prior", "importance"])
def test_both_estimates_equal_brute_force(way, distribution: str) -> None:  # type: ignore[no-untyped-def]
    model = generating(Curved(), distribution)
    found = way(LatentModel(model=model, latent=2, seed=1), counted(every_string(), SIZE), 4_000)
    assert found.error_S.max() < 0.2
    deviations_S = (found.log_mean_S - by_quadrature(model)) / found.error_S
    assert deviations_S.abs().max() < 4.5
    assert found.log_mean_S.exp().sum().item() == pytest.approx(1, abs=0.03)


def test_of_the_same_latents_all_strings_sum_to_1() -> None:
    model = generating(Curved(sharp=4.0))
    found = prior_estimate(LatentModel(model=model, latent=2, seed=2), counted(every_string(), SIZE), 700)
    assert found.log_mean_S.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_errors_are_those_of_repetition() -> None:
    model, ones_SX = generating(Curved()), counted(every_string()[5:9], SIZE)
    true_S = by_quadrature(model)[5:9]
    for way in (prior_estimate, importance_estimate):
        found = [way(LatentModel(model=model, latent=2, seed=seed), ones_SX, 512) for seed in range(20)]
        scaled = torch.stack([(one.log_mean_S - true_S) / one.error_S for one in found])
        assert 0.6 < scaled.square().mean().sqrt() < 1.5


def test_importance_sampling_is_more_exact_where_latents_have_many_numbers() -> None:
    model, ones_SX = generating(Sharp()), counted(every_string()[25:], SIZE)
    source = LatentModel(model=model, latent=24, seed=0)
    plain, better = prior_estimate(source, ones_SX, 1_024), importance_estimate(source, ones_SX, 1_024)
    assert better.error_S.mean() < 0.65 * plain.error_S.mean()
    assert ((better.log_mean_S - plain.log_mean_S) / torch.hypot(better.error_S, plain.error_S)).abs().max() < 5


def test_a_string_does_not_depend_on_the_others() -> None:
    model, ones_SX = generating(Curved()), counted(every_string(), SIZE)
    for way in (prior_estimate, importance_estimate):
        whole = way(LatentModel(model=model, latent=2, seed=4), ones_SX, 300).log_mean_S
        alone = way(LatentModel(model=model, latent=2, seed=4), ones_SX[17:18], 300).log_mean_S
        assert alone.item() == pytest.approx(whole[17].item(), abs=1e-3)


def test_moments_in_parts_are_those_of_the_whole() -> None:
    logs_BS = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 - 800
    moments = LogMoments()
    for part_BS in torch.split(logs_BS, 37):
        moments.add(part_BS)
    numbers_BS = (logs_BS + 800).exp()
    mean_S = numbers_BS.mean(dim=0)
    assert torch.allclose(moments.mean().log_mean_S, mean_S.log() - 800)
    assert torch.allclose(moments.mean().error_S, numbers_BS.std(dim=0) / mean_S / math.sqrt(200))


def test_a_causal_network_is_exact() -> None:
    settings = replace(recipe("causal").generator, latent=LENGTH, width=8, blocks=1, counts=0)
    model = generating(CausalGenerator(settings, LENGTH, SIZE).eval(), "uniform")
    options = ProbabilityOptions(latents=2, importance=0, seed=0)
    found = estimate(model, LENGTH, every_string().numpy(), options)
    assert found.log_mean_S.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert found.error_S.max() == 0


def test_guess_numbers_are_those_of_enumeration() -> None:
    log_p_S = by_quadrature(generating(Curved()))
    p_S = log_p_S.exp()
    true_S = [int((p_S > p).sum()) + 1 for p in p_S]
    drawn_N = log_p_S[torch.multinomial(p_S, 40_000, replacement=True, generator=torch.Generator().manual_seed(0))]
    found_S = guess_numbers(log_p_S.numpy(), drawn_N.numpy())
    assert found_S == pytest.approx(np.array(true_S), rel=0.15, abs=0.5)
    assert guess_numbers(np.array([-math.inf, 0.0]), drawn_N.numpy()).tolist() == [math.inf, 1.0]


def test_strings_have_bits_per_symbol_and_flags() -> None:
    model, options = generating(Curved()), ProbabilityOptions(latents=400, importance=0, seed=0)
    strings = ["ab", "", "abab", "ax", "aba"]
    found = list(probabilities(model, 2, strings, options, every_string().numpy()))
    assert [one.text for one in found] == strings
    assert [one.flag for one in found] == ["", "empty", "too_long", "unknown", ""]
    assert [one.log_probability for one in found][2:4] == [-math.inf, -math.inf]
    assert [one.guess_number for one in found][2:4] == [math.inf, math.inf]
    for one, symbols in ((found[0], 3), (found[1], 1), (found[4], 3)):
        assert one.bits_per_character == pytest.approx(-one.log_probability / math.log(2) / symbols)


@pytest.mark.parametrize("wrong", [{"latents": 1}, {"importance": -1}, {"seed": -1}, {"latents": 1 << 40}])
def test_numbers_out_of_bounds_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is "):
        ProbabilityOptions(**{"latents": 9, "importance": 0, "seed": 0, **wrong})
