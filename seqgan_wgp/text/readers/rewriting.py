"""Changes of text as it is read: $HEX[...] decoded, the case of letters, characters that are left out."""

from __future__ import annotations

import re

from ...config.schema import CorpusSettings

HEX_MARK = b"$HEX["

_HEX_LINE = re.compile(rb"^\$HEX\[((?:[0-9A-Fa-f]{2})+)\](?=\r?$)", re.MULTILINE)

_HEX_STRING = re.compile(r"\$HEX\[((?:[0-9A-Fa-f]{2})+)\]")

_ENDS = frozenset(b"\n\r\0")
"""Bytes that no line may hold: a string with one stays as it is written."""


class TextChange:
    """What the settings make of the letters and characters of a text."""

    def __init__(self, settings: CorpusSettings) -> None:
        dropped = settings.drop_characters.replace("\n", "")
        self.is_any = bool(dropped) or settings.case != "keep"
        self._case, self._table = settings.case, dict.fromkeys(map(ord, dropped))
        self._ascii = "".join(filter(str.isascii, dropped)).encode()
        self._wide = [character.encode() for character in dropped if not character.isascii()]

    def of_text(self, text: str) -> str:
        """Return a text changed."""
        text = text.translate(self._table) if self._table else text
        return text.upper() if self._case == "upper" else text.lower() if self._case == "lower" else text

    def of_bytes(self, data: bytes) -> bytes:
        """Return bytes of UTF-8 changed: of the letters those of ASCII."""
        data = data.translate(None, self._ascii) if self._ascii else data
        for character in self._wide:
            data = data.replace(character, b"")
        return data.upper() if self._case == "upper" else data.lower() if self._case == "lower" else data


def hex_lines(data: bytes, *, encoding: str | None, keep: bool) -> tuple[bytes, int]:
    """Return lines with those that are $HEX[...] decoded, once, and how many there are.

    Args:
        data: whole lines.
        encoding: theirs; what is not in it is taken as Windows-1252, the usual one of old passwords. None: bytes are
            taken as they are.
        keep: change nothing, and only count.
    """
    count = 0

    def plain(found: re.Match[bytes]) -> bytes:
        nonlocal count
        raw = bytes.fromhex(found[1].decode())
        if not _ENDS.isdisjoint(raw):
            return found[0]
        count += 1
        if keep:
            return found[0]
        return raw if encoding is None else _decoded(raw, encoding).encode(encoding, "replace")

    changed = _HEX_LINE.sub(plain, data)
    return (data if keep else changed), count


def hex_string(string: str) -> str | None:
    """Return the string that one is which is written as $HEX[...]; None where it is not."""
    found = _HEX_STRING.fullmatch(string)
    raw = bytes.fromhex(found[1]) if found else b"\n"
    return _decoded(raw, "utf-8") if _ENDS.isdisjoint(raw) else None


def _decoded(raw: bytes, encoding: str) -> str:
    for name in (encoding, "cp1252"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
