"""ReportData: what each kind of data contributes to a run's report, as plain values.

The kind of data fills them in without knowing the page; the report draws them without knowing the kind of data.
"""

from __future__ import annotations

from dataclasses import dataclass

ITEMS = 1_024
"""Number of generated items in a report: two blocks, which take seconds. Shares have errors below 2 %."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Frequencies of a few categories among generated and among held-out items."""

    title: str
    names: tuple[str, ...]
    """Names of the categories; they may contain any text of a corpus."""

    generated: tuple[float, ...]
    held_out: tuple[float, ...]
    """Shares of the whole, 0 to 1, in the order of the names."""

    note: str
    """What is counted, and how many items, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Histograms of a number over generated and over held-out items, with the same bins."""

    title: str
    axis: str
    """Label of the axis: the number and its unit."""

    edges: tuple[float, ...]
    """Edges of the bins, one more than there are bins."""

    generated: tuple[float, ...]
    held_out: tuple[float, ...]
    """Shares of the items in each bin, 0 to 1."""

    note: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a head; the first cell of a row is its name."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells may contain any text of a corpus."""

    note: str
    numbers: bool = True
    """Whether all columns but the first are numbers; otherwise they are strings of the data."""


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything in a report that depends on the kind of data."""

    name: str
    """Name of the data."""

    facts: str
    """The training data, in one line."""

    origin: str
    """What identifies the data, such as a hash, in one sentence."""

    criterion: str
    """Name of the measure that selects the best model."""

    command: str
    """The arguments of the command that trains on it again, e.g. "train CORPUS"."""

    real: tuple[str, ...] | bytes | None = None
    """Held-out items to show beside generated ones: lines, or a PNG image; None: the samples contain them already."""

    shares: tuple[Shares, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    memorization: tuple[Table, ...] = ()
