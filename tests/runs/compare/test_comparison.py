"""Comparisons: what is asked for, what is shared, and that stopping, going on and adding change no number."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seqgan_wgp.config import recipe, recipe_names
from seqgan_wgp.errors import CheckpointError, ConfigError, CorpusError
from seqgan_wgp.runs.compare.comparison import FILE, Comparison
from seqgan_wgp.runs.compare.curves import Curve, CurvePoint, axis_title, draw, save_figure
from seqgan_wgp.runs.compare.folder import held_comparison, open_comparison
from seqgan_wgp.runs.compare.plan import MAX_FOLDER, ComparisonOptions, overruled, parse_entries
from seqgan_wgp.runs.folder import RunFolder, read_config
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.toy.adapter import scan_toy

from ...stopping import stop_at

TINY: dict[str, object] = {
    "generator.latent": 8,
    "generator.width": 8,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 8,
    "training.critic_steps": 1,
    "evaluation.every": 2,
    "evaluation.samples": 32,
    "evaluation.orders": 2,
    "log.every": 1,
}
WILD = "fast:optimizer.critic.learning_rate=10,objective.penalty_weight=1e30"

Ask = Callable[..., ComparisonOptions]
Go = Callable[..., Comparison]
Contents = Callable[[Path], dict[str, bytes | None]]


def ask(recipes: str = "fast,passgan", **changes: Any) -> ComparisonOptions:
    """Return what a small comparison asks for."""
    settings = {"settings": TINY, "steps": 5, "device": "cpu", "domain": "text"}
    return ComparisonOptions(entries=parse_entries([recipes]), **{**settings, **changes})


@pytest.fixture
def go(tmp_path: Path, tiny_lines: list[str]) -> Go:
    """Make a comparison in a folder or go on with it, to its end or until `should_stop`."""

    def train(
        name: str,
        asked: ComparisonOptions,
        *,
        lines: list[str] = tiny_lines,
        should_stop: Callable[[], bool] = lambda: False,
        overwrite: bool = False,
        seen: list[str] | None = None,
    ) -> Comparison:
        found, _ = scan_data(lines, asked.configs()[0])
        with held_comparison(tmp_path / name, overwrite=overwrite) as claim:
            comparison = open_comparison(tmp_path / name, claim, found, asked)
            for entrant in comparison.entrants:
                if should_stop():
                    break
                if not comparison.done(entrant):
                    if seen is not None:
                        seen.append(str(entrant.entry))
                    comparison.train(entrant, should_stop=should_stop)
        return comparison

    return train


def without_times(comparison: Comparison) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((comparison.path / FILE).read_text())["recipes"]
    return [{name: value for name, value in row.items() if "second" not in name} for row in rows]


@pytest.mark.parametrize(
    ("texts", "entries"),
    [
        (["fast"], ["fast"]),
        (["fast,paper,passgan"], ["fast", "paper", "passgan"]),
        (["fast", " paper , passgan "], ["fast", "paper", "passgan"]),
        (["mnist-wgan-gp,mnist-fast"], ["mnist-wgan-gp", "mnist-fast"]),
        (["a:b.c=1,d.e=2,f,g:h.i=j"], ["a:b.c=1,d.e=2", "f", "g:h.i=j"]),
        (["fast: generator.width = 9 , critic.width = 9"], ["fast:generator.width=9,critic.width=9"]),
        (["a:objective.targets=0,1,1,b"], ["a:objective.targets=0,1,1", "b"]),
        (["a:objective.targets=-1, 1, 0,critic.width=9"], ["a:objective.targets=-1,1,0,critic.width=9"]),
        (["fast,fast:training.seed=1"], ["fast", "fast:training.seed=1"]),
    ],
)
def test_recipes_are_read_as_they_are_written(texts: list[str], entries: list[str]) -> None:
    found = parse_entries(texts)
    assert [str(entry) for entry in found] == entries
    assert parse_entries(entries) == found == parse_entries([",".join(entries)])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is not a recipe"),
        ("fast,", "'' is not a recipe"),
        ("fast paper", "'fast paper' is not a recipe"),
        ("generator.width=9", "'generator.width=9' is not a recipe"),
        ("fast,generator.width=9", "'generator.width=9' is not a recipe"),
        ("fast,7", "'7' is not a recipe"),
        ("fast:", "'' is not a setting"),
        ("fast:generator.width", "'generator.width' is not a setting"),
        ("fast,paper,fast", "has fast twice"),
        ("fast:corpus.length=9", "--set corpus.length=9"),
        ("fast:evaluation.orders=2", "--set evaluation.orders=2"),
        ("fast:toy.theta=2", "--set toy.theta=2"),
    ],
)
def test_a_mistake_in_recipes_is_told(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_entries([text])
    assert says in str(error.value)


def test_no_name_of_a_recipe_can_be_read_as_a_setting() -> None:
    assert [str(entry) for entry in parse_entries([",".join(recipe_names())])] == recipe_names()


def test_folders_have_plain_names_each_its_own() -> None:
    long = ",".join(f"optimizer.critic.beta{k}=0.{k}" for k in range(1, 9))
    texts = ["a", "a:b.c=1", "a:b.c=1,d.e=2", "a:b.c=1/2", "a:b.c=1|2", "a:b.c=x y", f"a:{long}", f"a:{long}5"]
    folders = [entry.folder for text in texts for entry in parse_entries([text])]
    assert folders[:3] == ["a", "a+b.c=1", "a+b.c=1+d.e=2"]
    assert len(set(folders)) == len(folders)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789+-._=") for name in folders)
    assert max(map(len, folders)) <= MAX_FOLDER


def test_what_is_nearer_to_a_recipe_wins(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[training]\nseed = 1\nbatch_size = 2\ncritic_steps = 3\nminutes = 9\n[log]\nevery = 4\n")
    plain, changed = ask(
        "fast,paper:log.every=7,training.seed=8",
        settings={"training.batch_size": 20, "log.every": 40, "evaluation.patience": 3},
        file=file,
        seed=5,
    ).configs()
    assert (plain.training.seed, plain.training.batch_size, plain.training.critic_steps) == (5, 20, 3)
    assert (plain.log.every, changed.log.every, changed.training.seed) == (40, 7, 8)
    assert (plain.training.steps, plain.training.minutes, plain.evaluation.patience) == (5, None, 3)


def test_the_end_is_the_one_that_is_given_or_each_recipes_own() -> None:
    def ends(**given: Any) -> list[tuple[Any, ...]]:
        found = ask("fast,paper", settings={}, **given).configs()
        return [(config.training.steps, config.training.minutes, config.evaluation.patience) for config in found]

    assert ends(steps=7) == [(7, None, None)] * 2
    assert ends(steps=None, minutes=2.5) == [(None, 2.5, None)] * 2
    assert ends(steps=7, minutes=2.5) == [(7, 2.5, None)] * 2
    own = [recipe(name) for name in ("fast", "paper")]
    assert ends(steps=None) == [(each.training.steps, None, each.evaluation.patience) for each in own]


def test_all_learn_from_the_rows_of_the_first_and_are_measured_alike(tiny_lines: list[str]) -> None:
    asked = ask("passgan,paper,fast", settings={})
    own = asked.configs()
    found, _ = scan_data(tiny_lines, own[0])
    planned = asked.on(found)
    assert own[0].corpus.length == 10 and own[1].corpus.length == 32
    assert {config.corpus for config in planned} == {planned[0].corpus}
    assert (planned[2].corpus.length, planned[2].corpus.overflow, planned[2].generator.width) == (10, "drop", 64)
    assert overruled(own[1], planned[1]) == {"corpus.length": (32, 10)}
    assert overruled(own[0], planned[0]) == overruled(own[2], planned[2]) == {}


def test_recipes_for_other_data_are_refused() -> None:
    with pytest.raises(ConfigError, match="'mnist-fast' is for image data, but the data is text"):
        ask("fast,mnist-fast").configs()


def test_a_comparison_leaves_a_run_for_each_and_says_how_they_did(go: Go) -> None:
    comparison = go("both", ask())
    assert comparison.criterion == "js2"
    names = {path.name for path in comparison.path.iterdir()}
    assert names == {"fast", "passgan", FILE, ".lock"}
    data = [(comparison.path / name / "ids.npy").read_bytes() for name in ("fast", "passgan")]
    assert data[0] == data[1]
    for entrant, row in zip(comparison.entrants, without_times(comparison), strict=True):
        assert read_config(entrant.run) == entrant.config
        result = entrant.result
        assert result is not None and result.seconds > 0 and result.rounds_per_second is not None
        assert (result.ended, result.rounds, result.evaluations) == ("steps", 5, 2)
        assert list(result.test)[:2] == ["js2", "js2_floor"] and {"js1", "unique", "novel"} <= result.test.keys()
        values = {each["step"]: each["js2"] for each in read_records(entrant.run.metrics) if "js2" in each}
        assert list(values) == [2, 4, 5]
        assert (result.best, result.best_step) == min((values[step], step) for step in (2, 4))
        assert row["test"] == result.test and row["recipe"] == str(entrant.entry)
        # Going on with the run alone ends the same.
        assert run_training(entrant.run).test == result.test


@pytest.mark.parametrize("stops", [[0], [1], [3, 2], [6], [7, 3], [8, 1, 1]])
def test_stopping_and_going_on_is_the_same_as_never_stopping(stops: list[int], go: Go) -> None:
    whole, asked = go("whole", ask()), ask()
    for stop in stops:
        assert None in [entrant.result for entrant in go("parts", asked, should_stop=stop_at(stop)).entrants]
    assert without_times(go("parts", asked)) == without_times(whole)


def test_what_is_done_is_not_trained_again(go: Go, contents: Contents) -> None:
    first, seen = go("both", ask()), list[str]()
    before = contents(first.path)
    second = go("both", ask(), seen=seen)
    assert seen == []
    assert contents(first.path) == before
    assert [entrant.result for entrant in second.entrants] == [entrant.result for entrant in first.entrants]


def test_recipes_can_be_added_and_the_end_moved(go: Go) -> None:
    seen: list[str] = []
    go("grown", ask("fast", steps=3))
    go("grown", ask("fast:objective.penalty_weight=5,fast", steps=3), seen=seen)
    assert seen == ["fast:objective.penalty_weight=5"]
    grown = go("grown", ask("fast:objective.penalty_weight=5,fast", steps=7), seen=seen)
    assert seen[1:] == ["fast:objective.penalty_weight=5", "fast"]
    whole = go("whole", ask("fast:objective.penalty_weight=5,fast", steps=7))
    assert without_times(grown) == without_times(whole)


def test_steps_of_likelihood_are_planned_once_for_the_minutes(go: Go) -> None:
    def planned(minutes: float, *, only: bool = False) -> int | None:
        (entrant,) = go("timed", ask("causal", steps=None, minutes=minutes), should_stop=lambda: only).entrants
        assert only or read_config(entrant.run) == entrant.config
        return entrant.config.training.steps

    steps = planned(0.02)
    assert steps is not None
    assert planned(0.02) == steps
    assert planned(60, only=True) != steps


def test_a_run_that_was_stopped_short_of_a_later_end_is_not_done(go: Go) -> None:
    go("both", ask(steps=3))
    go("both", ask(steps=7), should_stop=stop_at(2))
    assert without_times(go("both", ask(steps=7))) == without_times(go("whole", ask(steps=7)))


def test_a_run_that_was_deleted_is_trained_again(go: Go) -> None:
    whole, seen = go("both", ask()), list[str]()
    rows = without_times(whole)
    shutil.rmtree(whole.path / "fast")
    assert without_times(go("both", ask(), seen=seen)) == rows
    assert seen == ["fast"]


def test_a_run_that_went_on_alone_is_seen(go: Go) -> None:
    comparison, seen = go("both", ask()), list[str]()
    run_training(RunFolder(comparison.path / "fast"), {"training.steps": 8})
    with pytest.raises(ConfigError, match="is already at step 8"):
        go("both", ask())
    go("both", ask(steps=8), seen=seen)
    assert seen == ["fast", "passgan"]
    assert without_times(go("both", ask(steps=8))) == without_times(go("whole", ask(steps=8)))


def test_a_run_that_diverges_is_a_result_like_others(go: Go) -> None:
    seen: list[str] = []
    comparison = go("wild", ask(f"{WILD},fast"))
    wild, tame = (entrant.result for entrant in comparison.entrants)
    assert wild is not None and tame is not None
    assert (wild.ended, wild.rounds, wild.diverged_step, wild.test) == ("diverged", 0, 1, {})
    assert "at step 1" in wild.message
    assert (tame.ended, tame.diverged_step) == ("steps", None)
    assert [curve.diverged_step for curve in comparison.curves()] == [1, None]
    comparison.draw()
    go("wild", ask(f"{WILD},fast", steps=6), seen=seen)
    assert seen == ["fast"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 1}, "was started with training.seed = 0, but now it is 1"),
        ({"settings": {**TINY, "generator.width": 9}}, "was started with generator.width = 8, but now it is 9"),
        ({"settings": {**TINY, "corpus.length": 9}}, "was started with corpus.length = 8, but now it is 9"),
        ({"steps": 4}, "is already at step 5"),
        ({"steps": None, "minutes": 1e-6}, "minutes already"),
        ({"recipes": "fast"}, "also compares passgan"),
        ({"recipes": "fast:training.critic_steps=2,passgan"}, "also compares fast"),
        ({"lines": 600}, "was started with the data"),
    ],
    ids=str,
)
def test_what_does_not_go_on_is_refused_and_nothing_changes(
    changes: dict[str, Any], says: str, go: Go, tiny_lines: list[str], contents: Contents
) -> None:
    comparison = go("both", ask())
    before, lines = contents(comparison.path), tiny_lines[: changes.pop("lines", len(tiny_lines))]
    with pytest.raises(ConfigError) as error:
        go("both", ask(**{"recipes": "fast,passgan", **changes}), lines=lines)
    assert says in str(error.value)
    assert contents(comparison.path) == before


def test_overwrite_replaces_a_comparison_and_nothing_else(go: Go, tmp_path: Path, contents: Contents) -> None:
    go("both", ask())
    replaced = go("both", ask("fast", seed=3), overwrite=True)
    assert {path.name for path in replaced.path.iterdir()} == {"fast", FILE, ".lock"}
    assert read_config(replaced.entrants[0].run).training.seed == 3
    (replaced.path / "letter.txt").write_text("mine")
    before = contents(replaced.path)
    with pytest.raises(ConfigError, match=r"letter\.txt"):
        go("both", ask(), overwrite=True)
    assert contents(replaced.path) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not a comparison"):
        go("mine", ask(), overwrite=True)


def test_a_comparison_in_use_is_refused(go: Go) -> None:
    comparison = go("both", ask())
    with RunFolder(comparison.path).locked():
        for overwrite in (False, True):
            with pytest.raises(ConfigError, match="another process"):
                go("both", ask(), overwrite=overwrite)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format_version": 1, "recipes": [{}]}', '{"format_version": 99}']
)
def test_a_damaged_file_is_named(text: str, go: Go) -> None:
    comparison = go("both", ask())
    (comparison.path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match=r"compare\.json"):
        go("both", ask())


def test_nothing_is_left_of_a_comparison_that_could_not_be_prepared(tmp_path: Path, tiny_lines: list[str]) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(tiny_lines))
    found, _ = scan_data(file, ask().configs()[0])
    file.write_text("\n".join(tiny_lines[:300]))
    out = tmp_path / "deep" / "both"
    with pytest.raises(CorpusError, match="changed while it was read"), held_comparison(out) as claim:
        open_comparison(out, claim, found, ask())
    assert list(tmp_path.iterdir()) == [file]


def test_toys_are_compared_too(tmp_path: Path) -> None:
    settings = {"toy.name": "swiss-roll", "evaluation.samples": 50, "evaluation.every": 1, "generator.width": 8}
    asked = ask("toy,toy:objective.penalty_weight=10", domain="toy", settings=settings, steps=2)
    subject = scan_toy(asked.configs()[0])
    with held_comparison(tmp_path / "toys") as claim:
        comparison = open_comparison(tmp_path / "toys", claim, subject, asked)
        results = [comparison.train(entrant) for entrant in comparison.entrants]
    assert comparison.criterion == "w1"
    assert [result and next(iter(result.test)) for result in results] == ["w1", "w1"]


def curve(values: list[float], *, title: str = "a", final: float | None = None, **others: Any) -> Curve:
    evaluations = [
        CurvePoint(step=10 * k, seconds=60.0 * k, value=value, floor=0.1) for k, value in enumerate(values, 1)
    ]
    if final is not None:
        evaluations.append(CurvePoint(step=10**6, seconds=3600.0, value=final, floor=0.1, final=True))
    return Curve(title=title, evaluations=evaluations, **others)


def test_the_best_is_the_first_lowest_and_the_spread_that_of_the_second_half() -> None:
    known = curve([9, 8, 1, 3, 1, 5], final=0.5)
    best = known.best()
    assert best is not None and best.step == 30
    assert known.spread() == pytest.approx(math.sqrt((0 + 4 + 4) / 2))  # of 3, 1, 5 about their mean 3
    assert curve([9, 8, 1, 3, 1]).spread() == pytest.approx(math.sqrt(4 / 3))  # of 1, 3, 1
    assert (curve([]).best(), curve([]).spread(), curve([4]).spread(), curve([4, 4, 4]).spread()) == (
        None,
        None,
        None,
        0,
    )


def test_a_picture_has_a_line_for_each_run_and_their_floor() -> None:
    figure = draw(
        [curve([4.0, 2, 0.4]), curve([5.0], title="b$c$", diverged_step=12), curve([], title="c", diverged_step=1)],
        criterion="js4",
        title="名 (lower is better)",
    )
    (axes,) = figure.axes
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "a",
        r"b\$c\$ (diverged at step 12)",
        "c (diverged at step 1)",
        "floor: training data",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training time (minutes)", "JS-4 (bits), validation half")
    assert axes.get_yscale() == "log" and axes.get_title(loc="left") == "? (lower is better)"
    assert np.array_equal(axes.lines[0].get_xdata(), [1, 2, 3])


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 3.0], [1.0, 1.1], [1e-9, 1e9]])
def test_a_picture_is_written_whatever_the_values(values: list[float], tmp_path: Path) -> None:
    curves = [dataclasses.replace(curve(values), title=f"{'x' * 30 * number}{number}") for number in range(1, 10)]
    save_figure(draw(curves, criterion="any", title=""), tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.format == "PNG" and picture.width == 1200
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_criteria_have_titles() -> None:
    assert [axis_title(name) for name in ("js3", "fcd", "else")] == ["JS-3 (bits)", "Frechet distance, fcd", "else"]


def test_what_a_killed_process_left_in_a_comparison_goes_when_it_goes_on(go: Go) -> None:
    whole = go("both", ask("fast"), should_stop=lambda: True)
    (whole.path / ".ready").mkdir()
    with held_comparison(whole.path) as claim:
        assert claim is None
        assert not (whole.path / ".ready").exists()
