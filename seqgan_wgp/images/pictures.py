"""Images as files for people: grids, PNG, GIF; and the way between bytes and pixels of critic space.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ..errors import Diverged

if TYPE_CHECKING:
    from ..adversarial.domain import Form

RANGES: dict[str, tuple[float, float]] = {"unit": (255.0, 0.0), "symmetric": (127.5, 127.5)}
"""Name of the values that pixels take, [0, 1] or [-1, 1] -> (scale, shift) of byte = scale x + shift."""

_MODES = {1: "L", 3: "RGB"}
"""Channels -> Pillow's name for such a picture."""


def to_uint8(x_NCHW: Tensor | npt.NDArray[np.floating], value_range: str) -> npt.NDArray[np.uint8]:
    """Return pixels of critic space as the nearest bytes, on the host.

    Args:
        x_NCHW: of any shape and on any device; what lies outside the range is brought to its ends.
        value_range: a key of RANGES.

    Raises:
        Diverged: a pixel is not a number.
    """
    x_NCHW = x_NCHW.detach() if isinstance(x_NCHW, Tensor) else torch.from_numpy(np.array(x_NCHW))
    if x_NCHW.isnan().any():
        raise Diverged("the generator makes pixels that are not numbers")
    scale, shift = RANGES[value_range]
    # On the device, so that a quarter of the bytes is carried to the host.
    image_NCHW: npt.NDArray[np.uint8] = (
        (x_NCHW.float() * scale + shift).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    )
    return image_NCHW


def from_uint8(image_NCHW: Tensor | npt.NDArray[np.uint8], value_range: str) -> Tensor:
    """Return bytes as float32 pixels of critic space; `to_uint8` gives back the same bytes.

    Args:
        image_NCHW: of any shape; the result is on its device, that of an array on the host.
        value_range: a key of RANGES.
    """
    if not isinstance(image_NCHW, Tensor):
        image_NCHW = torch.from_numpy(np.array(image_NCHW))  # a copy: torch warns of arrays that are read-only
    scale, shift = RANGES[value_range]
    return (image_NCHW.float() - shift) / scale


def grid(
    images_NCHW: npt.NDArray[np.uint8], columns: int | None = None, *, margin: int = 2, scale: int = 1
) -> Image.Image:
    """Return one picture of all images, row by row: grey for one channel, in colour for three.

    Args:
        images_NCHW: at least one.
        columns: images in a row; None: as many as make the grid nearly square.
        margin: width of the black lines around and between the images, in pixels of the picture.
        scale: pixels of the picture, each way, for each of an image's.

    Raises:
        ValueError: no images, a number of channels that is no colour, or numbers out of range.
    """
    images_NCHW = np.asarray(images_NCHW)
    if images_NCHW.dtype != np.uint8 or images_NCHW.ndim != 4 or images_NCHW.shape[1] not in _MODES:
        raise ValueError(f"images are uint8 (N, 1 or 3, H, W), not {images_NCHW.dtype} {images_NCHW.shape}")
    count, channels, height, width = images_NCHW.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    if count < 1 or columns < 1 or margin < 0 or scale < 1:
        raise ValueError(f"no grid of {count} images in {columns} columns with margin {margin} and scale {scale}")
    rows = math.ceil(count / columns)
    tall, wide = height * scale, width * scale
    canvas_HWC = np.zeros((margin + rows * (tall + margin), margin + columns * (wide + margin), channels), np.uint8)
    enlarged_NHWC = images_NCHW.repeat(scale, axis=2).repeat(scale, axis=3).transpose(0, 2, 3, 1)
    for place, image_HWC in enumerate(enlarged_NHWC):
        row, column = divmod(place, columns)
        top, left = margin + row * (tall + margin), margin + column * (wide + margin)
        canvas_HWC[top : top + tall, left : left + wide] = image_HWC
    return Image.fromarray(canvas_HWC[:, :, 0] if channels == 1 else canvas_HWC)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that takes the place of `path` when all went well, and otherwise is removed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_png(image: Image.Image, path: Path) -> None:
    """Write a picture to `path` at once, or not at all; what was there is replaced. Raises OSError."""
    with _replacing(path) as file:
        image.save(file, format="PNG")


def write_gif(frames: Sequence[Image.Image], path: Path, *, milliseconds: int = 200) -> None:
    """Write pictures of one size as a film without end, at once or not at all.

    A frame equal to the one before it is not stored: that one is shown for as much longer. Colours are brought to 256
    a frame; greys stay as they are.

    Args:
        frames: at least one.
        path: replaced when it exists.
        milliseconds: how long each is shown; the format counts in tens.

    Raises:
        ValueError: no frames, or of several sizes.
        OSError: it cannot be written.
    """
    if len({frame.size for frame in frames}) != 1:
        raise ValueError(f"a film is of frames of one size, not of {len(frames)} of {[each.size for each in frames]}")
    first, *others = frames
    with _replacing(path) as file:
        first.save(file, format="GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)


def write_npy(images_NCHW: npt.NDArray[np.uint8], path: Path) -> None:
    """Write images as one array, in numpy's format. Raises OSError when it cannot be written."""
    with _replacing(path) as file:
        np.save(file, images_NCHW)


def write_samples(_form: Form, images_NCHW: npt.NDArray[np.integer], stem: Path) -> None:
    """Write images as one grid to `stem` with the ending .png."""
    write_png(grid(images_NCHW.astype(np.uint8, copy=False)), stem.with_suffix(".png"))
