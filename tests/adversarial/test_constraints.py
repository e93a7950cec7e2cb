"""The constraint is the method, so it is proven: known slopes, every event shape, both derivatives."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqgan_wgp.adversarial.constraints import CONSTRAINTS, interpolate, slopes
from seqgan_wgp.config import recipe
from seqgan_wgp.text.networks import CRITICS

from .problems import LinearCritic

SHAPES = [(1,), (2,), (16, 28), (1, 28, 28), (3, 4, 5, 2)]
BY_HAND = {"gp": lambda k: (k - 1) ** 2, "lp": lambda k: max(0.0, k - 1) ** 2}
PENALTIES = [name for name, constraint in CONSTRAINTS.items() if constraint.penalty is not None]


def points(shape: tuple[int, ...], count: int = 5, seed: int = 1) -> Tensor:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
def test_linear_critic_of_slope_k_costs_what_the_formula_says(name: str, shape: tuple[int, ...], slope: float) -> None:
    penalty = CONSTRAINTS[name].penalty
    assert penalty is not None
    value = penalty(slopes(LinearCritic(slope, shape), points(shape)))
    assert value.item() == pytest.approx(BY_HAND[name](slope), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), slope=st.floats(0, 10), seed=st.integers(0, 2**32))
def test_two_sided_penalty_is_exact_for_any_shape_and_slope(shape: list[int], slope: float, seed: int) -> None:
    penalty = CONSTRAINTS["gp"].penalty
    assert penalty is not None
    value = penalty(slopes(LinearCritic(slope, tuple(shape), seed), points(tuple(shape), seed=seed % 1000)))
    assert value.item() == pytest.approx((slope - 1) ** 2, abs=1e-9)


def test_slope_is_taken_over_all_axes_not_one() -> None:
    critic = LinearCritic(1.0, (16, 28))
    one_axis = critic.weight.norm(dim=0)  # what published ports penalise: a norm for each of V columns
    assert slopes(critic, points((16, 28))).tolist() == pytest.approx([1.0] * 5)
    assert one_axis.max() < 0.5


def test_slope_of_each_sample_is_its_own() -> None:
    def critic(x_BE: Tensor) -> Tensor:
        return (x_BE**2).sum(dim=1) / 2  # the gradient at x is x

    x_BE = points((7,))
    assert torch.allclose(slopes(critic, x_BE), x_BE.norm(dim=1))
    changed = x_BE.clone()
    changed[0] += 1
    assert torch.equal(slopes(critic, changed)[1:], slopes(critic, x_BE)[1:])


@pytest.mark.parametrize("shape", SHAPES)
def test_interpolates_lie_on_their_segments_one_epsilon_a_sample(shape: tuple[int, ...]) -> None:
    real, fake = points(shape, seed=1), points(shape, seed=2)
    epsilon_B = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    between = interpolate(real, fake, epsilon_B)
    assert between.shape == real.shape
    assert torch.equal(between[0], fake[0])
    assert torch.equal(between[-1], real[-1])
    for sample, epsilon in enumerate(epsilon_B.tolist()):
        assert torch.allclose(between[sample] - fake[sample], epsilon * (real[sample] - fake[sample]))


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_and_its_gradient_are_finite_at_slope_zero(name: str) -> None:
    critic = LinearCritic(0.0, (3, 4))
    penalty = CONSTRAINTS[name].penalty
    assert penalty is not None
    (gradient,) = torch.autograd.grad(penalty(slopes(critic, points((3, 4)))), critic.weight)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_pulls_slopes_towards_one(name: str) -> None:
    steep = LinearCritic(3.0, (3, 4))
    penalty = CONSTRAINTS[name].penalty
    assert penalty is not None
    (gradient,) = torch.autograd.grad(penalty(slopes(steep, points((3, 4)))), steep.weight)
    assert (gradient * steep.weight).sum() > 0


class SmoothCritic(nn.Module):
    """Two layers with tanh, so that finite differences are meaningful everywhere."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first = nn.Parameter(torch.randn(6, 12, generator=generator, dtype=torch.float64))
        self.last = nn.Parameter(torch.randn(6, generator=generator, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x.flatten(1) @ self.first.T) @ self.last


@pytest.mark.parametrize("name", PENALTIES)
def test_gradient_through_the_penalty_is_that_of_finite_differences(name: str) -> None:
    critic, x = SmoothCritic(), 0.1 * points((3, 4))
    penalty = CONSTRAINTS[name].penalty
    assert penalty is not None
    assert slopes(critic, x).min() > 1.1  # away from the kink of the one-sided penalty

    def of_weights(first: Tensor, last: Tensor) -> Tensor:
        def scores(x: Tensor) -> Tensor:
            score_B: Tensor = torch.func.functional_call(critic, {"first": first, "last": last}, (x,))
            return score_B

        return penalty(slopes(scores, x))

    assert torch.autograd.gradcheck(of_weights, (critic.first, critic.last))


@pytest.mark.parametrize("normalization", ["none", "layer", "layer-channels"])
def test_gradient_through_the_penalty_of_our_critic_is_that_of_finite_differences(normalization: str) -> None:
    torch.manual_seed(0)
    critic_settings = dataclasses.replace(
        recipe("paper").critic, width=4, blocks=1, kernel=3, normalization=normalization
    )
    critic = CRITICS["residual"](critic_settings, 5, 4).double()
    x_BLV = points((5, 4), count=2).softmax(dim=-1)
    names, weights = zip(*critic.named_parameters(), strict=True)

    def of_weights(*values: Tensor) -> Tensor:
        def scores(x: Tensor) -> Tensor:
            score_B: Tensor = torch.func.functional_call(critic, dict(zip(names, values, strict=True)), (x,))
            return score_B

        return ((slopes(scores, x_BLV) - 1) ** 2).mean()

    assert torch.autograd.gradcheck(of_weights, weights, eps=1e-7, atol=1e-5)
