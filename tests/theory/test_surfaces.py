"""Critics of points and the same points with noise: the penalty lets them see more."""

import pytest
import torch

from seqgan_wgp.theory.surfaces import REACH, measure_surface, ranked


@pytest.mark.parametrize("distribution", ["8-gaussians", "swiss-roll"])
def test_the_penalty_lets_critics_tell_more(distribution: str) -> None:
    clipped, penalised = (measure_surface(distribution, constraint, seed=0, steps=200) for constraint in ("clip", "gp"))
    assert penalised.ranked > clipped.ranked > 0.5
    assert clipped.w1 == penalised.w1 > 0.3


def test_values_are_those_of_the_places_that_they_stand_at() -> None:
    surface = measure_surface("8-gaussians", "gp", seed=0, steps=1)
    assert (surface.axis_G[0], surface.axis_G[-1]) == (-REACH, REACH)
    assert surface.values_GG.shape == (len(surface.axis_G), len(surface.axis_G))
    assert surface.points_N2.shape[1] == 2
    assert abs(surface.points_N2).max() < REACH


def test_pairs_are_ranked_by_score() -> None:
    assert ranked(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0, 0.0])) == 1
    assert ranked(torch.tensor([-1.0]), torch.tensor([1.0, 2.0, 0.0])) == 0
    assert ranked(torch.tensor([1.5, -1.0]), torch.tensor([1.0, 2.0])) == 0.25
