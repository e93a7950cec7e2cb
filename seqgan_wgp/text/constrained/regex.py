r"""Parse regular expressions for constrained decoding: a subset of Python's `re` with the same meaning.

    a            the character itself
    .            any character except a line feed
    [a-z_] [^a]  a character of a set, or not of it; \d etc. are allowed inside, [ must be written \[
    \d \w \s     a digit, word character or white space of Unicode; \D \W \S any other character
    \n \t \r     line feed, tab, carriage return
    \xHH \uHHHH  the character with this code point
    \.           the character itself, for all except ASCII letters and digits
    (ab) (?:ab)  a group; both mean the same
    a|b          one or the other
    * + ?        zero or more, one or more, zero or one
    {m} {m,n}    m times, m to n times; {m,} m times or more, {,n} at most n times
    ^ $          only at the ends of the whole expression, without effect: the whole string must match
    (?=a) (?!a)  only before everything else: the string must begin, or must not begin, with what matches; with $ as
                 the last character the whole string must match, or must not

Other syntax of Python is refused with its position: other lookaround, backreferences, flags, named groups, lazy and
possessive quantifiers, and everything that Python warns about. A character that the model's alphabet lacks matches
nothing; that is no error as long as some string matches.
"""

from __future__ import annotations

import re
from typing import final

from ...errors import ConfigError
from .expressions import (
    ANYTHING,
    Alternation,
    Characters,
    Concatenation,
    Expression,
    Ranges,
    Repetition,
    complement,
    of_characters,
    of_escape,
    quoted,
    union,
)
from .languages import Language, Unmatched

MAX_COUNT = 1_000
"""Largest number in {m,n}."""

MAX_DEPTH = 50
"""Largest depth of nested groups."""

CLASSES = frozenset("dwsDWS")
CONTROLS: dict[str, str] = {"n": "\n", "t": "\t", "r": "\r"}
HEX_DIGITS: dict[str, int] = {"x": 2, "u": 4}

_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BRACES = re.compile(r"\{([0-9]{0,18})(?:(,)([0-9]{0,18}))?\}")
_GROUPS: dict[str, str] = {
    "=": "a lookahead not at the start",
    "!": "a lookahead not at the start",
    "<=": "a lookbehind",
    "<!": "a lookbehind",
    "P=": "a reference",
    "P": "a named group",
    ">": "an atomic group",
    "#": "a comment",
    "(": "a condition",
}
_ESCAPES: dict[str, str] = {"b": "a word boundary", "B": "a word boundary", "A": "an anchor", "Z": "an anchor"}
"""Unsupported escape -> its name."""

_LINE_FEED = Characters(ranges=of_characters("\n"), text="\n")

_KNOWN = (
    r"supported: characters . [a-z] [^a-z] \d \w \s \D \W \S \n \t \r \xHH \uHHHH ( ) (?: ) | * + ? {m} {m,n}, "
    "and (?= ) (?! ) at the start"
)


def parse_regex(pattern: str) -> tuple[Language, ...]:
    """Parse a regular expression: a string matches if all the returned languages have it.

    The first is the expression without lookaheads; each lookahead is a further one.

    Raises:
        ConfigError: unsupported syntax; the message has its position.
    """
    return _Parser(pattern).parse()


