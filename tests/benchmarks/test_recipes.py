"""The plans of the ablation are sound, and a run of one goes on where it was stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recipes
from benchmarks.ablation import read_rows
from benchmarks.factors import FACTORS, FAST
from benchmarks.plans import CORPORA, PLANS, Trial
from benchmarks.variations import AND, VARIATIONS
from seqgan_wgp.config import override
from seqgan_wgp.training.schedule import penalty_every
from seqgan_wgp.training.trainer import Trainer

Build = Callable[[Trial], Trainer]
Tiny = Callable[..., Trial]


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_has_no_trial_twice_and_every_entry_is_a_recipe(name: str) -> None:
    plan, minutes = PLANS[name]
    trials = plan(minutes)
    assert len({trial.key for trial in trials}) == len(trials)
    assert len({(trial.corpus, trial.name, trial.seed) for trial in trials}) == len(trials)
    for trial in trials:
        config = recipes.config_of(trial)
        assert config.training.seed == trial.seed
        assert {part for part in trial.variation.split(AND) if part} <= set(VARIATIONS)
    for corpus in CORPORA:
        assert len({recipes.config_of(trial).corpus.length for trial in trials if trial.corpus == corpus}) <= 1


def test_every_variation_is_in_a_plan() -> None:
    entries = [entry for values in FACTORS.values() for entry in values.values()]
    planned = {entry["variation"] for entry in entries if "variation" in entry}
    assert planned == set(VARIATIONS)


def test_fast_is_what_the_tables_say_it_is(tiny_lines: list[str], tmp_path: Path) -> None:
    """On names, which have all letters of an alphabet."""
    names = tmp_path / "names.txt"
    names.write_text("\n".join([*tiny_lines, "abcdefghi", "jklmnopqr", "stuvwxyz"]), encoding="utf-8")
    trial = Trial(corpus="names", name="fast", settings={"corpus.length": 10}, minutes=1.0)
    now = recipes.domain_of(trial, names, tmp_path).config
    said = override(now, FAST)
    assert (now.generator, now.critic, now.optimizer) == (said.generator, said.critic, said.optimizer)
    assert now.averaging == said.averaging
    assert penalty_every(now.objective, now.training.batch_size) == penalty_every(
        said.objective, said.training.batch_size
    )


def test_a_trials_key_is_all_of_it_but_its_name(tiny: Tiny) -> None:
    trial = tiny()
    assert Trial(**{**vars(trial), "name": "other"}).key == trial.key
    changes: list[dict[str, Any]] = [{"seed": 1}, {"minutes": 2.0}, {"settings": {}}, {"variation": "straight-through"}]
    for change in changes:
        assert Trial(**{**vars(trial), **change}).key != trial.key


def test_a_run_goes_on_with_what_is_missing(data: Path, tmp_path: Path, tiny: Tiny) -> None:
    out, trial = tmp_path / "rows.jsonl", tiny()
    assert recipes.run([trial], out, data, jobs=1) == 0
    whole = out.read_bytes()
    (row,) = read_rows(out)
    assert Trial(**{name: row[name] for name in vars(trial)}) == trial
    out.write_bytes(whole + whole[:50])
    assert read_rows(out) == [row]
    assert recipes.run([trial], out, data, jobs=1) == 0
    assert out.read_bytes() == whole
    other = tiny(minutes=0.003)
    assert recipes.missing([trial, other], read_rows(out)) == [other]


def test_a_trial_that_fails_leaves_no_row_and_is_told_of(
    data: Path, tmp_path: Path, tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.jsonl"
    assert recipes.run([tiny()], out, data / "none", jobs=1) == 1
    assert read_rows(out) == []
    assert "tiny: exit 1" in capsys.readouterr().err


def test_a_trial_is_measured_at_its_marks_on_both_halves(build: Build, tiny: Tiny) -> None:
    trial = tiny(minutes=0.75 / 60)
    measured = recipes.train(trial, build(trial), recipes.Clock(trial.minutes))
    (point,) = measured["curve"]
    assert measured["rounds"] == point["rounds"] > 0 and measured["diverged"] is None
    assert trial.minutes <= point["minutes"] < 2 * trial.minutes
    for half in ("validation", "test"):
        assert {f"js{n}" for n in (1, 2, 3, 4)} | {"js4_floor", "unique"} <= set(point[half])
    json.dumps(measured)


def test_a_trial_of_so_many_rounds_ends_with_them(build: Build, tiny: Tiny) -> None:
    trial = tiny(minutes=60.0, rounds_most=3)
    measured = recipes.train(trial, build(trial), recipes.Clock(trial.minutes))
    assert measured["rounds"] == 3 and [point["rounds"] for point in measured["curve"]] == [3]


def test_a_trial_that_diverges_says_so(build: Build, tiny: Tiny) -> None:
    trainer = build(tiny())
    next(trainer.train_state.critic.parameters()).data.fill_(math.nan)
    measured = recipes.train(tiny(), trainer, recipes.Clock(tiny().minutes))
    assert "nan" in measured["diverged"] and measured["curve"] == [] and measured["rounds"] == 1
