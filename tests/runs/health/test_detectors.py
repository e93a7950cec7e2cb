"""What is found wrong with a training: each rule by hand, on records that are made up."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config import Config, recipe, recipe_names
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.runs.health.detectors import (
    DEAD_GRADIENT,
    DETECTORS,
    GAP_DIAGNOSES,
    HELPED_BY_A_BOUND,
    REMEDIES,
    SWING_EVALUATIONS,
    VARIETY_EVALUATIONS,
    WORSE,
    WORSE_EVALUATIONS,
    History,
    chance_loss,
    remedy,
    swings,
)
from seqgan_wgp.runs.health.findings import Health
from seqgan_wgp.training.losses import loss_of

Records = list[dict[str, Any]]


def found(records: Records, config: Config | None = None) -> list[tuple[str, int]]:
    """Return name and step of all that is found in records, which get steps of 100."""
    health = Health(config or recipe("fast"), "js4")
    for number, record in enumerate(records, 1):
        health.look({"step": 100 * number, **record})
    return [(finding.name, finding.step) for finding in health.findings]


def series(**columns: list[float]) -> Records:
    """Return records from columns: name -> values."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def with_loss(loss: str, **settings: object) -> Config:
    return recipe("fast", {"objective.loss": loss, **{f"objective.{name}": value for name, value in settings.items()}})


def test_every_rule_has_a_remedy_and_is_silent_where_there_is_nothing_to_look_at() -> None:
    assert DETECTORS.keys() == REMEDIES.keys()
    assert all(REMEDIES.values())
    assert found([]) == []
    assert found([{}] * 30) == []
    assert found([{"step": 1, "critic_loss": 0.0}, {"novel": 0.0}] * 20) == []


@pytest.mark.parametrize("name", recipe_names())
def test_options_of_a_remedy_can_be_given(name: str) -> None:
    for detector in DETECTORS:
        proposed = remedy(detector, recipe(name))
        options = re.findall(r"--set (\S+)", proposed)
        changed = recipe(name, parse_assignments(options))
        bounded = recipe(name).objective.constraint not in ("none", "clip")
        assert changed.objective.constraint not in ("none", "clip") or detector not in HELPED_BY_A_BOUND
        assert bool(options) == (detector in HELPED_BY_A_BOUND and not bounded)
        assert remedy(detector, changed) == REMEDIES[detector]


def test_history_gives_the_latest_records_that_have_all_and_nothing_old() -> None:
    history = History(recipe("fast"), "js4")
    assert history.last(1, "a") == []
    for record in ({"a": 1.0, "b": 2}, {"a": 3.0}, {"a": 5.0, "b": 6.0, "list": [1], "word": "x", "none": None}):
        history.add(record)
    assert history.last(2, "a", "b") == [(1.0, 2), (5.0, 6.0)]
    assert history.last(2, "a") == [(3.0,), (5.0,)]
    assert history.last(3, "a", "b") == history.last(1, "list") == history.last(1, "word") == history.last(4, "a") == []
    history.add({"b": 7.0})
    assert history.last(1, "a") == []
    assert history.last(2, "b") == [(6.0,), (7.0,)]


LOW_HIGH = {
    "unique": ({"unique": 0.3, "unique_floor": 0.9}, {"unique": 0.5, "unique_floor": 0.9}),
    "lines that repeat too": ({"unique": 0.02, "unique_floor": 0.05}, {"unique": 0.03, "unique_floor": 0.05}),
    "entropy": ({"ngram_entropy": 5.0, "ngram_entropy_floor": 7.0}, {"ngram_entropy": 6.1, "ngram_entropy_floor": 7.0}),
    "digits": ({"class_kl": 1.2}, {"class_kl": 0.9}),
    "modes": ({"mode_kl": 2.0}, {"mode_kl": 0.9}),
}


@pytest.mark.parametrize("name", LOW_HIGH)
def test_collapse_is_little_variety_for_long(name: str) -> None:
    low, high = LOW_HIGH[name]
    few = VARIETY_EVALUATIONS
    # Between evaluations there are records without measures.
    if name != "lines that repeat too":
        assert found([low, {}] * few) == [("collapse", 100 * (2 * few - 1))]
        assert found([high] + [low] * 3 * few) == [("collapse", 100 * (few + 1))]
    assert found([low] * (few - 1)) == found([high] * 20) == found([*[low] * (few - 1), high] * 5) == []


@pytest.mark.parametrize(
    ("name", "values"), [("class_kl", [3.2, 3.2, 3.1, 3.0, 2.9, 2.2, 1.5, 0.4]), ("mode_kl", [4.6, 4.5, 3.0, 2.0, 1.1])]
)
def test_variety_that_is_little_but_grows_is_no_collapse(name: str, values: list[float]) -> None:
    assert found(series(**{name: values})) == []
    assert found(series(**{name: values[:5] + values[3:4] * 5})) == [("collapse", 800)]


def test_critics_that_know_the_training_items_are_found_and_noise_is_not() -> None:
    count = GAP_DIAGNOSES
    real, fake = [1.0] * count, [-1.0] * count
    held_out = [-0.2 + 0.1 * (-1) ** k for k in range(count)]
    assert found(series(score_real=real, score_held_out=held_out, score_fake=fake)) == [
        ("critic-overfitting", 100 * count)
    ]
    near = [value + 1.1 for value in held_out]
    assert found(series(score_real=real, score_held_out=near, score_fake=fake)) == []
    # A gap as large on the mean, but as noisy as scores of critics that see next to nothing.
    noisy = [-0.2 + 2 * (-1) ** k for k in range(count)]
    assert found(series(score_real=real, score_held_out=noisy, score_fake=fake)) == []
    # Fakes above real items: there is no way from the one to the other.
    assert found(series(score_real=real, score_held_out=held_out, score_fake=[2.0] * count)) == []


