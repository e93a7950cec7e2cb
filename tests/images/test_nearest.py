"""The distance to the nearest training image, against a loop and known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqgan_wgp.images.nearest import nearest_distance


def noise(count: int, channels: int = 1, side: int = 28, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, side, side), np.uint8)


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (1, 4)])
@pytest.mark.parametrize("block", [1, 7, 2048])
def test_equals_brute_force(channels: int, side: int, block: int) -> None:
    images, train = noise(23, channels, side, seed=1), noise(31, channels, side, seed=2)
    images[:3] = np.array([0, 255, 128], np.uint8)[:, None, None, None]  # the largest products there are
    train[:2] = np.array([255, 0], np.uint8)[:, None, None, None]
    images[5] = train[8]
    wide = images.astype(np.float64).reshape(23, 1, -1), train.astype(np.float64).reshape(1, 31, -1)
    expected = np.sqrt(((wide[0] - wide[1]) ** 2).sum(axis=2).min(axis=1)) / 255
    got = nearest_distance(images, train, block=block)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=0)
    assert got[5] == 0


def test_by_hand() -> None:
    train = np.zeros((1, 1, 4, 4), np.uint8)
    assert nearest_distance(np.full((1, 1, 4, 4), 255, np.uint8), train).tolist() == [4]


def test_one_step_of_one_pixel_is_seen_in_large_images() -> None:
    train = noise(3, channels=3, side=64)
    images = train.copy()
    images[:, 1, 5, 5] ^= 1
    assert nearest_distance(images, train).tolist() == [1 / 255] * 3


def test_tensors_and_views_do_as_well() -> None:
    images, train = noise(9, seed=3), noise(8, seed=4)
    expected = nearest_distance(images, train).tolist()
    assert nearest_distance(torch.from_numpy(images), torch.from_numpy(train)).tolist() == expected
    assert nearest_distance(images[::-1], train[::2].repeat(2, axis=0)[::-1])[::-1].tolist() == (
        nearest_distance(images, train[::2]).tolist()
    )


def test_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(ValueError, match=r"image shape \(1, 28, 28\) must equal .*, \(3, 28, 28\)"):
        nearest_distance(noise(2), noise(2, channels=3))
    with pytest.raises(ValueError, match="got float32"):
        nearest_distance(noise(2).astype(np.float32), noise(2))
    with pytest.raises(ValueError, match=r"got uint8 \(0, 1, 28, 28\)"):
        nearest_distance(noise(2), noise(0))
    with pytest.raises(ValueError, match=r"block \(=0\)"):
        nearest_distance(noise(2), noise(2), block=0)
