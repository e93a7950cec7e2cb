"""Draw small charts as SVG for a page. They follow its light or dark colours, and text stays text.

The page writes title and legend; the SVG has axes with labels, and lines or bars. It never contains text of a corpus. A
page can set the colours --grid, --series-0, --series-1, ...
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from ..compare.curves import COLORS, choose_scale

WIDTH, HEIGHT = 340, 190
"""Size of a chart in points, which equal pixels at the width of a phone."""

INK, GRID = "#010101", "#020202"
"""Placeholders for colours of the page."""

PALETTE = tuple(each.lower() for each in COLORS if each != "#000000")
"""Colours of lines; a page can override them by --series-0 and so on."""

THEMED = {INK: "currentColor", GRID: "var(--grid, #ccc)"} | {
    drawn: f"var(--series-{place}, {drawn})" for place, drawn in enumerate(PALETTE)
}
"""Colour in the drawing -> colour of the page."""

MAX_POINTS = 400
"""Largest number of points on a line; longer series are thinned evenly."""

DECADES_FINE = 1.5
"""Number of decades on a logarithmic axis above which only powers of ten are labelled."""

DASHES = ("", "6 3", "8 3 2 3", "3 1.5", "12 3", "8 2 2 2 2 2")
"""Dash patterns of the lines of a chart, in units of the line width, so that lines can be told apart without
colours."""

FLOOR_DASH = "1.5 2.5"
"""Dash pattern of a floor."""

_FRAME = (0.165, 0.19, 0.82, 0.77)
"""Position of the axes as shares of the chart: left, bottom, width, height."""

_METADATA = ("Date", "Creator", "Format", "Type")
"""Metadata that matplotlib would add."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "seqgan_wgp",
    "font.size": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "ytick.minor.size": 0.0,
    "path.simplify": False,
}


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line of a chart."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    place: int = 0
    """Index of its colour."""

    floor: bool = False
    """Whether it is the floor of another line: thin and dotted, in the colour of that line."""

    @property
    def color(self) -> str:
        """Its colour as CSS: that of the page, or one that is visible on white."""
        return THEMED[PALETTE[self.place % len(PALETTE)]]

    @property
    def dash(self) -> str:
        """Its dash pattern in SVG; empty for a solid line."""
        return FLOOR_DASH if self.floor else DASHES[self.place % len(DASHES)]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over training rounds, or a histogram of held-out and generated items."""

    title: str
    x_label: str
    y_label: str
    """Labels of the axes, with units."""

    series: tuple[Series, ...] = ()
    edges: tuple[float, ...] = ()
    """Edges of the bins of a histogram; the series are then (held-out, generated), with a height per bin."""

    note: str = ""
    x_zero: bool = False
    """Whether the x axis starts at 0."""

    y_axis: str = "auto"
    """"auto": logarithmic if values differ much; "linear"; or "zero": linear, starting at 0."""

    @property
    def floored(self) -> bool:
        """Whether one of the lines is a floor."""
        return any(one.floor for one in self.series)

    @property
    def described(self) -> str:
        """Description of the chart for screen readers."""
        names = ", ".join(one.label for one in self.series)
        last = [f"{one.label} ends at {one.y[-1]:.4g}" for one in self.series if len(one.y) and not self.edges]
        return f"{self.title}: {self.y_label} against {self.x_label}. Shown: {names}. {'; '.join(last)}".strip()


def svg(chart: Chart, name: str) -> str:
    """Return a chart as an SVG element; equal charts give equal bytes.

    Args:
        chart: a chart with at least one series.
        name: prefix of the ids inside, unique in the page.
    """
    with style.context(["default", _STYLE]):  # independent of the user's own style
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        axes = figure.add_axes(_FRAME)
        if chart.edges:
            _draw_bars(axes, chart)
        else:
            _draw_lines(axes, chart)
        _draw_axes(axes, chart)
        written = io.BytesIO()
        figure.savefig(written, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    return _inlined(written.getvalue(), chart.described, name)


def _draw_lines(axes: Axes, chart: Chart) -> None:
    for one in chart.series:
        step = max(1, math.ceil(len(one.x) / MAX_POINTS))
        # Thinned from the end, so that the last point is kept.
        x, y = list(one.x)[::-1][::step], list(one.y)[::-1][::step]
        if len(x) == 1:  # a line of length 0 with round ends is a dot
            axes.plot(x * 2, y * 2, color=PALETTE[one.place % len(PALETTE)], linewidth=5, solid_capstyle="round")
            continue
        (line,) = axes.plot(x, y, color=PALETTE[one.place % len(PALETTE)], linewidth=1.2 if one.floor else 1.8)
        if one.dash:
            line.set_linestyle((0, tuple(map(float, one.dash.split()))))
    if chart.x_zero:
        axes.set_xlim(left=0)
    values = [value for one in chart.series for value in one.y]
    if chart.y_axis == "zero":
        axes.set_ylim(0, 1.1 * max(values))
    elif chart.y_axis == "auto":
        choose_scale(axes, values)


def _draw_bars(axes: Axes, chart: Chart) -> None:
    held_out, generated = chart.series
    axes.stairs(held_out.y, chart.edges, fill=True, color=PALETTE[held_out.place], alpha=0.45, linewidth=0)
    axes.stairs(generated.y, chart.edges, color=PALETTE[generated.place], linewidth=1.8)
    axes.set_ylim(bottom=0)


def _draw_axes(axes: Axes, chart: Chart) -> None:
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.yaxis.set_label_coords(-0.15, 0.5)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    elif math.log10(axes.get_ylim()[1] / axes.get_ylim()[0]) > DECADES_FINE:
        axes.yaxis.set_major_locator(LogLocator(numticks=6))


def _short(value: float, _place: int | None) -> str:
    """Return a short text for a number on an axis."""
    said = f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.4g}"
    for size, sign in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if abs(value) >= max(size, 1e4):
            said = f"{value / size:g}{sign}"
    return said.replace("-", "\N{MINUS SIGN}")


def _inlined(drawn: bytes, label: str, name: str) -> str:
    """Turn matplotlib's SVG into an element of a page, without ids of its own, fixed colours, size and metadata.

    Args:
        drawn: WIDTH by HEIGHT points, in the colours of THEMED, with text as text and with one clip path.
        label: description of the chart.
        name: prefix of the ids inside.
    """
    page = ElementTree.Element("svg")
    page.attrib = {
        "viewBox": f"0 0 {WIDTH} {HEIGHT}",
        "role": "img",
        "aria-label": label,
        "stroke-linejoin": "round",
    }
    for part in ElementTree.fromstring(drawn):
        _copy(part, page, name)
    return ElementTree.tostring(page, encoding="unicode")


def _copy(element: ElementTree.Element, into: ElementTree.Element, name: str) -> None:
    tag, style = element.tag.rpartition("}")[2], element.get("style", "")
    if tag in ("metadata", "style") or style == "fill: none":
        return
    if tag in ("g", "defs"):  # they only group, and a clip path can be anywhere
        for part in element:
            _copy(part, into, name)
        return
    copied = ElementTree.SubElement(into, tag)
    for key, value in element.attrib.items():
        if key in ("id", "clip-path"):
            value = f"{name}-clip" if key == "id" else f"url(#{name}-clip)"
        elif key == "style":
            value = _page_colors(value)
        elif key != "transform" or "(-0 " not in value:  # otherwise a rotation by 0
            value = _NUMBER.sub(_rounded, " ".join(value.split()))
        else:
            continue
        copied.set(key, value)
    copied.text = (element.text or "").strip() or None
    for part in element:
        _copy(part, copied, name)


_NUMBER = re.compile(r"-?\d+\.\d+")
_FAMILY = re.compile(r"font-family: [^;]*(; )?")


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"


def _page_colors(style: str) -> str:
    for drawn, css in THEMED.items():
        style = style.replace(drawn, css)
    return _FAMILY.sub("", style)
