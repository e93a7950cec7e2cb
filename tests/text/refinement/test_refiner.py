"""A refiner: its weights over stages, its decisions by block, its form in a file."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import chisquare  # type: ignore[import-untyped]

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.text.refinement.acceptance import ratio_acceptance
from seqgan_wgp.text.refinement.classifier import BLOCK, ClassifierConfig, StringClassifier
from seqgan_wgp.text.refinement.refiner import AcceptanceConfig, Refiner, Stage, calibrated, from_tensors

V, LENGTH = 5, 1
SIZES = ClassifierConfig(width=8, blocks=(), taps=1)
TARGET = np.array([0, 0, 0.5, 0.4, 0.1])
PROPOSAL = np.array([0, 0, 0.2, 0.3, 0.5])
LOG_RATIO = np.log(np.where(TARGET > 0, TARGET / np.where(PROPOSAL > 0, PROPOSAL, 1), 1))

Ids = npt.NDArray[np.uint8]


def knowing(logit_V: npt.NDArray[np.float64]) -> StringClassifier:
    """Return a classifier of single ids whose logits are given: a feature of its own for each id."""
    classifier = StringClassifier(V, LENGTH, SIZES).eval().requires_grad_(False)
    features = torch.eye(8)[:V]
    classifier.windows.weight.zero_()
    classifier.windows.weight[:V] = features
    with torch.inference_mode():
        high = torch.relu(classifier.norm(features)).max().item()
    classifier.head.weight.zero_()
    classifier.head.weight[0, :V] = torch.from_numpy(logit_V / high).float()
    return classifier


def draws(density: npt.NDArray[np.float64], n: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).choice(V, (n, 1), p=density).astype(np.uint8)


def accepted_rows(refiner: Refiner, ids_NL: Ids, seed: int = 0) -> Ids:
    blocks = range(0, len(ids_NL) - BLOCK + 1, BLOCK)
    return np.concatenate([ids_NL[k : k + BLOCK][refiner.accepts(seed, k, ids_NL[k : k + BLOCK])] for k in blocks])


def follows(ids_NL: Ids, density: npt.NDArray[np.float64]) -> float:
    counts = np.bincount(ids_NL[:, 0], minlength=V)[2:]
    return float(chisquare(counts, counts.sum() * density[2:]).pvalue)


def a_refiner(rule: str = "ratio", logit_V: npt.NDArray[np.float64] = LOG_RATIO, **changes: Any) -> Refiner:
    config = AcceptanceConfig(rule=rule, quantile=1.0, **changes)
    return calibrated([], (knowing(logit_V), 1.0), draws(PROPOSAL, 4_096, 9), config, {"steps": 3})


def test_logits_are_the_weights() -> None:
    ids_NL = np.arange(2, V, dtype=np.uint8)[:, None]
    assert a_refiner().log_weights(ids_NL) == pytest.approx(LOG_RATIO[2:], abs=1e-5)


@pytest.mark.parametrize("changes", [{"rule": "ratio"}, {"rule": "mh", "proposals": 64}])
def test_accepted_strings_follow_the_target(changes: dict[str, Any]) -> None:
    ids_NL = draws(PROPOSAL, 400 * BLOCK)
    kept = accepted_rows(a_refiner(**changes), ids_NL)
    assert follows(kept, TARGET) > 1e-4
    assert follows(ids_NL, TARGET) < 1e-4


def test_a_second_stage_mends_what_the_first_left() -> None:
    half = 0.5 * LOG_RATIO
    first = a_refiner(logit_V=half)
    (stage,) = first.stages
    left = PROPOSAL * np.exp(half)  # what the first stage lets through
    rest = np.log(np.where(TARGET > 0, TARGET / (left / left.sum() + (TARGET == 0)), 1))
    second = calibrated([stage], (knowing(rest), 1.0), draws(PROPOSAL, 4_096, 9), first.config, {})
    ids_NL = draws(PROPOSAL, 400 * BLOCK)
    assert follows(accepted_rows(first, ids_NL), TARGET) < 1e-4
    assert follows(accepted_rows(second, ids_NL), TARGET) > 1e-4


def test_what_a_bound_cut_off_in_one_stage_does_not_count_in_the_next() -> None:
    stage = Stage(classifier=knowing(LOG_RATIO), temperature=1.0, log_bound=0.0, gamma=0.0, facts={})
    second = Stage(classifier=knowing(np.zeros(V)), temperature=1.0, log_bound=0.0, gamma=0.0, facts={})
    refiner = Refiner(stages=(stage, second), config=AcceptanceConfig())
    weights = refiner.log_weights(np.arange(2, V, dtype=np.uint8)[:, None])
    assert weights == pytest.approx(np.log(ratio_acceptance(LOG_RATIO[2:], 0.0)), abs=1e-5)


def test_a_constant_classifier_rejects_nothing() -> None:
    refiner = a_refiner("ratio", np.full(V, 2.0))
    assert refiner.accepts(0, 0, draws(PROPOSAL, BLOCK)).all()
    assert refiner.expected_acceptance == 1
    # Discriminator rejection sampling keeps the share that was asked for, whatever the ratios are.
    assert a_refiner("drs", np.full(V, 2.0)).expected_acceptance == pytest.approx(0.5)


def test_the_expected_acceptance_is_what_comes() -> None:
    for changes in ({"rule": "ratio"}, {"rule": "drs", "rate": 0.3}, {"rule": "mh", "proposals": 16}):
        refiner = a_refiner(**changes)
        ids_NL = draws(PROPOSAL, 100 * BLOCK)
        assert len(accepted_rows(refiner, ids_NL)) / len(ids_NL) == pytest.approx(refiner.expected_acceptance, abs=0.02)


@pytest.mark.parametrize("changes", [{"rule": "ratio"}, {"rule": "mh", "proposals": 8}])
def test_decisions_are_functions_of_seed_and_number(changes: dict[str, Any]) -> None:
    refiner, ids_NL = a_refiner(**changes), draws(PROPOSAL, BLOCK)
    once = refiner.accepts(1, 3 * BLOCK, ids_NL)
    assert (refiner.accepts(1, 3 * BLOCK, ids_NL) == once).all()
    assert (refiner.accepts(2, 3 * BLOCK, ids_NL) != once).any()
    assert (refiner.accepts(1, 4 * BLOCK, ids_NL) != once).any()


def test_a_file_gives_the_same_refiner() -> None:
    refiner = calibrated(
        a_refiner().stages, (knowing(0.1 * LOG_RATIO), 1.3), draws(PROPOSAL, 999), AcceptanceConfig(), {}
    )
    facts = json.loads(json.dumps(refiner.to_facts()))
    again = from_tensors(facts, refiner.to_tensors() | {"generator.x": torch.zeros(1)}, V, LENGTH)
    ids_NL = draws(PROPOSAL, BLOCK)
    assert (again.log_weights(ids_NL) == refiner.log_weights(ids_NL)).all()
    assert (again.accepts(4, 0, ids_NL) == refiner.accepts(4, 0, ids_NL)).all()
    assert again.to_facts() == refiner.to_facts()


def test_damaged_parts_of_a_file_are_named() -> None:
    refiner = a_refiner()
    facts, tensors = refiner.to_facts(), refiner.to_tensors()
    (stage,) = facts["stages"]
    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, tensors),
        ({**facts, "stages": []}, tensors),
        (facts, {}),
        ({**facts, "stages": [{**stage, "temperature": 0.0}]}, tensors),
        ({**facts, "stages": [{**stage, "gamma": math.nan}]}, tensors),
        ({**facts, "acceptance": {"rule": "none"}}, tensors),
    ]
    for some_facts, some_tensors in wrong:
        with pytest.raises(CheckpointError, match="refiner"):
            from_tensors(some_facts, some_tensors, V, LENGTH)


@pytest.mark.parametrize(
    "wrong",
    [{"rule": "rati"}, {"quantile": 0.0}, {"quantile": 1.1}, {"rate": 1.0}, {"proposals": 1}, {"proposals": 48}],
)
def test_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        AcceptanceConfig(**wrong)
