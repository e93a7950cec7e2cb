"""Guess the encoding of a text that is not valid in the given one, and locate its bad bytes.

A guess is made only by rules that can distinguish the candidates; otherwise there is no guess.
"""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...config.schema import CorpusSettings
from ..readers.open import Source
from ..readers.reader import BLOCK_BYTES, Reader
from .characters import script
from .counter import end

SAMPLE_BYTES = 20_000
"""Number of bytes of bad lines used for a guess."""

AS_WRITTEN: dict[str, Any] = {"hex": "keep", "case": "keep", "drop_characters": "", "normalize": "none"}
"""Settings that leave every byte as it is."""

_SURE = 0.9
"""Least share of plausible characters, and of plausible neighbours, for a guess."""

_MIN_CHARACTERS = 20
"""Least number of characters for a guess among East Asian encodings."""

_MIN_LETTERS = 50
"""Least number of letters for a guess among Cyrillic encodings."""


def head(source: Source, settings: CorpusSettings) -> bytes:
    """Return the first bytes of a source, about a block."""
    found = b""
    for lines in Reader(source, replace(settings, unit="byte", limit=None, **AS_WRITTEN)):
        found += lines.units_M.tobytes()
        if len(found) >= BLOCK_BYTES:
            break
    return found[:BLOCK_BYTES]


