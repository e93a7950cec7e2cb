"""A folder of pictures, and NumPy files, as images to train on."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seqgan_wgp.config.schema import ImageSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.images import idx
from seqgan_wgp.images.dataset import Collection, read_collection
from seqgan_wgp.images.mnist import find_images

GREY = np.random.default_rng(0).integers(0, 256, (60, 8, 12), np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (60, 8, 12, 3), np.uint8)


def collection(path: Path) -> Collection:
    return read_collection(find_images(path), ImageSettings(), "own")


def as_set(images: npt.NDArray[Any]) -> set[bytes]:
    return {image.tobytes() for image in images}


def written(folder: Path, images: npt.NDArray[np.uint8], ending: str = ".png") -> Path:
    for number, image in enumerate(images):
        place = folder / f"class{number // 20}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}{ending}")
    return folder


@pytest.mark.parametrize(("images", "channels"), [(GREY, 1), (COLOUR, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("ending", [".png", ".bmp", ".npy", ".npz"])
def test_pictures_are_what_was_written(
    images: npt.NDArray[np.uint8], channels: int, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"set{ending}"
    if ending == ".npy":
        np.save(path, images)
    elif ending == ".npz":
        np.savez_compressed(path, labels=np.arange(60), pictures=images)
    else:
        path = written(tmp_path / "set", images, ending)
    found = collection(path)
    assert found.facts.shape == (channels, 8, 12)
    assert (found.facts.train, found.facts.validation, found.facts.test) == (50, 5, 5)
    expected = images[:, None] if channels == 1 else images.transpose(0, 3, 1, 2)
    assert as_set(found.images_NCHW) == as_set(np.ascontiguousarray(expected))


def test_the_order_has_no_pattern_and_does_not_depend_on_names(tmp_path: Path) -> None:
    """Pictures of one class stand one behind the other, and the last ones are held out."""
    one = collection(written(tmp_path / "one", GREY))
    other = collection(written(tmp_path / "other", GREY[::-1]))
    assert np.array_equal(one.images_NCHW, other.images_NCHW)
    held_out = as_set(one.images_NCHW[50:])
    classes = [sum(image.tobytes() in held_out for image in GREY[first : first + 20]) for first in (0, 20, 40)]
    assert all(classes)


def test_jpeg_is_near_to_what_was_written(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 16, dtype=np.uint8), (40, 16, 16)) // np.arange(1, 41)[:, None, None]
    found = collection(written(tmp_path / "set", smooth.astype(np.uint8), ".jpg"))
    assert sorted(found.images_NCHW.mean((1, 2, 3))) == pytest.approx(sorted(smooth.mean((1, 2))), abs=2)


def test_a_single_colour_picture_makes_all_colour(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", GREY)
    Image.fromarray(COLOUR[0]).save(folder / "colour.png")
    found = collection(folder)
    assert found.facts.shape == (3, 8, 12)
    assert COLOUR[0].transpose(2, 0, 1).tobytes() in as_set(found.images_NCHW)


@pytest.mark.parametrize(
    "array",
    [GREY / 255, GREY / 127.5 - 1, GREY.astype(np.int64), GREY.astype(np.float32)],
    ids=["from 0 to 1", "from -1 to 1", "whole numbers", "whole fractions"],
)
def test_values_of_arrays_become_bytes(array: npt.NDArray[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", array)
    assert as_set(collection(tmp_path / "set.npy").images_NCHW) == as_set(GREY[:, None])


def test_the_training_images_of_a_data_set_with_several_arrays_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_test=GREY[:9], x_train=GREY, y_train=np.arange(60))
    assert as_set(collection(tmp_path / "mnist.npz").images_NCHW) == as_set(GREY[:, None])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: Image.fromarray(GREY[0, :4]).save(folder / "z.png"), "z.png: is 4 x 12 pixels, but"),
        (lambda folder: (folder / "z.png").write_bytes(b"no picture"), "z.png: the picture cannot be read"),
        (lambda folder: (folder / "z.png").write_bytes((folder / "class0/0.png").read_bytes()[:60]), "cannot be read"),
    ],
    ids=["size", "no picture", "cut off"],
)  # fmt: skip
def test_a_picture_that_does_not_fit_is_named(spoil: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "set", GREY)
    spoil(folder)
    with pytest.raises(CorpusError, match=says) as error:
        collection(folder)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (GREY[:, :7], "images are 7 x 12 pixels"),
        (GREY.astype(np.float64) * 9, "its values go from 0 to 2295"),
        (np.arange(9), "9 values, which is not a set of images"),
        (np.array(["a"]), "pixels are numbers"),
    ],
)
def test_an_array_of_no_images_is_refused(array: npt.NDArray[Any], says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", array)
    with pytest.raises(CorpusError, match=says):
        collection(tmp_path / "set.npy")


def headed(shape: tuple[int, ...]) -> bytes:
    """An array of some bytes, whose header says another shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(100)


@pytest.mark.parametrize("shape", [(10**6, 10**6, 10**3), (10**4, 10**4, 4), (0, 10**9, 10**9)], ids=str)
@pytest.mark.parametrize("name", ["set.npy", "set.npz"])
def test_a_header_takes_no_memory(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    if name.endswith(".npz"):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("x_train.npy", headed(shape))
            file.writestr("readme.txt", "no array")
    else:
        (tmp_path / name).write_bytes(headed(shape))
    tracemalloc.start()
    try:
        with pytest.raises(CorpusError):
            collection(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 1e9
    finally:
        tracemalloc.stop()


def test_a_set_that_memory_may_not_hold_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "set", GREY)
    np.save(tmp_path / "set.npy", GREY)
    np.savez_compressed(tmp_path / "set.npz", x_train=GREY)
    monkeypatch.setattr(idx, "MAX_SET_BYTES", GREY.size - 1)
    for path in (folder, tmp_path / "set.npy", tmp_path / "set.npz"):
        with pytest.raises(
            CorpusError, match=f"{path.name}: holds {GREY.size:,} bytes, and images of at most"
        ) as error:
            collection(path)
        assert error.value.remedy == "give fewer or smaller images"
    monkeypatch.setattr(idx, "MAX_SET_BYTES", GREY.size)
    for path in (folder, tmp_path / "set.npy", tmp_path / "set.npz"):
        assert len(collection(path).images_NCHW) == len(GREY)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(CorpusError, match="the array cannot be read"):
        collection(tmp_path / "set.npy")


def test_a_folder_without_pictures_says_what_may_be_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="has no training images") as error:
        find_images(tmp_path)
    assert "PNG or JPEG pictures" in error.value.remedy
