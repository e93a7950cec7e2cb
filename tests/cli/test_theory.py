"""seqgan-wgp theory: tables on stdout, figures in a folder of their own."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

from cli.commands.theory import NAMES
from seqgan_wgp.theory.experiments import EXPERIMENTS

Call = Callable[..., CompletedProcess[str]]

QUICK = ("theory", "--quick", "--only", "lines")


def test_the_names_that_help_knows_are_those_there_are() -> None:
    assert list(NAMES) == list(EXPERIMENTS)


def test_tables_go_to_stdout_and_figures_to_the_folder(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "new" / "figures"
    result = call(*QUICK, "--out", out)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in out.iterdir()] == ["lines.png"]
    with Image.open(out / "lines.png") as picture:
        assert picture.format == "PNG"
    assert result.stdout.startswith("## lines: ")
    assert "| theta |" in result.stdout
    assert "| claim " in result.stdout
    assert "lines: discriminator and critic of lines 2 apart" in result.stderr
    assert "|" not in result.stderr


def test_figures_of_ours_are_replaced_when_asked_and_others_left(call: Call, tmp_path: Path) -> None:
    (tmp_path / "lines.png").write_bytes(b"former")
    (tmp_path / "depth.png").write_bytes(b"another")
    refused = call(*QUICK, "--out", tmp_path)
    assert refused.returncode == 2
    assert "lines.png" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert (tmp_path / "lines.png").read_bytes() == b"former"
    assert call(*QUICK, "--out", tmp_path, "--overwrite").returncode == 0
    assert (tmp_path / "lines.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "depth.png").read_bytes() == b"another"


@pytest.mark.parametrize("option", [[], ["--overwrite"]])
def test_a_folder_with_other_files_is_left_alone(option: list[str], call: Call, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    result = call(*QUICK, "--out", tmp_path, *option)
    assert (result.returncode, result.stdout) == (2, "")
    assert "thesis.txt" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_folders_place_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("a file", encoding="utf-8")
    result = call(*QUICK, "--out", tmp_path / "figures")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--out" in result.stderr


@pytest.mark.parametrize("only", ["line", "lines,depths", "", "lines,,depth"])
def test_names_that_there_are_not_are_refused(only: str, call: Call, tmp_path: Path) -> None:
    result = call("theory", "--only", only, "--out", tmp_path / "figures")
    assert (result.returncode, result.stdout) == (2, "")
    assert "choose one of: lines, gradients, surfaces, depth, meaning" in result.stderr
    assert not (tmp_path / "figures").exists()


def test_a_seed_below_0_is_refused(call: Call, tmp_path: Path) -> None:
    result = call("theory", "--seed=-1", "--out", tmp_path / "figures")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--seed" in result.stderr
    assert not (tmp_path / "figures").exists()
