"""Select samples by step for the report's slider: lines or pictures, few and small enough for one page."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...images.animation import MAX_SIDE, thinned
from ..folder import RunFolder

MAX_STEPS = 40
"""Largest number of steps; more are thinned evenly, keeping the first and the last."""

MAX_BYTES = 6_000_000
"""Approximate size of all pictures together; the number of steps is reduced to stay below it. Base64 adds a third."""

MAX_PICTURE_BYTES = 600_000
"""Size above which a picture is reduced."""

MAX_LINES, MAX_LINE = 20, 400
"""Largest number of lines per step, and of characters per line."""

SMALL = 500
"""Width in pixels below which a picture is shown enlarged with visible pixels, as a grid of small images."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Samples by step."""

    steps: tuple[int, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    """For text: the lines of each step."""

    pictures: tuple[str, ...] = ()
    """For other data: a data URI for each step."""

    width: int = 0
    height: int = 0
    """Height of the last picture in pixels."""

    @property
    def small(self) -> bool:
        """Whether pictures are so small that they are shown with visible pixels."""
        return self.width < SMALL

    def to_json(self) -> str:
        """Return the frames as JSON that is safe inside a page."""
        found: dict[str, Any] = {"steps": self.steps}
        found |= {"lines": self.lines} if self.lines else {"pictures": self.pictures}
        return inert(found)


_INERT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def inert(value: object) -> str:
    """Return a value as ASCII JSON without characters that have a meaning in HTML."""
    return json.dumps(value).translate(_INERT)


def read_frames(run: RunFolder, evaluated: Container[int]) -> Frames:
    """Return the samples of evaluated steps; damaged files are left out.

    Args:
        run: the run.
        evaluated: steps with a record. Other files belong to steps that an interrupted run must repeat.
    """
    files = {step: file for step, file in run.sampled().items() if step in evaluated}
    lines = [step for step, file in files.items() if file.suffix == ".txt"]
    if lines:
        steps = tuple(thinned(lines, MAX_STEPS))
        return Frames(steps=steps, lines=tuple(_lines(files[step]) for step in steps))
    pictures = [step for step, file in files.items() if file.suffix == ".png"]
    read = {step: found for step in _affordable(pictures, files) if (found := picture(files[step].read_bytes()))}
    if not read:
        return Frames()
    width, height = _size(read[max(read)])
    return Frames(steps=tuple(read), pictures=tuple(map(data_uri, read.values())), width=width, height=height)


def picture(data: bytes) -> bytes | None:
    """Return a picture as a PNG that is small enough for a page; None if it is damaged or not a picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            factor, written = math.ceil(max(image.size) / MAX_SIDE), data
            while factor > 1 or len(written) > MAX_PICTURE_BYTES:
                factor = max(2, factor)
                smaller = io.BytesIO()
                image.reduce(factor).save(smaller, format="PNG", optimize=True)
                written = smaller.getvalue()
                if len(written) <= MAX_PICTURE_BYTES:
                    break
                factor += 1
            return written
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's errors for damaged files
        return None


def data_uri(data: bytes) -> str:
    """Return the data URI of a PNG."""
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"


def _lines(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1][:MAX_LINES]
    return tuple(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines)


def _affordable(steps: list[int], files: dict[int, Path]) -> list[int]:
    """Return evenly spaced steps whose pictures have at most MAX_BYTES together; at least two."""
    sizes = {step: min(files[step].stat().st_size, MAX_PICTURE_BYTES) for step in steps}
    for most in range(MAX_STEPS, 2, -1):
        chosen = thinned(steps, most)
        if sum(sizes[step] for step in chosen) <= MAX_BYTES:
            return chosen
    return thinned(steps, 2)


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size
