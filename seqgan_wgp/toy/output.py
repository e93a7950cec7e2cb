"""Write generated points as numbers, JSON or CSV, and draw them.

Shape suffixes: N points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..utils.atomic_files import new_file
from ..utils.counter_rng import Stream
from .spec import chosen

if TYPE_CHECKING:
    from ..config import Config
    from ..training.domain import DataSpec, Items

DOTS = 2_500
"""Points of either kind in a picture, at most."""

ROOM = 0.3
"""What a picture shows around the real points, as a share of their extent, on each side."""


def point_as_csv(x: float, y: float) -> str:
    """Return a point as two numbers with a comma between: as few digits as say a float32 exactly."""
    return f"{np.float32(x)!s},{np.float32(y)!s}"


def point_as_jsonl(x: float, y: float) -> str:
    """Return a point as a JSON list, [x, y]."""
    return f"[{np.float32(x)!s}, {np.float32(y)!s}]"


FORMATS: dict[str, Callable[[float, float], str]] = {"txt": point_as_csv, "jsonl": point_as_jsonl, "csv": point_as_csv}
"""Name -> point to line, without the line feed. CSV has a header, see HEADERS."""

HEADERS: dict[str, str] = {"csv": "x,y\n"}
"""What a file of the format begins with."""


def points_as_text(parts: Iterable[Items], format_: str) -> Iterator[str]:
    """Yield points as text of a format, a key of FORMATS: what the file begins with, then a line each."""
    yield HEADERS.get(format_, "")
    for points_N2 in parts:
        yield from (FORMATS[format_](x, y) + "\n" for x, y in points_N2.tolist())


def write_scatter(config: Config, _form: DataSpec, samples: Items, stem: Path) -> None:
    """Write a picture of generated points on as many real ones to `stem`, whose name is the step, as .png.

    Its frame is that of the real points with some room around, so that the pictures of a run go together; what was
    generated outside is not seen.
    """
    # Here, since the import takes longer than that of all the rest, and other kinds of data never need it.
    from matplotlib.figure import Figure

    real_N2 = chosen(config.toy).distribution.sample(
        config.training.seed, Stream.TOY_VALIDATION, np.arange(min(DOTS, len(samples)))
    )
    figure = Figure(figsize=(5.0, 5.0), dpi=120, layout="constrained")
    axes = figure.add_subplot(title=f"{config.toy.name}, step {int(stem.name):,}", xlabel="x", ylabel="y")
    axes.scatter(real_N2[:, 0], real_N2[:, 1], s=4, color="0.75", linewidths=0, label="real")
    axes.scatter(samples[:DOTS, 0], samples[:DOTS, 1], s=4, color="0.1", linewidths=0, label="generated")
    low_2, high_2 = real_N2.min(axis=0), real_N2.max(axis=0)
    room = ROOM * float((high_2 - low_2).max())
    axes.set(xlim=(low_2[0] - room, high_2[0] + room), ylim=(low_2[1] - room, high_2[1] + room), aspect="equal")
    figure.legend(loc="outside lower center", ncols=2, markerscale=4, frameon=False)
    with new_file(stem.with_suffix(".png")) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
