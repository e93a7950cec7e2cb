"""Constraints as a user writes them (prefix, mask, length, regex ...), translated to languages.

A string must satisfy all of them, and must not be empty. They refer to characters (code points) even if the model's
unit is the byte. Of a unit with tokens, such as words, the length counts these; all else refers to characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

from ...errors import ConfigError
from .expressions import ANY, ANYTHING, Characters, Concatenation, Repetition, literal, quoted
from .languages import Counted, Language, Without, stands_in
from .masks import OWN, parse_mask, parse_set
from .regex import parse_regex

Length: TypeAlias = tuple[int, int | None]
"""Least and largest number of characters or tokens; None: as many as the model can generate."""


_WORDS_SHOWN = 3
"""Number of words that a message names."""


@final
@dataclass(frozen=True, kw_only=True)
class WordFile:
    """The words of a file of `--without-file`."""

    name: str
    words: tuple[str, ...]
    """Not empty; without empty words."""

    sha256: str = ""


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

    regex: str | tuple[str, ...] | None = None
    """Regular expressions that the whole string must match, each of them; see `regex`."""

    at_least: tuple[str, ...] = ()
    """Least number of characters of a set, "SET:COUNT"; the set is written like a custom set of a mask."""

    at_most: tuple[str, ...] = ()
    """Largest number of characters of a set, in the same way."""

    without: tuple[str, ...] = ()
    """Texts that must not stand in the string."""

    without_files: tuple[WordFile, ...] = ()
    """Further ones, from files."""

    ignore_case: bool = False
    """Whether `without` and `without_files` hold in any case, upper or lower: see `languages.fold`."""

    def __post_init__(self) -> None:
        if len(self.sets) > len(OWN):
            raise ConfigError(f"there are {len(self.sets)} custom sets, but a mask can use {len(OWN)}: ?1 to ?4")
        if self.mask is None and any(written is not None for written in self.sets):
            reason = "a custom set is given, but there is no --mask that uses it"
            raise ConfigError(reason, "give a mask with ?1 to ?4 in it, such as --mask '?1?1?1', or leave the set out")
        if self.length is not None and self.length[1] is not None and self.length[0] > self.length[1]:
            raise ConfigError(f"--length {_shown(self.length)} has its larger number first")
        if "" in self.without:
            raise ConfigError("--without is empty, but it must have one character or more")
        if self.ignore_case and not (self.without or self.without_files):
            raise ConfigError("--ignore-case is given, but there is no --without or --without-file", "leave it out")
        self.languages()

    @property
    def regexes(self) -> tuple[str, ...]:
        """The regular expressions."""
        return (self.regex,) if isinstance(self.regex, str) else self.regex or ()

    @cached_property
    def _mask(self) -> tuple[Characters, ...] | None:
        return None if self.mask is None else parse_mask(self.mask, self.sets)

    @cached_property
    def _charset(self) -> Characters | None:
        return None if self.charset is None else parse_set(self.charset, "--charset")

    @cached_property
    def _counts(self) -> dict[str, Counted]:
        """The counts by their names in messages."""
        least = {f"--at-least {written}": _count(written, "--at-least") for written in self.at_least}
        most = {f"--at-most {written}": _count(written, "--at-most") for written in self.at_most}
        return {
            **{name: Counted(characters=held, least=count, most=None) for name, (held, count) in least.items()},
            **{name: Counted(characters=held, least=0, most=count) for name, (held, count) in most.items()},
        }

    @cached_property
    def _words(self) -> dict[str, Without]:
        """The texts that must not stand in a string, by their names in messages."""
        found = {}
        if self.without:
            more = len(self.without) - _WORDS_SHOWN
            shown = " ".join(f"--without {quoted(word)}" for word in self.without[:_WORDS_SHOWN])
            found[shown + (f" and {more:,} more" if more > 0 else "")] = self.without
        found |= {f"--without-file {file.name}": file.words for file in self.without_files}
        return {name: Without(words=words, ignore_case=self.ignore_case) for name, words in found.items()}

    def __bool__(self) -> bool:
        """Return whether there is any constraint."""
        return bool(self.languages())

    def languages(self) -> dict[str, Language]:
        """Return the strings that each constraint allows: constraint as written by the user -> language."""
        found: dict[str, Language] = {}
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
        for pattern in self.regexes:
            expression, *lookaheads = parse_regex(pattern)
            found[f"--regex {quoted(pattern)}"] = expression
            for number, lookahead in enumerate(lookaheads, 1):
                found[f"lookahead {number} of --regex {quoted(pattern)}"] = lookahead
        return found | self._counts | self._words

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
            and all(re.fullmatch(pattern, string) is not None for pattern in self.regexes)
            and all(_holds(rule, string) for rule in self._counts.values())
            and not any(stands_in(rule, string) for rule in self._words.values())
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


def _count(written: str, flag: str) -> tuple[Characters, int]:
    """Parse "SET:COUNT". Raises ConfigError when it is malformed."""
    characters, _, count = written.rpartition(":")
    if not characters or re.fullmatch("[0-9]{1,9}", count) is None:
        raise ConfigError(f"{flag} is {quoted(written)}", "give a set and a count, for example ?d:2 or abc:1")
    return parse_set(characters, flag), int(count)


def _holds(rule: Counted, string: str) -> bool:
    count = sum(character in rule.characters for character in string)
    return rule.least <= count <= (count if rule.most is None else rule.most)


def _shown(length: Length) -> str:
    least, most = length
    return str(least) if least == most else f"{least}-{'' if most is None else most}"
