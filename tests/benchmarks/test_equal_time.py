"""The table of models after equal time: entries, rows that are resumed, and what it shows."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks import equal_time
from benchmarks.equal_time import VALID, gru_minutes, spread, table
from benchmarks.workshop import REFINED_SHARE, Entry

TINY = {
    "generator.width": 8, "generator.blocks": 1, "critic.width": 8, "critic.blocks": 1, "training.batch_size": 8,
    "evaluation.samples": 32, "evaluation.every": 20, "corpus.length": 10,
}  # fmt: skip


def test_an_entry_is_a_recipe_with_changes_and_with_what_comes_after_training() -> None:
    entry = Entry.of("fast:generator.width=32,critic.blocks=3+refine")
    assert (entry.recipe, entry.fused, entry.refined) == ("fast", False, REFINED_SHARE)
    both = Entry.of("fast+fuse+refine")
    assert (both.recipe, both.fused, both.refined, both.slug) == ("fast", True, REFINED_SHARE, "fast")
    assert Entry.of("fast+fuse").trained_seconds(1) == 60
    half = Entry.of("fast+fuse+refine=.5")
    assert (half.plain, half.fused, half.refined, half.trained_seconds(1)) == ("fast", True, 0.5, 30)
    assert entry.settings == {"generator.width": "32", "critic.blocks": "3"}
    assert entry.trained_seconds(10) == 450
    plain = Entry.of("fast:generator.width=32,critic.blocks=3")
    assert (plain.refined, plain.trained_seconds(10), plain.slug) == (0, 600, entry.slug)
    assert plain.slug != Entry.of("fast").slug
    assert "/" not in plain.slug and ":" not in plain.slug


def test_the_gru_is_looked_at_after_its_seconds_and_after_the_minutes() -> None:
    assert gru_minutes([15, 60], [1, 10]) == [0.25, 1, 10]


def test_several_seeds_have_a_spread() -> None:
    assert spread([0.25], ".1%") == "25.0%"
    assert spread([1.0, 3.0], ".2f") == "2.00 ± 1.41"
    assert spread([math.nan], ".1%") == ""


def test_rows_are_made_once_and_shown(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, corpus = tmp_path / "rows.jsonl", data / "names/names.txt"
    changes = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    command = ["run", str(corpus), "--work", str(tmp_path / "work"), "--out", str(out), "--guesses", "100", "200"]
    command += ["--minutes", "0.003", "0.006", "--rows", "fast", "causal", "--gru-seconds", "0.1", *changes]
    command += ["--c2st-steps", "2", "--valid", "brackets"]
    assert equal_time.main([*command, "--baselines", "markov"]) == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    made = [(row["row"], row["minutes"]) for row in rows]
    assert made == [
        *((f"Markov {order}", 0) for order in (3, 4, 5)),
        *((name, minutes) for minutes in (0.003, 0.006) for name in ("fast", "causal")),
    ]
    fast = {row["minutes"]: row for row in rows if row["row"] == "fast"}
    assert fast[0.006]["trained_seconds"] >= 0.36 > fast[0.003]["trained_seconds"] >= 0.18
    assert fast[0.006]["step"] >= fast[0.003]["step"] > 0
    assert all(0 <= row["c2st"] <= 1 and row["valid"] == 1 and row["hits"].keys() == {"100", "200"} for row in rows)
    before = out.read_bytes()
    assert equal_time.main([*command, "--baselines", "markov"]) == 0
    assert out.read_bytes() == before
    assert equal_time.main([*command, "--baselines", "gru", "markov"]) == 0
    capsys.readouterr()
    assert equal_time.main(["show", str(out)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2 + len(rows) + 3
    assert len({line.count("|") for line in shown}) == 1
    assert [line.split("|")[2].strip() for line in shown[2:5]] == ["Markov 3", "Markov 4", "Markov 5"]


def test_several_seeds_are_one_row_of_the_table() -> None:
    row = {"corpus": "a", "row": "fast", "minutes": 1.0, "js": [0, 0, 0, 0.2], "js_floor": [0, 0, 0, 0.1]}
    row |= {"unique": 0.9, "novel": 0.8, "hits": {"100": 0.1}, "c2st": 0.7}
    lines = table([{**row, "seed": 0}, {**row, "seed": 1}])
    assert len(lines) == 3
    assert "| a | fast | 1 | 2 | 0.1000 ± 0.0000 |" in lines[2]


def test_rows_of_which_some_were_asked_for_validity_are_one_table() -> None:
    row = {"minutes": 1.0, "row": "fast", "js": [0, 0, 0, 0.2], "js_floor": [0, 0, 0, 0.1]}
    row |= {"unique": 0.9, "novel": 0.8, "hits": {"100": 0.1}, "seed": 0}
    valid = dict.fromkeys(VALID, 0.25)
    lines = table([{**row, "corpus": "names"}, {**row, **valid, "corpus": "molecules"}])
    assert lines[2].endswith("|  |  |  |  |")
    assert lines[3].endswith("| 25.0% | 25.0% | 25.0% |")
