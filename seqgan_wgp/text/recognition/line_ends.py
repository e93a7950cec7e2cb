"""Detect line separators other than the line feed."""

from __future__ import annotations

from .sample import MIN_LINES

LINE_ENDS = {
    "\r": "a carriage return alone (classic Mac OS)",
    "\0": "NUL (as find -print0 and sort -z write them)",
    "\u2028": "the line separator U+2028",
    "\u2029": "the paragraph separator U+2029",
    "\x85": "the next-line character U+0085",
    "\x0b": "a vertical tab (U+000B)",
    "\x0c": "a form feed (U+000C)",
    "\x1e": "a record separator (U+001E)",
}
"""Character -> what it is called: the line breaks of Unicode Standard Annex 14 (class BK), and the ends of records."""


def end_of_lines(text: str) -> str | None:
    """Return the character that the lines of a text end with; None where it is a line feed, or none can be told."""
    if "\n" in text:
        return None
    if "\r" in text.rstrip("\r") and len(text.split("\r")) > 2:
        return "\r"
    end, count = max(((end, text.count(end)) for end in LINE_ENDS if end != "\r"), key=lambda pair: pair[1])
    lines = [line for line in text.split(end) if line]
    if count < MIN_LINES or len(lines) < MIN_LINES:
        return None
    if end == "\0" and (2 * len(lines) < count or max(map(len, lines)) < 2 or "\ufffd" in text):
        return None  # wide characters have one NUL or more each
    return end
