"""Every objective passes the same contract: value by hand, direction of gradients, finite; and the theory of each."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.training.losses import LOSSES, least_squares, loss_of

REAL, FAKE = [2.0, 4.0, -1.0], [0.5, -2.5, 1.0]
REAL_B, FAKE_B = torch.tensor(REAL), torch.tensor(FAKE)


def logarithm(score: float) -> float:
    """log D of a score, D being its logistic function."""
    return math.log(1 / (1 + math.exp(-score)))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


LOG_LOSS = -mean([logarithm(f) for f in REAL]) - mean([logarithm(-f) for f in FAKE])
BY_HAND = {
    "gan": (LOG_LOSS, mean([logarithm(-f) for f in FAKE])),
    "gan-ns": (LOG_LOSS, -mean([logarithm(f) for f in FAKE])),
    "lsgan": ((1 + 9 + 4) / 6 + (0.25 + 6.25 + 1) / 6, (0.25 + 12.25 + 0) / 6),
    "hinge": ((0 + 0 + 2) / 3 + (1.5 + 0 + 2) / 3, 1 / 3),
    "wgan": (-1 / 3 - 5 / 3, 1 / 3),
    "rpgan": (
        -mean([logarithm(x - y) for x, y in zip(REAL, FAKE, strict=True)]),
        -mean([logarithm(y - x) for x, y in zip(REAL, FAKE, strict=True)]),
    ),
}


def generator_loss(name: str, fake_B: Tensor, real_B: Tensor | None = None) -> Tensor:
    """The generator's loss; where it sees real scores, against those given, else against 0."""
    real_B = torch.zeros_like(fake_B) if real_B is None else real_B
    return LOSSES[name].generator(real_B, fake_B) if LOSSES[name].needs_real else LOSSES[name].generator(fake_B)


every = pytest.mark.parametrize("name", LOSSES)


@every
def test_values_are_those_worked_out_by_hand(name: str) -> None:
    assert name in BY_HAND, f"the loss {name!r} has no values worked out by hand: add them to BY_HAND"
    critic, generator = BY_HAND[name]
    assert LOSSES[name].critic(REAL_B, FAKE_B).item() == pytest.approx(critic, rel=1e-6)
    assert generator_loss(name, FAKE_B, REAL_B).item() == pytest.approx(generator, rel=1e-6)


@every
def test_critic_raises_real_and_lowers_fake_and_generator_raises_fake(name: str) -> None:
    # Scores within every objective's targets and margins: beyond them hinge is content and least squares pulls back.
    real_B = torch.tensor([0.5, -0.2, 0.1], requires_grad=True)
    fake_B = torch.tensor([0.3, 0.6, 0.9], requires_grad=True)
    real_gradient, fake_gradient = torch.autograd.grad(LOSSES[name].critic(real_B, fake_B), (real_B, fake_B))
    assert (real_gradient < 0).all()
    assert (fake_gradient > 0).all()
    (generator_gradient,) = torch.autograd.grad(generator_loss(name, fake_B), fake_B)
    assert (generator_gradient < 0).all()


@every
def test_losses_of_huge_scores_are_finite_and_so_are_their_gradients(name: str) -> None:
    for scale in (0.0, 1e4, -1e4):
        scores_B = torch.full((4,), scale, requires_grad=True)
        for value in (LOSSES[name].critic(scores_B, -scores_B), generator_loss(name, scores_B)):
            (gradient,) = torch.autograd.grad(value, scores_B)
            assert torch.isfinite(value)
            assert torch.isfinite(gradient).all()


@every
def test_the_order_of_a_batch_and_its_halves_make_no_difference(name: str) -> None:
    loss = LOSSES[name]
    # A loss of pairs keeps who plays against whom.
    other_B = FAKE_B.flip(0) if loss.needs_real else FAKE_B.roll(1)
    assert loss.critic(REAL_B.flip(0), other_B).item() == pytest.approx(loss.critic(REAL_B, FAKE_B).item())
    whole = generator_loss(name, torch.cat([FAKE_B, FAKE_B + 1]))
    halves = (generator_loss(name, FAKE_B) + generator_loss(name, FAKE_B + 1)) / 2
    assert whole.item() == pytest.approx(halves.item(), rel=1e-6)


