"""The constraint is the method, so it is proven: known slopes, every event shape, both derivatives."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqgan_wgp.config import recipe
from seqgan_wgp.text.networks import CRITICS
from seqgan_wgp.training.penalties import CONSTRAINTS, gp, interpolate, quotients, slopes
from seqgan_wgp.utils.counter_rng import Stream, uniform

from .problems import LinearCritic

SHAPES = [(1,), (2,), (16, 28), (1, 28, 28), (3, 4, 5, 2)]
# What a linear critic of slope k costs. A quotient of two points sees but the gradient's part along their difference.
BY_HAND = {
    "gp": lambda k: (k - 1) ** 2,
    "lp": lambda k: max(0.0, k - 1) ** 2,
    "dragan": lambda k: (k - 1) ** 2,
    "dragan-notebook": lambda k: (k - 1) ** 2,
    "r1": lambda k: k**2 / 2,
    "r1r2": lambda k: k**2,
}
PENALTIES = [name for name, constraint in CONSTRAINTS.items() if constraint.slopes is not None]
QUOTIENTS = ["gp-difference", "gp-segment"]

every_penalty = pytest.mark.parametrize("name", PENALTIES)


def points(shape: tuple[int, ...], count: int = 5, seed: int = 1) -> Tensor:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draws(columns: int, count: int = 5) -> Tensor:
    """Uniform numbers, as the trainer's counter gives them."""
    return uniform(3, Stream.EPSILON, torch.arange(count), columns).double()


