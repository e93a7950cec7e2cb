"""Which strings are molecules: what RDKit reads. It is no dependency of the project: `pip install rdkit`."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any


def valid_share(strings: Sequence[str]) -> float:
    """Return the share of strings that RDKit reads as a molecule; not a number where RDKit is not installed."""
    try:
        chem: Any = importlib.import_module("rdkit.Chem")
        importlib.import_module("rdkit.RDLogger").DisableLog("rdApp.*")
    except ImportError:
        return math.nan
    read = (bool(string) and chem.MolFromSmiles(string) is not None for string in strings)
    return sum(read) / len(strings)
