"""The command `mnist`, and models of images in the other commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image

from seqgan_wgp.images.idx import write_idx

Call = Callable[..., CompletedProcess[str]]

TINY = (
    *("--recipe", "mnist-fast", "--steps", "4", "--device", "cpu", "--set", "evaluation.samples=20"),
    *("--set", "generator.width=2", "--set", "critic.width=2", "--set", "evaluation.every=2", "--set", "log.every=1"),
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of made images, 12 x 12."""
    path = tmp_path_factory.mktemp("images") / "boxes"
    path.mkdir()
    chance = np.random.default_rng(0)
    write_idx(path / "train-images-idx3-ubyte.gz", chance.integers(0, 256, (120, 12, 12), dtype=np.uint8))
    write_idx(path / "t10k-images-idx3-ubyte.gz", chance.integers(0, 256, (40, 12, 12), dtype=np.uint8))
    return path


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    result = call("mnist", "--data", digits, *TINY, "--out", folder)
    assert (result.returncode, result.stdout) == (0, f"{folder}\n"), result.stderr
    assert "boxes: 12 x 12 grey; 100 images to train on, 20 for validation, 40 for the test" in result.stderr
    assert "fcd" in result.stderr and "its floor" in result.stderr
    assert f"generate {folder} -n 64 -o grid.png" in result.stderr
    return folder


def test_a_run_of_images_has_pictures_of_samples(run: Path) -> None:
    pictures = sorted((run / "samples").iterdir())
    assert [picture.name for picture in pictures] == ["00000002.png", "00000004.png"]
    for picture in pictures:
        with Image.open(picture) as image:
            assert image.mode == "L"


def test_generate_writes_a_grid_or_an_array(run: Path, tmp_path: Path, call: Call) -> None:
    grid, array = tmp_path / "grid.png", tmp_path / "images.npy"
    for output in (grid, array):
        result = call("generate", run, "-n", "6", "-o", output)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert np.load(array).shape == (6, 1, 12, 12)
    with Image.open(grid) as picture:
        assert picture.width > 12 and picture.height > 12
    result = call("generate", run, "-n", "6", "-o", grid)
    assert result.returncode == 2
    assert "exists already" in result.stderr


@pytest.mark.parametrize("output", [[], ["-o", "strings.txt"]])
def test_a_model_of_images_prints_no_strings(output: list[str], run: Path, call: Call) -> None:
    result = call("generate", run, *output)
    assert (result.returncode, result.stdout) == (2, "")
    assert "a model of images" in result.stderr and "-o grid.png" in result.stderr


def test_a_run_of_images_goes_on(tmp_path: Path, digits: Path, call: Call) -> None:
    folder = tmp_path / "run"
    assert call("mnist", "--data", digits, *TINY, "--out", folder).returncode == 0
    result = call("resume", folder, "--steps", "6")
    assert result.returncode == 0, result.stderr
    assert (folder / "samples" / "00000006.png").is_file()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["mnist", "--data", "none"], ("none",)),
        (["mnist", "--data", "{empty}"], ("train-images-idx3-ubyte",)),
        (["mnist", "--data", "{digits}", "--recipe", "fast"], ("the recipe 'fast' is one for text", "mnist-")),
        (
            ["train", "words", "--recipe", "mnist-fast"],
            ("recipe 'mnist-fast' is one for image,", "seqgan-wgp mnist"),
        ),
        (
            ["mnist", "--data", "{digits}", "--set", "critic.normalization=batch"],
            ("critic.normalization is 'batch'", "depend on all of them", "critic.normalization=layer"),
        ),
    ],
)
def test_a_mistake_is_explained(
    args: list[str], says: tuple[str, ...], digits: Path, tmp_path: Path, call: Call
) -> None:
    (tmp_path / "empty").mkdir()
    words = [arg.format(digits=digits, empty=tmp_path / "empty") for arg in args]
    result = call(*words, "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    assert [part for part in says if part not in result.stderr] == []
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
