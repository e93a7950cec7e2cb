"""Verify theorem 2.5 of Arjovsky and Bottou 2017 by quadrature: the gradient under an optimal discriminator.

Real and generated points follow 1-d Gaussians, N(0, 1) and N(m, s^2), so their densities are known everywhere.

The reverse divergence KL(Pg, Pr) is E[log(pg / pr)] over Pg.

Shape suffixes: N nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from ..training.losses import LOSSES

GENERATORS = ((1.0, 0.7), (-0.5, 1.5), (2.0, 0.5))
"""(m, s) of the generated Gaussians."""

_NODES, _REACH = 8_001, 12.0
"""Number of nodes and their range in standard deviations. The trapezoid rule is then exact up to rounding."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Two gradients with respect to (m, s) that are equal in theory."""

    objective: str
    divergence: str
    mean: float
    deviation: float
    found: tuple[float, float]
    """Gradient of the generator's loss against the optimal discriminator, which is held fixed."""

    expected: tuple[float, float]
    """Gradient of the divergence, in nats."""

    @property
    def difference(self) -> float:
        """Norm of the difference, divided by the norm of the divergence's gradient."""
        return math.dist(self.found, self.expected) / math.hypot(*self.expected)


def measure_identity(mean: float, deviation: float) -> tuple[Identity, Identity]:
    """Return both identities for one generator.

    Against D* = Pr / (Pr + Pg), -log D has the gradient of KL(Pg, Pr) - 2 JS(Pg, Pr). The reverse KL penalises unreal
    points strongly and dropped modes hardly, and the minus sign before JS pushes the distributions apart (Arjovsky and
    Bottou 2017, theorem 2.5). log(1 - D) has the gradient of 2 JS (Goodfellow et al. 2014, theorem 1).
    """
    kl, js = _gradient(_reverse_kl, mean, deviation), _gradient(_jensen_shannon, mean, deviation)
    return (
        Identity(
            objective="E[-log D*]",
            divergence="KL(Pg, Pr) - 2 JS(Pg, Pr)",
            mean=mean,
            deviation=deviation,
            found=_against_optimal("gan-ns", mean, deviation),
            expected=(kl[0] - 2 * js[0], kl[1] - 2 * js[1]),
        ),
        Identity(
            objective="E[log(1 - D*)]",
            divergence="2 JS(Pg, Pr)",
            mean=mean,
            deviation=deviation,
            found=_against_optimal("gan", mean, deviation),
            expected=(2 * js[0], 2 * js[1]),
        ),
    )


def _log_density(x_N: Tensor, place: Tensor) -> Tensor:
    """Return the log density of N(m, s^2), place = (m, s)."""
    return -(((x_N - place[0]) / place[1]) ** 2) / 2 - place[1].log() - math.log(2 * math.pi) / 2


_REAL = torch.tensor([0.0, 1.0], dtype=torch.float64)


def _place(mean: float, deviation: float) -> Tensor:
    return torch.tensor([mean, deviation], dtype=torch.float64, requires_grad=True)


def _against_optimal(objective: str, mean: float, deviation: float) -> tuple[float, float]:
    """Return the gradient of E[loss] with respect to (m, s), x~ = m + s z, with the discriminator held fixed."""
    place = _place(mean, deviation)
    z_N = torch.linspace(-_REACH, _REACH, _NODES, dtype=torch.float64)
    x_N = place[0] + place[1] * z_N
    # The logit of D* = Pr / (Pr + Pg) is log Pr - log Pg, with Pg at the present generator.
    score_N = _log_density(x_N, _REAL) - _log_density(x_N, place.detach())
    # The loss of a batch of one is the loss at that point.
    loss_N = vmap(LOSSES[objective].generator)(score_N[:, None])
    return _gradient_of(torch.trapezoid(loss_N * _log_density(z_N, _REAL).exp(), z_N), place)


def _reverse_kl(place: Tensor) -> Tensor:
    """Return KL(N(m, s^2) || N(0, 1)) = (s^2 + m^2 - 1) / 2 - log s."""
    return (place[1] ** 2 + place[0] ** 2 - 1) / 2 - place[1].log()


def _jensen_shannon(place: Tensor) -> Tensor:
    """Return JS of N(m, s^2) and N(0, 1), by quadrature over x."""
    reach = _REACH * max(1.0, place[1].item()) + abs(place[0].item())
    x_N = torch.linspace(-reach, reach, 2 * _NODES, dtype=torch.float64)
    real_N, fake_N = _log_density(x_N, _REAL), _log_density(x_N, place)
    middle_N = torch.logaddexp(real_N, fake_N) - math.log(2)
    parts_N = real_N.exp() * (real_N - middle_N) + fake_N.exp() * (fake_N - middle_N)
    return torch.trapezoid(parts_N, x_N) / 2


def _gradient(divergence: object, mean: float, deviation: float) -> tuple[float, float]:
    assert callable(divergence)
    place = _place(mean, deviation)
    return _gradient_of(divergence(place), place)


def _gradient_of(value: Tensor, place: Tensor) -> tuple[float, float]:
    (gradient,) = torch.autograd.grad(value, place)
    in_mean, in_deviation = gradient.tolist()
    return in_mean, in_deviation
