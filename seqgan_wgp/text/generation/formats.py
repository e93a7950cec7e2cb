"""Format strings as lines of text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ...config import Config
    from ...training.domain import DataSpec


def printable(string: str) -> str:
    r"""Return a string that takes one line: control characters and line separators as \n, \t, \x1b, \u2028.

    A backslash stays one backslash, so this is for reading; JSON lines are exact.
    """
    if string.isprintable():
        return string
    return "".join(_escaped(character) for character in string)


def _escaped(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


_JSON_SEPARATORS = {0x7F: r"\u007f", 0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}
"""What JSON lets stand for itself, but some readers take for the end of a line."""


LINES_WRITTEN = 100
"""Samples of an evaluation that are written to a file."""


def write_lines(_config: Config, spec: DataSpec, samples: npt.NDArray[np.integer], stem: Path) -> None:
    """Write the first samples as printable lines to `stem` with the ending .txt."""
    lines = [printable(string) + "\n" for string in spec.to_text(samples[:LINES_WRITTEN])]
    stem.with_suffix(".txt").write_text("".join(lines), encoding="utf-8")


def as_txt(string: str) -> str:
    """Return the string as one line."""
    return printable(string)


def as_jsonl(string: str) -> str:
    """Return the string as a JSON object, {"text": ...}, on one line; exact."""
    return json.dumps({"text": string}, ensure_ascii=False).translate(_JSON_SEPARATORS)


def as_csv(string: str) -> str:
    """Return the string as a CSV field, quoted where it must be (RFC 4180); exact."""
    buffer = io.StringIO()
    # Before Python 3.13 a line break is quoted only if it is part of the line's end.
    csv.writer(buffer, lineterminator="\r\n").writerow([string])
    return buffer.getvalue().removesuffix("\r\n")


FORMATS: dict[str, Callable[[str], str]] = {"txt": as_txt, "jsonl": as_jsonl, "csv": as_csv}
"""Name -> string to line, without the line feed. CSV has a header, see HEADERS."""

HEADERS: dict[str, str] = {"csv": "text\n"}
"""What a file of the format begins with."""
