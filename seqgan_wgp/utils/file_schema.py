"""Parse the JSON of run and model files against a typed schema, with bounds, before anything uses it.

A schema is a dataclass. Its fields may be of the types bool, int, float, str, Any, another dataclass, `X | None`,
`dict[str, X]`, `Mapping[str, X]` and `list[X]`; `Annotated[int, Between(0, 9)]` bounds a number, or the size of a text,
list or dictionary. A whole number always fits 64 bits, and a text is always valid Unicode. Keys that a schema does not
have are left out, so that a later version of the same format can add some.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from ..errors import CheckpointError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

MAX_JSON_BYTES = 1 << 25
"""A larger JSON file is refused before it is read: a run's own have thousands of bytes, a tokenizer some millions.
What is parsed takes up to thirty times the memory of the text, so no file takes more than about a gigabyte."""

MAX_DEPTH = 32
"""Objects and lists inside each other; a run's own have 6 at most."""

_TOO_DEEP = "it is nested too deeply"
_MAX_INTEGER = 1 << 63
_SHOWN = 40
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Between:
    """Bounds of a number, or of the size of a text, list or dictionary; both are allowed."""

    least: float
    most: float


Count: TypeAlias = Annotated[int, Between(0, 1 << 53)]
"""How many there are of something, or the number of a step."""

Finite: TypeAlias = Annotated[float, Between(-1.7e308, 1.7e308)]
"""A number that is neither infinite nor NaN."""

Seconds: TypeAlias = Annotated[float, Between(0, 1e11)]

Name: TypeAlias = Annotated[str, Between(0, 100_000)]


class SchemaError(ValueError):
    """A value that is not what the schema says; the message names its place and what it must be."""


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises SchemaError for anything that is none, or is nested too deeply."""
    try:
        tree = json.loads(text)
    except RecursionError:
        raise SchemaError(_TOO_DEEP) from None
    except ValueError as error:  # also bad UTF-8, and a number of thousands of digits
        raise SchemaError(" ".join(str(error).split())) from None
    layer = [tree]
    for _ in range(MAX_DEPTH):
        layer = [item for value in layer for item in _inside(value)]
        if not layer:
            return tree
    raise SchemaError(_TOO_DEEP)


def _inside(value: object) -> Iterable[object]:
    """Return what may have parts itself of the parts of a value."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (part for part in parts if isinstance(part, dict | list))


def load_json(path: Path) -> Any:
    """Return the value of a JSON file. Raises OSError or SchemaError when it cannot be read or is too large."""
    size = path.stat().st_size
    if not path.is_file():
        raise SchemaError("it is not a file")
    if size > MAX_JSON_BYTES:
        raise SchemaError(f"it has {size:,} bytes")
    return parse_json(path.read_bytes())


def read_json(path: Path, remedy: str) -> Any:
    """Return the value of a JSON file. Raises CheckpointError, with the remedy, when it cannot be read."""
    try:
        return load_json(path)
    except (OSError, SchemaError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CheckpointError(f"{path}: cannot be read ({reason})", remedy) from None


def read_schema(cls: type[T], path: Path, remedy: str) -> T:
    """Return what a JSON file holds, as a dataclass. Raises CheckpointError, with the remedy, when it does not fit."""
    tree = read_json(path, remedy)
    try:
        return from_json(cls, tree)
    except SchemaError as error:
        raise CheckpointError(f"{path}: is damaged: {error}", remedy) from None


def write_schema(value: DataclassInstance, path: Path) -> None:
    """Write a dataclass to a JSON file, as `read_schema` reads it."""
    path.write_text(json.dumps(dataclasses.asdict(value), indent=2) + "\n", encoding="utf-8")


def from_json(cls: type[T], tree: object, place: str = "") -> T:
    """Return a dataclass from a JSON value. Raises SchemaError when a field is missing, of another type, or too large.

    Args:
        cls: the schema.
        tree: the value.
        place: what it is called in messages.
    """
    if not isinstance(tree, Mapping):
        raise _wrong(place, tree, "an object")
    schema: type = cls
    values = {}
    for field in dataclasses.fields(schema):
        name = f"{place}.{field.name}" if place else field.name
        if field.name in tree:
            values[field.name] = checked_value(_hints(schema)[field.name], tree[field.name], name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SchemaError(f"{name} is missing")
    return typing.cast("T", schema(**values))


def checked_value(hint: Any, value: object, place: str) -> Any:
    """Return a JSON value as a type. Raises SchemaError when it is of another type, or out of bounds."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        found = checked_value(arguments[0], value, place)
        _check_bounds(found, arguments[1], place)
        return found
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and types.NoneType in arguments:
            return None
        return checked_value(next(arm for arm in arguments if arm is not types.NoneType), value, place)
    if origin is list:
        if not isinstance(value, list):
            raise _wrong(place, value, "a list")
        return [checked_value(arguments[0], item, f"{place}[{number}]") for number, item in enumerate(value)]
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(place, value, "an object")
        return {
            checked_value(arguments[0], key, place): checked_value(arguments[1], item, f"{place}.{key}")
            for key, item in value.items()
        }
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast("type[Any]", hint), value, place)
    return _scalar(hint, value, place)


def _scalar(kind: type, value: object, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INTEGER:
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(place, value, _WORDS[kind])
    if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
        raise _wrong(place, value, "a number of at most 64 bits")
    if isinstance(value, str) and not is_unicode(value):
        raise SchemaError(f"{place} is not valid Unicode")
    return value


def is_unicode(text: str) -> bool:
    """Say whether a text can be written as UTF-8: a JSON text may hold one half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_bounds(value: Any, bounds: Between, place: str) -> None:
    size = value if isinstance(value, int | float) else len(value)
    if math.isnan(size) or not bounds.least <= size <= bounds.most:
        what = "it" if size is value else "its size"
        raise _wrong(place, size, f"between {bounds.least:,} and {bounds.most:,}", what)


def _wrong(place: str, value: object, wanted: str, what: str = "it") -> SchemaError:
    # Not all of it: a text of megabytes and a number of thousands of digits come here too.
    is_large = isinstance(value, int) and abs(value) >= _MAX_INTEGER
    shown = "too large" if is_large else ascii(value) if isinstance(value, int | float | None) else _kind(value)
    return SchemaError(f"{place or 'the whole'} is {shown}, but {what} must be {wanted}")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return ascii(value[:_SHOWN]) + (" ..." if len(value) > _SHOWN else "")
    return "an object" if isinstance(value, Mapping) else "a list"


@functools.cache
def _hints(cls: type) -> Mapping[str, Any]:
    return types.MappingProxyType(typing.get_type_hints(cls, include_extras=True))
