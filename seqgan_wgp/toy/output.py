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
"""Largest number of real and of generated points in a picture."""

ROOM = 0.3
"""Margin around the real points in a picture, as a share of their extent."""


def point_as_csv(x: float, y: float) -> str:
    """Return a point as two numbers separated by a comma, with as few digits as identify each float32."""
    return f"{np.float32(x)!s},{np.float32(y)!s}"


def point_as_jsonl(x: float, y: float) -> str:
    """Return a point as a JSON list, [x, y]."""
    return f"[{np.float32(x)!s}, {np.float32(y)!s}]"


FORMATS: dict[str, Callable[[float, float], str]] = {"txt": point_as_csv, "jsonl": point_as_jsonl, "csv": point_as_csv}
"""Format -> function from a point to its line, without the line feed. For the header of CSV see HEADERS."""

HEADERS: dict[str, str] = {"csv": "x,y\n"}
"""Format -> first line of the file."""


def points_as_text(parts: Iterable[Items], format_: str) -> Iterator[str]:
    """Yield the header and then one line per point. `format_` is a key of FORMATS."""
    yield HEADERS.get(format_, "")
    for points_N2 in parts:
        yield from (FORMATS[format_](x, y) + "\n" for x, y in points_N2.tolist())


def write_scatter(config: Config, _form: DataSpec, samples: Items, stem: Path) -> None:
    """Write a scatter plot of generated points and as many real ones to `stem`.png; the name of `stem` is the step.

    The axes cover the real points and a margin, so that all pictures of a run have the same scale. Generated points
    outside are not shown.
    """
    # Imported here because it is slow to import and other kinds of data do not need it.
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
