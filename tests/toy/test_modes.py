"""Modes of a mixture: known answers for real draws, for heaps and for nothing."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seqgan_wgp.toy.distributions import DISTRIBUTIONS, mode_measures
from seqgan_wgp.utils.counter_rng import Stream

MIXTURES = [name for name, each in DISTRIBUTIONS.items() if each.centres]
GRID = DISTRIBUTIONS["25-gaussians"]


@pytest.mark.parametrize("name", MIXTURES)
def test_real_draws_hold_every_mode(name: str) -> None:
    each = DISTRIBUTIONS[name]
    measured = mode_measures(each.sample(0, Stream.TOY, np.arange(2_500)), each)
    assert measured["modes"] == len(each.centres)
    assert measured["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.008)
    # The divergence of equal shares from themselves, drawn so often, is about (K - 1) / (2 N ln 2).
    assert 0 <= measured["mode_kl"] < 4 * len(each.centres) / (2 * 2_500 * math.log(2))


@pytest.mark.parametrize("name", MIXTURES)
def test_a_heap_at_one_centre_is_one_mode_of_the_best_quality(name: str) -> None:
    each = DISTRIBUTIONS[name]
    heap_N2 = np.tile(np.array(each.centres[1]), (300, 1))
    expected = {"modes": 1.0, "high_quality": 1.0, "mode_kl": math.log2(len(each.centres))}
    assert mode_measures(heap_N2, each) == pytest.approx(expected)


def test_points_between_the_modes_are_of_none() -> None:
    between_N2 = np.array(GRID.centres) + 4 * GRID.deviation
    assert mode_measures(between_N2, GRID) == pytest.approx(
        {"modes": 0.0, "high_quality": 0.0, "mode_kl": 0.0}, abs=1e-9
    )


@pytest.mark.parametrize(("points", "enough"), [(2_500, 20), (5_000, 40), (250, 2), (25, 1), (1, 1)])
def test_a_mode_needs_a_share_of_the_points(points: int, enough: int) -> None:
    def modes(near: int) -> float:
        points_N2 = np.full((points, 2), 100.0)
        points_N2[:near] = GRID.centres[7]
        return mode_measures(points_N2, GRID)["modes"]

    assert (modes(enough - 1), modes(enough)) == (0, 1)


@given(arrays(np.float32, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(-3, 3, width=32)))
def test_measures_are_within_their_bounds_and_know_no_order(points_N2: npt.NDArray[np.float32]) -> None:
    measured = mode_measures(points_N2, GRID)
    assert 0 <= measured["modes"] <= 25 and measured["modes"] == int(measured["modes"])
    assert 0 <= measured["high_quality"] <= 1
    assert -1e-9 <= measured["mode_kl"] <= math.log2(25) + 1e-9
    assert mode_measures(points_N2[::-1], GRID) == pytest.approx(measured)
