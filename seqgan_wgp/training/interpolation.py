"""Walks between two latents: on the great circle for normal ones, straight for uniform ones.

Shape suffixes: N points, Z latent.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

POINTS_MOST = 1_000
"""Points of a walk at most."""

PARALLEL = 1e-6
"""Sine of the angle below which two latents lie on one line, and a great circle through them is any or none."""


def linear(start_Z: Tensor, end_Z: Tensor, time_N: Tensor) -> Tensor:
    """Return the points (N, Z) of the straight line from start to end at times in [0, 1]."""
    time_N1 = time_N[:, None]
    return (1 - time_N1) * start_Z + time_N1 * end_Z


def spherical(start_Z: Tensor, end_Z: Tensor, time_N: Tensor) -> Tensor:
    """Return Slerp(q1, q2; u) = sin((1 - u) theta) / sin(theta) q1 + sin(u theta) / sin(theta) q2, as (N, Z).

    Shoemake 1985, "Animating rotation with quaternion curves", section 3.3; for latents White 2016, "Sampling
    generative networks". Normal latents lie near a sphere, and their straight lines lead through its inside, where
    the generator has never been. The angle theta is that between the two, whatever their lengths. Where they are
    nearly parallel, or opposite, the line is straight.
    """
    cosine = torch.nn.functional.cosine_similarity(start_Z, end_Z, dim=0)
    theta = torch.arccos(cosine.clamp(-1, 1))
    sine = torch.sin(theta)
    if sine < PARALLEL:
        return linear(start_Z, end_Z, time_N)
    time_N1 = time_N[:, None]
    return (torch.sin((1 - time_N1) * theta) * start_Z + torch.sin(time_N1 * theta) * end_Z) / sine


WALKS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"normal": spherical, "uniform": linear}
"""Distribution of a latent's numbers -> how to walk between two such latents."""


def walk(start_Z: Tensor, end_Z: Tensor, count: int, distribution: str) -> Tensor:
    """Return `count` points (N, Z) at even times on the way between two latents, on the CPU.

    The first and the last are the two latents, bit for bit.

    Args:
        start_Z: floating point, of any precision and on any device; so is the result's type.
        end_Z: of the same shape and type.
        count: N, at least 2.
        distribution: a key of WALKS.
    """
    start_Z, end_Z = start_Z.cpu(), end_Z.cpu()
    time_N = torch.linspace(0, 1, count, dtype=torch.float64)
    points_NZ = WALKS[distribution](start_Z.double(), end_Z.double(), time_N).to(start_Z.dtype)
    points_NZ[0], points_NZ[-1] = start_Z, end_Z
    return points_NZ
