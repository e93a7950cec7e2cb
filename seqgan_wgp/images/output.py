"""Write generated images: a grid, an array, a folder of pictures, or an interpolation.

Each function checks the destination before an image is generated, and returns the function that writes the images.
Files and folders are created completely or not at all.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from ..training.domain import Items
from ..utils.atomic_files import check_file, new_file, new_folder
from .pictures import grid, legible, write_gif, write_png

Parts: TypeAlias = Iterable[Items]
"""Images in parts, each (n, C, H, W)."""

MAX_GRID = 10_000
"""Largest number of images in a grid."""

WALK_MILLISECONDS = 100
"""Duration of each image in an animation."""

_NAME = re.compile(r"\d{8,}\.png")
_ANOTHER = "choose another -o"
_WHERE = "give -o grid.png for a grid, -o images.npy for an array, or -o images/ for one file per image"
_WALK_WHERE = "give -o walk.png for a picture, or -o walk.gif for an animation"


def images_writer(
    output: str | None, count: int, *, columns: int | None = None, overwrite: bool = False
) -> Callable[[Parts], None]:
    """Return the function that writes `count` images to `output`, in constant memory unless it is a grid.

    Args:
        output: FILE.png for a grid; FILE.npy for an array (N, C, H, W) of bytes; or a folder for 00000000.png, ...: an
            existing folder, or a name without an extension or with a slash at the end.
        count: N, at least 1.
        columns: columns of the grid; None: a nearly square grid.
        overwrite: replace a file, or a folder that contains only such pictures.

    Raises:
        ConfigError: the destination cannot be written, or does not fit the options.
    """
    if output is None:
        raise ConfigError("this is an image model, which needs -o", _WHERE)
    path = Path(output)
    ending = "" if output.endswith(("/", os.sep)) or path.is_dir() else path.suffix.lower()
    if ending not in ("", ".npy", ".png"):
        raise ConfigError(f"{output}: this is an image model, and images are not written as {ending}", _WHERE)
    if columns is not None and ending != ".png":
        raise ConfigError(f"--columns is for a grid, but {output} is not one", "leave it out, or give -o grid.png")
    if columns is not None and columns < 1:
        raise ConfigError(f"--columns is {columns}, but it must be at least 1")
    if not ending:
        check_folder(path, overwrite=overwrite)
        return partial(_write_folder, path=path, overwrite=overwrite)
    if ending == ".png" and count > MAX_GRID:
        raise ConfigError(
            f"-n is {count:,}, but a grid has at most {MAX_GRID:,} images",
            "give -o images.npy for an array, or -o images/ for one file per image",
        )
    check_file(path, overwrite=overwrite)
    if ending == ".npy":
        return partial(_write_array, path=path, count=count)
    return lambda parts: write_png(legible(_together(parts), columns), path)


def walk_writer(output: str | None, *, overwrite: bool = False) -> Callable[[Parts], None]:
    """Return the function that writes an interpolation to FILE.png (one row) or FILE.gif (forwards and backwards).

    Raises:
        ConfigError: the destination cannot be written, or is neither of these.
    """
    if output is None:
        raise ConfigError("this is an image model, which needs -o", _WALK_WHERE)
    path = Path(output)
    ending = path.suffix.lower()
    if ending not in (".png", ".gif"):
        raise ConfigError(f"{output}: this is an image model, which interpolates to a .png or a .gif", _WALK_WHERE)
    check_file(path, overwrite=overwrite)
    return partial(_write_strip if ending == ".png" else _write_there_and_back, path=path)


def check_folder(path: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a folder of pictures can be created or replaced at `path`."""
    try:
        if not path.exists():
            return
        if not path.is_dir():
            raise ConfigError(f"{path}: is a file, not a folder", _ANOTHER)
        entries = list(os.scandir(path))
        fixed = path.is_mount() or path.is_symlink() or Path.cwd().is_relative_to(path.resolve())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})", _ANOTHER) from None
    if entries and not overwrite:
        raise ConfigError(f"{path}: is not empty", f"{_ANOTHER}, or give --overwrite to replace pictures")
    foreign = sorted(
        each.name for each in entries if not (_NAME.fullmatch(each.name) and each.is_file(follow_symlinks=False))
    )
    if foreign:
        raise ConfigError(
            f"{path}: contains {foreign[0]}, which is not a generated picture, so it is not overwritten",
            f"move it away, or {_ANOTHER}",
        )
    if fixed:
        raise ConfigError(f"{path}: this folder cannot be replaced", "give a new folder inside it")


def _bytes(parts: Parts) -> Iterator[npt.NDArray[np.uint8]]:
    return (part.astype(np.uint8, copy=False) for part in parts)


def _together(parts: Parts) -> npt.NDArray[np.uint8]:
    return np.concatenate(list(_bytes(parts)))


def _write_array(parts: Parts, *, path: Path, count: int) -> None:
    """Write the same file as `np.save`, in parts: a header with the number of images, and then the bytes."""
    blocks = _bytes(parts)
    first_NCHW = next(blocks)
    header = np.lib.format.header_data_from_array_1_0(first_NCHW) | {"shape": (count, *first_NCHW.shape[1:])}
    with new_file(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block_NCHW in itertools.chain([first_NCHW], blocks):
            file.write(block_NCHW.tobytes())


def _write_folder(parts: Parts, *, path: Path, overwrite: bool) -> None:
    with new_folder(path, "-o") as folder:
        for number, image_CHW in enumerate(itertools.chain.from_iterable(_bytes(parts))):
            grid(image_CHW[None], margin=0).save(folder / f"{number:08d}.png")
        check_folder(path, overwrite=overwrite)  # its contents may have changed meanwhile


def _write_strip(parts: Parts, *, path: Path) -> None:
    images_NCHW = _together(parts)
    write_png(legible(images_NCHW, len(images_NCHW)), path)


def _write_there_and_back(parts: Parts, *, path: Path) -> None:
    frames = [legible(image_CHW[None]) for image_CHW in _together(parts)]
    write_gif([*frames, *frames[-2:0:-1]], path, milliseconds=WALK_MILLISECONDS)
