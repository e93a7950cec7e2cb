"""Measure pixel distances from images to the nearest training image, exactly.

Shape suffixes: N images, R training images, C channels, H, W, D values of an image (C * H * W).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..utils.arrays import Floats
from .features import Images

BLOCK_TRAIN = 2048  # training images compared at a time: limits memory, never changes a result

EXACT_TERMS = 1024  # number of products of integers in -128..127 whose sum is exact in float32: 1024 * 2**14 = 2**24


def _pixels(images_NCHW: Images) -> NDArray[np.uint8]:
    """Return checked images as (N, D), copied only if they are not contiguous."""
    pixels = np.asarray(images_NCHW.cpu() if isinstance(images_NCHW, Tensor) else images_NCHW)
    if pixels.ndim != 4 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"images must be uint8 of shape (N, C, H, W), none of them 0; got {pixels.dtype} {pixels.shape}"
        )
    return pixels.reshape(len(pixels), -1)


def _centred(pixels_ND: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels - 128. This changes no distance and keeps products small enough for exact sums."""
    return pixels_ND.astype(np.float32) - np.float32(128)


def _exact_products(left_ND: NDArray[np.float32], right_RD: NDArray[np.float32]) -> Floats:
    """Return the inner products (N, R) of rows of integers in -128..127, exactly, at the speed of float32."""
    products_NR = np.zeros((len(left_ND), len(right_RD)))
    for start in range(0, left_ND.shape[1], EXACT_TERMS):
        columns = slice(start, start + EXACT_TERMS)
        products_NR += left_ND[:, columns] @ right_RD[:, columns].T
    return products_NR


def _squares(left_ND: NDArray[np.float32]) -> Floats:
    """Return the squared lengths (N,) of rows of small integers, exactly."""
    wide_ND = left_ND.astype(np.float64)
    squares_N: Floats = np.einsum("nd,nd->n", wide_ND, wide_ND)
    return squares_N


def nearest_distance(images_NCHW: Images, train_RCHW: Images, *, block: int = BLOCK_TRAIN) -> Floats:
    """Return the Euclidean distance (N,) from each image to the nearest training image, with pixels in [0, 1].

    It is exactly 0 for a training image, since squared distances are computed in integers.

    Args:
        images_NCHW: uint8.
        train_RCHW: uint8, of the same C, H and W, memory-mapped or not.
        block: number of images compared at a time; affects only speed and memory.

    Raises:
        ValueError: no images, another type, or different shapes.
    """
    if images_NCHW.shape[1:] != train_RCHW.shape[1:]:
        shapes = f"{tuple(images_NCHW.shape[1:])} must equal that of the training images, {tuple(train_RCHW.shape[1:])}"
        raise ValueError(f"image shape {shapes}")
    if block < 1:
        raise ValueError(f"block (={block}) must be 1 or more")
    pixels_ND, train_RD = _pixels(images_NCHW), _pixels(train_RCHW)
    nearest_N = np.full(len(pixels_ND), np.inf)
    for first in range(0, len(train_RD), block):
        right_RD = _centred(train_RD[first : first + block])
        squares_R = _squares(right_RD)
        for start in range(0, len(pixels_ND), block):
            part = slice(start, start + block)
            left_ND = _centred(pixels_ND[part])
            # |a - b|^2 = |a|^2 + (|b|^2 - 2ab), and only the bracket depends on the training image.
            rest_NR = _exact_products(left_ND, right_RD)
            rest_NR *= -2
            rest_NR += squares_R
            nearest_N[part] = np.minimum(nearest_N[part], rest_NR.min(axis=1) + _squares(left_ND))
    distances_N: Floats = np.sqrt(nearest_N) / 255
    return distances_N
