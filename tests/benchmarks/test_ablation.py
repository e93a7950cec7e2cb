"""Tables of the ablation, from made-up rows, and files of rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ablation import drop_torn_line, minutes_to, read_rows, report, table


def made_up(name: str, seed: int, validation: list[float], test: float, diverged: str | None = None) -> dict[str, Any]:
    """A row whose JS-4 over the floor is as given at minutes 1, 2, ..."""
    curve = [
        {
            "minutes": minutes,
            "rounds": 10 * minutes,
            "validation": {"js4": 0.1 + value, "js4_floor": 0.1, "unique": 0.5},
            "test": {"js4": 0.2 + test, "js4_floor": 0.2, "unique": 0.5},
        }
        for minutes, value in enumerate(validation, 1)
    ]
    facts = {"corpus": "names", "name": name, "recipe": "fast", "settings": {}, "variation": "", "seed": seed}
    return facts | {"minutes": 2.0, "rounds": 10 * len(curve), "diverged": diverged, "curve": curve}


def test_a_table_of_made_up_rows() -> None:
    rows = [
        made_up("base", 0, [0.08, 0.05], 0.06),
        made_up("base", 1, [0.08, 0.07], 0.08),
        made_up("better", 0, [0.08, 0.04], 0.03),
        made_up("worse", 0, [0.20, 0.10], 0.09),
        made_up("lost", 0, [], 0.0, diverged="nan"),
    ]
    lines = [
        line.split(" | ") for line in table("names", rows).splitlines() if line.startswith("| ") and "---" not in line
    ]
    cells = {line[0].removeprefix("| "): [cell.removesuffix(" |") for cell in line[1:]] for line in lines}
    assert list(cells) == ["recipe", "better", "base", "worse", "lost"]
    # The base ends at .06 with a standard deviation of sqrt(2) / 100; that of a difference is sqrt(1.5) times as much.
    base = ["2", "0.0600 ± 0.0141", "0.0700 ± 0.0141", "+0.0000", "+0.0", "2.00", "2.00", "20", "50.0%"]
    assert cells["base"] == base
    assert cells["better"] == ["1", "0.0400", "0.0300", "-0.0200", "-1.2", "1.50", "not", "20", "50.0%"]
    assert cells["worse"][3:7] == ["+0.0400", "+2.3", "not", "1.00"]
    assert cells["lost"][:2] == ["1", "diverged"]
    assert len({len(row) for row in cells.values()}) == 1
    assert "over 3 recipes: 1.000" in table("names", rows)
    assert report(rows).startswith("## names, 2 minutes")


def test_molecules_have_a_column_of_their_own() -> None:
    rows = [made_up("base", 0, [0.1], 0.1), made_up("base", 1, [0.1], 0.1), made_up("lost", 0, [], 0.0, diverged="nan")]
    for row, share in zip(rows[:2], (0.1, 0.2), strict=True):
        row["curve"][-1]["valid"] = share
    head, _, base, _ = table("qm9", rows).splitlines()[2:]
    assert head.endswith("| unique | valid |")
    assert base.endswith("| 50.0% | 15.0% |")
    assert "| valid |" not in table("names", [made_up("base", 0, [0.1], 0.1)])


def test_the_order_on_test_may_be_another() -> None:
    rows = [made_up(name, 0, [value], 1 - value) for name, value in (("base", 0.1), ("b", 0.2), ("c", 0.3))]
    assert "over 3 recipes: -1.000" in table("names", rows)


def test_a_table_is_ordered_by_the_measure_that_is_asked_for() -> None:
    rows = [made_up("base", 0, [0.1], 0.1), made_up("b", 0, [0.2], 0.2)]
    for row, value in zip(rows, (0.7, 0.6), strict=True):
        for half in ("validation", "test"):
            row["curve"][-1][half] |= {"composite": value, "composite_floor": 0.5}
    assert [line.split(" | ")[0] for line in table("names", rows).splitlines()[4:]] == ["| base", "| b"]
    lines = table("names", rows, "composite").splitlines()
    assert "composite over floor" in lines[2]
    assert lines[4].startswith("| b | 1 | 0.1000 | 0.1000 | -0.1000 |")


def test_values_of_a_factor_stay_together() -> None:
    ends = {"blocks: 1": 0.3, "width: 32": 0.1, "base": 0.25, "blocks: 2": 0.2, "width: 96": 0.4}
    lines = table("names", [made_up(name, 0, [value], value) for name, value in ends.items()]).splitlines()
    names = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    assert names[2:] == ["base", "blocks: 2", "blocks: 1", "width: 32", "width: 96"]


def test_minutes_to_a_target() -> None:
    curve = [(1.0, 0.5), (2.0, 0.3), (3.0, 0.4)]
    assert [minutes_to(curve, target) for target in (0.6, 0.4, 0.3)] == pytest.approx([1.0, 1.5, 2.0])
    assert minutes_to(curve, 0.1) == math.inf


def test_a_missing_results_file_has_no_rows(tmp_path: Path) -> None:
    drop_torn_line(tmp_path / "none.jsonl")
    assert read_rows(tmp_path / "none.jsonl") == []
