"""Parallel lines: what trained critics estimate is what theory says, and what pulls the generator."""

import math

import pytest

from seqgan_wgp.theory.parallel_lines import (
    WEIGHT,
    Line,
    jensen_shannon,
    kullback_leibler,
    measure_line,
    penalised_estimate,
)


@pytest.fixture(scope="module", params=[1.0, -1.0])
def line(request: pytest.FixtureRequest) -> Line:
    return measure_line(request.param, seed=0, steps=300)


def test_the_critic_estimates_w1_as_the_penalty_has_it(line: Line) -> None:
    assert line.wgan_estimate == pytest.approx(penalised_estimate(line.theta, WEIGHT), rel=0.03)
    assert line.slope == pytest.approx(1 + abs(line.theta) / (2 * WEIGHT), rel=0.03)
    assert line.wgan_estimate / line.slope == pytest.approx(line.w1, rel=0.03)


def test_the_discriminator_says_log_2(line: Line) -> None:
    assert line.js_estimate == pytest.approx(math.log(2), rel=0.05)
    assert line.js_estimate <= math.log(2)


def test_one_loss_pulls_the_generator_home_and_the_other_does_not(line: Line) -> None:
    assert line.wgan_gradient == pytest.approx(math.copysign(line.slope, line.theta), rel=0.1)
    assert abs(line.gan_gradient) < 0.05


def test_divergences_jump_where_the_distance_does_not() -> None:
    assert [kullback_leibler(theta) for theta in (-1.0, 0.0, 1e-9)] == [math.inf, 0, math.inf]
    assert [jensen_shannon(theta) for theta in (-1.0, 0.0, 1e-9)] == [math.log(2), 0, math.log(2)]
    assert penalised_estimate(1e-9, WEIGHT) == pytest.approx(1e-9)


@pytest.mark.parametrize("weight", [0.1, 10.0])
@pytest.mark.parametrize("theta", [-2.0, 0.25])
def test_the_formula_is_the_least_loss_of_critics_of_one_slope(theta: float, weight: float) -> None:
    def loss(slope: float) -> float:
        return -abs(theta) * slope + weight * (slope - 1) ** 2

    best = min((k / 1e4 for k in range(200_000)), key=loss)
    assert abs(theta) * best == pytest.approx(penalised_estimate(theta, weight), rel=1e-3)


def test_the_same_seed_finds_the_same() -> None:
    assert (
        measure_line(0.5, seed=3, steps=5) == measure_line(0.5, seed=3, steps=5) != measure_line(0.5, seed=4, steps=5)
    )
