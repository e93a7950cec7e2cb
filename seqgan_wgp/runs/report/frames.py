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

from ...images.animation import SIDE_MOST, thinned
from ..folder import RunFolder

STEPS_MOST = 40
"""Steps that are shown at most; of more, these at even distances, the first and the last among them."""

BYTES_MOST = 6_000_000
"""Bytes of all pictures together, about; fewer steps are shown where this would be more. Base64 adds a third."""

PICTURE_BYTES_MOST = 600_000
"""Bytes of a picture that is taken as it is; a larger one is made smaller."""

LINES_MOST, LINE_MOST = 20, 400
"""Lines of a step, and characters of a line, at most."""

SMALL = 500
"""Pixels across below which a picture is a grid of small images, whose pixels are to be seen."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Samples by step."""

    steps: tuple[int, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    """Of text: those of each step."""

    pictures: tuple[str, ...] = ()
    """Of all else: a data URI for each step."""

    width: int = 0
    height: int = 0
    """Of the last picture, in pixels."""

    @property
    def small(self) -> bool:
        """Whether a picture is of so few pixels that each of them is to be seen."""
        return self.width < SMALL

    def to_json(self) -> str:
        """Return them as JSON that can stand in a page: nothing in it ends or begins an element."""
        found: dict[str, Any] = {"steps": self.steps}
        found |= {"lines": self.lines} if self.lines else {"pictures": self.pictures}
        return inert(found)


_INERT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def inert(value: object) -> str:
    """Return a value as JSON in ASCII without a sign that means something to a page."""
    return json.dumps(value).translate(_INERT)


def read_frames(run: RunFolder, evaluated: Container[int]) -> Frames:
    """Return the samples of the steps that were evaluated; a file that is damaged is left out.

    Args:
        run: its files of samples are read.
        evaluated: steps with a record. Other files are of steps that a run which was killed must do again.
    """
    files = {step: file for step, file in run.sampled().items() if step in evaluated}
    lines = [step for step, file in files.items() if file.suffix == ".txt"]
    if lines:
        steps = tuple(thinned(lines, STEPS_MOST))
        return Frames(steps=steps, lines=tuple(_lines(files[step]) for step in steps))
    pictures = [step for step, file in files.items() if file.suffix == ".png"]
    read = {step: found for step in _affordable(pictures, files) if (found := picture(files[step].read_bytes()))}
    if not read:
        return Frames()
    width, height = _size(read[max(read)])
    return Frames(steps=tuple(read), pictures=tuple(map(data_uri, read.values())), width=width, height=height)


def picture(data: bytes) -> bytes | None:
    """Return a picture as PNG that is small enough for a page; None for what is no picture, or a damaged one."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            factor, written = math.ceil(max(image.size) / SIDE_MOST), data
            while factor > 1 or len(written) > PICTURE_BYTES_MOST:
                factor = max(2, factor)
                smaller = io.BytesIO()
                image.reduce(factor).save(smaller, format="PNG", optimize=True)
                written = smaller.getvalue()
                if len(written) <= PICTURE_BYTES_MOST:
                    break
                factor += 1
            return written
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's words for damage
        return None


def data_uri(data: bytes) -> str:
    """Return a picture's bytes as an address that holds them."""
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"


def _lines(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1][:LINES_MOST]
    return tuple(line if len(line) <= LINE_MOST else f"{line[:LINE_MOST]} ..." for line in lines)


def _affordable(steps: list[int], files: dict[int, Path]) -> list[int]:
    """Return as many of the steps, at even distances, as have pictures of BYTES_MOST together; two at least."""
    sizes = {step: min(files[step].stat().st_size, PICTURE_BYTES_MOST) for step in steps}
    for most in range(STEPS_MOST, 2, -1):
        chosen = thinned(steps, most)
        if sum(sizes[step] for step in chosen) <= BYTES_MOST:
            return chosen
    return thinned(steps, 2)


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size
