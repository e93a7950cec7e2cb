"""DISTRIBUTIONS: 2-d toy distributions by name, and the exact Wasserstein distance of two point sets.

W1 is the Wasserstein distance for the Euclidean norm: the infimum of E|x - y| over all couplings of x and y (Arjovsky,
Chintala and Bottou 2017, eq. 1). It is computed exactly for two point sets and for a distribution and its translation.

Shape suffixes: N points, K centres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from ..registry import DISTRIBUTIONS as DISTRIBUTIONS
from ..utils.counter_rng import choose_numpy, normal, uniform_numpy

Indices = npt.NDArray[np.int64]
Points = npt.NDArray[np.float32]
Centre = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution of 2-d points."""

    description: str
    """A short description."""

    sample: Callable[[int, int, Indices], Points]
    """(seed, stream, index_N) -> points (N, 2). Each point depends only on the seed, the stream and its own index."""

    centres: tuple[Centre, ...] = ()
    """Centres of a mixture of equally likely, isotropic Gaussians; empty for other distributions."""

    deviation: float = 0.0
    """Standard deviation of each component of a mixture, per coordinate."""

    has_theta: bool = False
    """Whether the setting toy.theta applies to it."""


def _lines(seed: int, stream: int, index_N: Indices, *, theta: float) -> Points:
    height_N = uniform_numpy(seed, stream, index_N, 1)[:, 0]
    return np.stack([np.full_like(height_N, theta), height_N], axis=1)


def parallel_lines(theta: float = 0.0) -> Distribution:
    """Return the distribution of (theta, Z), Z uniform in [0, 1): a vertical line at x = theta.

    Two such lines with different theta do not overlap. So KL is infinite and JS is log 2, however near the lines are,
    while W1 is their distance. Arjovsky, Chintala and Bottou 2017, example 1.
    """
    return Distribution(
        description=f"the line of ({theta:g}, 0) to ({theta:g}, 1)", sample=partial(_lines, theta=theta), has_theta=True
    )


def _normals(seed: int, stream: int, index_N: Indices) -> Points:
    """Return two standard normal numbers for each point, from the odd rows of the stream."""
    normals: Points = normal(seed, stream, torch.from_numpy(2 * index_N + 1), 2).numpy()
    return normals


def _mixture(seed: int, stream: int, index_N: Indices, *, centres: tuple[Centre, ...], deviation: float) -> Points:
    part_N = choose_numpy(seed, stream, 2 * index_N, len(centres))
    points_N2: Points = np.array(centres, np.float32)[part_N] + np.float32(deviation) * _normals(seed, stream, index_N)
    return points_N2


def mixture(centres: tuple[Centre, ...], deviation: float) -> Distribution:
    """Return a mixture of equally likely, isotropic Gaussians: N(c, deviation^2 I), c drawn from the centres."""
    parts = "one Gaussian" if len(centres) == 1 else f"{len(centres)} Gaussians"
    return Distribution(
        description=f"{parts} of standard deviation {deviation:.3g}",
        sample=partial(_mixture, centres=centres, deviation=deviation),
        centres=centres,
        deviation=deviation,
    )


def gaussian(mean: Centre = (0.0, 0.0)) -> Distribution:
    """Return N(mean, I). W1 between two of them is the distance of their means, so they serve as a known case."""
    return mixture((mean,), 1.0)


def _ring(parts: int, radius: float) -> tuple[Centre, ...]:
    angles = [2 * math.pi * k / parts for k in range(parts)]
    return tuple((radius * math.cos(angle), radius * math.sin(angle)) for angle in angles)


def _grid(side: int, step: float) -> tuple[Centre, ...]:
    places = [(k - (side - 1) / 2) * step for k in range(side)]
    return tuple((x, y) for x in places for y in places)


def _swiss_roll(seed: int, stream: int, index_N: Indices) -> Points:
    turn_N = 1.5 * np.pi * (1 + 2 * uniform_numpy(seed, stream, 2 * index_N, 1)[:, 0].astype(np.float64))
    roll_N2 = turn_N[:, None] * np.stack([np.cos(turn_N), np.sin(turn_N)], axis=1)
    points_N2: Points = ((roll_N2 + 0.25 * _normals(seed, stream, index_N)) / 7.5).astype(np.float32)
    return points_N2