@final
class _Parser:
    """A recursive descent parser with one method per precedence level."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.place, self.depth, self.ahead = pattern, 0, 0, False

    def parse(self) -> tuple[Language, ...]:
        self._take("^")
        lookaheads = []
        while self.pattern.startswith(("(?=", "(?!"), self.place):
            lookaheads.append(self._lookahead())
        start, expression = self.place, self._alternation()
        if self._next():  # only a surplus bracket ends an expression before the end of the pattern
            raise self._refused(self.place, "')' closes no group")
        if lookaheads and isinstance(expression, Alternation):
            raise self._refused(start, "a lookahead stands before one alternative; put the alternatives into a group")
        return (expression, *lookaheads)

    def _lookahead(self) -> Language:
        """Parse (?=X), the strings that begin with a match of X, or (?!X), all others."""
        start = self.place
        self.place += len("(?=")
        negated, self.ahead = self.pattern[self.place - 1] == "!", True
        self._take("^")
        expression = self._alternation()
        anchored, self.ahead = self._take("$"), False
        if anchored and isinstance(expression, Alternation):
            raise self._refused(start, "'$' ends one alternative of a lookahead; put the alternatives into a group")
        if not self._take(")"):
            raise self._refused(start, "'(' is never closed")
        behind = Repetition(part=_LINE_FEED, least=0, most=1) if anchored else ANYTHING  # as Python's $
        whole = Concatenation(parts=(expression, behind))
        return Unmatched(expression=whole) if negated else whole

    def _alternation(self) -> Expression:
        parts = [self._concatenation()]
        while self._take("|"):
            parts.append(self._concatenation())
        return parts[0] if len(parts) == 1 else Alternation(parts=tuple(parts))

    def _concatenation(self) -> Expression:
        parts: list[Expression] = []
        while self._next() not in ("", "|", ")"):
            if self._next() == "$" and self.place == len(self.pattern) - 1:
                self.place += 1
                break
            if self.ahead and not self.depth and self.pattern.startswith("$)", self.place):
                break
            parts.append(self._repetition())
        return Concatenation(parts=tuple(parts))

    def _repetition(self) -> Expression:
        if self._at_quantifier():
            raise self._refused(self.place, f"{self._next()!r} has nothing to repeat")
        part = self._atom()
        if not self._at_quantifier():
            return part
        least, most = self._count()
        if self._at_quantifier():
            what = f"{self._next()!r} follows another repetition; lazy and possessive quantifiers are not supported"
            raise self._refused(self.place, what)
        return Repetition(part=part, least=least, most=most)

    def _count(self) -> tuple[int, int | None]:
        """Parse a quantifier: least and largest count."""
        start, sign = self.place, self._character()
        if sign != "{":
            return _QUANTIFIERS[sign]
        found = _BRACES.match(self.pattern, start)
        if found is None or not (found[1] or found[3]):
            raise self._refused(start, "'{' begins no count such as {3} or {2,4}; as a character write \\{")
        self.place = found.end()
        least, comma, most = found.groups()
        low, high = int(least or 0), (int(most) if most else None) if comma else int(least)
        if max(low, high or 0) > MAX_COUNT:
            raise self._refused(start, f"{found[0]} is above {MAX_COUNT:,}, the largest count")
        if high is not None and low > high:
            raise self._refused(start, f"{found[0]} has its larger number first")
        return low, high

    def _atom(self) -> Expression:
        start, character = self.place, self._character()
        if character == "(":
            return self._group(start)
        if character == "[":
            return self._set(start)
        if character == "\\":
            return Characters(ranges=self._escape(start), text=self.pattern[start : self.place])
        if character in "^$":
            raise self._refused(start, f"{character!r} is supported only at the ends of the whole expression")
        if character == ".":
            return Characters(ranges=complement(of_characters("\n")), text=".")
        return Characters(ranges=of_characters(character), text=character)

    def _group(self, start: int) -> Expression:
        if self._take("?") and not self._take(":"):
            kind = next((kind for sign, kind in _GROUPS.items() if self.pattern.startswith(sign, self.place)), "a flag")
            raise self._refused(start, f"'(?{self._next()}' begins {kind}, which is not supported")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._refused(start, f"groups are nested more than {MAX_DEPTH} deep")
        expression = self._alternation()
        if not self._take(")"):
            raise self._refused(start, "'(' is never closed")
        self.depth -= 1
        return expression

    def _set(self, start: int) -> Expression:
        negated = self._take("^")
        ranges = list(self._members(start))  # the first character is a member, even ]
        while self._next() != "]":
            ranges += self._members(start)
        self.place += 1
        merged = union(ranges)
        return Characters(ranges=complement(merged) if negated else merged, text=self.pattern[start : self.place])

    def _members(self, start: int) -> Ranges:
        """Parse a character, a range or an escape in the set that begins at `start`."""
        place = self.place
        low = self._member(start)
        if self._next() != "-" or self.pattern[self.place + 1 : self.place + 2] in ("]", ""):
            return low
        self._unlike(self.place)
        self.place += 1
        high = self._member(start)
        written = self.pattern[place : self.place]
        (first, first_too), (last, last_too) = low[0], high[-1]
        if first != first_too or last != last_too or len(low) > 1 or len(high) > 1:
            raise self._refused(place, f"{written!r} is a range whose ends are not single characters")
        if first > last:
            raise self._refused(place, f"{written!r} is a range whose end is before its beginning")
        return ((first, last),)

    def _member(self, start: int) -> Ranges:
        place = self.place
        character = self._character()
        if not character:
            raise self._refused(start, "'[' is never closed; a ] in first position is a character of the set")
        if character == "\\":
            return self._escape(place)
        self._unlike(place)
        return of_characters(character)

    def _unlike(self, place: int) -> None:
        """Refuse syntax in a set that Python warns about, since its meaning may change."""
        written = self.pattern[place : place + 2]
        if written.startswith("[") or written in ("--", "&&", "~~", "||"):
            what = f"{written[0] if written[0] == '[' else written!r} is not supported in a set"
            raise self._refused(place, f"{what}; as a character write \\{written[0]}")

    def _escape(self, start: int) -> Ranges:
        character = self._character()
        if character in CLASSES:
            return of_escape(f"\\{character}")
        if character in CONTROLS:
            return of_characters(CONTROLS[character])
        if character in HEX_DIGITS:
            digits = self.pattern[self.place : self.place + HEX_DIGITS[character]]
            if len(digits) < HEX_DIGITS[character] or not set(digits) <= set("0123456789abcdefABCDEF"):
                raise self._refused(start, f"'\\{character}' needs {HEX_DIGITS[character]} hexadecimal digits")
            self.place += len(digits)
            return of_characters(chr(int(digits, 16)))
        if not character:
            raise self._refused(start, "a single backslash ends the expression")
        if character.isascii() and character.isalnum():
            kind = "a reference" if character.isdecimal() else _ESCAPES.get(character, "no character")
            raise self._refused(start, f"'\\{character}' is {kind}, which is not supported")
        return of_characters(character)

    def _at_quantifier(self) -> bool:
        return self._next() == "{" or self._next() in _QUANTIFIERS

    def _next(self) -> str:
        """Return the next character, or an empty string at the end."""
        return self.pattern[self.place : self.place + 1]

    def _character(self) -> str:
        character = self._next()
        self.place += len(character)
        return character

    def _take(self, character: str) -> bool:
        if self._next() != character:
            return False
        self.place += 1
        return True

    def _refused(self, place: int, what: str) -> ConfigError:
        return ConfigError(f"--regex {quoted(self.pattern)}: character {place + 1}: {what}", _KNOWN)
