"""The causal network as a generator: strings from latents, gradients straight through, and a tuned cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config
from seqgan_wgp.config.schema import GeneratorSettings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.causal import Drawing
from seqgan_wgp.text.causal_generator import CausalGenerator, uniforms
from seqgan_wgp.text.likelihood import EPSILONS
from seqgan_wgp.training.build import seeded_construction
from seqgan_wgp.training.latents import latents
from seqgan_wgp.training.likelihood import LikelihoodGenerator
from seqgan_wgp.utils.counter_rng import Stream, uniform

LENGTH, SIZE = 8, 6


@pytest.fixture
def settings(tiny_config: Callable[..., Config]) -> GeneratorSettings:
    changed = {"latent": LENGTH, "latent_distribution": "uniform", "blocks": 2, "kernel": 3, "counts": 2}
    return dataclasses.replace(tiny_config().generator, **changed)  # type: ignore[arg-type]


@pytest.fixture
def generator(settings: GeneratorSettings) -> CausalGenerator:
    with seeded_construction(1):
        return CausalGenerator(settings, LENGTH, SIZE)


def latent(count: int = 100, seed: int = 1) -> Tensor:
    return latents("uniform", LENGTH, seed, Stream.SAMPLE_LATENT, torch.arange(count))


def test_latents_are_uniforms_bit_for_bit() -> None:
    assert torch.equal(uniforms(latent()), uniform(1, Stream.SAMPLE_LATENT, torch.arange(100), LENGTH))


def test_rows_are_one_hot_and_of_the_drawn_strings(generator: CausalGenerator) -> None:
    generator.eval()
    rows_BLV = generator(latent())
    assert set(rows_BLV.unique().tolist()) == {0, 1} and (rows_BLV.sum(dim=2) == 1).all()
    assert torch.equal(rows_BLV.argmax(dim=2), generator.network.sample(uniforms(latent())))
    generator.epsilon.fill_(0.2)
    cut_BL = generator.network.sample(uniforms(latent()), Drawing(epsilon=0.2))
    assert torch.equal(generator(latent()).argmax(dim=2), cut_BL)


def test_in_training_rows_have_the_gradient_of_their_probabilities(generator: CausalGenerator) -> None:
    rows_BLV = generator.train()(latent())
    ids_BL = rows_BLV.argmax(dim=2)
    assert torch.allclose(rows_BLV, torch.nn.functional.one_hot(ids_BL, SIZE).float(), atol=1e-6)
    weight_BLV = torch.randn(rows_BLV.shape, generator=torch.Generator().manual_seed(0))
    batch = generator.network.flat(ids_BL)
    expected = (generator.network(batch).softmax(dim=1) * weight_BLV[batch.row_T, batch.place_T]).sum()
    wanted = torch.autograd.grad(expected, tuple(generator.parameters()))
    found = torch.autograd.grad((rows_BLV * weight_BLV).sum(), tuple(generator.parameters()))
    assert any(gradient.abs().max() > 0 for gradient in found)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_first_weights_follow_from_the_seed(settings: GeneratorSettings) -> None:
    def weights(seed: int) -> list[Tensor]:
        with seeded_construction(seed):
            return list(CausalGenerator(settings, LENGTH, SIZE).parameters())

    assert all(torch.equal(one, two) for one, two in zip(weights(1), weights(1), strict=True))
    assert not torch.equal(weights(1)[0], weights(2)[0])


def test_logits_are_those_that_strings_are_drawn_by(generator: CausalGenerator) -> None:
    generator.eval()
    logits_BLV = generator.logits(latent())
    assert logits_BLV.shape == (100, LENGTH, SIZE)
    ids_BL = generator(latent()).argmax(dim=2)
    sum_BLV = logits_BLV.softmax(dim=2).cumsum(dim=2)
    again_BL = torch.searchsorted(sum_BLV, uniforms(latent())[..., None] * sum_BLV[..., -1:], right=True)[..., 0]
    inside_BL = (ids_BL == 0).cumsum(dim=1) <= 1
    assert (again_BL == ids_BL)[inside_BL & ((ids_BL != 0) | ((ids_BL == 0).cumsum(dim=1) == 1))].float().mean() > 0.999


def test_tuning_is_a_function_of_weights_and_rows(generator: CausalGenerator) -> None:
    assert isinstance(generator, LikelihoodGenerator)
    rows_NL = generator.eval()(latent(400, seed=2)).argmax(dim=2)
    generator.tune(rows_NL)
    chosen = float(generator.epsilon)
    assert chosen in EPSILONS
    generator.epsilon.fill_(0.5)
    generator.tune(rows_NL)
    assert float(generator.epsilon) == chosen
    assert "epsilon" in generator.state_dict()


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"latent": 7}, "each of the 8 positions"), ({"latent_distribution": "normal"}, "uniform numbers")],
)
def test_latents_that_it_cannot_draw_by_are_refused(
    settings: GeneratorSettings, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        CausalGenerator(dataclasses.replace(settings, **changed), LENGTH, SIZE)  # type: ignore[arg-type]
