"""Generated images as grid, array, folder, strip and film: what goes where, and what is refused beforehand."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.images.output import MAX_GRID, check_folder, images_writer, walk_writer
from seqgan_wgp.images.pictures import legible

Contents = Callable[[Path], dict[str, bytes | None]]

IMAGES_NCHW = np.random.default_rng(0).integers(0, 256, (11, 1, 8, 12), np.uint8)


def parts(images_NCHW: npt.NDArray[np.integer] = IMAGES_NCHW) -> Iterator[npt.NDArray[np.integer]]:
    """Yield the images in parts of 4, as another type."""
    for start in range(0, len(images_NCHW), 4):
        yield images_NCHW[start : start + 4].astype(np.int64)


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the current folder an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("columns", [None, 1, 5, 99])
def test_a_grid_has_all_images(columns: int | None, here: Path) -> None:
    images_writer("grid.PNG", 11, columns=columns)(parts())
    assert np.array_equal(pixels(here / "grid.PNG"), np.asarray(legible(IMAGES_NCHW, columns)))


def test_an_array_is_what_numpy_would_write(here: Path) -> None:
    images_writer("images.npy", 11)(parts())
    expected = io.BytesIO()
    np.save(expected, IMAGES_NCHW)
    assert (here / "images.npy").read_bytes() == expected.getvalue()


@pytest.mark.parametrize("name", ["images", "images/", "version.2/", "there", "deep/new"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_has_a_picture_of_each(name: str, channels: int, here: Path) -> None:
    (here / "there").mkdir()
    images_NCHW = IMAGES_NCHW.repeat(channels, axis=1)
    images_writer(name, 11)(parts(images_NCHW))
    written = sorted((here / name).iterdir())
    assert [path.name for path in written] == [f"{k:08d}.png" for k in range(11)]
    for path, image_CHW in zip(written, images_NCHW, strict=True):
        assert np.array_equal(np.atleast_3d(pixels(path)).transpose(2, 0, 1), image_CHW)
    assert not list(here.rglob(".*"))


@pytest.mark.parametrize("name", ["images.npy", "images"])
def test_the_memory_does_not_depend_on_the_number(name: str, here: Path) -> None:
    block_NCHW = np.zeros((64, 1, 16, 16), np.uint8)
    blocks = 40
    write = images_writer(name, blocks * 64)
    tracemalloc.start()
    try:
        write(block_NCHW.copy() for _ in range(blocks))
        assert tracemalloc.get_traced_memory()[1] < blocks * block_NCHW.nbytes / 2
    finally:
        tracemalloc.stop()
    assert (here / name).exists()


@pytest.mark.parametrize("name", ["grid.png", "images.npy", "images", "there", "former"])
def test_an_interruption_leaves_what_was_there(name: str, here: Path, contents: Contents) -> None:
    (here / "there").mkdir()
    images_writer("former", 3)(parts(IMAGES_NCHW[:3]))
    before = contents(here)

    def interrupted() -> Iterator[npt.NDArray[np.integer]]:
        yield IMAGES_NCHW
        raise KeyboardInterrupt

    write = images_writer(name, 22, overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        write(interrupted())
    assert contents(here) == before


def test_what_may_be_replaced_is_replaced(here: Path) -> None:
    for name in ("grid.png", "images.npy", "images"):
        images_writer(name, 11)(parts())
        with pytest.raises(ConfigError, match="exists already|is not empty") as caught:
            images_writer(name, 3)
        assert "--overwrite" in caught.value.remedy
        images_writer(name, 3, overwrite=True)(parts(IMAGES_NCHW[:3]))
    assert len(np.load(here / "images.npy")) == len(list((here / "images").iterdir())) == 3


@pytest.mark.parametrize("foreign", ["notes.txt", "00000000.gif", "0.png", "a00000001.png", "00000002.png/"])
def test_a_folder_with_anything_else_in_it_is_not_replaced(foreign: str, here: Path, contents: Contents) -> None:
    images_writer("images", 2)(parts(IMAGES_NCHW[:2]))
    path = here / "images" / foreign
    path.mkdir() if foreign.endswith("/") else path.write_text("mine")
    before = contents(here)
    with pytest.raises(ConfigError, match=f"images: contains {foreign.rstrip('/')}"):
        images_writer("images", 2, overwrite=True)
    assert contents(here) == before


def test_what_comes_into_a_folder_meanwhile_is_not_lost(here: Path) -> None:
    images_writer("images", 2)(parts(IMAGES_NCHW[:2]))

    def slow() -> Iterator[npt.NDArray[np.integer]]:
        yield IMAGES_NCHW
        (here / "images" / "letter.txt").write_text("mine")

    with pytest.raises(ConfigError, match=r"contains letter\.txt"):
        images_writer("images", 11, overwrite=True)(slow())
    assert (here / "images" / "letter.txt").read_text() == "mine"
    assert len(list((here / "images").iterdir())) == 3


def test_the_current_folder_and_links_are_not_replaced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "empty").mkdir()
    (here / "link").symlink_to(here / "empty")
    monkeypatch.chdir(here / "empty")
    for path in (Path(), here / "empty", here / "link"):
        with pytest.raises(ConfigError, match="cannot be replaced"):
            check_folder(path, overwrite=True)


@pytest.mark.parametrize(
    ("output", "count", "columns", "says"),
    [
        (None, 4, None, ("an image model", "-o grid.png", "-o images.npy", "-o images/")),
        ("strings.txt", 4, None, ("strings.txt", "not written as .txt", "-o grid.png")),
        ("film.gif", 4, None, ("film.gif", "not written as .gif")),
        ("grid.png", MAX_GRID + 1, None, ("-n is 10,001", "at most 10,000", "-o images.npy", "-o images/")),
        ("grid.png", 4, 0, ("--columns is 0", "at least 1")),
        ("images.npy", 4, 2, ("--columns is for a grid, but images.npy is not one", "leave it out")),
        ("images/", 4, 2, ("--columns is for a grid, but images/ is not one", "-o grid.png")),
        ("file", 4, None, ("file: is a file, not a folder", "-o")),
        ("file/", 4, None, ("file: is a file, not a folder", "-o")),
        ("none/grid.png", 4, None, ("none/grid.png: cannot be written", "-o")),
    ],
)
def test_what_cannot_be_written_is_told_before_an_image_is_generated(
    output: str | None, count: int, columns: int | None, says: tuple[str, ...], here: Path, contents: Contents
) -> None:
    (here / "file").write_text("mine")
    before = contents(here)
    with pytest.raises(ConfigError) as caught:
        images_writer(output, count, columns=columns)
    assert [words for words in says if words not in str(caught.value)] == []
    assert caught.value.remedy or "at least" in caught.value.message
    assert contents(here) == before


def test_a_folder_below_a_file_is_told(here: Path) -> None:
    (here / "file").write_text("mine")
    with pytest.raises(ConfigError, match="file/images: cannot be written"):
        images_writer("file/images", 11)(parts())


def test_a_walk_is_one_row(here: Path) -> None:
    walk_writer("walk.png")([IMAGES_NCHW])
    assert np.array_equal(pixels(here / "walk.png"), np.asarray(legible(IMAGES_NCHW, 11)))


def test_a_film_of_a_walk_goes_there_and_back(here: Path) -> None:
    walk_writer("walk.gif")([IMAGES_NCHW[:4]])
    order = [0, 1, 2, 3, 2, 1]
    with Image.open(here / "walk.gif") as film:
        assert getattr(film, "n_frames") == len(order)  # noqa: B009
        for place, number in enumerate(order):
            film.seek(place)
            assert np.array_equal(np.asarray(film.convert("L")), np.asarray(legible(IMAGES_NCHW[number, None])))


@pytest.mark.parametrize("output", [None, "walk.txt", "walk", "walk.npy", "there.png", "none/walk.gif"])
def test_where_a_walk_cannot_be_written_is_told(output: str | None, here: Path) -> None:
    (here / "there.png").write_text("mine")
    with pytest.raises(ConfigError) as caught:
        walk_writer(output)
    assert "-o" in caught.value.remedy
