"""The package's own units of text for `corpus.unit`: what one position of a row holds."""

from __future__ import annotations

from ..config.schema import CorpusSettings
from ..registry import UNITS, TextUnit
from ..utils.token_symbols import FoundTokens, TokenSymbols
from .smiles_tokens import smiles_symbols

_LINKERS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"
"""The viramas of Devanagari, Bengali, Gujarati, Oriya, Telugu and Malayalam (Indic_Conjunct_Break=Linker)."""

_CONSONANTS = (
    "\u0915-\u0939\u0958-\u095f\u0978-\u097f"
    "\u0995-\u09a8\u09aa-\u09b0\u09b2\u09b6-\u09b9\u09dc\u09dd\u09df\u09f0\u09f1"
    "\u0a95-\u0aa8\u0aaa-\u0ab0\u0ab2\u0ab3\u0ab5-\u0ab9\u0af9"
    "\u0b15-\u0b28\u0b2a-\u0b30\u0b32\u0b33\u0b35-\u0b39\u0b5c\u0b5d\u0b5f\u0b71"
    "\u0c15-\u0c28\u0c2a-\u0c39\u0c58-\u0c5a"
    "\u0d15-\u0d3a"
)
"""Their consonants (Indic_Conjunct_Break=Consonant)."""

GRAPHEME = rf"(?:\X(?<=[{_LINKERS}]|[{_LINKERS}][\p{{M}}\u200d])(?=[{_CONSONANTS}]))*\X".replace(r"\u200d", "\u200d")
"""Extended grapheme clusters of UAX 29; what is repeated is its rule GB9c, which Oniguruma's \\X does not have."""

_IN_WORDS = r"[\p{L}\p{M}]"

_JOINERS = "'\u2019-"
"""Apostrophes and the hyphen, within words."""

WORD = rf" ?{_IN_WORDS}+(?:[{_JOINERS}]{_IN_WORDS}+)*| ?[^\s\p{{L}}\p{{M}}]|\s"
"""A word, a digit or a punctuation mark, each with the blank before it; or white space alone."""

CODON = r"[A-Za-z.*-]{3}|[\s\S]"
"""Three letters, gaps or stops, counted from the start of the line; the one or two that are left are single."""

UNITS.add("char", TextUnit(plural="characters"))
UNITS.add("byte", TextUnit(plural="bytes", is_byte=True))
UNITS.add("smiles", TextUnit(plural="symbols", make_tokens=smiles_symbols))
UNITS.add("grapheme", TextUnit(plural="graphemes", pattern=GRAPHEME))
UNITS.add("word", TextUnit(plural="words", pattern=WORD))
UNITS.add("codon", TextUnit(plural="codons", pattern=CODON))
UNITS.add("pattern", TextUnit(plural="units", pattern=""))


def tokens_for(settings: CorpusSettings) -> TokenSymbols | None:
    """Return what converts a corpus to units as it is read; None: each character or byte is a unit.

    For a unit that a pattern defines these are new ones, which grow with what is read.

    Raises:
        ConfigError: corpus.unit_pattern is no regular expression.
    """
    unit = UNITS[settings.unit]
    return unit.tokens if unit.pattern is None else FoundTokens(unit.pattern or settings.unit_pattern)
