"""Variations of a recipe do what they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.plans import Trial
from benchmarks.variations import VARIATIONS, cosine, late_linear, linear, one_axis_slopes, one_hot_forward
from seqgan_wgp.text.networks import ResidualBlock
from seqgan_wgp.training.critic_views import stem_view
from seqgan_wgp.training.loop import critic_step
from seqgan_wgp.training.penalties import between
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream

Build = Callable[..., Trainer]
Tiny = Callable[..., Trial]


@pytest.mark.parametrize("variation", VARIATIONS)
def test_every_variation_trains(variation: str, build: Build, tiny: Tiny) -> None:
    weights = [parameter.detach().clone() for parameter in build(tiny()).train_state.generator.parameters()]
    trainer = build(tiny(variation=variation), lambda: 0.5)
    assert all(map(torch.equal, trainer.train_state.generator.parameters(), weights))
    for _ in range(3):
        assert all(map(math.isfinite, trainer.round().values()))
    changed = [
        not torch.equal(now, weight)
        for now, weight in zip(trainer.train_state.generator.parameters(), weights, strict=True)
    ]
    assert any(changed)
    samples = trainer.samples()
    assert samples.shape == (32, 10) and math.isfinite(trainer.domain.score(samples, half="test")["js4"])


@pytest.mark.parametrize(("name", "amount"), [("smoothed by .2", 0.2), ("smoothed by .2, annealed", 0.15)])
def test_smoothed_one_hots_are_distributions(name: str, amount: float, build: Build, tiny: Tiny) -> None:
    ids_BL = build(tiny()).train_state.batches.real(0)
    smooth_BLV = build(tiny(variation=name), lambda: 0.25).train_state.batches.real(0)
    size = smooth_BLV.shape[2]
    torch.testing.assert_close(smooth_BLV.sum(dim=2), torch.ones(ids_BL.shape))
    assert torch.equal(smooth_BLV.argmax(dim=2), ids_BL.long())
    torch.testing.assert_close(smooth_BLV.amax(dim=2), torch.full(ids_BL.shape, 1 - amount + amount / size))
    torch.testing.assert_close(smooth_BLV.amin(dim=2), torch.full(ids_BL.shape, amount / size))


@pytest.mark.parametrize(
    ("name", "now"), [("temperature .5", 0.5), ("temperature 2", 2.0), ("temperature 1 to .3", 0.65)]
)
def test_a_temperature_divides_what_goes_into_the_softmax(name: str, now: float, build: Build, tiny: Tiny) -> None:
    latent_BZ = torch.randn(4, 8)
    logits_BLV: Tensor = build(tiny()).train_state.generator.logits(latent_BZ)  # type: ignore[operator]
    trainer = build(tiny(variation=name), lambda: 0.5)
    expected_BLV = torch.exp(logits_BLV / now)
    torch.testing.assert_close(
        trainer.train_state.generator(latent_BZ), expected_BLV / expected_BLV.sum(dim=2, keepdim=True)
    )
    torch.testing.assert_close(trainer.train_state.average(latent_BZ), logits_BLV.softmax(dim=2))


def test_straight_through_is_one_hot_with_the_gradient_of_the_softmax() -> None:
    logits_BLV = torch.randn(2, 3, 5, requires_grad=True)
    weight_BLV = torch.randn(2, 3, 5)
    hard_BLV = one_hot_forward(logits_BLV)
    torch.testing.assert_close(hard_BLV.detach(), functional.one_hot(logits_BLV.argmax(dim=2), 5).float())
    (gradient,) = torch.autograd.grad((hard_BLV * weight_BLV).sum(), logits_BLV)
    (soft,) = torch.autograd.grad((logits_BLV.softmax(dim=2) * weight_BLV).sum(), logits_BLV)
    torch.testing.assert_close(gradient, soft)


def test_a_softer_gradient_leaves_the_one_hots() -> None:
    logits_BLV = torch.randn(2, 3, 5, requires_grad=True)
    weight_BLV = torch.randn(2, 3, 5)
    hard_BLV = one_hot_forward(logits_BLV, softness=2.0)
    torch.testing.assert_close(hard_BLV, one_hot_forward(logits_BLV))
    (gradient,) = torch.autograd.grad((hard_BLV * weight_BLV).sum(), logits_BLV)
    (soft,) = torch.autograd.grad(((logits_BLV / 2).softmax(dim=2) * weight_BLV).sum(), logits_BLV)
    torch.testing.assert_close(gradient, soft)


@pytest.mark.parametrize(
    "name", ["drawn by Gumbel noise", "all drawn", "all drawn, gradient at .5", "all drawn, gradient at 2"]
)
def test_characters_are_drawn_as_often_as_they_are_likely(name: str, build: Build, tiny: Tiny) -> None:
    latent_BZ = torch.randn(1, 8).expand(4000, 8)
    likely_LV = build(tiny()).train_state.generator.eval()(latent_BZ[:1])[0]
    trainer = build(tiny(variation=name))
    with torch.no_grad():
        drawn_BLV = trainer.train_state.generator(latent_BZ)
    torch.testing.assert_close(drawn_BLV.sum(dim=2), torch.ones(4000, 10))
    torch.testing.assert_close(drawn_BLV.mean(dim=0), likely_LV.detach(), atol=0.05, rtol=0)


def test_a_trial_may_have_several_variations(build: Build, tiny: Tiny) -> None:
    trainer = build(tiny(variation="straight-through, gradient at 2 + penalty every 2nd step"))
    state = trainer.train_state
    fake_BLV = state.generator(state.batches.latents(Stream.CRITIC_LATENT, 0))
    assert state.objective.weight == 20.0
    assert fake_BLV.amax(dim=2).eq(1).all()


class Linear(nn.Module):
    """f(x) = <w, x>, whose gradient is w everywhere."""

    def __init__(self, weight_LV: Tensor) -> None:
        super().__init__()
        self.weight_LV = nn.Parameter(weight_LV)

    def forward(self, x_BLV: Tensor) -> Tensor:
        return (x_BLV * self.weight_LV).sum(dim=(1, 2))


def test_the_norm_over_one_axis_is_another_than_the_true_one() -> None:
    # w has columns (3, 4) and (0, 2): the true norm is sqrt(29) for each sample.
    critic = Linear(torch.tensor([[3.0, 0.0], [4.0, 2.0]]))
    view = stem_view(critic, torch.randn(3, 2, 2), torch.randn(3, 2, 2))
    uniform = lambda columns: torch.rand(3, columns)  # noqa: E731
    torch.testing.assert_close(one_axis_slopes(view, uniform).detach(), torch.tensor([5.0, 2.0] * 3))
    torch.testing.assert_close(between(view, uniform).detach(), torch.full((3,), math.sqrt(29)))


def test_a_rarer_penalty_weighs_more_when_it_is_taken(build: Build, tiny: Tiny) -> None:
    trainer = build(tiny(settings={**tiny().settings, "objective.constraint": "gp"}))
    usual = critic_step(trainer.train_state, 0)
    varied = {"variation": "penalty every 2nd step"}
    trainer = build(tiny(settings={**tiny().settings, "objective.constraint": "gp"}, **varied))
    penalties = [critic_step(trainer.train_state, number).values[2].item() for number in range(4)]
    assert penalties[0] == pytest.approx(2 * usual.values[2].item()) and penalties[2] > 0
    assert penalties[1] == penalties[3] == 0


def test_rates_fall_with_the_share_of_time(build: Build, tiny: Tiny) -> None:
    share = 0.0
    trainer = build(tiny(variation="rates to 0, linear"), lambda: share)
    for share, rate in ((0.0, 4e-3), (0.25, 3e-3), (1.0, 0.0)):  # noqa: B007
        trainer.round()
        assert trainer.train_state.optimizers.critic.param_groups[0]["lr"] == pytest.approx(rate)
        assert trainer.train_state.optimizers.generator.param_groups[0]["lr"] == pytest.approx(rate / 2)
    assert [linear(0.25), late_linear(0.25), late_linear(0.75), cosine(0.0), cosine(0.5)] == pytest.approx(
        [0.75, 1, 0.5, 1, 0.5]
    )


def test_a_relu_in_place_changes_the_skip_connection_where_nothing_is_normalised(build: Build, tiny: Tiny) -> None:
    def first_blocks(trainer: Trainer) -> list[ResidualBlock]:
        networks = (trainer.train_state.critic, trainer.train_state.generator)
        return [cast(ResidualBlock, cast(nn.ModuleList, network.blocks)[0]) for network in networks]

    x_BCL = torch.randn(2, 8, 10)
    before_BCL = first_blocks(build(tiny()))[1](x_BCL)
    block, normed = first_blocks(build(tiny(variation="bug: ReLU in place")))

    def as_in_ports(x: Tensor) -> Tensor:
        branch = block.conv2(functional.relu(block.conv1(functional.relu(x, inplace=True)), inplace=True))
        result: Tensor = x + block.scale * branch
        return result

    torch.testing.assert_close(block(x_BCL), as_in_ports(x_BCL.clone()))
    assert torch.equal(normed(x_BCL), before_BCL)