SWISS_ROLL = Distribution(description="a spiral of one and a half turns, thickened by noise", sample=_swiss_roll)
"""t (cos t, sin t) with t uniform in [1.5 pi, 4.5 pi), plus noise of standard deviation 0.25, all divided by 7.5."""

DISTRIBUTIONS.add("parallel-lines", parallel_lines())
DISTRIBUTIONS.add("two-gaussians", mixture(((-1.0, 0.0), (1.0, 0.0)), 0.25))
# The parameters of the other three are those of gan_toy.py, the authors' code for Gulrajani et al. 2017, fig. 1.
DISTRIBUTIONS.add("8-gaussians", mixture(_ring(8, 2 / 1.414), 0.02 / 1.414))
DISTRIBUTIONS.add("25-gaussians", mixture(_grid(5, 2 / 2.828), 0.05 / 2.828))
DISTRIBUTIONS.add("swiss-roll", SWISS_ROLL)


def wasserstein_moved(by: Centre) -> float:
    """Return W1 between any distribution and its translation by a vector: the vector's length.

    No coupling has a smaller cost, since |E x - E y| <= E|x - y|, and moving every point along the vector attains it.
    So W1 is |theta| for parallel lines, and |mu| for N(0, I) and N(mu, I).
    """
    return math.hypot(*by)


def wasserstein(one_N2: npt.NDArray[np.floating], other_N2: npt.NDArray[np.floating]) -> float:
    """Return W1 between two point sets of equal size: the mean distance under the best pairing of their points.

    The value is exact for the point sets; it solves the assignment problem. As an estimate for the distributions they
    were drawn from it is biased upwards, since even two samples of one distribution differ. The time grows up to
    cubically: 0.1 s for 1,000 points, and 1 s when all points of one set coincide.

    Raises:
        ValueError: the sets differ in size or are empty, or a coordinate is not finite.
    """
    # Imported here because it is slow to import and other kinds of data do not need it.
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped,unused-ignore]

    if one_N2.shape != other_N2.shape or not len(one_N2):
        raise ValueError(f"two non-empty point sets of equal size are needed, not {one_N2.shape} and {other_N2.shape}")
    difference_NN2 = one_N2[:, None].astype(np.float64) - other_N2[None]
    distance_NN = np.hypot(difference_NN2[..., 0], difference_NN2[..., 1])
    return float(distance_NN[linear_sum_assignment(distance_NN)].mean())


NEAR = 3.0
"""A point within this many standard deviations of a centre is near it; 98.9 % of real points are."""

HELD_SHARE = 20 / 2_500
"""Share of all points that must be near a centre for its mode to be covered: a fifth of 1/25."""


def mode_measures(points_N2: npt.NDArray[np.floating], mixture: Distribution) -> dict[str, float]:
    """Return modes, high_quality and mode_kl, similar to Lin et al. 2018, "PacGAN", table 1.

    modes: number of centres that have at least HELD_SHARE of the points, and at least one, within NEAR standard
    deviations (in the paper one point is enough). high_quality: share of the points that are so near to any centre.
    mode_kl: KL divergence, in bits, of the shares of points nearest to each centre from the uniform distribution; it
    lies between 0 and log2 K.

    Args:
        points_N2: at least one point.
        mixture: a distribution with centres.
    """
    centre_K2 = np.array(mixture.centres)
    distance_NK = np.linalg.norm(points_N2[:, None].astype(np.float64) - centre_K2, axis=2)
    nearest_N = distance_NK.argmin(axis=1)
    near_N = distance_NK.min(axis=1) <= NEAR * mixture.deviation
    held_K = np.bincount(nearest_N[near_N], minlength=len(centre_K2))
    share_K = np.bincount(nearest_N, minlength=len(centre_K2)) / len(points_N2)
    taken_K = share_K[share_K > 0]
    return {
        "modes": float((held_K >= max(1.0, HELD_SHARE * len(points_N2))).sum()),
        "high_quality": float(near_N.mean()),
        "mode_kl": float((taken_K * np.log2(taken_K)).sum() + math.log2(len(centre_K2))),
    }
