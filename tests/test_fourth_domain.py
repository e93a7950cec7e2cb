"""A fourth kind of data, in one file outside the package, is trained, generated, evaluated and reported like any other.

Shape suffixes: N sequences, L length.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import seqgan_wgp
from cli.app import app
from seqgan_wgp.runs.folder import open_run
from seqgan_wgp.runs.report.page import write_report
from seqgan_wgp.runs.train import run_training

from . import fourth_domain

TINY = {
    "training.steps": 4,
    "training.batch_size": 16,
    "training.device": "cpu",
    "generator.width": 8,
    "critic.width": 8,
    "evaluation.every": 2,
    "log.every": 1,
}


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    with fourth_domain.registered():
        yield


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 200 sine waves of 12 numbers, each with a phase of its own."""
    phase_N1 = np.random.default_rng(0).uniform(0, 2 * np.pi, (200, 1))
    path = tmp_path_factory.mktemp("series") / "waves.npy"
    np.save(path, np.sin(phase_N1 + np.linspace(0, 4, 12)).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def run(waves: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the waves, through the public function."""
    out = tmp_path_factory.mktemp("series-run") / "run"
    seqgan_wgp.train(waves, recipe="toy", settings={**TINY, "domain": "series"}, out=out)
    return out


@pytest.fixture
def call() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command in this process."""

    def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
        words = [str(arg) for arg in args]
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200"}, catch_exceptions=False)
        return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)

    return run


def test_a_run_has_the_files_of_its_kind(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert fourth_domain.SeriesAdapter.files <= names
    assert (run / "samples" / "00000002.txt").read_text().count("\n") == 10
    assert [record["step"] for record in seqgan_wgp.read_records(run / "metrics.jsonl")] == [1, 2, 3, 4]
    assert "<title>" in (run / "report.html").read_text()


def test_a_run_goes_on_as_if_never_stopped(run: Path, waves: Path, tmp_path: Path) -> None:
    seqgan_wgp.train(
        waves, recipe="toy", settings={**TINY, "domain": "series", "training.steps": 2}, out=tmp_path / "two"
    )
    run_training(open_run(tmp_path / "two"), {"training.steps": 4})
    parts, whole = (
        [{name: value for name, value in record.items() if name != "seconds"} for record in records]
        for records in (seqgan_wgp.read_records(folder / "metrics.jsonl") for folder in (tmp_path / "two", run))
    )
    assert parts == whole


def test_a_model_generates_is_evaluated_and_saved(run: Path, tmp_path: Path) -> None:
    model = seqgan_wgp.Model.load(run)
    assert model.generate(3) == model.generate(5)[:3]
    assert len(model.interpolate(0, 1, 4)) == 4
    found = seqgan_wgp.evaluate(run, samples=40)
    assert found.to_json()["n"] == 40
    assert write_report(open_run(run), tmp_path / "report.html").is_file()
    seqgan_wgp.save_pretrained(model, tmp_path / "saved")
    assert seqgan_wgp.from_pretrained(tmp_path / "saved").generate(3) == model.generate(3)
    assert "sequences" in (tmp_path / "saved" / "README.md").read_text()
    with pytest.raises(seqgan_wgp.ConfigError, match="score works only with text models"):
        model.score(["a"])


def test_the_command_takes_it_too(
    waves: Path, tmp_path: Path, call: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    sizes = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]
    result = call("train", f"series:{waves}", *sizes, "--out", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    assert "waves: 200 sequences of 12 numbers" in result.stderr
    lines = call("generate", tmp_path / "run", "-n", "3").stdout.splitlines()
    assert [len(line.split()) for line in lines] == [12, 12, 12]
    refused = call("generate", tmp_path / "run", "--regex", "a")
    assert refused.returncode == 2
    assert "--regex works only with text models, and this model generates sequences" in refused.stderr
    refused = call("generate", tmp_path / "run", "--format", "csv")
    assert refused.returncode == 2
    assert "choose one of: txt" in refused.stderr
    assert json.loads(call("evaluate", tmp_path / "run", "--json").stdout)["domain"] == "series"
    assert call("report", tmp_path / "run", "-o", tmp_path / "page.html").returncode == 0
    compared = call(
        "compare", f"series:{waves}", "--recipes", "toy,toy:generator.width=4", *sizes, "--out", tmp_path / "both"
    )
    assert compared.returncode == 0, compared.stderr
    assert "toy:generator.width=4" in compared.stdout
    assert call("train", f"series:{waves}", *sizes, "--out", tmp_path / "run", "--overwrite").returncode == 0
    missing = call("train", "series:none.npy", *sizes, "--out", tmp_path / "new")
    assert missing.returncode == 2
    assert "series:none.npy: cannot be read" in missing.stderr
