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
"""Category -> group of characters that show nothing, whatever their script."""

GROUPS = {
    "L": "Other letters",
    "M": "Combining marks",
    "N": "Digits",
    "P": "Punctuation",
    "S": "Symbols",
    "C": "Unassigned",
}
"""First letter of the category -> group of characters that belong to no script."""

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
    """Return the script of a character by Unicode (Latin, Cyrillic, Han, ...), else a group such as Digits or Symbols.

    Punctuation, symbols and digits that several scripts share are grouped by category, and so is what cannot be seen.
    A letter or mark that Unicode counts to no single script, such as the micro sign, is of the script that it stands
    for.
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
    """Return the script of a letter or mark that is in use in several; None where it is not clear.

    Its plain form may be of one script (the micro sign is a Greek mu), or it is in use in one only, or its name begins
    with that of one of its scripts (ARABIC FATHATAN, KATAKANA-HIRAGANA PROLONGED SOUND MARK).
    """
    plain = unicodedata.normalize("NFKC", character)[0]
    code = ucd.script(plain)
    if code not in _OF_NO_SCRIPT:
        return str(ucd.script_name(code))
    names = sorted(str(ucd.script_name(code)) for code in ucd.script_extension(plain) - _OF_NO_SCRIPT)
    called = unicodedata.name(plain, "").title()
    return next((name for name in names if len(names) == 1 or called.startswith(name)), None)


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
