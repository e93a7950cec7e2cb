"""Make an animation of training from the sample pictures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from .pictures import write_gif

FRAMES_MOST = 100
"""Pictures in a film at most; of more, these are taken at even distances."""

SIDE_MOST = 1_000
"""Pixels on the longer side of a film at most; larger pictures are made smaller."""

MILLISECONDS, LAST_MILLISECONDS = 150, 2_000
"""How long a picture is shown, and the last one."""

_CAPTION_PIXELS = 14


def thinned(steps: Sequence[int], most: int = FRAMES_MOST) -> list[int]:
    """Return `most` of the steps at even distances, the first and the last always among them; all if not more.

    Args:
        steps: in order.
        most: at least 2.
    """
    if len(steps) <= most:
        return list(steps)
    return [steps[place * (len(steps) - 1) // (most - 1)] for place in range(most)]


def write_film(pictures: Mapping[int, Path], path: Path) -> None:
    """Write pictures as a looping animation, each with its step below it; the last one is shown longer.

    The same pictures give the same bytes. Files that are no pictures, or not of the last one's size, are left out; so
    no film is written where there is none. Raises OSError when it cannot be written.

    Args:
        pictures: step -> file, in the order of the steps.
        path: replaced when it exists.
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
            factor = math.ceil(max(picture.size) / SIDE_MOST)
            return picture.reduce(factor) if factor > 1 else picture.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's words for damage
        return None


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    frame = Image.new(picture.mode, (picture.width, picture.height + _CAPTION_PIXELS))
    frame.paste(picture)
    ImageDraw.Draw(frame).text((3, picture.height), text, fill="white")
    return frame
