"""The command `mnist`, and models of images in the other commands."""

from __future__ import annotations

import gzip
import math
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seqgan_wgp.images import mnist
from seqgan_wgp.images.idx import write_idx
from seqgan_wgp.images.pictures import MARGIN, legible
from seqgan_wgp.utils.cache_dir import ENVIRONMENT

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]

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
    assert "boxes: 12 x 12 grey; 100 training images, 20 validation, 40 test" in result.stderr
    assert all(words in result.stderr for words in ("fcd", "nearest", "its floor"))
    assert f"animation {folder / 'training.gif'}" in result.stderr
    assert f"generate {folder} -n 64 -o grid.png" in result.stderr
    return folder


def test_a_run_of_images_has_pictures_of_samples(run: Path) -> None:
    pictures = sorted((run / "samples").iterdir())
    assert [picture.name for picture in pictures] == ["00000002.png", "00000004.png"]
    for picture in pictures:
        with Image.open(picture) as image:
            assert image.mode == "L"


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_run_of_images_has_a_film_of_them(run: Path) -> None:
    with Image.open(run / "training.gif") as film:
        assert getattr(film, "n_frames") == 2  # noqa: B009


def test_a_run_with_a_film_is_one_to_overwrite(run: Path, digits: Path, tmp_path: Path, call: Call) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    result = call("mnist", "--data", digits, *TINY, "--out", copy, "--overwrite")
    assert (result.returncode, result.stdout) == (0, f"{copy}\n"), result.stderr
    assert f"animation {copy / 'training.gif'}" in result.stderr


def test_generate_writes_the_same_images_as_grid_array_and_folder(run: Path, tmp_path: Path, call: Call) -> None:
    grid, array, folder = tmp_path / "grid.png", tmp_path / "images.npy", tmp_path / "images.d"
    for output in (grid, array, f"{folder}/"):
        result = call("generate", run, "-n", "600", "-o", output)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert call("generate", run, "-n", "6", "-o", output).returncode == 2
    images_NCHW = np.load(array)
    assert images_NCHW.shape == (600, 1, 12, 12)
    assert [path.name for path in sorted(folder.iterdir())] == [f"{k:08d}.png" for k in range(600)]
    assert all(np.array_equal(pixels(folder / f"{k:08d}.png"), images_NCHW[k, 0]) for k in range(600))
    assert np.array_equal(pixels(grid), np.asarray(legible(images_NCHW)))


def test_the_columns_of_a_grid_can_be_chosen(run: Path, tmp_path: Path, call: Call) -> None:
    for columns, wider in ((1, False), (8, True)):
        path = tmp_path / f"{columns}.png"
        assert call("generate", run, "-n", "8", "--columns", columns, "-o", path).returncode == 0
        height, width = pixels(path).shape
        assert (width > height) == wider


def test_a_walk_begins_and_ends_with_the_images_of_its_seeds(run: Path, tmp_path: Path, call: Call) -> None:
    array, strip, film = tmp_path / "images.npy", tmp_path / "walk.png", tmp_path / "walk.gif"
    ends = []
    for seed in ("3", "8"):
        assert call("generate", run, "-n", "4", "--seed", seed, "-o", array, "--overwrite").returncode == 0
        ends.append(np.load(array)[0, 0])
    for output in (strip, film):
        result = call("interpolate", run, "3", "8", "-n", "5", "-o", output)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    row = pixels(strip)
    scale = (row.shape[0] - 2 * MARGIN) // 12
    assert row.shape[1] == MARGIN + 5 * (12 * scale + MARGIN)
    for place, end_HW in ((0, ends[0]), (4, ends[1])):
        left = MARGIN + place * (12 * scale + MARGIN)
        shown = row[MARGIN : MARGIN + 12 * scale, left : left + 12 * scale]
        assert np.array_equal(shown, np.kron(end_HW, np.ones((scale, scale), np.uint8)))
    with Image.open(film) as frames:
        for place, end_HW in ((0, ends[0]), (4, ends[1])):
            frames.seek(place)
            assert np.array_equal(np.asarray(frames.convert("L")), np.asarray(legible(end_HW[None, None])))
        assert getattr(frames, "n_frames") == 8  # noqa: B009


def test_a_run_of_images_goes_on(tmp_path: Path, digits: Path, call: Call) -> None:
    folder = tmp_path / "run"
    assert call("mnist", "--data", digits, *TINY, "--out", folder).returncode == 0
    result = call("resume", folder, "--steps", "6")
    assert result.returncode == 0, result.stderr
    assert (folder / "samples" / "00000006.png").is_file()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One mistake. Commands run in a folder that holds digits/ (images of 12 x 12), run/ and the row's own files."""

    what: str
    args: str
    """The command; `mnist` gets tiny settings and --out."""

    says: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    """Path -> content; one that ends with a slash is a folder."""

    closed: bool = False
    """The files may not be read."""


