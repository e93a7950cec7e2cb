"""A run that an earlier version wrote (format 1) still opens: it generates the same strings and goes on.

The run is part of the shared data; where that is absent, these tests are skipped.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import seqgan_wgp
from seqgan_wgp.runs.folder import open_run, read_config
from seqgan_wgp.runs.report.page import write_report
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.generation.formats import printable

STEPS = 200
"""Rounds that the run was trained."""

TIES = 2
"""Strings of 50 that may differ on another processor or torch, where two characters are all but equally likely."""


@pytest.fixture(scope="module")
def golden(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder; read it only."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(shared_data("golden/run-format1.tgz")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def test_the_same_strings_come_out(golden: Path, shared_data: Callable[[str], Path]) -> None:
    expected = shared_data("golden/strings.txt").read_text(encoding="utf-8").splitlines()
    strings = [printable(string) for string in seqgan_wgp.Model.load(golden, device="cpu").generate(50, seed=3)]
    assert len(strings) == len(expected) == 50
    assert sum(one != other for one, other in zip(strings, expected, strict=True)) <= TIES


def test_a_model_file_alone_is_enough(golden: Path) -> None:
    latest, best = (seqgan_wgp.Model.load(golden, device="cpu", best=best) for best in (False, True))
    assert latest.facts["step"] == STEPS
    assert best.facts["step"] <= STEPS
    assert seqgan_wgp.Model.load(golden / "model.safetensors", device="cpu").generate(5) == latest.generate(5)


def test_it_goes_on(golden: Path, tmp_path: Path) -> None:
    run = open_run(Path(shutil.copytree(golden, tmp_path / "run")))
    before = seqgan_wgp.read_records(run.metrics)
    outcome = run_training(run, {"training.steps": STEPS + 3})
    assert (outcome.reason, outcome.step) == ("steps", STEPS + 3)
    after = seqgan_wgp.read_records(run.metrics)
    kept = [record for record in before if not record.get("final")]
    assert after[: len(kept)] == kept
    assert after[-1]["step"] == STEPS + 3
    assert read_config(run).training.steps == STEPS + 3
    assert seqgan_wgp.Model.load(run.path, device="cpu").facts["step"] == STEPS + 3


def test_it_is_evaluated_and_reported(golden: Path, tmp_path: Path) -> None:
    found = seqgan_wgp.evaluate(
        golden, samples=200, guesses=[500], orders=3, c2st_steps=0, baseline_seconds=0
    ).to_json()
    assert found["corpus"]["name"] == "names"
    assert found["corpus"]["same"]
    assert len(found["js"]) == 3
    page = write_report(open_run(golden), tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"Finished after {STEPS:,} rounds." in page
