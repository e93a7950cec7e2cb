"""Training of the classifier: it learns what there is to learn, no more, and repeats."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.refinement.classifier import ClassifierConfig, logits
from seqgan_wgp.text.refinement.fit import Draws, FitConfig, FitProgress, FittedClassifier, fit, strings_per_step

V, LENGTH = 6, 5
SIZES = ClassifierConfig(width=16, blocks=("conv-1", "attention"), heads=2)


def rows(n: int, seed: int, *, common: float = 0.2) -> np.ndarray:
    """Return rows of independent ids, of which id 2 has probability `common` and ids 3 to 5 share the rest."""
    rng = np.random.default_rng(seed)
    return rng.choice([2, 3, 4, 5], (n, LENGTH), p=[common, *([(1 - common) / 3] * 3)]).astype(np.uint8)


def endless(common: float, seed: int = 100) -> Iterator[np.ndarray]:
    while True:
        yield rows(300, seed, common=common)
        seed += 1


def fitted(common: float, seed: int = 0, **changes: object) -> FittedClassifier:
    config = FitConfig(**{"steps": 150, "batch_size": 64, "warm_up": 10, **changes})  # type: ignore[arg-type]
    return fit(rows(4_000, 1), rows(1_500, 2), endless(common), V, config, sizes=SIZES, seed=seed)


def test_the_calibrated_logit_is_the_log_ratio_of_the_densities() -> None:
    found = fitted(0.5)
    fresh = rows(2_000, 77, common=0.35)
    estimated = logits(found.classifier, fresh) / found.temperature
    ones = (fresh == 2).sum(1)
    exact = ones * math.log(0.2 / 0.5) + (LENGTH - ones) * math.log(0.8 / 0.5)
    assert np.corrcoef(estimated, exact)[0, 1] > 0.95
    assert np.abs(estimated - exact).mean() < 0.4
    assert found.loss < 0.6 and found.accuracy > 0.65 and found.auc > 0.72


def test_it_does_not_find_what_is_not_there_and_stops_early() -> None:
    found = fitted(0.2, steps=2_000, evaluate_every=10, patience=3)
    assert found.steps < found.planned == 2_000
    assert found.accuracy == pytest.approx(0.5, abs=0.04)
    assert found.loss <= math.log(2) + 1e-6


def test_training_repeats_bit_for_bit_and_leaves_the_global_random_state() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = fitted(0.4, steps=30)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    two, other = fitted(0.4, steps=30), fitted(0.4, steps=30, seed=1)
    pairs = zip(one.classifier.parameters(), two.classifier.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert (one.temperature, one.loss, one.best_step) == (two.temperature, two.loss, two.best_step)
    assert not torch.equal(one.classifier.head.weight, other.classifier.head.weight)
    assert not one.classifier.training


def test_seconds_become_steps_that_repeat_the_training() -> None:
    seen: list[FitProgress] = []
    config = FitConfig(seconds=4.0, batch_size=32)
    timed = fit(rows(500, 1), rows(200, 2), endless(0.5), V, config, sizes=SIZES, on_progress=seen.append)
    assert [progress.step for progress in seen] == list(range(1, timed.steps + 1))
    assert seen[0].steps is None and seen[-1].steps == timed.planned
    config = FitConfig(steps=timed.planned, batch_size=32)
    again = fit(rows(500, 1), rows(200, 2), endless(0.5), V, config, sizes=SIZES)
    if timed.steps == again.steps:  # a machine that got slower meanwhile has stopped before the planned end
        assert torch.equal(timed.classifier.head.weight, again.classifier.head.weight)


def test_seconds_end_training_even_where_steps_get_slower() -> None:
    config = FitConfig(seconds=0.001, batch_size=16)
    found = fit(rows(50, 1), rows(20, 2), endless(0.5), V, config, sizes=SIZES)
    assert found.steps == 1


def test_draws_come_in_order_whatever_is_asked_for() -> None:
    draws = Draws(iter([np.arange(4)[:, None], np.arange(4, 5)[:, None], np.arange(5, 30)[:, None]]))
    taken = [draws.take(count)[:, 0].tolist() for count in (3, 3, 0, 10)]
    assert taken == [[0, 1, 2], [3, 4, 5], [], list(range(6, 16))]


def test_what_cannot_be() -> None:
    for wrong in ({}, {"steps": 1, "seconds": 1.0}, {"steps": 0}, {"seconds": math.inf}, {"seconds": -1.0}):
        with pytest.raises(ConfigError):
            FitConfig(**wrong)
    with pytest.raises(ValueError, match="validation"):
        fit(rows(5, 1), rows(0, 1), endless(0.5), V, FitConfig(steps=1))


def test_batches_get_smaller_for_long_rows() -> None:
    assert [strings_per_step(length) for length in (1, 16, 32, 64, 256, 2_000)] == [128, 128, 128, 64, 16, 16]
