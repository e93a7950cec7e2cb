"""The measures of the collapse are right on images that are known, and every variant is a recipe."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.mnist_gan import VARIANTS, config_of, measure

REAL_NCHW = np.zeros((3, 1, 2, 2), np.uint8)
REAL_NCHW[1, 0, 0, 0] = REAL_NCHW[2, 0, 1, 1] = 255


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_recipe(name: str) -> None:
    config = config_of(name, rounds=50, seed=3)
    assert config.training.seed == 3
    assert config.training.batch_size == 10
    alone = config.training.generator_steps == 1
    assert config.training.steps == 50 or alone or name.startswith("R1")


def test_copies_of_all_real_images_are_different_and_nothing_away_from_them() -> None:
    among = (1 + 1 + np.sqrt(2)) / 3
    assert measure(REAL_NCHW, REAL_NCHW) == {
        "distinct": 3,
        "between": pytest.approx(among),
        "nearest": 0,
        "reached": 3,
    }


def test_one_image_over_and_over_is_a_collapse() -> None:
    grey_NCHW = np.full((4, 1, 2, 2), 51, np.uint8)  # .2 each, so .4 from black
    assert measure(grey_NCHW, REAL_NCHW) == {
        "distinct": 1,
        "between": 0,
        "nearest": pytest.approx(0.4),
        "reached": 1,
    }


def test_images_count_as_different_from_half_of_the_smallest_distance_between_real_ones_on() -> None:
    fake_NCHW = np.zeros((3, 1, 2, 2), np.uint8)
    fake_NCHW[1, 0, 0, 0], fake_NCHW[2, 0, 0, 0] = 128, 250
    assert measure(fake_NCHW, REAL_NCHW)["distinct"] == 2
