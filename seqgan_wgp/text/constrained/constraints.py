"""Constraints as a user writes them (prefix, mask, length, regex ...), translated to expressions.

A string must satisfy all of them, and must not be empty. They refer to characters (code points) even if the model's
unit is the byte. Of a unit with tokens, such as words, the length counts these; all else refers to characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

from ...errors import ConfigError
from .expressions import ANY, ANYTHING, Characters, Concatenation, Expression, Repetition, literal, quoted
from .masks import OWN, parse_mask, parse_set
from .regex import parse_regex

Length: TypeAlias = tuple[int, int | None]
"""Least and largest number of characters or tokens; None: as many as the model can generate."""


@final
@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Constraints that every string must satisfy.

    Raises:
        ConfigError: a constraint is malformed. Whether a model can satisfy them is checked on compilation.
    """

    prefix: str | None = None
    """Required prefix."""

    suffix: str | None = None
    """Required suffix."""

    contains: tuple[str, ...] = ()
    """Required substrings, which may overlap."""

    mask: str | None = None
    """One character set per position, see `masks`; fixes the length."""

    sets: tuple[str | None, ...] = ()
    """The custom sets ?1 to ?4 of the mask."""

    length: Length | None = None
    """Least and largest number of characters, or of the unit's tokens where it has tokens, inclusive."""

    charset: str | None = None
    """Allowed characters, written like a custom set of a mask."""

    regex: str | None = None
    """Regular expression that the whole string must match, see `regex`."""

    def __post_init__(self) -> None:
        if len(self.sets) > len(OWN):
            raise ConfigError(f"there are {len(self.sets)} custom sets, but a mask can use {len(OWN)}: ?1 to ?4")
        if self.mask is None and any(written is not None for written in self.sets):
            raise ConfigError("a custom set is given, but there is no --mask that uses it")
        if self.length is not None and self.length[1] is not None and self.length[0] > self.length[1]:
            raise ConfigError(f"--length {_shown(self.length)} has its larger number first")
        self.expressions()

    @cached_property
    def _mask(self) -> tuple[Characters, ...] | None:
        return None if self.mask is None else parse_mask(self.mask, self.sets)

    @cached_property
    def _charset(self) -> Characters | None:
        return None if self.charset is None else parse_set(self.charset, "--charset")

    def __bool__(self) -> bool:
        """Return whether there is any constraint."""
        return bool(self.expressions())

    def expressions(self) -> dict[str, Expression]:
        """Return each constraint as an expression for the whole string: constraint as written by the user -> tree."""
        found: dict[str, Expression] = {}
        if self.length is not None:
            least, most = self.length
            found[f"--length {_shown(self.length)}"] = Repetition(part=ANY, least=least, most=most, counts_units=True)
        if self._charset is not None:
            found[f"--charset {quoted(self._charset.text)}"] = Repetition(part=self._charset, least=0, most=None)
        if self.mask is not None:
            found[f"--mask {quoted(self.mask)}"] = Concatenation(parts=self._mask or ())
        if self.prefix is not None:
            found[f"--prefix {quoted(self.prefix)}"] = Concatenation(parts=(literal(self.prefix), ANYTHING))
        if self.suffix is not None:
            found[f"--suffix {quoted(self.suffix)}"] = Concatenation(parts=(ANYTHING, literal(self.suffix)))
        for part in self.contains:
            found[f"--contains {quoted(part)}"] = Concatenation(parts=(ANYTHING, literal(part), ANYTHING))
        if self.regex is not None:
            found[f"--regex {quoted(self.regex)}"] = parse_regex(self.regex)
        return found

    def satisfied_by(self, string: str, units: int | None = None) -> bool:
        """Return whether a string of so many units (None: its characters) is allowed, checked without automata."""
        size = len(string) if units is None else units
        least, most = self.length or (1, None)
        charset, mask = self._charset, self._mask
        return (
            max(least, 1) <= size <= (size if most is None else most)
            and string.startswith(self.prefix or "")
            and string.endswith(self.suffix or "")
            and all(part in string for part in self.contains)
            and (charset is None or all(character in charset for character in string))
            and (mask is None or len(mask) == len(string))
            and all(character in allowed for character, allowed in zip(string, mask or (), strict=False))
            and (self.regex is None or re.fullmatch(self.regex, string) is not None)
        )


def parse_length(text: str) -> Length:
    """Parse "5", "3-8", "3-" or "-8". Raises ConfigError for anything else."""
    found = re.fullmatch(r"([0-9]{0,18})(-?)([0-9]{0,18})", text)
    if found is None or not (found[1] or found[3]):
        raise ConfigError(f"--length is {quoted(text)}", "give a number of characters or a range: 5, 3-8, 3- or -8")
    least, span, most = found.groups()
    if not span:
        return int(least), int(least)
    return int(least or 1), int(most) if most else None


def _shown(length: Length) -> str:
    least, most = length
    return str(least) if least == most else f"{least}-{'' if most is None else most}"
