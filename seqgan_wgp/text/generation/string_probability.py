"""The probability that a model draws a given string: log p(x) = log E_z prod_t p_z(x_t), by Monte Carlo over latents.

It is the probability under `decode="sample"` at temperature 1: a latent is drawn, then each character from its
position's probabilities, up to the end of the string. Two estimates, both unbiased for p (not for its log):

* from latents of the training distribution, the same for all strings;
* importance sampling for each string: a mixture of the training distribution and of a normal distribution fitted to
  the latents that give the string. The first part is defensive (Hesterberg 1995, "Weighted average importance sampling
  and defensive mixture distributions"): a weight is at most 1 / PRIOR_SHARE times p_z(x).

All latents are functions of standard normal numbers, so uniform ones too can be shifted and stay in their cube.

Shape suffixes: S strings, B latents, Z latent, L length, V vocabulary, X = L V.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...training.latent_space import LATENT_SPACES
from ...training.latents import BLOCK
from ...utils.arrays import Floats
from ...utils.counter_rng import Stream, normal
from ...utils.devices import matmul_precision
from ..networks import log_probabilities
from ..vocabulary import PAD
from .inversion import LatentGenerator

LATENTS = 65_536
"""Default number of latents."""

MAX_LATENTS = 1 << 30

PRIOR_SHARE = 1 / 8
"""Share of the mixture's latents that are of the training distribution."""

FIT_STEPS, FIT_DRAWS, FIT_RATE = 60, 16, 0.08
"""Steps of fitting a proposal, latents in each, and Adam's first learning rate."""

FITTED_TOGETHER = 16
"""Number of strings whose proposals are fitted together."""

WIDENED = 1.1
"""Factor of the fitted standard deviations, which are too small: the fit minimises a divergence that avoids the tails
of the target."""


@final
@dataclass(frozen=True, kw_only=True)
class LogMean:
    """The log of a mean of many numbers, given by their logs, with its standard error; float64 (S,)."""

    log_mean_S: Tensor
    error_S: Tensor
    """Standard error of the log (delta method); it is too small where a few numbers make up the mean."""


class LogMoments:
    """Running sums of numbers and of their squares, given by their logs."""

    def __init__(self) -> None:
        self.count = 0
        self.first_S = self.second_S = torch.full((1,), -math.inf, dtype=torch.float64)

    def add(self, logs_BS: Tensor) -> None:
        """Take over some numbers of each string."""
        logs_BS = logs_BS.double().cpu()
        self.first_S = torch.logaddexp(self.first_S, logs_BS.logsumexp(dim=0))
        self.second_S = torch.logaddexp(self.second_S, (2 * logs_BS).logsumexp(dim=0))
        self.count += len(logs_BS)

    def mean(self) -> LogMean:
        """Return the logs of the means."""
        spread_S = torch.expm1(self.second_S - 2 * self.first_S + math.log(self.count)).clamp(min=0)
        error_S = (spread_S / max(1, self.count - 1)).sqrt()
        return LogMean(log_mean_S=self.first_S - math.log(self.count), error_S=error_S)


def counted(ids_SL: Tensor, vocabulary_size: int) -> Tensor:
    """Return (S, X) ones at the symbols of each string up to its first pad, which counts; float32."""
    pad_SL = ids_SL == PAD
    counts_SL = (pad_SL.cumsum(dim=1) - pad_SL.long()) == 0
    return (functional.one_hot(ids_SL.long(), vocabulary_size) * counts_SL[..., None]).flatten(1).float()


@final
@dataclass(frozen=True, kw_only=True)
class LatentModel:
    """A generator as a function of standard normal numbers."""

    model: LatentGenerator
    latent: int
    """Z."""

    seed: int

    def logs(self, normal_BZ: Tensor) -> Tensor:
        """Return the natural log probabilities (B, X) of all symbols."""
        latent_BZ = LATENT_SPACES[self.model.distribution].from_normal(normal_BZ)
        return log_probabilities(self.model.generator)(latent_BZ).flatten(1)

    def noise(self, stream: Stream, first: int, count: int) -> Tensor:
        """Return the standard normal numbers first .. first + count - 1 of a stream, (count, Z)."""
        index_B = torch.arange(first, first + count, device=self.model.device)
        return normal(self.seed, stream, index_B, self.latent)


@torch.inference_mode()
def prior_estimate(source: LatentModel, counted_SX: Tensor, count: int) -> LogMean:
    """Return log p of strings from `count` latents of the training distribution, the same for all strings."""
    moments, counted_XS = LogMoments(), counted_SX.to(source.model.device).t()
    for first in range(0, count, BLOCK):
        with matmul_precision("float32", source.model.device):
            logs_BX = source.logs(source.noise(Stream.PROBABILITY_LATENT, first, BLOCK))
            moments.add((logs_BX @ counted_XS)[: count - first])
    return moments.mean()


@final
@dataclass(frozen=True, kw_only=True)
class LatentProposals:
    """A normal distribution with independent numbers for each string."""

    mean_SZ: Tensor
    deviation_SZ: Tensor


def fit_proposals(source: LatentModel, counted_SX: Tensor) -> LatentProposals:
    """Return for each string the normal distribution q that is closest to the latents that give it.

    It maximises E_q log p_z(x) - KL(q | N(0, 1)), the evidence lower bound (Kingma and Welling 2014, "Auto-encoding
    variational Bayes", equation 3), by Adam. The mean begins at 0: the latent at which a string is most probable has a
    length that latents hardly ever have, and a proposal around it misses most of the probability.
    """
    parts = [_fitted(source, part_SX) for part_SX in torch.split(counted_SX, FITTED_TOGETHER)]
    mean_SZ, deviation_SZ = (torch.cat(of) for of in zip(*parts, strict=True))
    return LatentProposals(mean_SZ=mean_SZ, deviation_SZ=deviation_SZ)


