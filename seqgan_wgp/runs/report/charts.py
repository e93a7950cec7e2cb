"""Draw small charts as SVG for a page: they follow its light or dark colours, and text stays text.

What is written around a chart, its title and legend, is the page's own; in the SVG are axes with their labels, and
lines or bars. Nothing of a corpus is ever in it. A page may set --grid and --series-0, --series-1, ... to colours of
its own.
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
"""Of a chart, in points that become pixels where the page shows it as wide as on a phone."""

INK, GRID = "#010101", "#020202"
"""Colours that stand for those of the page."""

PALETTE = tuple(each.lower() for each in COLORS if each != "#000000")
"""Colours of lines; a page that is dark may have others of its own, as --series-0 and so on."""

THEMED = {INK: "currentColor", GRID: "var(--grid, #ccc)"} | {
    drawn: f"var(--series-{place}, {drawn})" for place, drawn in enumerate(PALETTE)
}
"""Colour as it is drawn -> the page's."""

POINTS_MOST = 400
"""Points of a line at most; of more, these are taken at even distances."""

DECADES_FINE = 1.5
"""Powers of ten on a logarithmic axis above which only these are named."""

DASHES = ("", "6 3", "8 3 2 3", "3 1.5", "12 3", "8 2 2 2 2 2")
"""Dashes of the lines of a chart, in their order, in widths of the line: told apart without colours too."""

FLOOR_DASH = "1.5 2.5"
"""Those of a floor."""

_FRAME = (0.165, 0.19, 0.82, 0.77)
"""Where the axes lie, as shares of the chart: left, bottom, width, height."""

_METADATA = ("Date", "Creator", "Format", "Type")
"""What matplotlib would say of itself."""

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
    """Which of the colours it has."""

    floor: bool = False
    """Whether it is what another line is compared with: thin and dotted, in the colour of that line."""

    @property
    def color(self) -> str:
        """Its colour as CSS: the page's, or one that is seen on white."""
        return THEMED[PALETTE[self.place % len(PALETTE)]]

    @property
    def dash(self) -> str:
        """Its dashes, as SVG has them; empty: a whole line."""
        return FLOOR_DASH if self.floor else DASHES[self.place % len(DASHES)]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over rounds of training, or bars of two kinds of items."""

    title: str
    x_label: str
    y_label: str
    """What the axes are, with their units."""

    series: tuple[Series, ...] = ()
    edges: tuple[float, ...] = ()
    """Of the bins, where it is of bars; then the series are (held-out, generated), a height for each bin."""

    note: str = ""
    x_zero: bool = False
    """Whether the axis from left to right begins at 0."""

    y_axis: str = "auto"
    """"auto", logarithmic where values differ much; "linear"; or "zero", linear from 0 on."""

    @property
    def floored(self) -> bool:
        """Whether a floor is among the lines."""
        return any(one.floor for one in self.series)

    @property
    def described(self) -> str:
        """What the chart shows, in words, for those who do not see it."""
        names = ", ".join(one.label for one in self.series)
        last = [f"{one.label} ends at {one.y[-1]:.4g}" for one in self.series if len(one.y) and not self.edges]
        return f"{self.title}: {self.y_label} against {self.x_label}. Shown: {names}. {'; '.join(last)}".strip()


def svg(chart: Chart, name: str) -> str:
    """Return a chart as an SVG element, the same for the same chart.

    Args:
        chart: with at least one series.
        name: begins the ids inside, so that charts with names of their own can stand in one page.
    """
    with style.context(["default", _STYLE]):  # not what a user has chosen for figures of their own
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
        step = max(1, math.ceil(len(one.x) / POINTS_MOST))
        # Backwards, so that the last point, which counts most, is among them.
        x, y = list(one.x)[::-1][::step], list(one.y)[::-1][::step]
        if len(x) == 1:  # a line of no length with round ends is a dot
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
    """Return a number that leaves the room to the chart."""
    said = f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.4g}"
    for size, sign in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if abs(value) >= max(size, 1e4):
            said = f"{value / size:g}{sign}"
    return said.replace("-", "\N{MINUS SIGN}")


def _inlined(drawn: bytes, label: str, name: str) -> str:
    """Return matplotlib's SVG as an element of a page: no names of its own, no fixed colours, no size, no clutter.

    Args:
        drawn: of WIDTH by HEIGHT points, in the colours of THEMED, with text as text and with one clip path.
        label: what it shows, in words.
        name: begins the ids inside.
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
    if tag in ("g", "defs"):  # they only group, and a clip path may stand anywhere
        for part in element:
            _copy(part, into, name)
        return
    copied = ElementTree.SubElement(into, tag)
    for key, value in element.attrib.items():
        if key in ("id", "clip-path"):
            value = f"{name}-clip" if key == "id" else f"url(#{name}-clip)"
        elif key == "style":
            value = _page_colors(value)
        elif key != "transform" or "(-0 " not in value:  # else it turns by nothing
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
