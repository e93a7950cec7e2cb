"""Acceptance: what is left of a toy alphabet with known densities follows the target, and decisions are functions of
their numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]

from seqgan_wgp.text.refinement.acceptance import (
    accepted,
    drs_acceptance,
    drs_statistic,
    log_density_ratio,
    metropolis_hastings,
    ratio_acceptance,
)
from seqgan_wgp.utils.counter_rng import uniform_numpy

TARGET = np.array([0.4, 0.3, 0.2, 0.08, 0.02])
PROPOSAL = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
LOG_RATIO = np.log(TARGET / PROPOSAL)
N = 200_000
TOO_UNLIKELY = 1e-4


def proposals(seed: int, n: int = N) -> npt.NDArray[np.int64]:
    """Draw symbols of the proposal distribution, apart from every stream that acceptance uses."""
    uniform_N = uniform_numpy(seed, 9_999, np.arange(n), 1)[:, 0].astype(np.float64)
    return np.searchsorted(np.cumsum(PROPOSAL), uniform_N, side="right").clip(max=len(PROPOSAL) - 1)


def p_value(symbols: npt.NDArray[np.int64], density: npt.NDArray[np.float64]) -> float:
    counts = np.bincount(symbols, minlength=len(density))
    return float(chisquare(counts, counts.sum() * density).pvalue)


RULES = {
    "ratio": lambda log_ratio_N: ratio_acceptance(log_ratio_N, LOG_RATIO.max()),
    "drs": lambda log_ratio_N: drs_acceptance(log_ratio_N, LOG_RATIO.max()),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", [0, 1])
def test_accepted_strings_follow_the_target(rule: str, seed: int) -> None:
    symbols = proposals(seed)
    kept = symbols[accepted(seed, np.arange(N), RULES[rule](LOG_RATIO[symbols]))]
    assert p_value(kept, TARGET) > TOO_UNLIKELY
    assert p_value(symbols, TARGET) < TOO_UNLIKELY, "the test could not tell the two apart"
    assert len(kept) / N == pytest.approx(1 / np.exp(LOG_RATIO.max()), rel=0.02)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_ends_of_chains_follow_the_target(seed: int) -> None:
    proposed = 32  # the bound on the total variation, (1 - 1 / 4)^31, is 1 in 7,000
    symbols = proposals(seed, 20_000 * proposed).reshape(-1, proposed)
    place_G = metropolis_hastings(seed, np.arange(len(symbols)) * proposed, LOG_RATIO[symbols])
    assert p_value(symbols[np.arange(len(symbols)), place_G], TARGET) > TOO_UNLIKELY
    assert p_value(symbols[:, 0], TARGET) < TOO_UNLIKELY


def test_ratios_above_the_bound_count_as_the_bound() -> None:
    assert ratio_acceptance(np.array([-1.0, 0.0, 2.0, 700.0]), 0.0) == pytest.approx([np.exp(-1), 1, 1, 1])
    assert np.isfinite(drs_statistic(np.array([-700.0, 0.0, 5.0]), 0.0)).all()


@pytest.mark.parametrize("rule", [ratio_acceptance, drs_acceptance])
@pytest.mark.parametrize("constant", [-3.0, 0.0, 2.5])
def test_a_constant_ratio_rejects_nothing(rule: object, constant: float) -> None:
    probability_N = rule(np.full(N, constant), constant)  # type: ignore[operator]
    assert accepted(7, np.arange(N), probability_N).all()


def test_of_a_constant_ratio_a_chain_takes_every_proposal() -> None:
    assert (metropolis_hastings(3, np.arange(10) * 8, np.full((10, 8), 1.5)) == 7).all()


def test_gamma_moves_the_acceptance_monotonically_and_at_zero_is_the_ratio() -> None:
    ratio = np.linspace(-6, 0, 50)
    np.testing.assert_allclose(drs_acceptance(ratio, 0.0), ratio_acceptance(ratio, 0.0), atol=1e-9)
    more, less = drs_acceptance(ratio, 0.0, 1.0), drs_acceptance(ratio, 0.0, -1.0)
    inner = slice(0, -1)  # at the bound itself all are accepted, up to epsilon
    assert (more[inner] < ratio_acceptance(ratio, 0.0)[inner]).all()
    assert (less[inner] > ratio_acceptance(ratio, 0.0)[inner]).all()


def test_gamma_at_the_median_of_the_statistic_accepts_half_there() -> None:
    ratio = np.log(np.random.default_rng(0).gamma(2.0, size=1_001))
    bound = float(np.quantile(ratio, 0.99))
    gamma = float(np.median(drs_statistic(ratio, bound)))
    assert np.median(drs_acceptance(ratio, bound, gamma)) == pytest.approx(0.5)


def test_a_decision_depends_on_the_seed_and_the_number_alone() -> None:
    symbols = proposals(5)
    probability_N = ratio_acceptance(LOG_RATIO[symbols], LOG_RATIO.max())
    whole = accepted(5, np.arange(N), probability_N)
    some = np.random.default_rng(1).permutation(N)[:1_000]
    assert (accepted(5, some, probability_N[some]) == whole[some]).all()
    assert (accepted(6, np.arange(N), probability_N) != whole).any()
    ratio_GK = LOG_RATIO[symbols[:8_000].reshape(-1, 8)]
    places = metropolis_hastings(5, np.arange(1_000) * 8, ratio_GK)
    assert (metropolis_hastings(5, np.array([160, 72]), ratio_GK[[20, 9]]) == places[[20, 9]]).all()


def test_the_temperature_divides_the_logit() -> None:
    assert log_density_ratio(np.array([-2.0, 3.0]), 2.0).tolist() == [-1.0, 1.5]
