"""Toy distributions: what is known of each, draws as a function of the counter, W1 as a distance, and modes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seqgan_wgp.toy.distributions import (
    DISTRIBUTIONS,
    Distribution,
    gaussian,
    mixture,
    mode_measures,
    parallel_lines,
    wasserstein,
    wasserstein_moved,
)
from seqgan_wgp.utils.counter_rng import Stream

N = 20_000

GRID = DISTRIBUTIONS["25-gaussians"]

every = pytest.mark.parametrize("name", DISTRIBUTIONS)
mixtures = pytest.mark.parametrize("name", [name for name, each in DISTRIBUTIONS.items() if each.centres])


def drawn(distribution: Distribution, count: int = N, *, stream: Stream = Stream.TOY) -> npt.NDArray[np.float64]:
    return distribution.sample(3, stream, np.arange(count)).astype(np.float64)


# Draws


@every
def test_any_part_of_the_draws_is_that_part_of_the_whole(name: str) -> None:
    sample = DISTRIBUTIONS[name].sample
    index_N = np.concatenate([np.arange(600), (1 << 40) + np.arange(3)])
    whole_N2 = sample(3, Stream.TOY, index_N)
    assert whole_N2.shape == (603, 2)
    assert whole_N2.dtype == np.float32
    for part in (slice(0, 1), slice(1, 2), slice(5, 22), slice(255, 512), slice(597, 603)):
        assert np.array_equal(sample(3, Stream.TOY, index_N[part]), whole_N2[part])
    assert np.array_equal(sample(3, Stream.TOY, index_N[::-1]), whole_N2[::-1])
    assert sample(3, Stream.TOY, index_N[:0]).shape == (0, 2)


@every
def test_seeds_streams_and_numbers_are_independent(name: str) -> None:
    sample, index_N = DISTRIBUTIONS[name].sample, np.arange(N)
    one_N2 = sample(3, Stream.TOY, index_N)
    others = (sample(4, Stream.TOY, index_N), sample(3, Stream.TOY_TEST, index_N), sample(3, Stream.TOY, index_N + N))
    for other_N2 in others:
        assert abs(np.corrcoef(one_N2[:, 1], other_N2[:, 1])[0, 1]) < 0.03
    assert abs(np.corrcoef(one_N2[:-1, 1], one_N2[1:, 1])[0, 1]) < 0.03
    assert len(np.unique(one_N2, axis=0)) > 0.99 * N


# What is known of each


@pytest.mark.parametrize("theta", [0.0, 0.25, -2.0])
def test_a_line_stands_at_theta_and_is_uniform_along_it(theta: float) -> None:
    points_N2 = drawn(parallel_lines(theta))
    assert (points_N2[:, 0] == theta).all()
    height_N = points_N2[:, 1]
    assert height_N.min() >= 0 and height_N.max() < 1
    assert np.histogram(height_N, bins=10, range=(0, 1))[0] == pytest.approx(N / 10, rel=0.1)
    assert np.array_equal(drawn(parallel_lines()), drawn(DISTRIBUTIONS["parallel-lines"]))


@mixtures
def test_the_parts_of_a_mixture_are_equally_likely_round_and_at_their_centres(name: str) -> None:
    each = DISTRIBUTIONS[name]
    points_N2, centre_K2 = drawn(each), np.array(each.centres)
    part_N = np.linalg.norm(points_N2[:, None] - centre_K2, axis=2).argmin(axis=1)
    for number, centre_2 in enumerate(centre_K2):
        own_N2 = points_N2[part_N == number] - centre_2
        assert len(own_N2) == pytest.approx(N / len(centre_K2), rel=0.15)
        error = each.deviation / math.sqrt(len(own_N2))
        assert np.abs(own_N2.mean(axis=0)).max() < 4 * error
        assert own_N2.std(axis=0) == pytest.approx(each.deviation, rel=0.1)
        assert abs(np.corrcoef(own_N2.T)[0, 1]) < 4 / math.sqrt(len(own_N2))


@mixtures
def test_the_discs_that_modes_are_counted_in_do_not_meet(name: str) -> None:
    each = DISTRIBUTIONS[name]
    nearest = min(math.dist(one, other) for one, other in itertools.combinations(each.centres, 2))
    assert nearest > 6 * each.deviation


def test_the_centres_are_the_authors() -> None:
    diagonal = 1 / math.sqrt(2)
    ring = [(1, 0), (-1, 0), (0, 1), (0, -1), *itertools.product((diagonal, -diagonal), repeat=2)]
    expected = {"8-gaussians": [(2 * x / 1.414, 2 * y / 1.414) for x, y in ring]}
    expected["25-gaussians"] = [(2 * x / 2.828, 2 * y / 2.828) for x in range(-2, 3) for y in range(-2, 3)]
    for name, centres in expected.items():
        found = DISTRIBUTIONS[name].centres
        assert len(found) == len(set(found)) == len(centres)
        assert all(min(math.dist(one, other) for other in found) < 1e-12 for one in centres)
    assert DISTRIBUTIONS["8-gaussians"].deviation == 0.02 / 1.414
    assert DISTRIBUTIONS["25-gaussians"].deviation == 0.05 / 2.828


def test_the_roll_is_a_spiral_with_noise() -> None:
    points_N2 = 7.5 * drawn(DISTRIBUTIONS["swiss-roll"])
    radius_N = np.linalg.norm(points_N2, axis=1)
    assert np.histogram(radius_N, bins=6, range=(1.5 * np.pi, 4.5 * np.pi))[0] == pytest.approx(N / 6, rel=0.1)
    # On the spiral the radius is the angle, but for whole turns; off it by as much as the noise along the radius.
    behind_N = (radius_N - np.arctan2(points_N2[:, 1], points_N2[:, 0]) + np.pi) % (2 * np.pi) - np.pi
    assert abs(behind_N.mean()) < 0.01
    assert behind_N.std() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (3.0, -4.0)])
def test_a_gaussian_has_its_mean_and_unit_covariance(mean: tuple[float, float]) -> None:
    points_N2 = drawn(gaussian(mean))
    assert points_N2.mean(axis=0) == pytest.approx(mean, abs=4 / math.sqrt(N))
    assert np.cov(points_N2.T) == pytest.approx(np.eye(2), abs=0.05)
    assert np.array_equal(drawn(gaussian(mean)), drawn(mixture((mean,), 1.0)))


# W1


@pytest.mark.parametrize("theta", [0.25, -0.5, 1.0, 2.0])
def test_parallel_lines_are_as_far_apart_as_they_stand(theta: float) -> None:
    assert wasserstein_moved((theta, 0.0)) == abs(theta)
    one_N2, moved_N2 = drawn(parallel_lines(), 300), drawn(parallel_lines(theta), 300)
    assert wasserstein(one_N2, moved_N2) == pytest.approx(abs(theta), rel=1e-6)
    other_N2 = drawn(parallel_lines(theta), 300, stream=Stream.TOY_TEST)
    assert abs(theta) < wasserstein(one_N2, other_N2) < math.hypot(theta, 0.1)


@pytest.mark.parametrize("mean", [(3.0, 4.0), (-1.0, 0.0), (0.5, -0.5)])
def test_gaussians_are_as_far_apart_as_their_means(mean: tuple[float, float]) -> None:
    one_N2, other_N2 = drawn(gaussian(), 400), drawn(gaussian(), 400, stream=Stream.TOY_TEST)
    moved_N2 = drawn(gaussian(mean), 400, stream=Stream.TOY_TEST)
    exact, estimate = wasserstein_moved(mean), wasserstein(one_N2, moved_N2)
    assert exact == math.hypot(*mean)
    # From below by the means of the draws, from above by the triangle over the draws before they were moved.
    assert math.dist(one_N2.mean(axis=0), moved_N2.mean(axis=0)) <= estimate + 1e-9
    assert estimate <= exact + wasserstein(one_N2, other_N2) + 1e-6
    assert estimate == pytest.approx(exact, abs=0.2)


SETS = st.integers(1, 6).flatmap(
    lambda size: st.tuples(*(arrays(np.float64, (size, 2), elements=st.floats(-8, 8)) for _ in range(3)))
)
Set = npt.NDArray[np.float64]


@given(SETS)
def test_it_is_a_distance(sets: tuple[Set, Set, Set]) -> None:
    a_N2, b_N2, c_N2 = sets
    assert wasserstein(a_N2, a_N2[::-1]) == 0
    assert wasserstein(a_N2, b_N2) >= 0
    assert wasserstein(a_N2, b_N2) == pytest.approx(wasserstein(b_N2, a_N2), abs=1e-12)
    assert wasserstein(a_N2, c_N2) <= wasserstein(a_N2, b_N2) + wasserstein(b_N2, c_N2) + 1e-9


@given(SETS)
def test_it_is_the_least_over_all_pairings(sets: tuple[Set, Set, Set]) -> None:
    a_N2, b_N2 = sets[0], sets[1]
    costs = (
        np.linalg.norm(a_N2 - b_N2[list(order)], axis=1).mean() for order in itertools.permutations(range(len(a_N2)))
    )
    assert wasserstein(a_N2, b_N2) == pytest.approx(min(costs), abs=1e-12)


@given(SETS, st.tuples(st.floats(-8, 8), st.floats(-8, 8)))
def test_what_is_moved_is_as_far_as_it_was_moved(sets: tuple[Set, Set, Set], by: tuple[float, float]) -> None:
    assert wasserstein(sets[0], sets[0] + np.array(by)) == pytest.approx(wasserstein_moved(by), abs=1e-9)


@pytest.mark.parametrize(("one", "other"), [((3, 2), (4, 2)), ((0, 2), (0, 2))])
def test_sets_of_other_sizes_are_refused(one: tuple[int, int], other: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="of equal size"):
        wasserstein(np.zeros(one), np.zeros(other))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_nowhere_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"invalid|infeasible"):
        wasserstein(np.zeros((3, 2)), np.array([[0, 0], [wrong, 0], [1, 1]]))


# Modes of a mixture


@mixtures
def test_real_draws_hold_every_mode(name: str) -> None:
    each = DISTRIBUTIONS[name]
    measured = mode_measures(each.sample(0, Stream.TOY, np.arange(2_500)), each)
    assert measured["modes"] == len(each.centres)
    assert measured["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.008)
    # The divergence of equal shares from themselves, drawn so often, is about (K - 1) / (2 N ln 2).
    assert 0 <= measured["mode_kl"] < 4 * len(each.centres) / (2 * 2_500 * math.log(2))


@mixtures
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
