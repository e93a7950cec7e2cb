"""Perceptrons over points: shapes, layers, independence of samples."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from seqgan_wgp.config import recipe
from seqgan_wgp.nn.layers import UNIT_NORMS
from seqgan_wgp.toy.domain import ToySpec
from seqgan_wgp.toy.networks import CRITICS, GENERATORS
from seqgan_wgp.toy.spec import chosen
from seqgan_wgp.training.build import build_generator_and_critic

B, Z = 6, 3


def small(normalization: str = "none", blocks: int = 2) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    config = recipe("toy")
    changes: dict[str, object] = {"width": 8, "blocks": blocks, "normalization": normalization}
    generator = dataclasses.replace(config.generator, latent=Z, **changes)  # type: ignore[arg-type]
    critic = dataclasses.replace(config.critic, **changes)  # type: ignore[arg-type]
    return GENERATORS["perceptron"](generator), CRITICS["perceptron"](critic)


@pytest.mark.parametrize("blocks", [0, 1, 3])
@pytest.mark.parametrize("normalization", UNIT_NORMS)
def test_latents_become_points_and_points_scores(normalization: str, blocks: int) -> None:
    generator, critic = small(normalization, blocks)
    points_B2 = generator(torch.randn(B, Z))
    assert points_B2.shape == (B, 2)
    assert critic(points_B2).shape == (B,)
    linear = [module for module in critic.modules() if isinstance(module, nn.Linear)]
    assert len(linear) == blocks + 1


def test_a_critic_is_relus_between_linear_layers() -> None:
    _, critic = small()
    points_B2 = torch.randn(B, 2)
    first, second, last = (module for module in critic.modules() if isinstance(module, nn.Linear))
    expected_B1 = last(functional.relu(second(functional.relu(first(points_B2)))))
    assert torch.equal(critic(points_B2), expected_B1[:, 0])


def test_without_hidden_layers_it_is_linear() -> None:
    _, critic = small(blocks=0)
    one_B2, other_B2 = torch.randn(B, 2), torch.randn(B, 2)
    assert torch.allclose(critic((one_B2 + other_B2) / 2), (critic(one_B2) + critic(other_B2)) / 2, atol=1e-6)


@pytest.mark.parametrize("normalization", sorted(set(UNIT_NORMS) - {"batch"}))
def test_changing_sample_0_changes_only_score_0(normalization: str) -> None:
    _, critic = small(normalization)
    points_B2 = torch.randn(B, 2)
    changed_B2 = points_B2.clone()
    changed_B2[0] += 1
    before_B, after_B = critic(points_B2), critic(changed_B2)
    assert before_B[0] != after_B[0]
    assert torch.equal(before_B[1:], after_B[1:])


def test_the_registries_have_what_the_settings_offer() -> None:
    assert set(GENERATORS["perceptron"].normalizations) == set(CRITICS["perceptron"].normalizations) == set(UNIT_NORMS)


def test_the_published_recipe_is_that_of_the_authors() -> None:
    config = recipe("toy-wgan-gp")
    for network in (config.generator, config.critic):
        assert (network.network, network.width, network.blocks, network.normalization) == ("perceptron", 512, 3, "none")
    assert (config.generator.latent, config.generator.latent_distribution) == (2, "normal")
    assert (config.objective.loss, config.objective.constraint, config.objective.penalty_weight) == ("wgan", "gp", 0.1)
    for adam in (config.optimizer.generator, config.optimizer.critic):
        assert (adam.name, adam.learning_rate, adam.beta1, adam.beta2) == ("adam", 1e-4, 0.5, 0.9)
    training = config.training
    assert (training.batch_size, training.critic_steps, training.steps) == (256, 5, 100_000)
    assert (config.toy.name, config.model.weights) == ("8-gaussians", "latest")
    generator, critic = build_generator_and_critic(config, ToySpec(chosen(config.toy)))
    hidden = [module.weight for module in critic.modules() if isinstance(module, nn.Linear)][:-1]
    # He et al. 2015: variance 2 / fan_in; uniform, as the authors draw it.
    assert hidden[1].std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.01)
    assert hidden[1].abs().max().item() <= (6 / 512) ** 0.5
    assert (
        sum(parameter.numel() for parameter in generator.parameters())
        == 2 * 512 + 2 * 512 * 512 + 3 * 512 + 512 * 2 + 2
    )