@pytest.mark.parametrize("seed", range(5))
def test_scores_without_a_difference_are_not_called_learnt_by_heart(seed: int) -> None:
    noise_3N = np.random.default_rng(seed).standard_normal((3, 100)).tolist()
    columns = dict(zip(("score_real", "score_held_out", "score_fake"), noise_3N, strict=True))
    assert found(series(**columns)) == []


def test_a_dead_critic_is_one_without_gradient_in_a_row() -> None:
    alive, dead = {"generator_gradient": 2 * DEAD_GRADIENT}, {"generator_gradient": 0.0}
    assert found([alive, dead, dead, dead, dead]) == [("dead-critic", 400)]
    assert found([dead, dead, alive] * 5) == []


@pytest.mark.parametrize("loss", ["gan", "gan-ns", "hinge", "lsgan"])
def test_a_critic_that_is_sure_is_found_where_losses_have_a_bottom(loss: str) -> None:
    config = with_loss(loss)
    level = chance_loss(config.objective)
    assert level is not None
    sure, unsure = ({"critic_loss": share * level + 3.0, "penalty": 3.0} for share in (0.001, 0.02))
    assert found([unsure, sure, sure, unsure], config) == [("saturated-critic", 300)]
    assert found([unsure, sure] * 5, config) == []
    # The first round after a warm-up, which ends when the critic is sure.
    health = Health(config, "js4")
    assert not health.look({"step": 1, **sure})
    assert not health.look({"step": 50, **sure})
    assert health.look({"step": 100, **sure})


def test_wasserstein_losses_have_no_bottom() -> None:
    assert chance_loss(recipe("fast").objective) is None
    assert found([{"critic_loss": 1e-9, "penalty": 0.0}] * 9) == []


@pytest.mark.parametrize("targets", ["0, 1, 1", "-1, 1, 0", "2, 5, 4"])
@pytest.mark.parametrize("loss", ["gan", "gan-ns", "hinge", "lsgan"])
def test_chance_loss_is_the_least_that_one_score_for_all_gives(loss: str, targets: str) -> None:
    objective = with_loss(loss, targets=targets).objective
    critic = loss_of(objective).critic
    scores = torch.linspace(-5, 5, 2_001, dtype=torch.float64)
    least = min(critic(score[None], score[None]).item() for score in scores)
    assert chance_loss(objective) == pytest.approx(least, abs=1e-5)


def test_swings_by_hand() -> None:
    assert swings([5.0], 1.3) == swings([5.0, 5.0, 5.0], 1.3) == swings([5.0, 6.0, 5.0, 6.0], 1.3) == 0
    assert swings([8.0, 4.0, 2.0, 1.0], 1.3) == swings([1.0, 1.1, 1.2, 1.3], 1.3) == 1
    assert swings([1.0, 2.0, 1.0, 2.0], 1.3) == 3
    assert swings([4.0, 3.5, 3.0, 2.9, 3.5, 3.9, 3.0], 1.3) == 3


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20), st.floats(1.05, 3))
def test_swings_do_not_depend_on_direction_and_are_monotone_in_the_factor(values: list[float], factor: float) -> None:
    count = swings(values, factor)
    assert 0 <= count < len(values)
    assert swings(sorted(values), factor) <= 1
    assert swings(values, 2 * factor) <= count
    assert swings([2 * value for value in values], factor) == count
    assert swings([*values, values[-1]], factor) == count


def test_oscillation_is_many_swings_of_the_criterion() -> None:
    there_and_back = [0.2, 0.3] * 20
    assert found(series(js4=there_and_back)) == [("oscillation", 100 * SWING_EVALUATIONS)]
    assert found(series(js3=there_and_back)) == found(series(js4=[0.2, 0.24] * 20)) == []
    assert found(series(js4=[1 / k for k in range(1, 40)])) == []
    assert found(series(js4=[0.2] * 10 + [0.9] + [0.2] * 20)) == []
    assert found(series(js4=[0.0, 0.3] * 20)) == []


def test_worsening_is_a_criterion_that_stays_above_its_best() -> None:
    worse = [0.5, 0.2, 0.3] + [0.2 * WORSE + 0.001] * 20
    first = 2 + WORSE_EVALUATIONS  # the 0.3 behind the best counts
    assert found(series(js4=worse)) == [("worsening", 100 * first)]
    assert found(series(js4=[2 * value for value in worse])) == [("worsening", 100 * first)]
    assert found(series(js3=worse)) == []
    assert found(series(js4=[0.2] + [0.2 * WORSE - 0.001] * 20)) == []
    assert found(series(js4=[0.2, *[0.3] * (WORSE_EVALUATIONS - 1), 0.25, *[0.3] * (WORSE_EVALUATIONS - 1)])) == []
    assert found(series(js4=[0.0] + [0.3] * 20)) == []
    assert found(series(js4=[1 / k for k in range(1, 40)])) == []


def test_the_message_of_worsening_has_the_best_and_its_step_and_the_remedy_what_the_settings_allow() -> None:
    config = recipe("fast", {"critic.context": "attention"})
    health = Health(config, "js4")
    for step, value in enumerate([0.5, 0.2, *[0.4, 0.6] * 3]):
        health.look({"step": step, "js4": value})
    (finding,) = health.findings
    assert "js4 was 0.2 at step 1, and at least 0.4 in the last 5 evaluations" in finding.message
    assert "critic.context_rate below 0.03, or without critic.context=attention" in finding.remedy
    assert "context" not in remedy("worsening", recipe("fast"))
