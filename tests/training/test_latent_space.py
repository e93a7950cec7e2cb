"""Walks between latents: exact ends, arcs of great circles, straight lines, and what lies on one line with its end."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqgan_wgp.config import Config
from seqgan_wgp.config.serialization import list_settings
from seqgan_wgp.training.latent_space import WALKS, linear, spherical, walk

counts = st.integers(2, 40)
seeds = st.integers(0, 10_000)


def two(seed: int, size: int = 16) -> tuple[Tensor, Tensor]:
    both = torch.randn(2, size, generator=torch.Generator().manual_seed(seed))
    return both[0], both[1]


def test_every_distribution_of_latents_has_its_walk() -> None:
    assert set(WALKS) == set(list_settings(Config)["generator.latent_distribution"].metadata["choices"])


@pytest.mark.parametrize("distribution", WALKS)
@given(count=counts, seed=seeds)
def test_the_ends_are_the_latents_bit_for_bit(distribution: str, count: int, seed: int) -> None:
    start_Z, end_Z = two(seed)
    points_NZ = walk(start_Z, end_Z, count, distribution)
    assert points_NZ.shape == (count, 16)
    assert points_NZ.dtype == start_Z.dtype
    assert torch.equal(points_NZ[0], start_Z)
    assert torch.equal(points_NZ[-1], end_Z)
    assert points_NZ.isfinite().all()


@pytest.mark.parametrize("distribution", WALKS)
@given(count=counts, seed=seeds)
def test_the_way_back_is_the_way_reversed(distribution: str, count: int, seed: int) -> None:
    start_Z, end_Z = two(seed)
    there_NZ, back_NZ = walk(start_Z, end_Z, count, distribution), walk(end_Z, start_Z, count, distribution)
    assert torch.allclose(there_NZ, back_NZ.flip(0), atol=1e-6)


@pytest.mark.parametrize("distribution", WALKS)
def test_a_shorter_walk_is_a_part_of_a_longer_one(distribution: str) -> None:
    start_Z, end_Z = two(0)
    assert torch.allclose(walk(start_Z, end_Z, 5, distribution), walk(start_Z, end_Z, 9, distribution)[::2], atol=1e-6)


def test_by_hand() -> None:
    x_Z, y_Z = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    expected = [[1, 0], [math.cos(math.pi / 6), 0.5], [0.5, math.cos(math.pi / 6)], [0, 1]]
    assert torch.allclose(walk(x_Z, y_Z, 4, "normal"), torch.tensor(expected))
    assert torch.allclose(walk(x_Z, y_Z, 3, "uniform"), torch.tensor([[1, 0], [0.5, 0.5], [0, 1]]))


@given(count=st.integers(3, 30), seed=seeds, length=st.floats(0.1, 30))
def test_latents_of_one_length_keep_it_and_turn_by_equal_angles(count: int, seed: int, length: float) -> None:
    start_Z, end_Z = (length * each / each.norm() for each in two(seed))
    points_NZ = walk(start_Z.double(), end_Z.double(), count, "normal")
    assert torch.allclose(points_NZ.norm(dim=1), torch.tensor(length, dtype=torch.float64), rtol=1e-6)
    cosines = torch.nn.functional.cosine_similarity(points_NZ[1:], points_NZ[:-1])
    assert torch.allclose(cosines, cosines[0], atol=1e-6)


def test_normal_latents_stay_as_far_out_as_they_are_and_straight_lines_do_not() -> None:
    start_Z, end_Z = two(1, 1_000)
    least = min(start_Z.norm(), end_Z.norm())
    assert walk(start_Z, end_Z, 21, "normal").norm(dim=1).min() > 0.95 * least
    assert walk(start_Z, end_Z, 21, "uniform").norm(dim=1).min() < 0.8 * least


@given(count=counts, seed=seeds)
def test_uniform_latents_stay_between_their_ends(count: int, seed: int) -> None:
    start_Z, end_Z = two(seed)
    points_NZ = walk(start_Z, end_Z, count, "uniform")
    assert (points_NZ >= torch.minimum(start_Z, end_Z) - 1e-6).all()
    assert (points_NZ <= torch.maximum(start_Z, end_Z) + 1e-6).all()


@pytest.mark.parametrize("factor", [1.0, 3.0, 1.0 + 1e-9, -1.0, -2.0])
def test_where_no_circle_is_given_the_walk_is_straight(factor: float) -> None:
    start_Z = two(2)[0].double()
    time_N = torch.linspace(0, 1, 7, dtype=torch.float64)
    assert torch.equal(spherical(start_Z, factor * start_Z, time_N), linear(start_Z, factor * start_Z, time_N))


def test_both_ways_agree_where_latents_are_nearly_parallel() -> None:
    start_Z, other_Z = (each.double() for each in two(3))
    time_N = torch.linspace(0, 1, 7, dtype=torch.float64)
    near_Z = start_Z + 1e-4 * other_Z
    assert torch.allclose(spherical(start_Z, near_Z, time_N), linear(start_Z, near_Z, time_N), atol=1e-6)


@pytest.mark.parametrize("pair", [([0.0, 0.0], [1.0, 0.0]), ([1.0], [-2.0]), ([1.0], [3.0])])
def test_odd_latents_give_numbers(pair: tuple[list[float], list[float]]) -> None:
    start_Z, end_Z = map(torch.tensor, pair)
    assert walk(start_Z, end_Z, 5, "normal").isfinite().all()
