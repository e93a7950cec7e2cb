"""ReportData: what a kind of data provides for a run's report, as plain values.

A kind of data fills these in and knows nothing of pages; the report draws them and knows nothing of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from .domain import Items

ITEMS = 1_024
"""Generated items that a report looks at: two blocks of the generator, seconds at most, and shares good to 2 %."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Frequencies of a few named things among generated and among held-out items."""

    title: str
    names: tuple[str, ...]
    """May hold any text of a corpus."""

    generated: tuple[float, ...]
    held_out: tuple[float, ...]
    """Shares of the whole, 0 to 1, in the order of the names."""

    note: str
    """What is counted, and how many items of each kind, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Distribution of a number over generated and over held-out items."""

    title: str
    axis: str
    """What the number is, with its unit."""

    edges: tuple[float, ...]
    """Of the bins, one more than there are bins."""

    generated: tuple[float, ...]
    held_out: tuple[float, ...]
    """Shares of the items in each bin, 0 to 1."""

    note: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text below a head; the first cell of a row names it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """May hold any text of a corpus."""

    note: str
    numbers: bool = True
    """Whether all columns but the first are numbers; otherwise cells are texts of the data."""


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything that a report shows of one kind of data."""

    name: str
    """Of the data."""

    facts: str
    """What was learnt from, in one line."""

    origin: str
    """What tells that data from other data, such as a hash, in one sentence."""

    criterion: str
    """Name of the measure that chooses the best model."""

    command: str
    """The arguments of the command that trains on it again, e.g. "train CORPUS"."""

    real: tuple[str, ...] | bytes | None = None
    """Held-out items to put beside generated ones: lines, or a picture as PNG; None: samples show them already."""

    shares: tuple[Shares, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    memorization: tuple[Table, ...] = ()


ReportDataReader = Callable[[Path, Config, Items | None], ReportData]
"""From a run's folder, its config and generated compact items (None: no model is there yet) to what it has to show."""
