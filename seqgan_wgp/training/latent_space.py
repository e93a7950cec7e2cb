"""Interpolate between latent vectors, and describe their distribution for a search.

Walks follow the great circle for normal latents and the straight line for uniform ones.

Shape suffixes: N points or latents, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

POINTS_MOST = 1_000
"""Points of a walk at most."""

PARALLEL = 1e-6
"""Sine of the angle below which two latents lie on one line, and a great circle through them is any or none."""


def linear(start_Z: Tensor, end_Z: Tensor, time_N: Tensor) -> Tensor:
    """Return the points (N, Z) on the straight line from start to end at times in [0, 1]."""
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


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """One distribution of latents."""

    cost: Callable[[Tensor], Tensor]
    """(N, Z) -> (N,): how untypical each latent is, in nats, differentiable; 0 for the most typical."""

    confined: Callable[[Tensor], Tensor]
    """(N, Z) -> (N, Z): the nearest latents that can be."""

    of_normal: Callable[[Tensor], Tensor]
    """(N, Z) standard normal numbers -> (N, Z) latents of the distribution, differentiable."""

    blended: Callable[[Tensor, Tensor, Tensor], Tensor]
    """A latent (Z,), others (N, Z) and shares (N,) in [0, 1] -> latents (N, Z): the one at 0, the others at 1."""


def _radius_cost(latent_NZ: Tensor) -> Tensor:
    """Return minus the log density of the radius r of a normal latent, r^2 / 2 - (Z - 1) ln r, above its least.

    The chi distribution with Z degrees of freedom. The density of the latent itself would draw it to 0, where hardly
    a latent is and the generator has never been.
    """
    square_N, freedom = latent_NZ.square().sum(dim=1), latent_NZ.shape[1] - 1
    if freedom == 0:
        return square_N / 2
    return (square_N - freedom - freedom * torch.log(square_N / freedom)) / 2


def _turned(latent_Z: Tensor, other_NZ: Tensor, share_N: Tensor) -> Tensor:
    """Return cos(a) z + sin(a) z' with a = pi / 2 times the share: normal again, where both are.

    The preconditioned Crank-Nicolson proposal (Cotter, Roberts, Stuart and White 2013, "MCMC methods for functions",
    equation 1.3), whose beta is sin(a).
    """
    angle_N1 = share_N[:, None] * (math.pi / 2)
    return torch.cos(angle_N1) * latent_Z + torch.sin(angle_N1) * other_NZ


def _mixed(latent_Z: Tensor, other_NZ: Tensor, share_N: Tensor) -> Tensor:
    """Return the points of the straight lines, which stay in the cube."""
    return latent_Z + share_N[:, None] * (other_NZ - latent_Z)


LATENT_SPACES: dict[str, LatentSpace] = {
    "normal": LatentSpace(
        cost=_radius_cost, confined=lambda latent_NZ: latent_NZ, of_normal=lambda normal_NZ: normal_NZ, blended=_turned
    ),
    "uniform": LatentSpace(
        cost=lambda latent_NZ: latent_NZ.new_zeros(len(latent_NZ)),
        confined=lambda latent_NZ: latent_NZ.clamp(-1, 1),
        of_normal=lambda normal_NZ: torch.erf(normal_NZ / math.sqrt(2)),
        blended=_mixed,
    ),
}
"""`generator.latent_distribution` -> what is known of it."""
