"""Calibration: known answers, and logits of known densities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seqgan_wgp.text.refinement.calibration import (
    FLATTEST,
    SHARPEST,
    accuracy,
    area_under_curve,
    calibrated_temperature,
    cross_entropy,
)


def test_measures_of_known_logits() -> None:
    zeros = np.zeros(4)
    assert cross_entropy(zeros, zeros) == pytest.approx(math.log(2))
    assert (accuracy(zeros, zeros), area_under_curve(zeros, zeros)) == (0.5, 0.5)
    real, fake = np.array([1.0, 2.0, -1.0, 3.0]), np.array([-2.0, 0.0])
    assert accuracy(real, fake) == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert area_under_curve(real, fake) == pytest.approx(7 / 8)
    assert area_under_curve(fake, real) == pytest.approx(1 / 8)
    assert cross_entropy(np.array([1e4]), np.array([-1e4])) == 0


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_a_wrong_scale(scale: float) -> None:
    # Two normals of variance 1, two apart: the log ratio of their densities is 2 x, exactly.
    rng = np.random.default_rng(0)
    real, fake = rng.normal(1, 1, 100_000), rng.normal(-1, 1, 100_000)
    assert calibrated_temperature(scale * 2 * real, scale * 2 * fake) == pytest.approx(scale, rel=0.03)


def test_the_temperature_is_the_best_there_is() -> None:
    rng = np.random.default_rng(1)
    real, fake = rng.normal(0.5, 2, 500), rng.normal(0, 1, 700)
    best = calibrated_temperature(real, fake)
    for other in (best * 0.98, best * 1.02):
        assert cross_entropy(real / best, fake / best) < cross_entropy(real / other, fake / other)


def test_hopeless_and_perfect_logits_stay_within_bounds() -> None:
    up, down = np.arange(1.0, 9.0), -np.arange(1.0, 9.0)
    assert calibrated_temperature(down, up) == pytest.approx(FLATTEST)
    assert calibrated_temperature(up, down) == pytest.approx(SHARPEST, rel=0.01)
