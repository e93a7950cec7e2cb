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


_IBAN_SIZES = (
    "NO15 BE16 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 MN20 XK20 CH21 HR21 LI21 "
    "LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23 SO23 TL23 AD24 CZ24 ES24 MD24 "
    "PK24 RO24 SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 IT27 MC27 MR27 SM27 AL28 AZ28 "
    "BY28 CY28 DO28 GT28 HN28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 MT31 SC31 LC32 RU33"
)
"""Country and number of characters of its account numbers (SWIFT, IBAN registry)."""


@functools.cache
def _iban_sizes() -> dict[str, int]:
    return {entry[:2]: int(entry[2:]) for entry in _IBAN_SIZES.split()}


def iban(string: str) -> bool:
    """Return whether it is an account number of ISO 13616, of its country's length, with the right check digits.

    Spaces do not count. With the first four characters moved to the end and letters read as 10 to 35, it is 1 modulo 97
    (ISO 7064, MOD 97-10).
    """
    number = string.replace(" ", "")
    if not (number.isascii() and number.isalnum() and number == number.upper() and number[2:4].isdigit()):
        return False
    if len(number) != _iban_sizes().get(number[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in number[4:] + number[:4])) % 97 == 1


def ean13(string: str) -> bool:
    """Return whether it is 13 digits of which the last checks the others, as on articles and books (GS1; ISBN-13).

    The sum of the digits, every second one taken three times, is a multiple of ten.
    """
    if len(string) != 13 or not (string.isascii() and string.isdigit()):
        return False
    return sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(string)) % 10 == 0


def dna(string: str) -> bool:
    """Return whether it is one base or more, of A, C, G and T, in upper or lower case."""
    return bool(string) and set(string) <= set("ACGTacgt")


def protein(string: str) -> bool:
    """Return whether it is one or more of the 20 amino acids in one-letter code (IUPAC-IUB 1984), in either case."""
    return bool(string) and set(string) <= set("ACDEFGHIKLMNPQRSTVWYacdefghiklmnpqrstvwy")


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
VALIDATORS.add("iban", Validator(is_valid=iban))
VALIDATORS.add("ean13", Validator(is_valid=ean13))
VALIDATORS.add("dna", Validator(is_valid=dna))
VALIDATORS.add("protein", Validator(is_valid=protein))
VALIDATORS.add("brackets", Validator(is_valid=brackets))
VALIDATORS.add("json", Validator(is_valid=json_text))
VALIDATORS.add("rdkit", Validator(is_valid=rdkit, needs="rdkit", extra="chem"))
VALIDATORS.add("smiles", Validator(is_valid=rdkit, needs="rdkit", extra="chem"))
