"""The unit `smiles`: atoms of two letters, atoms in brackets and ring numbers of two digits are one position each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ..utils.token_symbols import TokenSymbols

ELEMENTS = re.findall(
    r"\S+",
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts "
    "Og",
)
"""Symbols of the elements, by atomic number."""

_IN_CHAINS = ("B", "C", "N", "O", "P", "S", "Si", "Se", "As", "Te", "F", "Cl", "Br", "I")

_AROMATIC = ("b", "c", "n", "o", "p", "s", "se", "as", "te")

_ISOTOPES = (
    *("2H", "3H", "11C", "13C", "14C", "13CH", "13CH2", "13CH3", "11CH3", "15N", "15NH", "15NH2", "17O", "18O", "18F"),
    *("32P", "35S", "35SH", "123I", "124I", "125I", "127I", "131I", "13c", "14c", "13cH", "14cH", "15n", "76Br"),
)

_PIECES = re.compile(r"\[[^\[\]]*\]|Br|Cl|%\d\d|[\s\S]")

_WITHIN_BRACKETS = re.compile(r"Br|Cl|%\d\d|[\s\S]")


def smiles_tokens() -> Iterator[str]:
    """Yield the tokens of several characters; a bracket atom that is none of them is spelt out."""
    yield from ("Br", "Cl", "[*]")
    yield from (f"%{number}" for number in range(10, 100))
    charges = ("", "+", "-", "+2", "-2", "++", "--")
    for element, charge in itertools.product(ELEMENTS, (*charges, "+3", "-3", "+4", "-4")):
        yield f"[{element}{charge}]"
    hydrogens = ("", "H", "H2", "H3", "H4")
    for atom in itertools.product(_IN_CHAINS, ("", "@", "@@"), hydrogens, charges):
        yield f"[{''.join(atom)}]"
    for atom in itertools.product(_AROMATIC, ("", "@", "@@"), ("", "H"), ("", "+", "-")):
        yield f"[{''.join(atom)}]"
    yield from (f"[{isotope}]" for isotope in _ISOTOPES)


def smiles_symbols() -> TokenSymbols:
    """Return what converts SMILES to units and back."""
    tokens = frozenset(smiles_tokens())

    def split(line: str) -> list[str]:
        """Split SMILES into atoms, bonds, branches and ring numbers; joined they give the line."""
        return [part for piece in _PIECES.findall(line) for part in _parts(piece, tokens)]

    return TokenSymbols(tokens, split)


def _parts(piece: str, tokens: frozenset[str]) -> list[str]:
    if len(piece) < 3 or piece in tokens or piece[0] != "[":
        return [piece]
    return _WITHIN_BRACKETS.findall(piece)
