"""Normalisations of plain units, for whatever kind of data has perceptrons.

Shape suffixes: B batch, U units.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

UNIT_NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _units: nn.Identity(),
    "layer": nn.LayerNorm,
    "weight": lambda _units: nn.Identity(),  # the layers themselves are changed: pair.py
    "batch": nn.BatchNorm1d,
}
"""Name -> module that normalises (B, U), given U. "batch" mixes samples: no critic with a penalty may have it."""
