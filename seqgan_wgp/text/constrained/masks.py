"""Parse hashcat-style masks: one set of characters per position, which also fixes the length.

`?l` lower-case letters a to z, `?u` upper-case letters A to Z, `?d` digits 0 to 9, `?s` the space and the 32
punctuation characters of ASCII, `?a` all of these; `?h` and `?H` hexadecimal digits with lower-case and upper-case
letters; `?b` any character (to hashcat any byte); `?1` to `?4` custom sets; `??` a question mark. Any other character
stands for itself. A custom set is written in the same way, `?dabcdef`, and can contain custom sets before it.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence

from ...errors import ConfigError
from .expressions import EVERYTHING, Characters, Ranges, of_characters, quoted, union

SETS: dict[str, str] = {
    "l": string.ascii_lowercase,
    "u": string.ascii_uppercase,
    "d": string.digits,
    "s": " " + string.punctuation,
    "a": string.ascii_letters + string.digits + " " + string.punctuation,
    "h": string.digits + "abcdef",
    "H": string.digits + "ABCDEF",
    "?": "?",
}
"""Letter after the question mark -> characters."""

_ANY = "b"
"""Letter of the set of all characters."""

OWN = ("1", "2", "3", "4")

_KNOWN = "use ?l ?u ?d ?s ?a ?h ?H ?b, the custom sets ?1 to ?4 in a mask, and ?? for a question mark"


def parse_mask(mask: str, sets: Sequence[str | None]) -> tuple[Characters, ...]:
    """Return the set of each position.

    Args:
        mask: as the module describes.
        sets: entry k is `?k+1`; None, or none, where it is not given.

    Raises:
        ConfigError: a set that is not known, not given, empty, or given and not used.
    """
    given = {name: written for name, written in zip(OWN, sets, strict=False) if written is not None}
    own: dict[str, Characters] = {}
    used = set(written_symbols(mask, "--mask"))
    for name, written in given.items():
        own[name] = parse_set(written, f"-{name}", own)
        used |= set(written_symbols(written, f"-{name}"))
    for name in given:
        if f"?{name}" not in used:
            raise ConfigError(f"-{name} is given, but --mask {quoted(mask)} has no ?{name}", "use it or leave it out")
    return tuple(_symbols(mask, "--mask", own))


def parse_set(characters: str, flag: str, own: Mapping[str, Characters] | None = None) -> Characters:
    """Return the set that a user wrote for `flag`.

    Args:
        characters: as the module describes.
        flag: the option, for messages.
        own: the custom sets that it may contain.

    Raises:
        ConfigError: it is empty or has a set not known.
    """
    if not characters:
        raise ConfigError(f"{flag} is empty, but it must have one character or more")
    ranges = union(pair for symbol in _symbols(characters, flag, own or {}) for pair in symbol.ranges)
    return Characters(ranges=ranges, text=characters)


def written_symbols(text: str, flag: str) -> Iterator[str]:
    """Yield the symbols: a character, or a question mark with the character after it."""
    characters = iter(text)
    for character in characters:
        if character != "?":
            yield character
            continue
        behind = next(characters, None)
        if behind is None:
            raise ConfigError(f"{flag} {quoted(text)} ends in a single question mark", _KNOWN)
        yield character + behind


def _symbols(text: str, flag: str, own: Mapping[str, Characters]) -> Iterator[Characters]:
    for place, symbol in enumerate(written_symbols(text, flag), 1):
        if len(symbol) == 1:
            yield Characters(ranges=of_characters(symbol), text=symbol)
            continue
        name = symbol[1]
        if name in OWN and name not in own:
            missing = f"but no -{name} is given" if flag == "--mask" else f"but no -{name} is given before it"
            raise ConfigError(f"{flag} {quoted(text)} has {symbol}, {missing}", _KNOWN)
        if name not in own and name not in SETS and name != _ANY:
            raise ConfigError(f"{flag} {quoted(text)}: there is no set {symbol} (symbol {place})", _KNOWN)
        yield Characters(ranges=_ranges(name, own), text=symbol)


def _ranges(name: str, own: Mapping[str, Characters]) -> Ranges:
    if name == _ANY:
        return EVERYTHING
    return own[name].ranges if name in own else of_characters(SETS[name])
