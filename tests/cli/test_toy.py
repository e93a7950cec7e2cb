"""`train toy:NAME`, and models of points in the other commands."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image

from seqgan_wgp.toy.distributions import DISTRIBUTIONS

Call = Callable[..., CompletedProcess[str]]

TINY = (
    *("--steps", "4", "--device", "cpu", "--set", "training.batch_size=8", "--set", "training.critic_steps=1"),
    *("--set", "generator.width=4", "--set", "critic.width=4", "--set", "evaluation.every=2", "--set", "log.every=1"),
    *("--set", "evaluation.samples=40"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    result = call("train", "toy:8-gaussians", *TINY, "--out", folder)
    assert (result.returncode, result.stdout) == (0, f"{folder}\n"), result.stderr
    assert "8-gaussians: 8 Gaussians of standard deviation 0.0141; every batch is newly drawn" in result.stderr
    assert all(word in result.stderr for word in ("W1", "its floor", "modes", "high_quality", "mode_kl", "("))
    assert f"generate {folder} -n 1000" in result.stderr
    return folder


def test_a_run_of_points_has_pictures_of_samples(run: Path) -> None:
    pictures = sorted((run / "samples").iterdir())
    assert [picture.name for picture in pictures] == ["00000002.png", "00000004.png"]
    with Image.open(pictures[0]) as first, Image.open(pictures[1]) as last:
        assert first.size == last.size
    assert json.loads((run / "toy.json").read_text()) == {"name": "8-gaussians", "theta": 0.0}
    config = json.loads((run / "config.json").read_text())
    assert (config["domain"], config["recipe"], config["toy"]["name"]) == ("toy", "toy", "8-gaussians")


def test_generate_prints_points(run: Path, tmp_path: Path, call: Call) -> None:
    printed = {
        name: call("generate", run, "-n", "7", "--seed", "3", "--format", name) for name in ("txt", "jsonl", "csv")
    }
    assert all((result.returncode, result.stderr) == (0, "") for result in printed.values())
    points = [tuple(map(float, line.split(","))) for line in printed["txt"].stdout.splitlines()]
    assert np.array(points).shape == (7, 2)
    assert [tuple(json.loads(line)) for line in printed["jsonl"].stdout.splitlines()] == points
    rows = list(csv.DictReader(printed["csv"].stdout.splitlines()))
    assert [(float(row["x"]), float(row["y"])) for row in rows] == points
    file = tmp_path / "points.csv"
    assert call("generate", run, "-n", "7", "--seed", "3", "--format", "csv", "-o", file).returncode == 0
    assert file.read_text() == printed["csv"].stdout


def test_other_commands_know_points(run: Path, call: Call) -> None:
    walk = call("interpolate", run, "1", "2", "-n", "5")
    assert (walk.returncode, len(walk.stdout.splitlines())) == (0, 5), walk.stderr
    grid = call("generate", run, "--columns", "3")
    assert (grid.returncode, grid.stdout) == (2, "")
    assert "--columns is for image grids only" in grid.stderr


def test_a_run_of_points_goes_on_and_is_replaced(tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "run"
    assert call("train", "toy:swiss-roll", *TINY, "--out", folder).returncode == 0
    result = call("resume", folder, "--steps", "6")
    assert result.returncode == 0, result.stderr
    assert (folder / "samples" / "00000006.png").is_file()
    assert call("train", "toy:parallel-lines", *TINY, "--out", folder).returncode == 2
    result = call("train", "toy:parallel-lines", *TINY, "--set", "toy.theta=-0.5", "--out", folder, "--overwrite")
    assert result.returncode == 0, result.stderr
    assert json.loads((folder / "toy.json").read_text()) == {"name": "parallel-lines", "theta": -0.5}
    assert "modes" not in result.stderr


def test_without_out_the_run_is_numbered(tmp_path: Path, process: Call) -> None:
    result = process("train", "toy:two-gaussians", *TINY, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"{Path('runs') / 'two-gaussians-toy-001'}\n"), result.stderr


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("recipe", ["toy", "toy-wgan-gp"])
def test_a_dry_run_prints_what_can_be_read_back(name: str, recipe: str, tmp_path: Path, call: Call) -> None:
    result = call("train", f"toy:{name}", "--recipe", recipe, "--dry-run", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    tree = tomllib.loads(result.stdout)
    assert (tree["domain"], tree["recipe"], tree["toy"]["name"]) == ("toy", recipe, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["toy:8-gausians"], ("toy:8-gausians: there is no", "did you mean '8-gaussians'?", "toy:swiss-roll")),
        (["toy:"], ("toy:: there is no", "toy:25-gaussians")),
        (["toy:swiss-roll", "--recipe", "fast"], ("the recipe 'fast' is for text data, not for toy data", "toy-")),
        (["words", "--recipe", "toy"], ("the recipe 'toy' is for toy data, not for text data", "train toy:NAME")),
        (["toy:swiss-roll", "--set", "toy.theta=1"], ("toy.theta is 1", "set toy.name=parallel-lines")),
        (["toy:swiss-roll", "--set", "critic.width=auto"], ("critic.width is 'auto'",)),
        (["toy:swiss-roll", "--set", "critic.network=residual"], ("which is not available for toy", "perceptron")),
    ],
)
def test_a_mistake_is_explained(args: list[str], says: tuple[str, ...], tmp_path: Path, call: Call) -> None:
    result = call("train", *args, "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    assert [part for part in says if part not in result.stderr] == []
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
