"""seqgan-wgp report, and the report that every training leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A finished run, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_training_leaves_a_report_and_says_where(call: Call, lines: Path, tiny: list[str], tmp_path: Path) -> None:
    result = call("train", lines, *tiny, "--out", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'run'}\n"
    assert f"report    {tmp_path / 'run' / 'report.html'}\n" in result.stderr
    assert "Finished after 6 rounds." in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_training_that_diverges_leaves_one_too(call: Call, lines: Path, tiny: list[str], tmp_path: Path) -> None:
    wild = ["--set", "optimizer.critic.learning_rate=10", "--set", "objective.penalty_weight=1e30"]
    result = call("train", lines, *tiny, *wild, "--steps", "10000", "--out", tmp_path / "run")
    assert result.returncode == 1
    assert "error: " in result.stderr.splitlines()[-2]
    assert "training report" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_resume_writes_it_anew(call: Call, run: Path) -> None:
    result = call("resume", run, "--steps", "7")
    assert result.returncode == 0, result.stderr
    assert "Finished after 7 rounds." in (run / "report.html").read_text(encoding="utf-8")


def test_a_run_with_a_report_may_be_overwritten(call: Call, run: Path, lines: Path, tiny: list[str]) -> None:
    result = call("train", lines, *tiny, "--steps", "3", "--out", run, "--overwrite")
    assert result.returncode == 0, result.stderr
    assert "after 3 rounds" in (run / "report.html").read_text(encoding="utf-8")


def test_a_run_without_a_report_gets_the_same_one(call: Call, run: Path) -> None:
    written = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    result = call("report", run)
    assert (result.returncode, result.stdout) == (0, f"{run / 'report.html'}\n")
    assert (run / "report.html").read_bytes() == written
    assert call("report", run).returncode == 0  # what is ours is replaced


def test_a_file_of_the_users_is_replaced_only_when_told(call: Call, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.html"
    file.write_text("mine")
    result = call("report", run, "-o", file)
    assert result.returncode == 2
    assert f"{file}: exists already" in result.stderr
    assert file.read_text() == "mine"
    result = call("report", run, "-o", file, "--overwrite")
    assert (result.returncode, result.stdout) == (0, f"{file}\n")
    assert file.read_bytes() == (run / "report.html").read_bytes()


def damage(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_bytes().split(b"\n")
    (run / "metrics.jsonl").write_bytes(b"\n".join([lines[0], lines[1][:10], *lines[2:]]))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such folder": (shutil.rmtree, "no such run folder"),
    "no run": (lambda run: (run / "config.json").unlink(), "is not a run folder"),
    "no corpus": (lambda run: (run / "ids.npy").unlink(), "ids.npy: cannot be read (there is no such file)"),
    "damaged config": (lambda run: (run / "config.json").write_text("{"), "config.json: cannot be read"),
    "damaged model": (lambda run: (run / "model.safetensors").write_bytes(b"x"), "model.safetensors: "),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_reported_ends_in_one_clear_line(call: Call, run: Path, name: str) -> None:
    spoil, said = BAD[name]
    spoil(run)
    result = call("report", run)
    assert (result.returncode, result.stdout) == (2, "")
    message, _, remedy = result.stderr.rstrip("\n").partition("\n")
    assert message.startswith(f"error: {run}")
    assert said in message
    assert "\n" not in remedy


def test_a_damaged_record_is_left_out_and_the_report_names_it(call: Call, run: Path) -> None:
    damage(run)
    result = call("report", run)
    assert (result.returncode, result.stdout) == (0, f"{run / 'report.html'}\n")
    assert "line 2" in (run / "report.html").read_text()


def test_a_training_is_done_though_its_report_cannot_be_written(call: Call, run: Path) -> None:
    (run / "report.html").unlink()
    (run / "report.html").mkdir()
    result = call("resume", run)
    assert (result.returncode, result.stdout) == (0, f"{run}\n")
    assert "warning: the report could not be written" in result.stderr


def test_health_is_in_the_report(call: Call, run: Path) -> None:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    records[0]["health"] = [{"name": "collapse", "message": "All strings are alike.", "remedy": "Wait."}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    assert call("report", run).returncode == 0
    assert "All strings are alike." in (run / "report.html").read_text(encoding="utf-8")
