"""Constraints as keyword arguments of `Model.generate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from .constraints import Constraints, Length, parse_length


class ConstraintOptions(TypedDict, total=False):
    """What every string must satisfy; see the table in docs/generating.md. None stands for no constraint."""

    prefix: str | None
    suffix: str | None
    contains: str | Sequence[str] | None
    """One text or several."""

    mask: str | None
    sets: Sequence[str | None] | None
    """The custom sets ?1 to ?4 of the mask."""

    length: int | str | Length | None
    """5, "3-8" or (3, 8); (3, None) is 3 or more."""

    charset: str | None
    regex: str | Sequence[str] | None
    """One regular expression or several."""

    at_least: str | Sequence[str] | Mapping[str, int] | None
    """"?d:2", several of these, or {"?d": 2}."""

    at_most: str | Sequence[str] | Mapping[str, int] | None
    without: str | Sequence[str] | None
    """One text or several that must not stand in a string."""

    ignore_case: bool | None
    """Whether `without` holds in upper and lower case alike."""


def constraints_from(options: Mapping[str, Any]) -> Constraints | None:
    """Return the constraints of keyword arguments; None where there are none.

    Raises:
        ConfigError: a malformed one.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("contains", "regex", "without", "sets"):
        if name in given:
            given[name] = _several(given[name])
    for name in ("at_least", "at_most"):
        if name in given:
            given[name] = _counts(given[name])
    if "length" in given:
        given["length"] = _length(given["length"])
    return Constraints(**given) or None


def _several(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _counts(value: str | Sequence[str] | Mapping[str, int]) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(f"{characters}:{count}" for characters, count in value.items())
    return _several(value)


def _length(value: int | str | Length) -> Length:
    if isinstance(value, tuple):
        return value
    return parse_length(str(value))
