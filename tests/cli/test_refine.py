"""The command `refine`, and `generate --refine`: what is said, what is written, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def refined(trained: Path, tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    folder = tmp_path_factory.mktemp("refined") / "run"
    shutil.copytree(trained, folder)
    result = call("refine", folder, "--steps", "30", "--quantile", "0.8", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{folder / 'model.safetensors'}\n"
    assert "% of validation lines and generated strings right" in result.stderr
    assert "generate --refine will accept about " in result.stderr
    return folder


def generated(call: Call, *args: str | Path) -> tuple[list[str], str]:
    result = call("generate", *args, "--refine", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines(), result.stderr


def test_accepted_strings_come_and_the_acceptance_is_said(refined: Path, call: Call) -> None:
    strings, said = generated(call, refined, "-n", "200")
    assert len(strings) == 200
    assert "the refiner accepted " in said and "% of " in said
    plain = call("generate", refined, "-n", "200", "--device", "cpu")
    assert "refiner" not in plain.stderr and plain.stdout.splitlines() != strings


def test_filters_and_files_go_with_it(refined: Path, tmp_path: Path, call: Call) -> None:
    first, _ = generated(call, refined, "-n", "30", "--unique")
    assert len(set(first)) == 30
    (tmp_path / "not.txt").write_text("".join(f"{line}\n" for line in first), encoding="utf-8")
    others, _ = generated(call, refined, "-n", "30", "--unique", "--not-in", tmp_path / "not.txt")
    assert not set(first) & set(others)
    scored, _ = generated(call, refined, "-n", "5", "--top", "2", "--format", "jsonl", "--scores", "--prefix", "b")
    assert len(scored) == 2 and all('"text": "b' in line for line in scored)
    whole, _ = generated(call, refined, "-n", "40")
    generated(call, refined, "-n", "15", "--continue", tmp_path / "file.txt")
    generated(call, refined, "-n", "40", "--continue", tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_text(encoding="utf-8").splitlines() == whole
    other = call("generate", refined, "-n", "50", "--continue", tmp_path / "file.txt", "--device", "cpu")
    assert other.returncode == 2 and "--refine" in other.stderr


def test_a_model_without_a_refiner_is_refused(trained: Path, call: Call) -> None:
    result = call("generate", trained, "--refine", "--device", "cpu")
    assert (result.returncode, result.stdout) == (2, "")
    assert "the model has no refiner" in result.stderr and f"seqgan-wgp refine {trained} --minutes 3" in result.stderr


def test_other_decoding_is_refused(refined: Path, call: Call) -> None:
    result = call("generate", refined, "--refine", "--decode", "sample", "--device", "cpu")
    assert result.returncode == 2 and "decode sample" in result.stderr


def test_points_are_refused_in_one_line(tmp_path: Path, call: Call) -> None:
    small = ("--set", "generator.width=4", "--set", "critic.width=4", "--set", "evaluation.samples=40")
    made = call("train", "toy:8-gaussians", "--steps", "1", "--device", "cpu", *small, "--out", tmp_path / "run")
    assert made.returncode == 0, made.stderr
    result = call("refine", tmp_path / "run", "--steps", "1")
    assert result.returncode == 2
    assert "refine works only with text models, and this model generates points" in result.stderr
    result = call("generate", tmp_path / "run", "--refine")
    assert result.returncode == 2 and "--refine works only with text models" in result.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("there.txt", "--steps", "1"), "there.txt"),
        (("none", "--steps", "1"), "no such model"),
        (("none", "--steps", "1", "--minutes", "1"), "either minutes or steps"),
        (("none", "--rounds", "99"), "--rounds is 99"),
        (("none", "--acceptance", "drss"), "did you mean 'drs'"),
    ],
)
def test_bad_input_is_refused(args: tuple[str, ...], says: str, refused: Callable[..., None]) -> None:
    refused((says,), "refine", *args)
