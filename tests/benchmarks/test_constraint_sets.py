"""Random sets of constraints are compared with brute force, and a difference is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import constraint_sets
from seqgan_wgp.text.constrained.constraints import Constraints


def test_no_set_differs(tmp_path: Path) -> None:
    assert constraint_sets.main(["--sets", "30", "--seed", "7", "--json", str(tmp_path / "out.json")]) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert {row["what"] for row in rows} == {"best", "space", "order", "stages", "refused"}
    assert all(row["sets"] > 0 and row["differ"] == 0 for row in rows)


def test_a_difference_is_printed_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constraint_sets, "random_constraints", lambda _rng: Constraints(length=(1, 2)))
    monkeypatch.setattr(Constraints, "satisfied_by", lambda _self, string: len(string) == 2)
    assert constraint_sets.main(["--sets", "1"]) == 1
    out = capsys.readouterr().out
    assert "best differs" in out or "space differs" in out
