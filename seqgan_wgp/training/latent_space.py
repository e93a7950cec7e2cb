"""The latent space: interpolation between latent vectors, and the geometry that a search for a latent needs.

Interpolation is spherical (along a great circle) for normal latents and linear for uniform ones.

Shape suffixes: N points or latents, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_POINTS = 1_000
"""Most points of an interpolation."""

PARALLEL = 1e-6
"""Sine of the angle below which two latents count as parallel: then no unique great circle joins them."""


def linear(start_Z: Tensor, end_Z: Tensor, time_N: Tensor) -> Tensor:
    """Return the points (N, Z) on the straight line from start to end at times in [0, 1]."""
    time_N1 = time_N[:, None]
    return (1 - time_N1) * start_Z + time_N1 * end_Z


def spherical(start_Z: Tensor, end_Z: Tensor, time_N: Tensor) -> Tensor:
    """Return Slerp(q1, q2; u) = sin((1 - u) theta) / sin(theta) q1 + sin(u theta) / sin(theta) q2, as (N, Z).

    Shoemake 1985, "Animating rotation with quaternion curves", section 3.3; for latents White 2016, "Sampling
    generative networks". Normal latents lie near a sphere. A straight line between two of them leads through its
    inside, where the generator was never trained. theta is the angle between the two, whatever their lengths. If they
    are nearly parallel or opposite, the line is straight.
    """
    cosine = torch.nn.functional.cosine_similarity(start_Z, end_Z, dim=0)
    theta = torch.arccos(cosine.clamp(-1, 1))
    sine = torch.sin(theta)
    if sine < PARALLEL:
        return linear(start_Z, end_Z, time_N)
    time_N1 = time_N[:, None]
    return (torch.sin((1 - time_N1) * theta) * start_Z + torch.sin(time_N1 * theta) * end_Z) / sine


WALKS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"normal": spherical, "uniform": linear}
"""`generator.latent_distribution` -> interpolation between two such latents."""


def walk(start_Z: Tensor, end_Z: Tensor, count: int, distribution: str) -> Tensor:
    """Return N = `count` evenly spaced points (N, Z) on the path between two latents, on the CPU.

    The first and the last point equal the two latents bit for bit.

    Args:
        start_Z: start, a floating-point tensor on any device; the result has its dtype.
        end_Z: end, of the same shape and dtype.
        count: N, at least 2.
        distribution: a key of WALKS.
    """
    start_Z, end_Z = start_Z.cpu(), end_Z.cpu()
    time_N = torch.linspace(0, 1, count, dtype=torch.float64)
    points_NZ = WALKS[distribution](start_Z.double(), end_Z.double(), time_N).to(start_Z.dtype)
    points_NZ[0], points_NZ[-1] = start_Z, end_Z
    return points_NZ


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """The geometry of one latent distribution."""

    cost: Callable[[Tensor], Tensor]
    """(N, Z) -> (N,): how untypical each latent is, in nats; 0 for the most typical. Differentiable."""

    project: Callable[[Tensor], Tensor]
    """(N, Z) -> (N, Z): the nearest points in the support of the distribution."""

    from_normal: Callable[[Tensor], Tensor]
    """(N, Z) standard normal numbers -> (N, Z) latents of the distribution. Differentiable."""

    blend: Callable[[Tensor, Tensor, Tensor], Tensor]
    """A latent (Z,), others (N, Z) and shares (N,) in [0, 1] -> latents (N, Z): the first at 0, the others at 1."""


def _radius_cost(latent_NZ: Tensor) -> Tensor:
    """Return minus the log density of a normal latent's radius r, r^2 / 2 - (Z - 1) ln r, minus its minimum.

    r has the chi distribution with Z degrees of freedom. The density of the latent itself is not used: it is highest at
    0, where hardly any latent lies and the generator was never trained.
    """
    square_N, freedom = latent_NZ.square().sum(dim=1), latent_NZ.shape[1] - 1
    if freedom == 0:
        return square_N / 2
    return (square_N - freedom - freedom * torch.log(square_N / freedom)) / 2


def _turned(latent_Z: Tensor, other_NZ: Tensor, share_N: Tensor) -> Tensor:
    """Return cos(a) z + sin(a) z' with a = share * pi / 2: normal, if z and z' are independent and normal.

    The preconditioned Crank-Nicolson proposal (Cotter, Roberts, Stuart and White 2013, "MCMC methods for functions",
    equation 1.3), whose beta is sin(a).
    """
    angle_N1 = share_N[:, None] * (math.pi / 2)
    return torch.cos(angle_N1) * latent_Z + torch.sin(angle_N1) * other_NZ


def _mixed(latent_Z: Tensor, other_NZ: Tensor, share_N: Tensor) -> Tensor:
    """Return points on the straight lines, which stay in the cube [-1, 1]^Z."""
    return latent_Z + share_N[:, None] * (other_NZ - latent_Z)


LATENT_SPACES: dict[str, LatentSpace] = {
    "normal": LatentSpace(
        cost=_radius_cost, project=lambda latent_NZ: latent_NZ, from_normal=lambda normal_NZ: normal_NZ, blend=_turned
    ),
    "uniform": LatentSpace(
        cost=lambda latent_NZ: latent_NZ.new_zeros(len(latent_NZ)),
        project=lambda latent_NZ: latent_NZ.clamp(-1, 1),
        from_normal=lambda normal_NZ: torch.erf(normal_NZ / math.sqrt(2)),
        blend=_mixed,
    ),
}
"""`generator.latent_distribution` -> its geometry."""