class Points:
    """A critic's view in critic space."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, real, fake

    def score(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.critic(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        return slopes(self.critic, x)


def penalty(name: str, critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    constraint = CONSTRAINTS[name]
    assert constraint.slopes is not None
    return constraint.cost(constraint.slopes(Points(critic, real, fake), lambda columns: draws(columns, len(real))))


def between_two(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return points(shape, seed=1), points(shape, seed=2)


def test_every_penalty_has_a_value_by_hand() -> None:
    for name in PENALTIES:
        assert name in {*BY_HAND, *QUOTIENTS}, (
            f"the penalty {name!r} has no value worked out by hand: add it to BY_HAND"
        )


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
def test_linear_critic_of_slope_k_costs_what_the_formula_says(name: str, shape: tuple[int, ...], slope: float) -> None:
    value = penalty(name, LinearCritic(slope, shape), *between_two(shape))
    assert value.item() == pytest.approx(BY_HAND[name](slope), abs=1e-12)


def test_r1r2_is_the_sum_of_r1_at_real_and_at_generated_points() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    real, fake = between_two((2, 3))
    both = penalty("r1", critic, real, fake) + penalty("r1", critic, fake, real)
    assert penalty("r1r2", critic, real, fake).item() == pytest.approx(both.item())


@pytest.mark.parametrize("name", QUOTIENTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
def test_a_quotient_sees_the_slope_along_the_line_through_its_points(
    name: str, shape: tuple[int, ...], slope: float
) -> None:
    real, _ = between_two(shape)
    critic = LinearCritic(slope, shape)
    direction = critic.weight.detach() / max(slope, 1e-300)
    if slope == 0:
        direction = torch.full_like(direction, 1 / direction.numel() ** 0.5)
    # All points on one line along the gradient: the quotient is the slope itself.
    along = torch.arange(1.0, 6.0, dtype=torch.float64).reshape(-1, *(1 for _ in shape))
    value = penalty(name, critic, 0 * real + along * direction, 0 * real - along**2 * direction)
    assert value.item() == pytest.approx((slope - 1) ** 2, abs=1e-9)


@pytest.mark.parametrize("name", QUOTIENTS)
def test_a_quotient_is_never_more_than_the_slope_of_a_linear_critic(name: str) -> None:
    constraint = CONSTRAINTS[name]
    assert constraint.slopes is not None
    for seed in range(20):
        critic = LinearCritic(1.5, (3, 4), seed)
        slope_B = constraint.slopes(Points(critic, points((3, 4), seed=seed), points((3, 4), seed=seed + 50)), draws)
        assert (slope_B <= 1.5 + 1e-12).all()


def test_a_quotient_of_one_point_is_0_and_so_is_its_gradient() -> None:
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    score_B, zero_B = weight * torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    slope_B = quotients(score_B, score_B, zero_B)
    (gradient,) = torch.autograd.grad(gp(slope_B), weight)
    assert slope_B.tolist() == [0, 0, 0]
    assert gradient.item() == 0


@pytest.mark.parametrize("name", QUOTIENTS)
def test_a_quotient_needs_no_second_derivative(name: str) -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: object, x: Tensor) -> Tensor:
            return 2 * x

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(_ctx: object, gradient: Tensor) -> Tensor:
            return 2 * gradient

    class Critic(LinearCritic):
        def forward(self, x: Tensor) -> Tensor:
            doubled: Tensor = Once.apply(super().forward(x))  # type: ignore[no-untyped-call]
            return doubled

    critic = Critic(1.0, (3, 4))
    (gradient,) = torch.autograd.grad(penalty(name, critic, *between_two((3, 4))), critic.weight)
    assert torch.isfinite(gradient).all()
    assert gradient.norm() > 0


def test_two_points_of_one_segment_are_a_part_of_it_and_two_pairs_are_not() -> None:
    real, fake = between_two((3, 4))
    seen: list[Tensor] = []

    class Recorder(LinearCritic):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return super().forward(x)

    for name in QUOTIENTS:
        penalty(name, Recorder(1.0, (3, 4)), real, fake)
    (x1, x2), (on1, on2) = (both.split(5) for both in seen)  # type: ignore[no-untyped-call]
    ends, part = (real - fake).flatten(1), (on1 - on2).flatten(1)
    cosine_B = (ends * part).sum(1).abs() / (ends.norm(dim=1) * part.norm(dim=1))
    assert cosine_B.tolist() == pytest.approx([1.0] * 5)
    assert torch.allclose(x1, on1)
    assert not torch.allclose(x2, on2)


@pytest.mark.parametrize("shape", SHAPES)
def test_dragan_looks_near_real_points_within_their_range_and_no_further_than_half_a_deviation(
    shape: tuple[int, ...],
) -> None:
    real, fake = between_two(shape)
    seen: list[Tensor] = []

    class Recorder(LinearCritic):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return super().forward(x)

    penalty("dragan", Recorder(1.0, shape), real, fake)
    moved = (seen[0] - real).detach()
    assert moved.abs().max() <= 0.5 * real.std()
    assert moved.abs().max() > 0
    assert seen[0].min() >= real.min()
    assert seen[0].max() <= real.max()
    signs_B = [set(row[row != 0].sign().tolist()) for row in moved.flatten(1)]
    assert all(len(signs) <= 1 for signs in signs_B)  # one alpha for each sample: it goes up or down as a whole


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        # alpha is -0.5 and 1; half a deviation, with one degree of freedom less, is 2 / sqrt(3). 4 is not exceeded.
        ("dragan", [[0.0, 4 - 0.25 * 2 / 3**0.5], [4.0, 0.75 * 2 / 3**0.5]]),
        # alpha is 0.25 and 1; half a deviation is 1. Nothing gets smaller, and 4 is exceeded.
        ("dragan-notebook", [[0.25, 4.125], [4.25, 0.75]]),
    ],
)
def test_both_forms_of_dragan_move_points_as_published(name: str, by_hand: list[list[float]]) -> None:
    real = torch.tensor([[0.0, 4.0], [4.0, 0.0]], dtype=torch.float64)
    draws_BC = torch.tensor([[0.25, 1.0, 0.5], [1.0, 0.25, 0.75]], dtype=torch.float64)  # alpha, and u of each number
    seen: list[Tensor] = []

    class Recorder(LinearCritic):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach())
            return super().forward(x)

    constraint = CONSTRAINTS[name]
    assert constraint.slopes is not None
    constraint.slopes(Points(Recorder(1.0, (2,)), real, real), lambda columns: draws_BC[:, :columns])
    assert seen[0].tolist() == [pytest.approx(row, abs=1e-12) for row in by_hand]


@every_penalty
def test_the_same_draws_give_the_same_penalty_bit_for_bit(name: str) -> None:
    critic = SmoothCritic()
    one, other = (penalty(name, critic, *between_two((3, 4))) for _ in range(2))
    assert torch.equal(one, other)


@every_penalty
@pytest.mark.parametrize("shape", SHAPES)
def test_every_penalty_takes_points_of_any_shape(name: str, shape: tuple[int, ...]) -> None:
    value = penalty(name, LinearCritic(2.0, shape), *between_two(shape))
    assert value.shape == ()
    assert torch.isfinite(value)


@settings(deadline=None, max_examples=50)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), slope=st.floats(0, 10), seed=st.integers(0, 2**32))
def test_two_sided_penalty_is_exact_for_any_shape_and_slope(shape: list[int], slope: float, seed: int) -> None:
    value = penalty("gp", LinearCritic(slope, tuple(shape), seed), *between_two(tuple(shape)))
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


@every_penalty
def test_penalty_and_its_gradient_are_finite_at_slope_zero(name: str) -> None:
    critic = LinearCritic(0.0, (3, 4))
    (gradient,) = torch.autograd.grad(penalty(name, critic, *between_two((3, 4))), critic.weight)
    assert torch.isfinite(gradient).all()


@every_penalty
def test_penalty_is_finite_where_real_and_generated_points_are_one(name: str) -> None:
    real, _ = between_two((3, 4))
    critic = SmoothCritic()
    value = penalty(name, critic, real, real.clone())
    gradients = torch.autograd.grad(value, (critic.first, critic.last), allow_unused=True)
    assert torch.isfinite(value)
    assert all(torch.isfinite(gradient).all() for gradient in gradients if gradient is not None)


@every_penalty
def test_penalty_pulls_steep_slopes_down(name: str) -> None:
    steep = LinearCritic(30.0, (3, 4))
    (gradient,) = torch.autograd.grad(penalty(name, steep, *between_two((3, 4))), steep.weight)
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


@every_penalty
def test_gradient_through_the_penalty_is_that_of_finite_differences(name: str) -> None:
    critic = SmoothCritic()
    real, fake = 0.1 * points((3, 4), seed=1), 0.1 * points((3, 4), seed=2)
    assert slopes(critic, real).min() > 1.1  # away from the kink of the one-sided penalty

    def of_weights(first: Tensor, last: Tensor) -> Tensor:
        class Scores(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                score_B: Tensor = torch.func.functional_call(critic, {"first": first, "last": last}, (x,))
                return score_B

        return penalty(name, Scores(), real, fake)

    assert torch.autograd.gradcheck(of_weights, (critic.first, critic.last))


@pytest.mark.parametrize("normalization", ["none", "layer", "layer-channels", "instance"])
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


def layers(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(18, 5),
        nn.ReLU(),
        nn.Linear(5, 1),
        nn.Flatten(0),
    )


@pytest.mark.parametrize("bound", [0.001, 0.01, 0.1])
def test_clipped_weights_are_within_the_bound_and_small_ones_stay_as_they_were(bound: float) -> None:
    critic = layers()
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    project = CONSTRAINTS["clip"].project
    assert project is not None
    project(critic, bound)
    for was, parameter in zip(before, critic.parameters(), strict=True):
        assert torch.equal(parameter, was.clamp(-bound, bound))


def test_spectral_norms_of_all_layers_are_1_and_bound_the_slope() -> None:
    critic = layers()
    prepare = CONSTRAINTS["spectral"].prepare
    assert prepare is not None
    prepare(critic, 7)
    for _ in range(50):  # each use in training is one power iteration
        critic(torch.zeros(2, 4, 3))
    critic.eval()
    for layer in critic:  # type: ignore[attr-defined]
        if isinstance(layer, nn.Linear | nn.Conv1d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)
    # A convolution of kernel 3 applies its matrix at overlapping places: its own norm is at most sqrt(3).
    assert slopes(critic, torch.randn(20, 4, 3)).max() <= 3**0.5 + 1e-3


def test_spectral_norm_is_a_pure_function_of_the_seed_and_leaves_the_global_noise_alone() -> None:
    prepare = CONSTRAINTS["spectral"].prepare
    assert prepare is not None
    states = []
    for _ in range(2):
        critic = layers()
        before = torch.random.get_rng_state()
        prepare(critic, 7)
        assert torch.equal(torch.random.get_rng_state(), before)
        states.append(critic.state_dict())
        torch.rand(3)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
