"""Kinds of JSON: arrays, an object or an array a line, one object with all in it, values one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..readers.column_spec import listed
from ..readers.file_formats import FIELDS
from ..readers.table_shapes import is_json_array, is_json_lines, is_json_object
from ..readers.tables import field_names
from .remedies import assigned
from .sample import AS_LINES, MIN_LINES, NEARLY_ALL, Sample, Sighting


def json_array(sample: Sample) -> Sighting | None:
    """One array, of strings or of objects."""
    if not is_json_array(sample.text):
        return None
    element = _first_element(sample.text)
    if isinstance(element, str):
        return Sighting("the file is a JSON array of strings, which are read", fields=FIELDS["json"](Path("array"), ""))
    if isinstance(element, dict):
        return Sighting("the file is a JSON array of objects", _fields_remedy(field_names(element)))
    if element is None or _is_line_data(sample):
        return None
    return Sighting("the file is a JSON array, but not of strings or objects", f"give one of strings; {AS_LINES}")


def _is_line_data(sample: Sample) -> bool:
    """Say whether lines that begin with a bracket go on as no JSON does."""
    try:
        json.loads(sample.text)
    except ValueError:
        return sample.is_whole
    return False


def _first_element(text: str) -> object:
    inside = text[text.index("[") + 1 :].lstrip()
    try:
        return json.JSONDecoder().raw_decode(inside)[0]
    except (ValueError, RecursionError):
        return None


def json_lines(sample: Sample) -> Sighting | None:
    """An object a line."""
    if not is_json_lines(sample.lines) or _is_one_object(sample):
        return None
    return Sighting("the lines are JSON objects", _fields_remedy(field_names(json.loads(sample.lines[0]))))


def _fields_remedy(names: Sequence[str]) -> str:
    example = assigned("field", names[0] if names else "NAME")
    return f"to learn one field: {example}; fields: {listed(names)}; {AS_LINES}"


def json_rows(sample: Sample) -> Sighting | None:
    """An array a line, of which each string is a cell."""
    lines = sample.lines
    if len(lines) < MIN_LINES or not lines[0].startswith("["):
        return None
    if sum(isinstance(_value(line), list) for line in lines) < NEARLY_ALL * len(lines):
        return None
    first = "jq -r '.[0]' FILE > NEW.txt"
    return Sighting("the lines are JSON arrays", f"to learn the first element of each: {first}; {AS_LINES}")


def json_line_strings(sample: Sample) -> Sighting | None:
    """A string a line, some of which can only be read as JSON: they have a backslash before a character."""
    lines = sample.lines
    if len(lines) < MIN_LINES or not lines[0].startswith('"') or "\\" not in sample.text:
        return None
    if not all(isinstance(_value(line), str) for line in lines):
        return None
    return Sighting("the lines are JSON strings, which are read", fields=FIELDS[".jsonl"](Path("lines"), ""))


def _value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


_BETWEEN = re.compile(r"\s*\x1e?\s*\{\s*[\"}]")


def json_sequence(sample: Sample) -> Sighting | None:
    """Objects one after the other, each over several lines as jq writes it, or behind a record separator."""
    separated = sample.text.startswith("\x1e")
    text = sample.text.removeprefix("\x1e").lstrip()
    if not is_json_object(text):
        return None
    try:
        first, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(first, dict) or not _BETWEEN.match(text, end):
        return None
    names = field_names(first)
    name = f'.["{names[0]}"]' if names and not names[0].isidentifier() else f".{names[0] if names else 'NAME'}"
    option = "--seq " if separated else ""
    after = " | tr -d '\\036'" if separated else ""
    return Sighting(
        "the file is a sequence of JSON objects",
        f"to learn one field: jq {option}-r '{name}' FILE{after} > NEW.txt; {AS_LINES}",
    )


def json_object(sample: Sample) -> Sighting | None:
    """One object with all in it, such as a notebook or the answer of a server."""
    if not is_json_object(sample.text) or (is_json_lines(sample.lines) and not _is_one_object(sample)):
        return None
    if sample.is_whole and not _is_json(sample.text):
        return None
    return Sighting(
        "the file is one JSON object, not a list of strings",
        f"write its strings to a file, one per line: jq -r '.NAME[]' FILE > NEW.txt; {AS_LINES}",
    )


def _is_one_object(sample: Sample) -> bool:
    return sample.is_whole and len(sample.lines) == 1


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
