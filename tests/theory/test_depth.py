"""Deep critics: clipping makes gradients explode or vanish, and pushes weights to its bounds."""

import math

import pytest

from seqgan_wgp.theory.critics import perceptron
from seqgan_wgp.theory.depth import LAYERS, Depth, measure_depth, spread_within, steepness
from seqgan_wgp.training.diagnostics.measures import share_at_bounds


@pytest.fixture(scope="module")
def penalised() -> Depth:
    return measure_depth(None, seed=0, steps=150)


@pytest.mark.parametrize("clip", [0.1, 0.001])
def test_clipped_gradients_change_with_depth_and_weights_go_to_the_bounds(clip: float, penalised: Depth) -> None:
    clipped = measure_depth(clip, seed=0, steps=150)
    assert abs(clipped.steepness) > 5 * abs(penalised.steepness)
    assert len(clipped.norms) == len(penalised.norms) == LAYERS
    assert clipped.at_bounds > 0.5 > 0.1 > clipped.at_bounds_before
    assert penalised.at_bounds < 0.05


def test_large_bounds_explode_and_small_ones_vanish() -> None:
    assert measure_depth(0.1, seed=0, steps=150).steepness < -0.2
    assert measure_depth(0.001, seed=0, steps=2).steepness > 1


def test_first_weights_are_spread_between_the_bounds() -> None:
    critic = perceptron(64, LAYERS, "torch", seed=0)
    spread_within(critic, 0.01)
    for parameter in critic.parameters():
        assert parameter.abs().max() <= 0.01
    assert share_at_bounds(critic, 0.01) == pytest.approx(0.05, abs=0.03)


def test_steepness_is_the_slope_of_the_logarithm() -> None:
    assert steepness((1.0, 10.0, 100.0)) == pytest.approx(1)
    assert steepness((1.0, 1.0, 1.0)) == pytest.approx(0)
    assert math.isnan(steepness((0.0, 1.0)))
