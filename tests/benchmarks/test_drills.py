"""The drills find nothing in a share of what `python -m benchmarks.drills` tries, and find a fault that is there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks import drills
from seqgan_wgp.runs import metrics_log


def test_damaged_files_end_in_errors_that_a_user_is_told() -> None:
    assert drills.damaged_files(15, seed=2) == []


def test_killed_runs_end_as_if_they_never_were() -> None:
    kills, faults = drills.killed_runs(1, seed=2)
    assert kills >= 1
    assert faults == []


def test_of_those_who_make_one_run_all_are_whole_or_refused() -> None:
    assert drills.races(2, seed=2) == []


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_line: bytes) -> dict[str, object]:
        raise IndexError("list index out of range")

    monkeypatch.setattr(drills, "FILES", ("metrics.jsonl",))
    monkeypatch.setattr(
        drills, "calls", lambda run: {"records": lambda: metrics_log.read_records(run / "metrics.jsonl")}
    )
    monkeypatch.setattr(
        drills, "damage", lambda _path, _chance: monkeypatch.setattr(metrics_log, "read_record", broken)
    )
    assert [fault.partition(" (")[0] for fault in drills.damaged_files(1)] == [
        "0: metrics.jsonl, None: records: IndexError: list index out of range"
    ]


def test_every_kind_of_damage_changes_the_file(tmp_path: Path) -> None:
    chance, kinds = random.Random(0), set[str]()
    for name, data in (("a.json", b'{"a": {"b": [1, 2]}, "c": "x"}'), ("b.npy", bytes(range(200)))):
        for _ in range(200):
            file = tmp_path / name
            if file.is_dir():
                file.rmdir()
            file.write_bytes(data)
            kinds.add(drills.damage(file, chance))
    assert kinds == {"cut", "flip", "empty", "zeros", "deep", "other", "missing", "folder", "value"}
