"""What the best model of a run of text is chosen by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config, from_dict, recipe, to_dict
from seqgan_wgp.text.criteria import COMPOSITE_ORDERS, CRITERIA, composite, orders_of
from seqgan_wgp.text.domain import TextDomain

from .corpora import prepared


def test_the_composite_is_the_mean_divergence_and_the_strings_that_are_missing() -> None:
    assert composite([0.15, 0.27, 0.33], 0.9, 0.9) == pytest.approx(0.25)
    assert composite([0.15, 0.27, 0.33], 0.72, 0.9) == pytest.approx(0.25 + 0.15)


def test_more_variety_than_real_lines_have_gains_nothing() -> None:
    assert composite([0.2], 1.0, 0.9) == composite([0.2], 0.9, 0.9) == pytest.approx(0.2)


def test_a_few_repetitions_are_not_told_from_chance() -> None:
    assert composite([0.2], 0.96, 1.0) == pytest.approx(0.2) == composite([0.2], 0.95, 1.0)
    assert composite([0.2], 0.9, 1.0) == pytest.approx(0.25)


@pytest.mark.parametrize("place", range(3))
def test_each_divergence_weighs_the_same(place: int) -> None:
    js = [0.1, 0.2, 0.3]
    worse = [value + (0.03 if at == place else 0.0) for at, value in enumerate(js)]
    assert composite(worse, 0.9, 0.9) - composite(js, 0.9, 0.9) == pytest.approx(0.01)


def test_orders_are_no_longer_than_rows_and_each_counts_once() -> None:
    assert orders_of(CRITERIA["composite"], 4, 16) == COMPOSITE_ORDERS == (4, 6, 8)
    assert orders_of(CRITERIA["composite"], 4, 6) == (4, 6)
    assert orders_of(CRITERIA["composite"], 4, 3) == (3,)
    assert orders_of(CRITERIA["js"], 4, 16) == (4,)
    assert orders_of(CRITERIA["js"], 4, 2) == (2,)


def test_a_config_that_names_no_criterion_has_the_one_of_old_runs() -> None:
    tree = to_dict(recipe("fast"))
    assert tree["evaluation"].pop("criterion") == "composite"
    assert from_dict(tree).evaluation.criterion == "js"


@pytest.fixture
def domain(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Callable[..., TextDomain]:
    """`domain(criterion="js")`: the tiny corpus, all of the validation half measured."""

    def make(criterion: str, length: int = 8) -> TextDomain:
        changes = {"evaluation.criterion": criterion, "evaluation.samples": None, "corpus.length": length}
        config = tiny_config(**changes)
        folder = tmp_path / f"{criterion}-{length}"
        folder.mkdir()
        return TextDomain(prepared(tiny_lines, config, folder), config, torch.device("cpu"))

    return make


@pytest.mark.parametrize("length", [3, 8])
def test_the_measures_of_an_evaluation_make_up_the_composite(domain: Callable[..., TextDomain], length: int) -> None:
    one, other = domain("composite", length), domain("js", length)
    assert (one.criterion, other.criterion) == ("composite", "js2")
    rows = one.corpus.train[np.arange(len(one.corpus.train))][::-1][: one.samples]
    numbers, plain = one.score(rows), other.score(rows)
    assert plain == {name: value for name, value in numbers.items() if not name.startswith("composite")}
    assert "js3" not in numbers
    assert numbers["composite"] == pytest.approx(numbers["composite_floor"], abs=0.1)
    held_out = one.score(np.asarray(one.corpus.validation_NL))
    missing = max(0.0, 0.95 - held_out["unique"] / held_out["unique_floor"])
    assert held_out["composite"] == pytest.approx(missing)
    assert held_out["composite_floor"] == numbers["composite_floor"]


def test_repetition_costs_more_than_it_gains(domain: Callable[..., TextDomain]) -> None:
    """A tenth of the real lines, each ten times, is worse than all of them in every part of the composite."""
    one = domain("composite")
    rows = one.corpus.train[np.arange(one.samples)]
    real, repeated = one.score(rows), one.score(np.resize(rows[: one.samples // 10], rows.shape))
    assert repeated["composite"] - real["composite"] > 0.95 - repeated["unique"] / repeated["unique_floor"] > 0.8