def idx(count: int = 120, *sides: int) -> bytes:
    """Return an IDX file of grey images, or of labels where there are no sides."""
    header = struct.pack(f">HBB{1 + len(sides)}I", 0, 8, 1 + len(sides), count, *sides)
    return header + bytes(k % 251 for k in range(math.prod((count, *sides))))


TRAIN, TEST = "d/train-images-idx3-ubyte", "d/t10k-images-idx3-ubyte"
PACKED = gzip.compress(idx(120, 12, 12), mtime=0)

IMAGES = [
    Row(what="no such folder", args="mnist --data none", says=("none: no such folder", "train-images-idx3-ubyte.gz")),
    Row(
        what="an empty folder",
        args="mnist --data d",
        says=(
            "d: has no training images",
            "train-images-idx3-ubyte",
            "MNIST/raw",
            "put train-images-idx3-ubyte.gz there",
        ),
        files={"d/": b""},
    ),
    Row(
        what="a file in the folder's stead",
        args="mnist --data digits/train-images-idx3-ubyte.gz",
        says=("train-images-idx3-ubyte.gz: is a file, not a folder",),
    ),
    Row(
        what="a folder in the file's stead",
        args="mnist --data d",
        says=("d: has no training images", f"{TRAIN} is a folder"),
        files={f"{TRAIN}/": b"", f"{TRAIN}/images": idx(120, 12, 12)},
    ),
    Row(
        what="not IDX",
        args="mnist --data d",
        says=(f"{TRAIN}: is not an IDX file", "begins with the bytes 6e 6f", "give an IDX file"),
        files={TRAIN: b"no images but text"},
    ),
    Row(what="an empty file", args="mnist --data d", says=(f"{TRAIN}: is empty", "again"), files={TRAIN: b""}),
    Row(
        what="truncated",
        args="mnist --data d",
        says=(f"{TRAIN}: is cut off", "120 x 12 x 12", "17,280 bytes", "17,180 are there", "again"),
        files={TRAIN: idx(120, 12, 12)[:-100]},
    ),
    Row(
        what="too long",
        args="mnist --data d",
        says=(f"{TRAIN}: is too long", "120 x 12 x 12", "again"),
        files={TRAIN: idx(120, 12, 12) + b"more"},
    ),
    Row(
        what="truncated gzip",
        args="mnist --data d",
        says=(f"{TRAIN}.gz: is cut off", "within its gzip data", "again"),
        files={f"{TRAIN}.gz": PACKED[:-50]},
    ),
    Row(
        what="damaged gzip",
        args="mnist --data d",
        says=(f"{TRAIN}.gz: is damaged gzip data", "again"),
        files={f"{TRAIN}.gz": PACKED[:-8] + bytes(4) + PACKED[-4:]},
    ),
    Row(
        what="labels given as images",
        args="mnist --data d",
        says=(f"{TRAIN}: these are 120 labels, not images", "train-images-idx3-ubyte.gz"),
        files={TRAIN: idx(120)},
    ),
    Row(
        what="an odd size",
        args="mnist --data d",
        says=(f"{TRAIN}: images are 10 x 10 pixels", "divisible by 4", "pad them to 12 x 12"),
        files={TRAIN: idx(120, 10, 10)},
    ),
    Row(
        what="two sizes",
        args="mnist --data d",
        says=(f"{TEST}: images are 16 x 12 grey", f"{TRAIN} are 12 x 12 grey", "give images of one size"),
        files={TRAIN: idx(120, 12, 12), TEST: idx(40, 16, 12)},
    ),
    Row(
        what="grey and colour",
        args="mnist --data d",
        says=(f"{TEST}: images are 12 x 12 colour", f"{TRAIN} are 12 x 12 grey"),
        files={TRAIN: idx(120, 12, 12), TEST: idx(40, 12, 12, 3)},
    ),
    Row(
        what="damaged test images",
        args="mnist --data d",
        says=(f"{TEST}: is cut off", "again"),
        files={TRAIN: idx(120, 12, 12), TEST: idx(40, 12, 12)[:-1]},
    ),
    Row(
        what="too few",
        args="mnist --data d",
        says=(f"{TRAIN}: only 18 images", "at least 32 are needed"),
        files={TRAIN: idx(18, 12, 12)},
    ),
    Row(
        what="no right to read",
        args="mnist --data d",
        says=(f"{TRAIN}: cannot be read (Permission denied)",),
        files={TRAIN: idx(120, 12, 12)},
        closed=True,
    ),
]

