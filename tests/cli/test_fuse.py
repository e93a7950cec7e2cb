"""The command `fuse`, and what `generate` then does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]


def test_a_model_is_fused_and_generates_so_unless_told_otherwise(trained: Path, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    plain = call("generate", folder, "-n", "30", "--device", "cpu").stdout
    result = call("fuse", folder, "--new", "0.1", "--different", "0.1", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{folder / 'model.safetensors'}\n"
    assert "-grams to the power " in result.stderr and "by argmax" in result.stderr
    fused = call("generate", folder, "-n", "30", "--device", "cpu")
    assert fused.returncode == 0 and fused.stdout != plain
    assert call("generate", folder, "-n", "30", "--decode", "argmax", "--device", "cpu").stdout == plain
    masked = call("generate", folder, "-n", "9", "--prefix", "ba", "--scores", "--device", "cpu")
    assert masked.returncode == 0 and all(line.split("\t")[-1].startswith("ba") for line in masked.stdout.splitlines())


@pytest.mark.parametrize("command", [("fuse", "--new", "0", "--different", "0"), ("refine", "--steps", "1")])
def test_the_kind_of_a_named_corpus_is_said(
    command: tuple[str, ...], trained: Path, lines: Path, tmp_path: Path, call: Call
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    bullets = tmp_path / "bullets.txt"
    bullets.write_text("".join(f"- {line}\n" for line in lines.read_text().split("\n") if line))
    result = call(command[0], folder, bullets, *command[1:], "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert f"{bullets}: each line begins with the bullet '-', which is left out" in result.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [(("none",), "no such model"), (("none", "--new", "1.5"), "--new is 1.5"), (("there.txt",), "there.txt")],
)
def test_bad_input_is_refused(args: tuple[str, ...], says: str, refused: Callable[..., None]) -> None:
    refused((says,), "fuse", *args)
