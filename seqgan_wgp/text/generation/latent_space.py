"""What a search needs to know of how latents are distributed: which are typical, and what lies between two.

Shape suffixes: N latents, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """One distribution of latents."""

    cost: Callable[[Tensor], Tensor]
    """(N, Z) -> (N,): how untypical each latent is, in nats, differentiable; 0 for the most typical."""

    confined: Callable[[Tensor], Tensor]
    """(N, Z) -> (N, Z): the nearest latents that can be."""

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
    "normal": LatentSpace(cost=_radius_cost, confined=lambda latent_NZ: latent_NZ, blended=_turned),
    "uniform": LatentSpace(
        cost=lambda latent_NZ: latent_NZ.new_zeros(len(latent_NZ)),
        confined=lambda latent_NZ: latent_NZ.clamp(-1, 1),
        blended=_mixed,
    ),
}
"""`generator.latent_distribution` -> what is known of it."""
