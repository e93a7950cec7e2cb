"""metrics.jsonl: appended, cut back, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.runs.metrics_log import MetricsLog, read_records


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


def test_a_file_shorter_than_the_checkpoint_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b'{"step": 1}\n')
    with pytest.raises(CheckpointError, match="12 bytes"):
        MetricsLog(tmp_path / "m", 100)
