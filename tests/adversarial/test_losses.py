"""Every objective passes the same contract: value by hand, direction of gradients, finite."""

from __future__ import annotations

import pytest
import torch

from seqgan_wgp.adversarial.losses import LOSSES

REAL_B, FAKE_B = torch.tensor([2.0, 4.0, -1.0]), torch.tensor([0.5, -2.5, 1.0])
BY_HAND = {"wgan": (-1 / 3 - 5 / 3, 1 / 3)}


@pytest.mark.parametrize("name", LOSSES)
def test_values_are_those_worked_out_by_hand(name: str) -> None:
    critic, generator = BY_HAND[name]
    assert LOSSES[name].critic(REAL_B, FAKE_B).item() == pytest.approx(critic, rel=1e-6)
    assert LOSSES[name].generator(FAKE_B).item() == pytest.approx(generator, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_critic_raises_real_and_lowers_fake_and_generator_raises_fake(name: str) -> None:
    real_B, fake_B = REAL_B.clone().requires_grad_(True), FAKE_B.clone().requires_grad_(True)
    real_gradient, fake_gradient = torch.autograd.grad(LOSSES[name].critic(real_B, fake_B), (real_B, fake_B))
    assert (real_gradient < 0).all()
    assert (fake_gradient > 0).all()
    (generator_gradient,) = torch.autograd.grad(LOSSES[name].generator(fake_B), fake_B)
    assert (generator_gradient < 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_huge_scores_are_finite(name: str) -> None:
    for scale in (0.0, 1e4, -1e4):
        scores_B = torch.full((4,), scale)
        assert torch.isfinite(LOSSES[name].critic(scores_B, -scores_B))
        assert torch.isfinite(LOSSES[name].generator(scores_B))
