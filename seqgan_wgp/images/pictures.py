"""Draw images as PNG grids and GIFs, and convert between bytes and pixel values of the networks.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ..errors import Diverged
from ..utils.atomic_files import new_file
from .pixel_ranges import RANGES

if TYPE_CHECKING:
    from ..config import Config
    from ..training.domain import DataSpec

SIDE_IMAGES = 10
"""Default number of columns and rows of a grid of samples."""

MIN_PIXELS = 300 * 300
"""Least number of pixels of a grid for viewing; small images are enlarged until it is reached."""

MARGIN = 2
"""Width of the lines around the images of a grid, in pixels."""

_MODES = {1: "L", 3: "RGB"}
"""Number of channels -> mode of Pillow."""


def to_uint8(x_NCHW: Tensor | npt.NDArray[np.floating], value_range: str) -> npt.NDArray[np.uint8]:
    """Convert pixels in the critic's range to the nearest bytes, as a NumPy array.

    Args:
        x_NCHW: pixels of any shape, on any device; values outside the range are clipped.
        value_range: a key of RANGES.

    Raises:
        Diverged: a pixel is not a number.
    """
    x_NCHW = x_NCHW.detach() if isinstance(x_NCHW, Tensor) else torch.from_numpy(np.array(x_NCHW))
    if x_NCHW.isnan().any():
        raise Diverged("the generator makes pixels that are not numbers")
    values = RANGES[value_range]
    scale, shift = values.scale, values.shift
    # On the device, so that only a quarter of the data is copied to the host.
    image_NCHW: npt.NDArray[np.uint8] = (
        (x_NCHW.float() * scale + shift).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    )
    return image_NCHW


def from_uint8(image_NCHW: Tensor | npt.NDArray[np.uint8], value_range: str) -> Tensor:
    """Convert bytes to float32 pixels in the critic's range; `to_uint8` is the inverse.

    Args:
        image_NCHW: bytes of any shape. The result is on the same device, or on the CPU for an array.
        value_range: a key of RANGES.
    """
    if not isinstance(image_NCHW, Tensor):
        image_NCHW = torch.from_numpy(np.array(image_NCHW))  # a copy, since torch warns about read-only arrays
    values = RANGES[value_range]
    scale, shift = values.scale, values.shift
    return (image_NCHW.float() - shift) / scale


def grid(
    images_NCHW: npt.NDArray[np.uint8], columns: int | None = None, *, margin: int = MARGIN, scale: int = 1
) -> Image.Image:
    """Return one picture of all images, row by row: grey for one channel, in colour for three.

    Args:
        images_NCHW: at least one.
        columns: images per row; None: a nearly square grid.
        margin: width of the black lines around and between the images, in pixels of the picture.
        scale: factor by which images are enlarged.

    Raises:
        ValueError: no images, an unsupported number of channels, or numbers out of range.
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


def legible(images_NCHW: npt.NDArray[np.uint8], columns: int | None = None) -> Image.Image:
    """Return `grid` with the images enlarged until it has MIN_PIXELS, or as they are.

    Args:
        images_NCHW: at least one.
        columns: images per row, at most the number of images; None: a nearly square grid.
    """
    count, height, width = len(images_NCHW), *images_NCHW.shape[2:]
    columns = min(math.ceil(math.sqrt(count)) if columns is None else columns, count)
    rows = math.ceil(count / columns)

    def side(images: int, pixels: int) -> int:
        return MARGIN + images * (pixels + MARGIN)

    scale = 1
    while side(columns, scale * width) * side(rows, scale * height) < MIN_PIXELS:
        scale += 1
    return grid(images_NCHW, columns, margin=MARGIN, scale=scale)


def write_png(image: Image.Image, path: Path) -> None:
    """Write a picture to `path` atomically; an existing file is replaced. Raises OSError."""
    with new_file(path) as file:
        image.save(file, format="PNG")


def write_gif(frames: Sequence[Image.Image], path: Path, *, milliseconds: int = 200, last: int | None = None) -> None:
    """Write pictures of one size as an endlessly looping animation, atomically.

    A frame equal to the one before is not stored; that one is shown longer. Colours are reduced to 256 per frame; greys
    are kept.

    Args:
        frames: at least one.
        path: the file, replaced if it exists.
        milliseconds: duration of each frame; the format counts in tens.
        last: duration of the last frame; None: that of each.

    Raises:
        ValueError: no frames, or frames of different sizes.
        OSError: the file cannot be written.
    """
    if len({frame.size for frame in frames}) != 1:
        raise ValueError(f"a film is of frames of one size, not of {len(frames)} of {[each.size for each in frames]}")
    first, *others = frames
    durations = [milliseconds] * len(others) + [milliseconds if last is None else last]
    with new_file(path) as file:
        first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)


def write_samples(config: Config, _form: DataSpec, samples: npt.NDArray[np.integer], stem: Path) -> None:
    """Write the first images as one grid to `stem`.png, with the configured number of rows and columns."""
    columns, rows = config.images.columns or SIDE_IMAGES, config.images.rows or SIDE_IMAGES
    images_NCHW = samples[: columns * rows].astype(np.uint8, copy=False)
    write_png(legible(images_NCHW, columns), stem.with_suffix(".png"))
