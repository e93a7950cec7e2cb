"""Runs that earlier versions wrote still open: they generate the same strings and go on, torn ones too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import seqgan_wgp
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.runs.folder import open_run, read_config
from seqgan_wgp.runs.report.page import write_report
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.generation.formats import printable
from tests import goldens
from tests.goldens import GOLDEN, MAX_BYTES, TIES, Golden, golden


@pytest.fixture(scope="module", params=goldens.NAMES)
def old(
    request: pytest.FixtureRequest, shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Golden:
    """Each golden run; read it only."""
    return golden(request.param, shared_data, tmp_path_factory.mktemp("golden"))


def test_the_same_strings_come_out(old: Golden) -> None:
    strings = [printable(string) for string in seqgan_wgp.Model.load(old.run, device="cpu").generate(50, seed=3)]
    assert len(strings) == len(old.strings) == 50
    assert sum(one != other for one, other in zip(strings, old.strings, strict=True)) <= TIES


def test_a_model_file_alone_is_enough(old: Golden) -> None:
    latest, best = (seqgan_wgp.Model.load(old.run, device="cpu", best=best) for best in (False, True))
    assert latest.facts["step"] == old.steps
    assert best.facts["step"] <= old.steps
    assert seqgan_wgp.Model.load(old.run / "model.safetensors", device="cpu").generate(5) == latest.generate(5)


def test_it_goes_on(old: Golden, tmp_path: Path) -> None:
    run = open_run(old.copied(tmp_path))
    before = seqgan_wgp.read_records(run.metrics)
    outcome = run_training(run, {"training.steps": old.steps + 3})
    assert (outcome.reason, outcome.step) == ("steps", old.steps + 3)
    after = seqgan_wgp.read_records(run.metrics)
    kept = [record for record in before if not record.get("final")]
    assert after[: len(kept)] == kept
    assert after[-1]["step"] == old.steps + 3
    assert read_config(run).training.steps == old.steps + 3
    assert seqgan_wgp.Model.load(run.path, device="cpu").facts["step"] == old.steps + 3


@pytest.mark.parametrize("tear", ["records cut", "no model", "no best", "no samples"])
def test_a_torn_one_goes_on(old: Golden, tear: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = open_run(old.copied(tmp_path))
    if tear == "records cut":
        run.metrics.write_bytes(run.metrics.read_bytes()[:-9])
    elif tear == "no samples":
        for file in run.sampled().values():
            file.unlink()
    else:
        {"no model": run.model, "no best": run.best}[tear].unlink()
    run_training(run, {"training.steps": old.steps + 1})
    assert ("the missing records are lost" in caplog.text) == (tear == "records cut")
    assert seqgan_wgp.Model.load(run.path, device="cpu").facts["step"] == old.steps + 1


def test_one_that_has_lost_its_checkpoint_says_what_to_do(old: Golden, tmp_path: Path) -> None:
    run = open_run(old.copied(tmp_path))
    for file in (run.checkpoint, run.previous):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="--from best"):
        run_training(run, {"training.steps": old.steps + 1})
    run_training(run, {"training.steps": old.steps + 1}, from_best=True)


def test_it_is_evaluated_and_reported(old: Golden, tmp_path: Path) -> None:
    found = seqgan_wgp.evaluate(
        old.run, samples=100, guesses=[100], orders=3, c2st_steps=0, baseline_seconds=0
    ).to_json()
    assert found["corpus"]["name"] in ("names", "words")
    assert found["corpus"]["same"]
    assert len(found["js"]) == 3
    page = write_report(open_run(old.run), tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"Finished after {old.steps:,} rounds." in page


@pytest.mark.parametrize("name", [name for name in goldens.NAMES if name != goldens.SHARED])
def test_it_is_small(name: str) -> None:
    assert sum(path.stat().st_size for path in (GOLDEN / name).rglob("*") if path.is_file()) <= MAX_BYTES
