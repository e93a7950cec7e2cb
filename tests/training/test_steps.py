"""The steps' gradients, against the algorithm written out plainly."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from seqgan_wgp.config import recipe
from seqgan_wgp.text.networks import CRITICS, GENERATORS
from seqgan_wgp.training.critic_views import LinearStemCritic, stem_view
from seqgan_wgp.training.losses import LOSSES, Loss
from seqgan_wgp.training.penalties import CONSTRAINTS
from seqgan_wgp.training.steps import CriticObjective, critic_gradients, generator_gradients

B, L, V, Z = 6, 7, 5, 4

WGAN_GP = CriticObjective(loss=LOSSES["wgan"], constraint=CONSTRAINTS["gp"], weight=10.0)


def pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    config = recipe("fast")
    generator = GENERATORS["residual"](dataclasses.replace(config.generator, width=8, blocks=1, latent=Z), L, V)
    critic = CRITICS["residual"](dataclasses.replace(config.critic, width=8, blocks=2), L, V)
    return generator.double(), critic.double()


def draws(columns: int) -> Tensor:
    """Uniform metrics whose first columns are the same however many are asked for."""
    noise = torch.Generator().manual_seed(9)
    return torch.stack([torch.rand(B, generator=noise, dtype=torch.float64) for _ in range(columns)], dim=1)


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    noise = torch.Generator().manual_seed(seed)
    real = torch.nn.functional.one_hot(torch.randint(V, (B, L), generator=noise), V).double()
    return real, torch.randn(B, L, V, generator=noise, dtype=torch.float64).softmax(dim=-1)


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
    real, fake = batch()
    gradients, metrics = critic_gradients(critic, real, fake, draws, WGAN_GP)
    for ours, theirs in zip(gradients, plainly(critic, real, fake, draws(1)[:, 0], 10.0), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    assert metrics.loss.item() == pytest.approx((metrics.penalty - metrics.wasserstein).item())
    assert metrics.wasserstein.item() == pytest.approx((critic(real).mean() - critic(fake).mean()).item())


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_pair_gives_finite_gradients_for_every_weight(loss: str, constraint: str) -> None:
    _, critic = pair()
    objective = CriticObjective(loss=LOSSES[loss], constraint=CONSTRAINTS[constraint], weight=10.0)
    gradients, metrics = critic_gradients(critic, *batch(), draws, objective)
    assert [gradient.shape for gradient in gradients] == [parameter.shape for parameter in critic.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert torch.isfinite(metrics.loss)


@pytest.mark.parametrize("separate_batches", [False, True])
def test_one_batch_or_two_make_no_difference_where_samples_are_not_mixed(separate_batches: bool) -> None:
    _, critic = pair()
    one = critic_gradients(critic, *batch(), draws, WGAN_GP)
    other = critic_gradients(critic, *batch(), draws, dataclasses.replace(WGAN_GP, separate_batches=separate_batches))
    for ours, theirs in zip(one[0], other[0], strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_real_and_generated_points_have_batch_statistics_of_their_own() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(L * V), nn.Linear(L * V, 1), nn.Flatten(0)).double()
    real, fake = batch()
    objective = CriticObjective(loss=LOSSES["gan"], constraint=CONSTRAINTS["none"], weight=0.0, separate_batches=True)
    _, metrics = critic_gradients(critic, real, fake, draws, objective)
    assert metrics.wasserstein.item() == pytest.approx((critic(real).mean() - critic(fake).mean()).item())


@pytest.mark.parametrize("constraint", [name for name, how in CONSTRAINTS.items() if not how.needs_points])
@pytest.mark.parametrize(("vocabulary", "ngrams"), [(3, 1), (8, 1), (40, 1), (3, 3), (40, 3)])
def test_the_step_behind_a_linear_stem_is_the_plain_one_on_either_side_of_the_width(
    vocabulary: int, ngrams: int, constraint: str
) -> None:
    """The slope is taken in the first layer's input in one case, and from its Gram matrix in the other."""
    torch.manual_seed(1)
    settings = dataclasses.replace(recipe("fast").critic, width=8, blocks=2, ngrams=ngrams)
    critic = CRITICS["residual"](settings, L, vocabulary).double()
    assert isinstance(critic, LinearStemCritic)
    ids_BL = torch.randint(vocabulary, (B, L)).to(torch.uint8)
    real = torch.nn.functional.one_hot(ids_BL.long(), vocabulary).double()
    fake = torch.randn(B, L, vocabulary, dtype=torch.float64).softmax(dim=-1)
    objective = CriticObjective(loss=LOSSES["wgan"], constraint=CONSTRAINTS[constraint], weight=10.0)
    plain = critic_gradients(critic, real, fake, draws, objective)
    for items in (ids_BL, real):
        behind_stem = critic_gradients(critic, items, fake, draws, objective, make_view=stem_view)
        for ours, theirs in zip(behind_stem[0], plain[0], strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
        for name, value in vars(behind_stem[1]).items():
            assert value.item() == pytest.approx(vars(plain[1])[name].item(), rel=1e-10)


@pytest.mark.parametrize("vocabulary", [3, 40])
def test_the_step_behind_a_linear_stem_is_finite_where_the_slope_is_0(vocabulary: int) -> None:
    settings = dataclasses.replace(recipe("fast").critic, width=8, blocks=1)
    critic = CRITICS["residual"](settings, L, vocabulary)
    assert isinstance(critic, LinearStemCritic)
    torch.nn.init.zeros_(next(iter(critic.parameters())))
    ids_BL = torch.zeros(B, L, dtype=torch.uint8)
    fake = torch.full((B, L, vocabulary), 1 / vocabulary)
    gradients, metrics = critic_gradients(
        critic, ids_BL, fake, lambda columns: draws(columns).float(), WGAN_GP, make_view=stem_view
    )
    assert metrics.slope_mean.item() == 0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_step_changes_nothing_and_leaves_no_gradients() -> None:
    generator, critic = pair()
    before = [parameter.clone() for network in (generator, critic) for parameter in network.parameters()]
    critic_gradients(critic, *batch(), draws, WGAN_GP)
    generator_gradients(generator, critic, torch.ones(B, Z, dtype=torch.float64), loss=LOSSES["wgan"])
    after = [parameter for network in (generator, critic) for parameter in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in after)


def test_generator_gradients_are_those_of_minus_the_mean_score() -> None:
    generator, critic = pair()
    latent_BZ = torch.randn(B, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    gradients, loss = generator_gradients(generator, critic, latent_BZ, loss=LOSSES["wgan"])
    (-critic(generator(latent_BZ)).mean()).backward()
    assert loss.item() == pytest.approx(-critic(generator(latent_BZ)).mean().item())
    for ours, parameter in zip(gradients, generator.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.allclose(ours, parameter.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if not loss.needs_real])
def test_noise_is_added_to_what_the_critic_sees_of_the_generator(loss: str) -> None:
    generator, critic = pair()
    latent_BZ, noise = torch.ones(B, Z, dtype=torch.float64), torch.ones(B, L, V, dtype=torch.float64)
    gradients, value = generator_gradients(generator, critic, latent_BZ, loss=LOSSES[loss], noise=noise)
    expected = LOSSES[loss].generator(critic(generator(latent_BZ) + 1))
    assert value.item() == pytest.approx(expected.item(), rel=1e-12)
    for ours, theirs in zip(gradients, torch.autograd.grad(expected, list(generator.parameters())), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_loss_that_needs_real_scores_sees_them_and_no_other_costs_a_pass() -> None:
    generator, critic = pair()
    real, _ = batch()
    latent_BZ = torch.randn(B, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    passes: list[int] = []
    critic.register_forward_hook(lambda _critic, points, _scores: passes.append(len(points[0])))
    paired = Loss(
        critic=lambda real_B, fake_B: softplus(fake_B - real_B).mean(),
        generator=lambda real_B, fake_B: softplus(real_B - fake_B).mean(),
        needs_real=True,
    )
    gradients, value = generator_gradients(generator, critic, latent_BZ, loss=paired, real=real)
    assert passes == [B, B]
    expected = softplus(critic(real) - critic(generator(latent_BZ))).mean()
    assert value.item() == pytest.approx(expected.item(), rel=1e-12)
    for ours, theirs in zip(gradients, torch.autograd.grad(expected, list(generator.parameters())), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    passes.clear()
    generator_gradients(generator, critic, latent_BZ, loss=LOSSES["wgan"], real=real)
    assert passes == [B]
    with pytest.raises(ValueError, match="needs real points"):
        generator_gradients(generator, critic, latent_BZ, loss=paired)


def test_the_penalty_is_taken_at_every_kth_sample() -> None:
    _, critic = pair()
    real, fake = batch()
    subsampled = dataclasses.replace(WGAN_GP, penalty_every=3)
    _, metrics = critic_gradients(critic, real, fake, draws, subsampled)
    _, those = critic_gradients(critic, real[::3], fake[::3], lambda columns: draws(columns)[::3], WGAN_GP)
    assert metrics.penalty.item() == pytest.approx(those.penalty.item(), rel=1e-12)
    _, whole = critic_gradients(critic, real, fake, draws, WGAN_GP)
    assert metrics.wasserstein.item() == whole.wasserstein.item()


@pytest.mark.parametrize("penalty_every", [1, 3])
def test_a_penalty_is_the_mean_however_many_slopes_an_item_has(penalty_every: int) -> None:
    _, critic = pair()
    real, fake = batch()
    slopes = WGAN_GP.constraint.slopes
    assert slopes is not None
    twice = dataclasses.replace(WGAN_GP.constraint, slopes=lambda *views: slopes(*views).repeat(2))
    objectives = [
        dataclasses.replace(WGAN_GP, penalty_every=penalty_every, constraint=part)
        for part in (WGAN_GP.constraint, twice)
    ]
    (_, once), (_, both) = [critic_gradients(critic, real, fake, draws, objective) for objective in objectives]
    assert both.penalty.item() == pytest.approx(once.penalty.item(), rel=1e-12) and once.penalty > 0
    assert both.slope_mean.item() == pytest.approx(once.slope_mean.item(), rel=1e-12)


@pytest.mark.parametrize(
    ("ends", "penalty_every"),
    [((0, 3, 6), 1), ((0, 3, 6), 2), ((0, 4, 6), 4), ((0, 2, 4, 6), 2), ((0, 4, 6), 2), ((0, 1, 3, 6), 1)],
    ids=str,
)
def test_parts_of_a_batch_give_its_gradients_however_it_is_divided(ends: tuple[int, ...], penalty_every: int) -> None:
    _, critic = pair()
    real, fake = batch()
    objective = dataclasses.replace(WGAN_GP, penalty_every=penalty_every, size=B)
    expected, whole = critic_gradients(critic, real, fake, draws, objective)
    total = [torch.zeros_like(gradient) for gradient in expected]
    penalty = slope = 0.0
    for first, last in itertools.pairwise(ends):
        here = slice(first, last)
        gradients, metrics = critic_gradients(
            critic,
            real[here],
            fake[here],
            lambda columns, here=here: draws(columns)[here],  # type: ignore[misc]
            dataclasses.replace(objective, first=first),
        )
        torch._foreach_add_(total, list(gradients), alpha=(last - first) / B)
        penalty += metrics.penalty.item() * (last - first) / B
        slope += metrics.slope_mean.item() * (last - first) / B
    assert slope == pytest.approx(whole.slope_mean.item(), rel=1e-12)
    assert penalty == pytest.approx(whole.penalty.item(), rel=1e-12)
    for mine, other in zip(total, expected, strict=True):
        assert torch.allclose(mine, other, rtol=1e-10, atol=1e-13)
