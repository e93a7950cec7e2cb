"""What is shown of a run is what it has recorded."""

from __future__ import annotations

import json
from pathlib import Path

from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.studio.progress import SAMPLES_SHOWN, RunProgress, run_progress


def test_it_is_what_the_folder_has(runs: Path) -> None:
    found, records = run_progress(runs / "tiny"), list(read_records(runs / "tiny" / "metrics.jsonl"))
    assert (found.step, found.seconds) == (records[-1]["step"], records[-1]["seconds"]) and found.step == 6
    assert [(step, js) for step, js, _ in found.curve] == [
        (record["step"], record["js4"]) for record in records if "js4" in record
    ]
    lines = (runs / "tiny" / "samples" / "00000006.txt").read_text(encoding="utf-8").splitlines()
    assert list(found.samples) == lines[:SAMPLES_SHOWN] and lines


def test_nothing_is_shown_of_what_is_not_a_run_yet(tmp_path: Path) -> None:
    assert run_progress(tmp_path / "none") == run_progress(tmp_path) == RunProgress()
    (tmp_path / "metrics.jsonl").write_bytes(b"\xff\xfe{")
    assert run_progress(tmp_path) == RunProgress()


def test_warnings_are_shown_once_the_last_one_first(tmp_path: Path) -> None:
    warning = {"name": "a", "message": "collapse", "remedy": "more data"}
    later = {"name": "b", "message": "dead", "remedy": "slower"}
    records = [
        {"step": k, "seconds": 0.5, "health": found} for k, found in enumerate(([warning], [later], [warning]), 1)
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    assert run_progress(tmp_path).health == (("collapse", "more data"), ("dead", "slower"))
