"""Read your own images: a folder of PNG, JPEG or other picture files, or a NumPy array in an .npy or .npz file.

All images have one size. They are put in an order without pattern, by a hash of their pixels, since files and arrays
are often sorted by class, and the last images are held out.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ..errors import CorpusError, one_line
from .idx import check_bytes, checked_images

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""Extensions of picture files."""

ARRAYS = (".npy", ".npz")

_TRAIN_NAMES = ("x_train", "train_images", "images", "x", "data", "arr_0")
"""Names of the training images in .npz files, in the order in which they are looked for."""

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F"})

_WANTED = "give unsigned bytes, N x height x width or with 1 or 3 channels"


def picture_paths(folder: Path) -> list[Path]:
    """Return the picture files in a folder and in folders below it, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def is_picture_set(path: Path) -> bool:
    """Return whether a path is a NumPy file, or a folder with picture files."""
    return path.suffix.lower() in ARRAYS if path.is_file() else path.is_dir() and bool(picture_paths(path))


def read_pictures(path: Path) -> npt.NDArray[np.uint8]:
    """Return the images (N, C, H, W) of a folder or NumPy file, in an order without pattern.

    Raises:
        CorpusError: a file cannot be read, or the images differ in size or have an unsupported shape.
    """
    images_NCHW = checked_images(_array(path) if path.is_file() else _folder(path), path, _WANTED)
    digests = [hashlib.blake2b(image_CHW.tobytes(), digest_size=8).digest() for image_CHW in images_NCHW]
    order_N = sorted(range(len(digests)), key=digests.__getitem__)
    return np.ascontiguousarray(images_NCHW[order_N])


def _folder(folder: Path) -> npt.NDArray[np.uint8]:
    paths = picture_paths(folder)
    first_size: tuple[int, int] | None = None
    is_grey = True
    for path in paths:
        size, mode = _size_and_mode(path)
        first_size = first_size or size
        if size != first_size:
            raise CorpusError(
                f"{path}: is {size[1]} x {size[0]} pixels, but {paths[0].name} is {first_size[1]} x {first_size[0]}",
                f"bring all to one size, e.g. mogrify -resize {first_size[0]}x{first_size[1]}! *{path.suffix}",
            )
        is_grey = is_grey and mode in _GREY_MODES
    assert first_size is not None
    width, height = first_size
    shape = (len(paths), height, width, 1 if is_grey else 3)
    check_bytes(folder, math.prod(shape))
    images_NHWC = np.empty(shape, np.uint8)
    for place, path in enumerate(paths):
        images_NHWC[place] = _pixels(path, "L" if is_grey else "RGB").reshape(images_NHWC.shape[1:])
    return images_NHWC


def _size_and_mode(path: Path) -> tuple[tuple[int, int], str]:
    try:
        with Image.open(path) as image:
            return image.size, image.mode
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise _unreadable(path, error) from None


def _pixels(path: Path, mode: str) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):  # 16 bits
                return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
            return np.asarray(image.convert(mode))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> CorpusError:
    return CorpusError(f"{path}: the picture cannot be read ({one_line(error)})", "remove it, or save it again")


def _array(path: Path) -> npt.NDArray[np.uint8]:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        array = np.asarray(loaded) if isinstance(loaded, np.ndarray) else _member(path, loaded)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CorpusError(
            f"{path}: the array cannot be read ({one_line(error)})", "save it again: numpy.save('images.npy', array)"
        ) from None
    check_bytes(path, array.nbytes)
    return _as_bytes(array, path)


def _member(path: Path, arrays: Any) -> npt.NDArray[Any]:
    with arrays:
        names = list(arrays.files)
        bytes_of = {name: size for name in names if (size := _bytes_of_set(arrays, name)) is not None}
        sets = list(bytes_of)
        chosen = next((name for name in _TRAIN_NAMES if name in sets), sets[0] if len(sets) == 1 else None)
        if chosen is None:
            raise CorpusError(
                f"{path}: has no array of images called {', '.join(_TRAIN_NAMES)}",
                f"save the images under one of these names; there are: {', '.join(names) or 'none'}",
            )
        check_bytes(path, bytes_of[chosen])
        return np.asarray(arrays[chosen])


def _bytes_of_set(arrays: Any, name: str) -> int | None:
    """Return how many bytes an array of several images has, by its header; None: it is none."""
    member = name if name in arrays.zip.namelist() else f"{name}.npy"
    with contextlib.suppress(ValueError), arrays.zip.open(member) as file:  # ValueError: it is no array
        is_first = np.lib.format.read_magic(file) == (1, 0)
        read = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
        shape, _is_fortran, dtype = read(file)
        return math.prod(shape) * dtype.itemsize if len(shape) >= 3 else None
    return None


def _as_bytes(array: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint8]:
    """Return pixels as bytes: fractions from 0 to 1 or from -1 to 1, and whole numbers from 0 to 255."""
    if array.dtype == np.uint8:
        return np.array(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "fiu" or not array.size or not np.isfinite(array).all():
        raise CorpusError(f"{path}: its values are {array.dtype}, or not finite, and pixels are numbers", _WANTED)
    least, most = float(array.min()), float(array.max())
    if array.dtype.kind == "f" and least >= -1 and most <= 1:
        unit = array if least >= 0 else (array + 1) / 2
        return np.rint(unit * 255).astype(np.uint8)
    if least < 0 or most > 255:
        raise CorpusError(f"{path}: its values go from {least:g} to {most:g}", "scale them to 0 to 255")
    rounded: npt.NDArray[np.uint8] = np.rint(array).astype(np.uint8)
    return rounded
