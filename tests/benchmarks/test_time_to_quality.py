"""Time to quality, from made-up rows: rounds are minutes by the pace of two cores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import time_to_quality
from benchmarks.plans import CORPORA, default, published
from benchmarks.recipes import config_of

PACE: time_to_quality.Pace = {
    corpus: {
        "rounds_per_second": {"paper, width 64": 1.0, "paper, width 128": 0.5, "fast": 10.0},
        "markov": {half: {"js4": 0.12, "js4_floor": 0.1} for half in ("validation", "test")},
    }
    for corpus in CORPORA
}


def made_up(name: str, seed: int, points: dict[int, float]) -> dict[str, Any]:
    """A row on names whose JS-4 over the floor is as given after so many rounds."""
    curve = [
        {"minutes": 0.0, "rounds": rounds}
        | {half: {"js4": 0.1 + value, "js4_floor": 0.1, "unique": 1.0} for half in ("validation", "test")}
        for rounds, value in points.items()
    ]
    return {"corpus": "names", "name": name, "seed": seed, "curve": curve, "diverged": None}


ROWS = [
    made_up("paper, width 64", 0, {300: 0.5, 900: 0.3}),  # .4 after 600 rounds, which are ten minutes
    made_up("paper, width 64", 1, {300: 0.5, 600: 0.2}),
    made_up("paper, width 128", 0, {150: 0.6, 450: 0.1}),  # .35 after 300: lower than one seed of the other
    made_up("fast", 0, {150: 0.5, 450: 0.1}),  # .3 after 300, which are half a minute
    made_up("fast", 1, {300: 0.4, 900: 0.2}),  # .3 after 600: a minute
]


def test_the_minutes_of_fast_to_the_mean_of_the_better_width() -> None:
    (line,) = time_to_quality.lines_of(ROWS, PACE)[2:]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[0] == "names"
    assert cells[1] == "0.3000 ± 0.1414 (paper, width 64, seeds: 2); 0.3500 (paper, width 128, seeds: 1)"
    assert cells[2:] == ["0.50, 1.00", "1/10"]


def test_a_run_that_ends_before_the_minutes_is_no_result() -> None:
    rows = [made_up("paper, width 64", 0, {300: 0.5, 590: 0.3}), ROWS[-1]]
    with pytest.raises(SystemExit, match="10 minutes are not between"):
        time_to_quality.lines_of(rows, PACE)


def test_it_is_shown_as_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pace, rows, png = tmp_path / "pace.json", tmp_path / "rows.jsonl", tmp_path / "curve.png"
    pace.write_text(json.dumps(PACE))
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert time_to_quality.main(["show", str(pace), str(rows), "--png", str(png)]) == 0
    said = capsys.readouterr().out
    assert "| names | 0.3000" in said and "names: Markov chain of order 4: 0.0200" in said
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_pace_is_measured_of_every_recipe_on_every_corpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path
) -> None:
    def of_names(plan: Any) -> Any:
        return lambda minutes: [trial for trial in plan(minutes) if trial.corpus == "names"]

    for name, plan in (("published", published), ("default", default)):
        monkeypatch.setattr(time_to_quality, name, of_names(plan))
    monkeypatch.setattr(time_to_quality, "CORPORA", {"names": CORPORA["names"]})
    out = tmp_path / "pace.json"
    options = ["--data", str(data), "--seconds", "0.01", "--threads", "1", "--out", str(out)]
    assert time_to_quality.main(["pace", *options]) == 0
    (found,) = json.loads(out.read_text()).values()
    assert set(found["rounds_per_second"]) == {"paper, width 64", "paper, width 128", "fast"}
    assert all(rate > 0 for rate in found["rounds_per_second"].values())
    assert found["markov"]["test"]["js4"] > 0


def test_paper_is_changed_in_nothing_but_width_and_length() -> None:
    for trial in published(1.0):
        assert trial.recipe == "paper"
        assert set(trial.settings) <= {"generator.width", "critic.width", "corpus.length", "corpus.layout"}
        assert config_of(trial).training.critic_steps == 10
