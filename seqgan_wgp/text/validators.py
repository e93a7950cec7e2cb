"""The package's own validators: string -> whether it is valid, for `--valid`."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable
from typing import Any

from ..registry import VALIDATORS, Validator

_PARTNER = {")": "(", "]": "[", "}": "{"}


def luhn(string: str) -> bool:
    """Return whether the check digit is right: two digits or more, with spaces or hyphens between them.

    From the right, every second digit is doubled, 9 taken off what exceeds 9; the sum must be a multiple of ten (Luhn
    1960, US patent 2,950,048). Card numbers and IMEIs are made so.
    """
    digits = string.replace(" ", "").replace("-", "")
    if len(digits) < 2 or not (digits.isascii() and digits.isdigit()):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def brackets(string: str) -> bool:
    """Return whether each of `()[]{}` has its partner, in the right order; other characters do not count."""
    opened: list[str] = []
    for character in string:
        if character in "([{":
            opened.append(character)
        elif character in _PARTNER and (not opened or opened.pop() != _PARTNER[character]):
            return False
    return not opened


def json_text(string: str) -> bool:
    """Return whether it is JSON (RFC 8259); NaN and Infinity are not."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(string, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


@functools.cache
def _smiles_reader() -> Callable[[str], Any]:
    """Return RDKit's reader of SMILES, its messages switched off."""
    importlib.import_module("rdkit.RDLogger").DisableLog("rdApp.*")
    reader: Callable[[str], Any] = importlib.import_module("rdkit.Chem").MolFromSmiles
    return reader


def rdkit(string: str) -> bool:
    """Return whether RDKit reads the string as the SMILES of a molecule of one atom or more, valences checked."""
    molecule = _smiles_reader()(string)
    return molecule is not None and molecule.GetNumAtoms() > 0


VALIDATORS.add("luhn", Validator(is_valid=luhn))
VALIDATORS.add("brackets", Validator(is_valid=brackets))
VALIDATORS.add("json", Validator(is_valid=json_text))
VALIDATORS.add("rdkit", Validator(is_valid=rdkit, needs="rdkit", extra="molecules"))
