"""The package's own units of text for `corpus.unit`: what one position of a row holds."""

from __future__ import annotations

from ..registry import UNITS, TextUnit
from .smiles_tokens import smiles_symbols

UNITS.add("char", TextUnit(plural="characters"))
UNITS.add("byte", TextUnit(plural="bytes", is_byte=True))
UNITS.add("smiles", TextUnit(plural="symbols", make_tokens=smiles_symbols))
