"""Pictures: bytes and pixels there and back, grids to the pixel, files at once or not at all."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from seqgan_wgp.config import Config
from seqgan_wgp.errors import Diverged
from seqgan_wgp.images.pictures import (
    MARGIN,
    MIN_PIXELS,
    from_uint8,
    grid,
    legible,
    to_uint8,
    write_gif,
    write_png,
    write_samples,
)
from seqgan_wgp.images.pixel_ranges import RANGES

BYTES_NCHW = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)


@pytest.mark.parametrize("value_range", RANGES)
def test_every_byte_comes_back(value_range: str) -> None:
    pixels = from_uint8(BYTES_NCHW, value_range)
    assert pixels.dtype == torch.float32
    assert pixels.shape == BYTES_NCHW.shape
    for given in (pixels, pixels.numpy(), pixels.double(), pixels.clone().requires_grad_(True)):
        back = to_uint8(given, value_range)
        assert back.dtype == np.uint8
        assert np.array_equal(back, BYTES_NCHW)
    assert torch.equal(from_uint8(torch.from_numpy(BYTES_NCHW), value_range), pixels)


@pytest.mark.parametrize(("value_range", "least"), [("unit", 0.0), ("symmetric", -1.0)])
def test_ends_are_exact_and_what_lies_outside_is_brought_to_them(value_range: str, least: float) -> None:
    pixels = from_uint8(BYTES_NCHW, value_range)
    assert pixels.min().item() == least
    assert pixels.max().item() == 1.0
    outside = np.array([[[[least - 7, least, 1.0, 9.0, np.inf, -np.inf]]]])
    assert to_uint8(outside, value_range).flatten().tolist() == [0, 0, 255, 255, 255, 0]


def test_pixels_that_are_not_numbers_are_told() -> None:
    with pytest.raises(Diverged):
        to_uint8(torch.tensor([0.5, torch.nan]), "unit")


def test_arrays_that_are_read_only_are_taken() -> None:
    images = BYTES_NCHW.copy()
    images.flags.writeable = False
    assert from_uint8(images, "unit").shape == images.shape


def numbered(count: int, channels: int = 1) -> npt.NDArray[np.uint8]:
    """Images of 2 x 3, every pixel of all of them another number."""
    return (1 + np.arange(count * channels * 6, dtype=np.uint8)).reshape(count, channels, 2, 3)


def test_grid_places_every_pixel() -> None:
    images = numbered(5)
    expected = np.zeros((1 + 2 * (2 + 1), 1 + 3 * (3 + 1)), np.uint8)
    for place, (top, left) in enumerate([(1, 1), (1, 5), (1, 9), (4, 1), (4, 5)]):
        expected[top : top + 2, left : left + 3] = images[place, 0]
    picture = grid(images, margin=1)
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), expected)


def test_grid_of_colours() -> None:
    images = numbered(2, channels=3)
    picture = grid(images, 1, margin=0)
    assert picture.mode == "RGB"
    expected = np.concatenate([image.transpose(1, 2, 0) for image in images], axis=0)
    assert np.array_equal(np.asarray(picture), expected)


def test_grid_scales_the_images_and_not_the_margin() -> None:
    images = numbered(2)
    picture = np.asarray(grid(images, 2, scale=3))
    assert picture.shape == (2 + 6 + 2, 2 + 9 + 2 + 9 + 2)
    for place, left in enumerate([2, 13]):
        assert np.array_equal(picture[2:8, left : left + 9], np.kron(images[place, 0], np.ones((3, 3), np.uint8)))
    assert picture.astype(int).sum() == 9 * images.astype(int).sum()


@pytest.mark.parametrize(
    ("count", "columns", "size"),
    [(1, None, (1, 1)), (2, None, (2, 1)), (9, None, (3, 3)), (10, None, (4, 3)), (3, 5, (5, 1))],
)
def test_grid_is_nearly_square_unless_told(count: int, columns: int | None, size: tuple[int, int]) -> None:
    assert grid(numbered(count), columns, margin=0).size == (3 * size[0], 2 * size[1])


@pytest.mark.parametrize(
    "images", [numbered(4)[:0], numbered(4)[0], numbered(2, channels=2), numbered(4).astype(np.float32)]
)
def test_what_is_no_image_is_refused(images: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="images"):
        grid(images)


@pytest.mark.parametrize("wrong", [{"columns": 0}, {"margin": -1}, {"scale": 0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no grid"):
        grid(numbered(4), **wrong)


def test_png_holds_the_same_pixels_and_replaces_what_was_there(tmp_path: Path) -> None:
    picture = grid(numbered(4))
    path = tmp_path / "grid.png"
    path.write_bytes(b"old")
    write_png(picture, path)
    with Image.open(path) as read:
        assert read.format == "PNG"
        assert np.array_equal(np.asarray(read), np.asarray(picture))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("count", "columns", "side", "scale", "size"),
    [
        (16, 4, 28, 3, (346, 346)),
        (64, 8, 28, 2, (466, 466)),
        (100, 10, 28, 1, (302, 302)),
        (10, 10, 28, 4, (1142, 116)),
        (1, None, 28, 11, (312, 312)),
        (7, None, 128, 1, (392, 392)),
        (3, 10, 28, 7, (596, 200)),
        (2_000, 1, 28, 1, (32, 60_002)),
    ],
)
def test_small_grids_are_enlarged_until_people_see_them(
    count: int, columns: int | None, side: int, scale: int, size: tuple[int, int]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 1, side, side), np.uint8)
    picture = legible(images, columns)
    assert picture.size == size
    top = picture.crop((MARGIN, MARGIN, MARGIN + scale * side, MARGIN + scale * side))
    assert np.array_equal(np.asarray(top)[::scale, ::scale], images[0, 0])


@pytest.mark.parametrize(
    ("settings", "samples", "columns", "rows"),
    [
        ({}, 200, 10, 10),
        ({"images.columns": 4, "images.rows": 4}, 200, 4, 4),
        ({"images.columns": 8, "images.rows": 3}, 200, 8, 3),
        ({"images.rows": 2}, 200, 10, 2),
        ({}, 25, 10, 3),
        ({"images.columns": 8}, 5, 5, 1),
    ],
)
def test_samples_are_a_grid_of_the_first_of_them_beside_their_stem(
    settings: dict[str, object],
    samples: int,
    columns: int,
    rows: int,
    image_config: Callable[..., Config],
    tmp_path: Path,
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (samples, 1, 4, 4))
    write_samples(image_config(**settings), None, images, tmp_path / "00000100")  # type: ignore[arg-type]
    shown = images[: columns * rows].astype(np.uint8)
    with Image.open(tmp_path / "00000100.png") as read:
        assert np.array_equal(np.asarray(read), np.asarray(legible(shown, columns)))
        scale = (read.width - MARGIN) // columns - MARGIN
        assert read.size == (MARGIN + columns * (scale + MARGIN), MARGIN + rows * (scale + MARGIN))
        assert read.width * read.height >= MIN_PIXELS


def test_gif_has_every_frame_and_its_greys(tmp_path: Path) -> None:
    frames = [grid(numbered(4) + np.uint8(40 * k)) for k in range(5)]
    write_gif(frames, tmp_path / "film.gif", milliseconds=120)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.format == "GIF"
        assert getattr(film, "n_frames") == 5  # noqa: B009
        assert film.info["loop"] == 0
        for place, frame in enumerate(frames):
            film.seek(place)
            assert film.info["duration"] == 120
            assert np.array_equal(np.asarray(film.convert("L")), np.asarray(frame))


def test_gif_of_colours_and_of_one_frame(tmp_path: Path) -> None:
    frames = [grid(numbered(2, channels=3) + np.uint8(50 * k)) for k in range(3)]
    for count in (1, 3):
        write_gif(frames[:count], tmp_path / "film.gif")
        with Image.open(tmp_path / "film.gif") as film:
            assert getattr(film, "n_frames", 1) == count


def test_gif_shows_a_repeated_frame_for_as_much_longer(tmp_path: Path) -> None:
    first, other = grid(numbered(4)), grid(numbered(4) + np.uint8(90))
    write_gif([first, first, other], tmp_path / "film.gif", milliseconds=100)
    durations = []
    with Image.open(tmp_path / "film.gif") as film:
        for place in range(getattr(film, "n_frames")):  # noqa: B009
            film.seek(place)
            durations.append(film.info["duration"])
    assert durations == [200, 100]


def test_gif_holds_its_last_frame_when_told(tmp_path: Path) -> None:
    frames = [grid(numbered(4) + np.uint8(40 * k)) for k in range(3)]
    write_gif(frames, tmp_path / "film.gif", milliseconds=100, last=900)
    durations = []
    with Image.open(tmp_path / "film.gif") as film:
        for place in range(3):
            film.seek(place)
            durations.append(film.info["duration"])
    assert durations == [100, 100, 900]


def test_gif_needs_frames_of_one_size(tmp_path: Path) -> None:
    for frames in ([], [grid(numbered(1)), grid(numbered(2))]):
        with pytest.raises(ValueError, match="one size"):
            write_gif(frames, tmp_path / "film.gif")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_no_file_and_the_former_one_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    picture, path = grid(numbered(4)), tmp_path / "picture"
    with pytest.raises(OSError, match="mode F"):
        write_png(Image.new("F", (2, 2)), path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_gif([picture], path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="No space"):
        write_png(picture, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
