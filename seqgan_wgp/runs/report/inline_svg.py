"""SVG as matplotlib writes it, made an element of a page: in the page's colours and font, with ids of its own.

A page may set --grid and --series-0, --series-1, ... to colours of its own.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..compare.curves import COLORS

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


def inlined(drawn: bytes, label: str, name: str) -> str:
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
