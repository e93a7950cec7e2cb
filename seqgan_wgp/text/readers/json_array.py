"""Strings from one JSON array: its strings, or a field of its objects, however the file is laid out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from ...errors import CorpusError, one_line
from .column_spec import MARKED, SURROGATE, Wanted, bad_byte, is_sound, mended, unnamed
from .tables import ABSENT, JSON_NUMBERS, as_string, field_names, look_up, odd_record

CHUNK = 1 << 18
"""Characters that are read at once."""

MAX_ELEMENT = 1 << 26
"""An element of more characters than this is refused: it has to be in memory as a whole."""

_DECODER = json.JSONDecoder(**JSON_NUMBERS)

_SPACE = " \t\r\n"


def elements(want: Wanted) -> Iterator[str | None]:
    """Yield the string that each element of the array is or, where it is an object, has in the wanted field."""
    number = 0
    for number, element in enumerate(_elements(want), 1):
        if isinstance(element, dict):
            if not want.field:
                raise unnamed(want, "the JSON array holds objects, which have fields", "fields", field_names(element))
            value = look_up(element, want.field)
        else:
            value = ABSENT if want.field else element
        value = as_string(value)
        if value is None:
            yield None
        elif isinstance(value, str):
            yield value if is_sound(value) else mended(value, want, partial(_bad_value, want, number))
        elif want.errors == "skip":
            yield None
        else:
            raise odd_record(f"{want.label}: element {number}", element, value, want.field)
    if not number:
        raise CorpusError(f"{want.label}: the JSON array is empty")


def _bad_value(want: Wanted, number: int, found: Any) -> CorpusError:
    error = bad_byte(want, number, found[0])
    return CorpusError(error.message.replace(f"line {number}", f"element {number}"), error.remedy)


def _elements(want: Wanted) -> Iterator[Any]:
    """Yield the elements one after the other; no more of the file than an element is in memory."""
    with io.TextIOWrapper(want.open(), want.encoding, errors=MARKED, newline="") as file:
        text, at, ended = file.read(CHUNK).removeprefix("\ufeff"), 0, False
        at = _skip(text, at, _SPACE)
        if text[at : at + 1] != "[":
            raise _broken(want, "it does not begin with [")
        at += 1
        while True:
            at = _skip(text, at, _SPACE + ",")
            if text[at : at + 1] == "]":
                if text[at + 1 :].strip() or file.read(CHUNK).strip():
                    raise _broken(want, "something stands behind its end")
                return
            try:
                element, behind = _DECODER.raw_decode(text, at) if at < len(text) else (None, len(text))
            except (ValueError, RecursionError) as error:
                element, behind, reason = None, len(text), one_line(error)
            else:
                reason = "it ends within the array"
            if behind < len(text):  # what is behind a number says that it is whole
                yield element
                at = behind
                continue
            more = "" if ended else file.read(max(CHUNK, len(text) - at))
            ended = not more
            if ended:
                raise _broken(want, SURROGATE.sub("\ufffd", reason))
            text, at = text[at:] + more, 0
            if len(text) > MAX_ELEMENT:
                raise _broken(want, f"an element has more than {MAX_ELEMENT:,} characters, or is not JSON: {reason}")


def _skip(text: str, at: int, what: str) -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at


def _broken(want: Wanted, reason: str) -> CorpusError:
    return CorpusError(f"{want.label}: not a JSON array ({reason})", "check it: python -m json.tool FILE")
