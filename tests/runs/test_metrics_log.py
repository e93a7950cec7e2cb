"""metrics.jsonl: appended, cut back, read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from seqgan_wgp.runs.metrics_log import MAX_NOTES, MetricsLog, look_through, read_records


def test_records_are_read_as_they_were_appended(tmp_path: Path) -> None:
    records = MetricsLog(tmp_path / "m")
    for step in range(3):
        records.append({"step": step, "value": step / 3})
    records.close()
    assert read_records(tmp_path / "m") == [{"step": step, "value": step / 3} for step in range(3)]


def test_what_lies_behind_the_known_size_is_cut_off(tmp_path: Path) -> None:
    records = MetricsLog(tmp_path / "m")
    records.append({"step": 1})
    size = records.sync()
    records.append({"step": 2})
    records.close()
    again = MetricsLog(tmp_path / "m", size)
    again.append({"step": 3})
    again.close()
    assert [record["step"] for record in read_records(tmp_path / "m")] == [1, 3]


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b'{"step": 1}\n{"step": 2, "va')
    assert read_records(tmp_path / "m") == [{"step": 1}]


def test_a_file_shorter_than_the_checkpoint_knows_keeps_its_whole_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "m").write_bytes(b'{"step": 1}\n{"ste')
    log = MetricsLog(tmp_path / "m", 100)
    assert "has 17 bytes, but the checkpoint expects 100" in caplog.text
    log.append({"step": 2})
    log.close()
    assert read_records(tmp_path / "m") == [{"step": 1}, {"step": 2}]


def test_what_a_run_writes_is_read_as_it_is(tmp_path: Path) -> None:
    finding = {"name": "dead", "message": "m", "remedy": "r"}
    record = {
        "step": 3,
        "seconds": 1.5,
        "js1": 0.25,
        "loss": math.inf,
        "modes": 25,
        "peaks_by_position": [0.5, 1.0],
        "scores": {"edges": [0.0, 1.0], "real": [1, 2]},
        "health": [finding],
        "final": True,
    }
    (tmp_path / "m").write_text(json.dumps(record) + "\n")
    assert read_records(tmp_path / "m") == [record]


DAMAGED = [
    "x",
    "1",
    "[]",
    "null",
    "{}",
    '{"step": "x"}',
    '{"step": null}',
    '{"step": -1}',
    '{"step": 1.5}',
    '{"step": true}',
    '{"step": 1e300}',
    '{"step": []}',
    '{"step": ' + "9" * 30 + "}",
    '{"step": ' + "9" * 5000 + "}",
    "[" * 100_000,
    '{"step": 1, "seconds": "x"}',
    '{"step": 1, "seconds": null}',
    '{"step": 1, "js4": "x"}',
    '{"step": 1, "js4": 1e308}',
    '{"step": 1, "js4": [[1]]}',
    '{"step": 1, "health": 1}',
    '{"step": 1, "health": [1]}',
    '{"step": 1, "final": "x"}',
    '{"step": 1, "health": [{"name": "x"}]}',
    '{"step": 1, "health": [{"name": "\\ud800", "message": "", "remedy": ""}]}',
    '{"step": 1, "peaks_by_position": "x"}',
    '{"step": 1, "peaks_by_position": [null]}',
    '{"step": 1, "peaks_by_position": {}}',
    '{"step": 1, "a": {"b": {"c": {"d": 1}}}}',
    '{"step": 1, "js4": ' + "1" * 400 + "}",
    "\xff",
    '{"step": 1' + " " * 2_000_000 + "}",
]


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: line[:40])
def test_a_line_that_is_no_record_is_left_out_and_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "m").write_bytes(b'{"step": 1}\n' + line.encode("latin-1") + b'\n{"step": 2}\n')
    found = look_through(tmp_path / "m")
    assert [record["step"] for record in found.found] == [1, 2]
    assert found.notes
    assert all(note.startswith("m, line ") and len(note) < 300 and note.isprintable() for note in found.notes)


def test_of_many_bad_lines_some_are_named_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"x\n" * 5_000 + b'{"step": 2}\n')
    found = look_through(tmp_path / "m")
    assert [record["step"] for record in found.found] == [2]
    assert len(found.notes) == MAX_NOTES + 1
    assert found.notes[-1] == f"m: {5_000 - MAX_NOTES:,} more lines cannot be read"
