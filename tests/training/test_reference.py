"""The published loop that benchmarks compare with computes what our steps compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmarks import reference_loop as published
from seqgan_wgp.config.schema import CriticSettings
from seqgan_wgp.nn.fast_conv.convolution import CONVOLUTIONS, set_convolution_algorithm
from seqgan_wgp.text.networks import ResidualCritic
from seqgan_wgp.training.critic_views import stem_view
from seqgan_wgp.training.losses import LOSSES
from seqgan_wgp.training.penalties import CONSTRAINTS
from seqgan_wgp.training.steps import CriticObjective, critic_gradients

B, L, V, WIDTH, BLOCKS, KERNEL = 6, 10, 7, 8, 2, 5
OBJECTIVE = CriticObjective(loss=LOSSES["wgan"], constraint=CONSTRAINTS["gp"], weight=published.LAMBDA)


def critics(dtype: torch.dtype) -> tuple[published.Critic, ResidualCritic]:
    """The published critic and ours, with the same weights."""
    torch.manual_seed(0)
    theirs = published.Critic(width=WIDTH, length=L, vocabulary=V, blocks=BLOCKS, kernel=KERNEL).to(dtype)
    settings = CriticSettings(
        network="residual", width=WIDTH, blocks=BLOCKS, kernel=KERNEL, residual_scale=published.RESIDUAL_SCALE
    )
    ours = ResidualCritic(settings, L, V).to(dtype)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert mine.shape == other.shape
        mine.data.copy_(other.data)
    return theirs, ours


def batch(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    real_BL = torch.randint(0, V, (B, L))
    return real_BL, torch.randn(B, L, V, dtype=dtype).softmax(dim=2), torch.rand(B, 1, dtype=dtype)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=str)
@pytest.mark.parametrize("way", [*CONVOLUTIONS, "auto"])
@pytest.mark.parametrize("behind_stem", [False, True])
def test_one_critic_step_has_the_gradients_of_the_published_one(
    way: str, behind_stem: bool, dtype: torch.dtype, most: float
) -> None:
    theirs, ours = critics(dtype)
    set_convolution_algorithm(ours, way)
    real_BL, fake_BLV, epsilon_B1 = batch(dtype)
    wasserstein = published.critic_gradients(theirs, real_BL, fake_BLV, epsilon_B1[..., None])
    real_BLV = nn.functional.one_hot(real_BL, V).to(dtype)
    gradients, metrics = (
        critic_gradients(ours, real_BL, fake_BLV, lambda _columns: epsilon_B1, OBJECTIVE, make_view=stem_view)
        if behind_stem
        else critic_gradients(ours, real_BLV, fake_BLV, lambda _columns: epsilon_B1, OBJECTIVE)
    )
    assert metrics.wasserstein.item() == pytest.approx(wasserstein.item(), rel=1e-4)
    for gradient, parameter in zip(gradients, theirs.parameters(), strict=True):
        assert parameter.grad is not None
        # In a bias's gradient what real and generated items give cancels, to nothing in the last one.
        size = max(parameter.grad.norm().item(), 1e-2)
        assert (gradient - parameter.grad).norm().item() <= most * size
