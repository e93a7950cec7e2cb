"""`train --from`: what it says, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]


def test_a_run_from_a_model_says_which_symbols_are_new(trained: Path, lines: Path, tmp_path: Path, call: Call) -> None:
    other = tmp_path / "other.txt"
    other.write_text(lines.read_text(encoding="utf-8").replace("é", "ß"), encoding="utf-8")
    options = ("--steps", "3", "--device", "cpu", "--set", "training.threads=1", "--out", tmp_path / "run")
    result = call("train", other, "--from", trained, *options)
    assert result.returncode == 0, result.stderr
    assert f"weights: those of {trained / 'model.safetensors'}" in result.stderr
    assert "new: 1 (ß); of the model but not in the corpus: 1 (é)" in result.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["initial_model"] == str(trained / "model.safetensors")
    more = call("resume", tmp_path / "run", "--steps", "5")
    assert more.returncode == 0, more.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--from", "none"), "none: no such model"),
        (("--from", "RUN", "--recipe", "fast"), "--recipe and --from are both given"),
        (("--from", "RUN", "--set", "corpus.length=40"), "corpus.length is 40"),
        (("--from", "RUN", "--set", "generator.width=12"), "do not fit the networks of"),
        (("--from", "there.txt"), "there.txt"),
    ],
)
def test_what_cannot_begin_is_refused(
    options: tuple[str, ...], says: str, trained: Path, lines: Path, refused: Callable[..., None], tmp_path: Path
) -> None:
    copy = tmp_path.parent / f"{tmp_path.name}-run"
    shutil.copytree(trained, copy)
    words = [str(copy) if word == "RUN" else word for word in options]
    refused([says], "train", lines, *words, "--out", "run")


def test_points_cannot_begin_with_a_model_of_text(trained: Path, refused: Callable[..., None]) -> None:
    refused(["is for text data, not for toy data"], "train", "toy:8-gaussians", "--from", trained, "--out", "run")
