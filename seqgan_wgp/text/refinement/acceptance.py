"""Acceptance rules, by which accepted generated strings follow the density of real strings.

Let p be the density of real strings, q that of generated ones, and D(x) the calibrated logit of "real" of a classifier
trained on equally many of both. Then p(x) / q(x) = exp(D(x)). All ratios are stored as logs.

* Rejection with a bound: accept with probability min(1, r(x) / M).
* Discriminator rejection sampling (Azadi et al. 2019, "Discriminator rejection sampling"), with a shift gamma.
* Metropolis-Hastings (Turner et al. 2019, "Metropolis-Hastings generative adversarial networks"): the last
  state of a chain over every group of proposals.

Acceptance of string k depends only on (seed, k) and its ratio, or on those of its group.

Shape suffixes: N strings, G groups, K proposals of a group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...utils.arrays import Floats
from ...utils.counter_rng import Stream, uniform_numpy

EPSILON = 1e-12
"""Keeps log(1 - exp(F - epsilon)) finite at F = 0. Azadi et al. use 1e-14, which is close to float64 precision."""


def log_density_ratio(logit_N: Floats, temperature: float) -> Floats:
    """Return log p(x) / q(x) (N,) from a classifier's logits and its calibration temperature (above 0)."""
    return logit_N / temperature


def ratio_acceptance(log_ratio_N: Floats, log_bound: float) -> Floats:
    """Return min(1, r / M) (N,): classical rejection sampling; ratios above the bound M count as M."""
    return np.exp(np.minimum(0.0, log_ratio_N - log_bound))


def drs_statistic(log_ratio_N: Floats, log_bound: float, epsilon: float = EPSILON) -> Floats:
    """Return F - log(1 - exp(F - epsilon)) (N,), with F = D - D_M: F-hat of Azadi et al. 2019 without gamma.

    F is at most 0: ratios above the bound count as the bound.
    """
    f_N = np.minimum(0.0, log_ratio_N - log_bound)
    out: Floats = f_N - np.log(-np.expm1(f_N - epsilon))
    return out


def drs_acceptance(log_ratio_N: Floats, log_bound: float, gamma: float = 0.0, epsilon: float = EPSILON) -> Floats:
    """Return sigmoid(F-hat) (N,) of Azadi et al. 2019; with gamma = 0 it is `ratio_acceptance` up to epsilon.

    A higher gamma rejects more.
    """
    f_hat_N = drs_statistic(log_ratio_N, log_bound, epsilon) - gamma
    out: Floats = 0.5 * (1 + np.tanh(f_hat_N / 2))
    return out


def accepted(seed: int, index_N: npt.NDArray[np.integer], probability_N: Floats) -> npt.NDArray[np.bool_]:
    """Return the mask (N,) of accepted strings: k if the uniform of (seed, ACCEPTANCE, k) is below its probability."""
    uniform_N = uniform_numpy(seed, Stream.ACCEPTANCE, index_N, 1)[:, 0]
    out: npt.NDArray[np.bool_] = uniform_N.astype(np.float64) < probability_N
    return out


def metropolis_hastings(
    seed: int, first_index_G: npt.NDArray[np.integer], log_ratio_GK: Floats
) -> npt.NDArray[np.int64]:
    """Return for each group of K proposals the index (0 .. K - 1) of the last state of its chain, (G,).

    An independence sampler (Tierney 1994): the chain starts at the first proposal, and moves from x to the next
    proposal y with probability min(1, r(y) / r(x)). With M the largest ratio, the total variation of its last state
    from the target is at most (1 - 1 / M)^(K - 1) (Mengersen and Tweedie 1996).

    Args:
        seed: random seed.
        first_index_G: index of each group's first proposal; the uniform of proposal k is that of (seed, CHAIN, k).
        log_ratio_GK: log ratios of the proposals, in order.
    """
    groups, proposals = log_ratio_GK.shape
    index_GK = np.asarray(first_index_G, np.int64)[:, None] + np.arange(proposals)
    uniform_GK = uniform_numpy(seed, Stream.CHAIN, index_GK.ravel(), 1).reshape(groups, proposals).astype(np.float64)
    place_G, current_G = np.zeros(groups, np.int64), log_ratio_GK[:, 0].copy()
    for k in range(1, proposals):
        move_G = uniform_GK[:, k] < np.exp(np.minimum(0.0, log_ratio_GK[:, k] - current_G))
        place_G[move_G] = k
        current_G[move_G] = log_ratio_GK[move_G, k]
    return place_G
