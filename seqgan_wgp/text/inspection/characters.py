"""Classify characters: script, name, and whether they are suspicious."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import fontTools.unicodedata as ucd  # type: ignore[import-untyped,unused-ignore]

_OF_NO_SCRIPT = {"Zyyy", "Zinh", "Zzzz"}
"""Codes of ISO 15924: common to several scripts, inherited from the character before, unknown."""

UNSEEN = {
    "Zs": "Blanks",
    "Zl": "Invisible",
    "Zp": "Invisible",
    "Cf": "Invisible",
    "Cc": "Controls",
    "Co": "Private use",
}
"""Category -> group of invisible characters of any script."""

GROUPS = {
    "L": "Other letters",
    "M": "Combining marks",
    "N": "Digits",
    "P": "Punctuation",
    "S": "Symbols",
    "C": "Unassigned",
}
"""First letter of the category -> group of characters without a script."""

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
"""Category -> kind of suspicious characters."""

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
"""Names of control characters, which the Unicode standard defines as aliases."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """The characters of one script, or group of characters."""

    characters: int
    """Number of distinct characters."""

    count: int
    """Number of occurrences."""


@dataclass(frozen=True, kw_only=True)
class Character:
    """One character, or byte."""

    code_point: str
    """Code point, e.g. U+00E9; for a byte, e.g. 0xE9."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Suspect(Character):
    """A suspicious character, which is rarely intended."""

    kind: str
    """control, invisible, line separator, unusual blank, variation selector, replacement, private use, unassigned."""

    first_line: int
    """Number of its first line, from 1; for a column, of its first string."""


def script(code_point: int) -> str:
    """Return the Unicode script of a character (Latin, Cyrillic, Han, ...) or a group such as Digits or Symbols.

    Punctuation, symbols and digits shared by several scripts, and invisible characters, are grouped by category. A
    letter or mark without a single script, such as the micro sign, has the script of the letter that it represents.
    """
    character = chr(code_point)
    category = unicodedata.category(character)
    if category in UNSEEN:
        return UNSEEN[category]
    if kind(code_point) == "variation selector":
        return "Invisible"
    code = ucd.script(character)
    if code not in _OF_NO_SCRIPT:
        return str(ucd.script_name(code))
    if category[0] == "S" and any(code_point in block for block in _EMOJI):
        return "Emoji"
    stands_for = _script_of_shared(character) if category[0] in "LM" else None
    return stands_for or GROUPS[category[0]]


def _script_of_shared(character: str) -> str | None:
    """Return the script of a letter or mark shared by several scripts; None if unclear.

    Its compatibility form may have a script (the micro sign is a Greek mu), it may be used in only one script, or its
    name begins with one of its scripts (ARABIC FATHATAN, KATAKANA-HIRAGANA PROLONGED SOUND MARK).
    """
    plain = unicodedata.normalize("NFKC", character)[0]
    code = ucd.script(plain)
    if code not in _OF_NO_SCRIPT:
        return str(ucd.script_name(code))
    names = sorted(str(ucd.script_name(code)) for code in ucd.script_extension(plain) - _OF_NO_SCRIPT)
    called = unicodedata.name(plain, "").title()
    return next((name for name in names if len(names) == 1 or called.startswith(name)), None)


def kind(code_point: int) -> str | None:
    """Return the kind of a suspicious character (invisible, easily confused, not a character); None for others."""
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
    """Return the notation of a code point, e.g. U+00E9."""
    return f"U+{code_point:04X}"


def written_byte(byte: int) -> str:
    """Return the notation of a byte, e.g. 0xE9."""
    return f"0x{byte:02X}"
