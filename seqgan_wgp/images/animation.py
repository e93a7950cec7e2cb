"""Make an animation of training from the sample pictures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from .pictures import write_gif

MAX_FRAMES = 100
"""Largest number of frames; more pictures are thinned evenly."""

MAX_SIDE = 1_000
"""Largest number of pixels on the longer side; larger pictures are reduced."""

MILLISECONDS, LAST_MILLISECONDS = 150, 2_000
"""Duration of a frame, and of the last one."""

_CAPTION_PIXELS = 14


def thinned(steps: Sequence[int], most: int = MAX_FRAMES) -> list[int]:
    """Return `most` evenly spaced steps, including the first and the last; all steps if there are not more.

    Args:
        steps: steps in ascending order.
        most: at least 2.
    """
    if len(steps) <= most:
        return list(steps)
    return [steps[place * (len(steps) - 1) // (most - 1)] for place in range(most)]


def write_film(pictures: Mapping[int, Path], path: Path) -> None:
    """Write pictures as a looping animation, each with its step below it; the last one is shown longer.

    The same pictures give the same bytes. Files that are not pictures, or differ in size from the last one, are left
    out; without pictures nothing is written. Raises OSError when the file cannot be written.

    Args:
        pictures: step -> file, in the order of the steps.
        path: the file, replaced if it exists.
    """
    read = {step: picture for step in thinned(list(pictures)) if (picture := _read(pictures[step])) is not None}
    if not read:
        return
    size = next(reversed(read.values())).size
    frames = [_captioned(picture, f"step {step:,}") for step, picture in read.items() if picture.size == size]
    write_gif(frames, path, milliseconds=MILLISECONDS, last=LAST_MILLISECONDS)


def _read(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as picture:
            factor = math.ceil(max(picture.size) / MAX_SIDE)
            return picture.reduce(factor) if factor > 1 else picture.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's errors for damaged files
        return None


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    frame = Image.new(picture.mode, (picture.width, picture.height + _CAPTION_PIXELS))
    frame.paste(picture)
    ImageDraw.Draw(frame).text((3, picture.height), text, fill="white")
    return frame