COMMANDS = [
    Row(
        what="a recipe for text",
        args="mnist --data digits --recipe fast",
        says=("the recipe 'fast' is for text data", "mnist-"),
    ),
    Row(
        what="a recipe for images",
        args="train words --recipe mnist-fast --out out",
        says=("recipe 'mnist-fast' is for image data,", "seqgan-wgp mnist"),
    ),
    Row(
        what="batch norm in a critic with a penalty",
        args="mnist --data digits --set critic.normalization=batch",
        says=("critic.normalization is 'batch'", "depend on the whole batch", "critic.normalization=layer"),
    ),
    Row(
        what="no columns",
        args="mnist --data digits --set images.columns=0",
        says=("images.columns is 0", "at least 1"),
    ),
    Row(what="images to stdout", args="generate run", says=("an image model", "-o grid.png", "-o images/")),
    Row(what="images as text", args="generate run -o s.txt", says=("s.txt: this is an image model", "-o grid.png")),
    Row(what="images as a film", args="generate run -o s.gif", says=("s.gif: this is an image model", "-o grid.png")),
    Row(
        what="too large a grid",
        args="generate run -n 10001 -o grid.png",
        says=("-n is 10,001", "at most 10,000", "-o images.npy", "-o images/"),
    ),
    Row(
        what="no columns of a grid",
        args="generate run -o grid.png --columns 0",
        says=("--columns is 0", "at least 1"),
    ),
    Row(
        what="columns of an array",
        args="generate run -o images.npy --columns 4",
        says=("--columns is for a grid", "images.npy is not one"),
    ),
    Row(
        what="a folder with something in it",
        args="generate run -o d",
        says=("d: is not empty", "another -o", "--overwrite"),
        files={"d/00000000.png": b"mine"},
    ),
    Row(
        what="a folder with something else in it",
        args="generate run -o d --overwrite",
        says=("d: contains letter.txt", "move it away", "another -o"),
        files={"d/00000000.png": b"mine", "d/letter.txt": b"mine"},
    ),
    Row(what="a file for a folder", args="generate run -o d/", says=("d: is a file, not a folder",), files={"d": b"a"}),
    Row(
        what="a picture that is there",
        args="generate run -o a.png",
        says=("a.png: exists already", "--overwrite"),
        files={"a.png": b"mine"},
    ),
    Row(what="a grid in no folder", args="generate run -o none/a.png", says=("none/a.png: cannot be written",)),
    Row(what="a walk to stdout", args="interpolate run 3 8", says=("an image model", "-o walk.png", "-o walk.gif")),
    Row(what="a walk as an array", args="interpolate run 3 8 -o w.npy", says=("w.npy", "a .png or a .gif")),
    Row(what="a walk to where it began", args="interpolate run 3 3 -o w.png", says=("the same seed 3",)),
    Row(what="a walk of one image", args="interpolate run 3 8 -n 1 -o w.png", says=("n is 1", "must be 2")),
]


@pytest.mark.parametrize("row", [*IMAGES, *COMMANDS], ids=lambda row: row.what)
def test_a_mistake_is_explained_and_nothing_changes(
    row: Row, digits: Path, run: Path, tmp_path: Path, call: Call, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(digits, tmp_path / "digits")
    shutil.copytree(run, tmp_path / "run")
    for name, data in row.files.items():
        if name.endswith("/"):
            (tmp_path / name).mkdir(parents=True)
            continue
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        if row.closed:
            (tmp_path / name).chmod(0)
            if os.access(tmp_path / name, os.R_OK):
                pytest.skip("root may read everything")
    before = {} if row.closed else contents(tmp_path)
    command, *rest = row.args.split()
    if command == "mnist":
        rest = [*TINY, *rest, "--out", "deep/out"]  # the row's own settings come last, and so they count
    result = call(command, *rest)
    assert (result.returncode, result.stdout) == (2, "")
    assert [words for words in row.says if words not in result.stderr] == [], result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= 3
    assert not (tmp_path / "deep").exists()
    assert row.closed or contents(tmp_path) == before


def test_a_mirror_that_sends_something_else_is_not_believed(
    tmp_path: Path, call: Call, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror").mkdir()
    for name in mnist.FILES:
        (tmp_path / "mirror" / name).write_bytes(PACKED)
        monkeypatch.setitem(mnist.FILES, name, mnist.Expected(sha256="0" * 64, size=len(PACKED)))
    monkeypatch.setattr(mnist, "MIRRORS", [(tmp_path / "mirror").as_uri()])
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "cache"))
    result = call("mnist", *TINY, "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    for words in ("could not be downloaded", "sends another", "its SHA-256 differs", "--data DIR"):
        assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert contents(tmp_path / "cache") == {"mnist": None}
    assert not (tmp_path / "out").exists()
