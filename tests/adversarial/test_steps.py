"""The steps' gradients, against the algorithm written out plainly."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.adversarial.constraints import CONSTRAINTS
from seqgan_wgp.adversarial.losses import LOSSES
from seqgan_wgp.adversarial.steps import Staged, critic_step, generator_step, staged_critic_step
from seqgan_wgp.config import recipe
from seqgan_wgp.text.networks import CRITICS, GENERATORS

B, L, V, Z = 6, 7, 5, 4


def pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    config = recipe("fast")
    generator = GENERATORS["residual"](dataclasses.replace(config.generator, width=8, blocks=1, latent=Z), L, V)
    critic = CRITICS["residual"](dataclasses.replace(config.critic, width=8, blocks=2), L, V)
    return generator.double(), critic.double()


def batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    noise = torch.Generator().manual_seed(seed)
    real = torch.nn.functional.one_hot(torch.randint(V, (B, L), generator=noise), V).double()
    fake = torch.randn(B, L, V, generator=noise, dtype=torch.float64).softmax(dim=-1)
    return real, fake, torch.rand(B, generator=noise, dtype=torch.float64)


def plainly(critic: nn.Module, real: Tensor, fake: Tensor, epsilon_B: Tensor, weight: float) -> list[Tensor]:
    """Algorithm 1 as the public scripts write it: three forwards, three backwards that add up in `.grad`."""
    critic.zero_grad()
    (-critic(real).mean()).backward()
    critic(fake).mean().backward()
    between = (epsilon_B[:, None, None] * real + (1 - epsilon_B[:, None, None]) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between), between, torch.ones(B, dtype=torch.float64), create_graph=True)
    (weight * ((slope.reshape(B, -1).norm(2, dim=1) - 1) ** 2).mean()).backward()
    return [
        parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        for parameter in critic.parameters()
    ]


def test_critic_gradients_are_those_of_the_plain_algorithm() -> None:
    _, critic = pair()
    real, fake, epsilon_B = batch()
    gradients, numbers = critic_step(
        critic, real, fake, epsilon_B, loss=LOSSES["wgan"], constraint=CONSTRAINTS["gp"], weight=10.0
    )
    for ours, theirs in zip(gradients, plainly(critic, real, fake, epsilon_B, 10.0), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    assert numbers.loss.item() == pytest.approx((numbers.penalty - numbers.wasserstein).item())
    assert numbers.wasserstein.item() == pytest.approx((critic(real).mean() - critic(fake).mean()).item())


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_every_constraint_gives_finite_gradients_for_every_weight(constraint: str) -> None:
    _, critic = pair()
    gradients, numbers = critic_step(
        critic, *batch(), loss=LOSSES["wgan"], constraint=CONSTRAINTS[constraint], weight=10.0
    )
    assert [gradient.shape for gradient in gradients] == [parameter.shape for parameter in critic.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert torch.isfinite(numbers.loss)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("vocabulary", [3, 8, 40])
def test_the_staged_step_is_the_plain_one_on_either_side_of_the_width(vocabulary: int, constraint: str) -> None:
    """The slope is taken in the first layer's input in one case, and from its Gram matrix in the other."""
    torch.manual_seed(1)
    settings = dataclasses.replace(recipe("fast").critic, width=8, blocks=2)
    critic = CRITICS["residual"](settings, L, vocabulary).double()
    assert isinstance(critic, Staged)
    ids_BL = torch.randint(vocabulary, (B, L)).to(torch.uint8)
    real = torch.nn.functional.one_hot(ids_BL.long(), vocabulary).double()
    fake = torch.randn(B, L, vocabulary, dtype=torch.float64).softmax(dim=-1)
    epsilon_B = torch.rand(B, dtype=torch.float64)
    loss, rule = LOSSES["wgan"], CONSTRAINTS[constraint]
    plain = critic_step(critic, real, fake, epsilon_B, loss=loss, constraint=rule, weight=10.0)
    for items in (ids_BL, real):
        staged = staged_critic_step(critic, items, fake, epsilon_B, loss=loss, constraint=rule, weight=10.0)
        for ours, theirs in zip(staged[0], plain[0], strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
        for name, value in vars(staged[1]).items():
            assert value.item() == pytest.approx(vars(plain[1])[name].item(), rel=1e-10)


@pytest.mark.parametrize("vocabulary", [3, 40])
def test_the_staged_step_is_finite_where_the_slope_is_0(vocabulary: int) -> None:
    settings = dataclasses.replace(recipe("fast").critic, width=8, blocks=1)
    critic = CRITICS["residual"](settings, L, vocabulary)
    assert isinstance(critic, Staged)
    torch.nn.init.zeros_(next(iter(critic.parameters())))
    ids_BL = torch.zeros(B, L, dtype=torch.uint8)
    fake = torch.full((B, L, vocabulary), 1 / vocabulary)
    gradients, numbers = staged_critic_step(
        critic, ids_BL, fake, torch.rand(B), loss=LOSSES["wgan"], constraint=CONSTRAINTS["gp"], weight=10.0
    )
    assert numbers.slope_mean.item() == 0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_step_changes_nothing_and_leaves_no_gradients() -> None:
    generator, critic = pair()
    before = [parameter.clone() for network in (generator, critic) for parameter in network.parameters()]
    critic_step(critic, *batch(), loss=LOSSES["wgan"], constraint=CONSTRAINTS["gp"], weight=10.0)
    generator_step(generator, critic, torch.ones(B, Z, dtype=torch.float64), loss=LOSSES["wgan"])
    after = [parameter for network in (generator, critic) for parameter in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in after)


def test_generator_gradients_are_those_of_minus_the_mean_score() -> None:
    generator, critic = pair()
    latent_BZ = torch.randn(B, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    gradients, loss = generator_step(generator, critic, latent_BZ, loss=LOSSES["wgan"])
    (-critic(generator(latent_BZ)).mean()).backward()
    assert loss.item() == pytest.approx(-critic(generator(latent_BZ)).mean().item())
    for ours, parameter in zip(gradients, generator.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.allclose(ours, parameter.grad, rtol=1e-10, atol=1e-12)