def wide(data: bytes) -> str | None:
    """Return the encoding of text with two or four bytes per character, recognised by byte order mark or NULs."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in data:
        return None
    for name, size in {"utf-32-le": 4, "utf-32-be": 4, "utf-16-le": 2, "utf-16-be": 2}.items():
        try:
            text = data[: len(data) // size * size].decode(name)
        except UnicodeDecodeError:
            continue
        if "\n" in text and all(_is_text(character) for character in set(text)):
            return name
    return None


def _is_text(character: str) -> bool:
    return character in "\t\n\r" or unicodedata.category(character) not in ("Cc", "Cn", "Co")


# Bad bytes

_BAD = "seqgan_wgp.bad"


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_BAD, _mark)

_MARKED = re.compile("([\udc00-\udcff]+)")


@dataclass
class BadBytes:
    """The lines of a text that are not valid in its encoding."""

    lines: int = 0
    """Number of bad lines."""

    first_line: int = 0
    first_byte: int = 0
    sound: int = 0
    """Number of valid lines that are not ASCII."""

    sample: bytes = b""
    """The first bad lines."""


def find_bad(source: Source, settings: CorpusSettings) -> BadBytes:
    """Read a text again and find the invalid lines; line numbers continue from input to input."""
    found, before = BadBytes(), 0
    for file in source.files:
        reader = Reader(file, replace(settings, unit="byte", **AS_WRITTEN))
        _find_bad(reader, found, before)
        before += reader.read
    return found


def _find_bad(reader: Reader, found: BadBytes, before: int) -> None:
    number, last = before + 1, 0
    for text in _marked(reader):
        for place, line in enumerate(text.split("\n")):
            number += place > 0
            if line.isascii():
                continue
            parts = _MARKED.split(line)
            if len(parts) == 1:
                found.sound += 1
                continue
            found.first_line = found.first_line or number
            found.first_byte = found.first_byte or ord(parts[1][0]) & 0xFF
            if len(found.sample) < SAMPLE_BYTES:
                assert reader.codec is not None
                between = b"\n" if number != last else b""
                found.sample += between + _bytes(parts, reader.codec.name)[:SAMPLE_BYTES]
            found.lines += number != last
            last = number


def _marked(reader: Reader) -> Iterator[str]:
    """Yield the text of a reader of bytes, with a lone surrogate for each bad byte."""
    decoder: codecs.IncrementalDecoder | None = None
    for lines in reader:
        assert reader.codec is not None
        decoder = decoder or codecs.getincrementaldecoder(reader.codec.name)(_BAD)
        yield decoder.decode(lines.units_M[: end(lines)].tobytes())
    if decoder:
        yield decoder.decode(b"", final=True)


def _bytes(parts: list[str], encoding: str) -> bytes:
    sound = [part.encode(encoding, "ignore") for part in parts[::2]]
    bad = [bytes(ord(mark) & 0xFF for mark in part) for part in parts[1::2]]
    return b"".join(itertools.chain(*itertools.zip_longest(sound, bad, fillvalue=b"")))


# Guesses

_COMMON_HAN = {
    "gb18030": ("gb2312", range(0xB0, 0xD8)),
    "big5": ("big5", range(0xA4, 0xC7)),
    "euc_jp": ("euc_jp", range(0xB0, 0xD0)),
    "cp932": ("euc_jp", range(0xB0, 0xD0)),
}
"""Encoding -> first bytes of common characters, the first level of the national standard."""


def _is_common(character: str, encoding: str) -> bool:
    if unicodedata.category(character)[0] not in "LM" or "\uff61" <= character <= "\uff9f":
        return False  # almost any bytes look like half-width katakana in cp932
    if script(ord(character)) != "Han":
        return True
    standard, first = _COMMON_HAN.get(encoding, ("ascii", range(0)))
    data = character.encode(standard, "ignore")
    return len(data) == 2 and data[0] in first


def _sense(data: bytes, encoding: str) -> float:
    """Return how plausible bytes are in an encoding, from 0 to 1.

    This is the share of non-ASCII characters that are common letters, and of neighbouring letters that have the same
    script and no capital after a small letter.
    """
    text = _decoded(data, encoding)
    makes = [_is_common(character, encoding) for character in text if not character.isascii()]
    for one, other in itertools.pairwise(text):
        if one.isalpha() and other.isalpha() and not (one + other).isascii():
            of_one = {_SAME.get(name, name) for name in (script(ord(one)), script(ord(other)))}
            makes.append(len(of_one) == 1 and not (one.islower() and other.isupper()))
    return sum(makes) / len(makes) if makes else 0.0


_SAME = dict.fromkeys(("Hiragana", "Katakana", "Han"), "Japanese")
"""Scripts that occur together."""


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)  # the data may end inside a character
    except UnicodeDecodeError:
        return ""


def _share(data: bytes, encoding: str, *scripts: str) -> float:
    """Return the share of non-ASCII characters with one of the scripts; 0 if there are too few characters."""
    own = [script(ord(character)) for character in _decoded(data, encoding) if not character.isascii()]
    return sum(name in scripts for name in own) / len(own) if len(own) >= _MIN_CHARACTERS else 0.0


def _is_japanese(data: bytes, encoding: str) -> bool:
    return _share(data, encoding, "Hiragana", "Katakana") >= 0.2 and _sense(data, encoding) >= _SURE


def _is_chinese(data: bytes, encoding: str) -> bool:
    is_han = _share(data, encoding, "Han", "Punctuation") >= _SURE
    return is_han and _sense(data, encoding) >= max(_SURE, _sense(data, "euc_jp") + 0.05)


def _is_korean(data: bytes, encoding: str) -> bool:
    # Most of these byte pairs are also characters in Chinese encodings, but not the other way round.
    return _share(data, encoding, "Hangul") >= 0.97


def _is_russian(data: bytes, encoding: str) -> bool:
    # If one of the two is decoded as the other, small letters become capitals. Other alphabets have other vowels there.
    letters = [character for character in _decoded(data, encoding) if script(ord(character)) == "Cyrillic"]
    small = [letter for letter in letters if letter.islower()]
    vowels = sum(letter in "\u0430\u0435\u0438\u043e" for letter in small)
    is_russian = len(letters) >= _MIN_LETTERS and len(small) >= 0.6 * len(letters) and vowels >= 0.27 * len(small)
    return is_russian and _sense(data, encoding) >= _SURE


def _is_western(data: bytes, encoding: str) -> bool:
    high = len(re.findall(rb"[\x80-\xff]", data))
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", data))
    return alone >= high / 2 and _sense(data, encoding) >= 0.8


def _is_sound(data: bytes, encoding: str) -> bool:
    return bool(_decoded(data, encoding))


GUESSES: dict[str, Callable[[bytes, str], bool]] = {
    "utf-8": _is_sound,
    "cp949": _is_korean,
    "euc_jp": _is_japanese,
    "cp932": _is_japanese,
    "big5": _is_chinese,
    "gb18030": _is_chinese,
    "cp1251": _is_russian,
    "koi8-r": _is_russian,
    "cp1252": _is_western,
}
"""Encoding -> rule that tests whether lines with non-ASCII bytes are in it; the first match counts.

Latin-1 is missing: its text is the same in Windows-1252, and text labelled Latin-1 is often the latter.
"""


def guess(data: bytes) -> str | None:
    """Return the encoding of lines with non-ASCII bytes; None if no rule matches."""
    return next((encoding for encoding, is_in in GUESSES.items() if is_in(data, encoding)), None)