def _fitted(source: LatentModel, counted_SX: Tensor) -> tuple[Tensor, Tensor]:
    device = source.model.device
    counted_SX = counted_SX.to(device)
    with torch.inference_mode(mode=False), torch.enable_grad():
        mean_SZ = torch.zeros(len(counted_SX), source.latent, device=device, requires_grad=True)
        log_SZ = torch.zeros_like(mean_SZ, requires_grad=True)
        adam = torch.optim.Adam([mean_SZ, log_SZ], lr=FIT_RATE)
        for step in range(FIT_STEPS):
            half_BZ = source.noise(Stream.PROBABILITY_FIT, step * FIT_DRAWS, FIT_DRAWS // 2)
            noise_B1Z = torch.cat([half_BZ, -half_BZ])[:, None]  # in pairs, which cancel what is linear
            normal_BSZ = mean_SZ + log_SZ.exp() * noise_B1Z
            logs_BSX = source.logs(normal_BSZ.flatten(0, 1)).reshape(*normal_BSZ.shape[:2], -1)
            likelihood_S = (logs_BSX * counted_SX).sum(dim=2).mean(dim=0)
            divergence_S = (mean_SZ.square() + (2 * log_SZ).exp() - 1 - 2 * log_SZ).sum(dim=1) / 2
            loss = (divergence_S - likelihood_S).sum()
            mean_SZ.grad, log_SZ.grad = torch.autograd.grad(loss, [mean_SZ, log_SZ])
            adam.param_groups[0]["lr"] = FIT_RATE * (1 - step / FIT_STEPS)
            adam.step()
    return mean_SZ.detach(), (WIDENED * log_SZ.detach().exp()).clamp(max=1)


@torch.inference_mode()
def importance_estimate(source: LatentModel, counted_SX: Tensor, count: int) -> LogMean:
    """Return log p of strings from `count` latents for each: a share of the training distribution, others around it.

    The numbers behind the latents are the same for all strings, so the result for one does not depend on the others,
    up to rounding.
    """
    proposals = fit_proposals(source, counted_SX)
    found = [
        _weighed(source, counted_X, LatentProposals(mean_SZ=mean_Z[None], deviation_SZ=deviation_Z[None]), count)
        for counted_X, mean_Z, deviation_Z in zip(
            counted_SX.to(source.model.device), proposals.mean_SZ, proposals.deviation_SZ, strict=True
        )
    ]
    log_mean_S, error_S = (torch.cat([getattr(one, of) for one in found]) for of in ("log_mean_S", "error_S"))
    return LogMean(log_mean_S=log_mean_S, error_S=error_S)


def _weighed(source: LatentModel, counted_X: Tensor, proposal: LatentProposals, count: int) -> LogMean:
    """Return the estimate for one string, whose proposal has S = 1."""
    moments, defensive = LogMoments(), max(1, round(PRIOR_SHARE * count))
    share = defensive / count
    for first in range(0, count, BLOCK):
        noise_BZ = source.noise(Stream.IMPORTANCE_LATENT, first, BLOCK)[: count - first]
        number_B1 = torch.arange(first, first + len(noise_BZ), device=noise_BZ.device)[:, None]
        shifted_BZ = proposal.mean_SZ + proposal.deviation_SZ * noise_BZ
        normal_BZ = torch.where(number_B1 < defensive, noise_BZ, shifted_BZ)
        with matmul_precision("float32", source.model.device):
            likelihood_B = source.logs(normal_BZ) @ counted_X
        standard_BZ = (normal_BZ - proposal.mean_SZ) / proposal.deviation_SZ
        # log q / p of the fitted normal distribution, whose constants cancel.
        ratio_BZ = (normal_BZ.double().square() - standard_BZ.double().square()) / 2 - proposal.deviation_SZ.log()
        mixed_B = torch.logaddexp(
            ratio_BZ.sum(dim=1) + (math.log1p(-share) if share < 1 else -math.inf),
            ratio_BZ.new_full((len(ratio_BZ),), math.log(share)),
        )
        moments.add((likelihood_B.double() - mixed_B)[:, None])
    return moments.mean()


def guess_numbers(log_probability_S: Floats, drawn_N: Floats) -> Floats:
    """Return how many strings are more probable than each of some strings, plus 1; float64 (S,).

    Dell'Amico and Filippone 2015, "Monte Carlo strength evaluation": the mean, over N strings drawn by the model, of
    1 / p of those that are more probable. It is what a guesser needs who tries strings in order of probability.

    Args:
        log_probability_S: natural log probabilities.
        drawn_N: those of strings that the model has drawn, one or more.

    A string of probability 0 is never guessed: its number is infinite.
    """
    sorted_N = np.sort(np.asarray(drawn_N, np.float64))[::-1]
    with np.errstate(over="ignore"):
        cost_N = np.cumsum(np.exp(-sorted_N)) / len(sorted_N)
    above_S = np.searchsorted(-sorted_N, -np.asarray(log_probability_S, np.float64), side="left")
    found_S: Floats = 1 + np.concatenate([[0.0], cost_N])[above_S]
    found_S[np.isneginf(log_probability_S)] = np.inf
    return found_S