def optimal(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of the optimal critic of two distributions over K outcomes, for least squares and log loss."""
    return p / (p + q), (p / q).log()


def expectation(loss_of_scores: Tensor, weights: Tensor) -> Tensor:
    return (loss_of_scores * weights).sum()


P_K = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q_K = torch.tensor([0.1, 0.3, 0.6], dtype=torch.float64)


def test_log_loss_at_its_optimum_is_2_log_2_minus_twice_the_jensen_shannon_divergence() -> None:
    score_K = optimal(P_K, Q_K)[1]
    # The mean of a batch of one is the loss of that score: weighed by hand, it is the expectation.
    loss = sum(
        p * LOSSES["gan"].critic(f[None], torch.tensor([-1e9]).double())
        + q * LOSSES["gan"].critic(torch.tensor([1e9]).double(), f[None])
        for p, q, f in zip(P_K, Q_K, score_K, strict=True)
    )
    middle_K = (P_K + Q_K) / 2
    js = (expectation((P_K / middle_K).log(), P_K) + expectation((Q_K / middle_K).log(), Q_K)) / 2
    assert float(loss) == pytest.approx(2 * math.log(2) - 2 * js.item(), abs=1e-12)


def test_the_relativistic_loss_knows_differences_alone_and_is_log_2_where_pairs_draw() -> None:
    critic, generator = LOSSES["rpgan"].critic, LOSSES["rpgan"].generator
    assert torch.allclose(critic(REAL_B + 7, FAKE_B + 7), critic(REAL_B, FAKE_B))
    assert torch.equal(critic(REAL_B, FAKE_B), generator(FAKE_B, REAL_B))
    assert critic(REAL_B, REAL_B).item() == pytest.approx(math.log(2))


def test_minus_1_1_0_makes_the_least_squares_generator_minimise_pearsons_chi_squared() -> None:
    a, b, c = -1.0, 1.0, 0.0
    score_K = (b * P_K + a * Q_K) / (P_K + Q_K)  # the optimal critic: Mao et al. 2017, eq. 5
    loss = least_squares(a, b, c)
    # Theorem 1: E_p[(f - c)^2] + E_q[(f - c)^2] is the divergence; the first part does not depend on the generator's
    # scores but on the critic alone, and is here taken by the same formula.
    value = sum(2 * (p + q) * loss.generator(f[None]) for p, q, f in zip(P_K, Q_K, score_K, strict=True))
    pearson = expectation((2 * Q_K - (P_K + Q_K)) ** 2 / (P_K + Q_K) ** 2, P_K + Q_K)
    assert float(value) == pytest.approx(pearson.item(), abs=1e-12)


def test_minimax_gradient_vanishes_where_the_critic_is_sure_and_the_other_does_not() -> None:
    def gradient(name: str, score: float) -> float:
        fake_B = torch.tensor([score], requires_grad=True)
        return abs(torch.autograd.grad(generator_loss(name, fake_B), fake_B)[0].item())

    scores = [0.0, -2.0, -5.0, -10.0]
    assert all(after < before for before, after in pairwise(gradient("gan", score) for score in scores))
    assert gradient("gan", -10.0) < 1e-4
    assert gradient("gan-ns", -10.0) == pytest.approx(1, abs=1e-4)


def test_settings_name_the_objective_and_its_targets() -> None:
    changes: dict[str, object] = {"objective.loss": "lsgan", "objective.targets": "-1, 1, 0"}
    loss = loss_of(recipe("fast", changes).objective)
    assert loss.critic(REAL_B, FAKE_B).item() == pytest.approx(
        sum((f - 1) ** 2 for f in REAL) / 6 + sum((f + 1) ** 2 for f in FAKE) / 6, rel=1e-6
    )
    assert loss.generator(FAKE_B).item() == pytest.approx(sum(f**2 for f in FAKE) / 6, rel=1e-6)
    for name in set(LOSSES) - {"lsgan"}:
        assert loss_of(recipe("fast", {"objective.loss": name}).objective) is LOSSES[name]


@pytest.mark.parametrize("targets", ["", "1, 2", "a, b, c", "1, 2, 3, 4", "0, 1, nan"])
def test_targets_that_are_not_three_numbers_are_refused(targets: str) -> None:
    with pytest.raises(ConfigError, match=r"objective\.targets"):
        recipe("fast", {"objective.loss": "lsgan", "objective.targets": targets})
