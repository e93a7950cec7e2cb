"""Characters by name: the script that each is of, and those that are seldom meant.

Python knows no script property, so the script is taken from a character's name: it nearly always begins with it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SCRIPTS = {
    "ARABIC-INDIC": "Arabic",
    "EXTENDED ARABIC-INDIC": "Arabic",
    "CJK": "Han",
    "KANGXI": "Han",
    "IDEOGRAPHIC": "Han",
    "HANGZHOU": "Han",
    "BOPOMOFO": "Bopomofo",
    "KATAKANA-HIRAGANA": "Katakana",
    "MODIFIER": "Modifiers",
    "COMBINING": "Combining marks",
    "VARIATION": "Invisible",
    "FEMININE": "Latin",
    "MASCULINE": "Latin",
    "KELVIN": "Latin",
    "ANGSTROM": "Latin",
    "MICRO": "Greek",
    "OHM": "Greek",
    "DIGIT": "Digits",
    "SUPERSCRIPT": "Digits",
    "SUBSCRIPT": "Digits",
    "VULGAR": "Digits",
    "FRACTION": "Digits",
    "ROMAN": "Digits",
    "CIRCLED": "Digits",
    "PARENTHESIZED": "Digits",
    "MATHEMATICAL": "Symbols",
    "DOUBLE-STRUCK": "Symbols",
    "SCRIPT": "Symbols",
    "BLACK-LETTER": "Symbols",
}
"""How a name begins -> script or group. What is not here is the first word of the name itself: Latin, Cyrillic, ..."""

_WIDTHS = ("HALFWIDTH ", "FULLWIDTH ", "SQUARED ")
"""Words before the one that names the script."""

GROUPS = {
    "P": "Punctuation",
    "S": "Symbols",
    "Zs": "Blanks",
    "Zl": "Invisible",
    "Zp": "Invisible",
    "Cf": "Invisible",
    "Cc": "Controls",
    "Co": "Private use",
    "Cn": "Unassigned",
}
"""Category, or its first letter -> group of characters that belong to no script."""

_EMOJI = (range(0x1F000, 0x1FB00), range(0x2600, 0x27C0), range(0x2B00, 0x2C00))

KINDS = {
    "Cc": "control",
    "Cf": "invisible",
    "Zl": "line separator",
    "Zp": "line separator",
    "Zs": "unusual blank",
    "Co": "private use",
    "Cn": "unassigned",
}
"""Category -> kind of characters that are seldom meant."""

_KINDS_OF_ONE = {
    0x20: None,
    0xFFFD: "replacement",
    0x034F: "invisible",
    0x115F: "invisible",
    0x1160: "invisible",
    0x2800: "unusual blank",
    0x3164: "invisible",
    0xFFA0: "invisible",
}

_SELECTORS = (range(0x180B, 0x180E), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

_CONTROLS = {
    0x00: "NULL",
    0x07: "BELL",
    0x08: "BACKSPACE",
    0x09: "TABULATION",
    0x0A: "LINE FEED",
    0x0B: "LINE TABULATION",
    0x0C: "FORM FEED",
    0x0D: "CARRIAGE RETURN",
    0x1A: "SUBSTITUTE",
    0x1B: "ESCAPE",
    0x7F: "DELETE",
    0x85: "NEXT LINE",
}
"""Names that the Unicode standard gives as aliases, since control characters have none."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """The characters of one script, or group of characters."""

    characters: int
    """Different ones."""

    count: int
    """Of all occurrences."""


@dataclass(frozen=True, kw_only=True)
class Character:
    """One character, or byte."""

    code_point: str
    """As U+00E9; of a byte 0xE9."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Suspect(Character):
    """A character that is seldom meant."""

    kind: str
    """control, invisible, line separator, unusual blank, variation selector, replacement, private use, unassigned."""

    first_line: int
    """From 1 on; of a column, the number among its strings."""


def script(code_point: int) -> str:
    """Return the script of a letter or mark, else a group such as Digits or Punctuation."""
    category = unicodedata.category(chr(code_point))
    if category[0] == "S" and any(code_point in block for block in _EMOJI):
        return "Emoji"
    group = GROUPS.get(category) or GROUPS.get(category[0])
    if group:
        return group
    words = unicodedata.name(chr(code_point), "OTHER")
    for width in _WIDTHS:
        words = words.removeprefix(width)
    first, _, rest = words.partition(" ")
    known = SCRIPTS.get(f"{first} {rest.partition(' ')[0]}") or SCRIPTS.get(first)
    return known or first.title()


def kind(code_point: int) -> str | None:
    """Return why a character is seldom meant: it cannot be seen, is taken for another, or is none; else None."""
    if code_point in _KINDS_OF_ONE:
        return _KINDS_OF_ONE[code_point]
    if any(code_point in block for block in _SELECTORS):
        return "variation selector"
    return KINDS.get(unicodedata.category(chr(code_point)))


def name(code_point: int) -> str:
    """Return the name of a character."""
    known = unicodedata.name(chr(code_point), "") or _CONTROLS.get(code_point)
    return known or f"{kind(code_point) or 'unnamed'} character".upper()


def written(code_point: int) -> str:
    """Return a code point as it is written: U+00E9."""
    return f"U+{code_point:04X}"


def written_byte(byte: int) -> str:
    """Return a byte as it is written: 0xE9."""
    return f"0x{byte:02X}"
