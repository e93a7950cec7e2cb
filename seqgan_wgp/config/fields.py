"""Declare settings, which are fields of frozen dataclasses; `serialization` reads, checks and lists them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from dataclasses import MISSING
from typing import Any

AUTO = -1
"""Value of a number set to "auto": a rule chooses it once the corpus is known."""

MAX_INTEGER = 2**63 - 1
"""The largest number that any setting can have."""


def setting(
    doc: str,
    default: Any = MISSING,
    *,
    choices: Collection[str] = (),
    ge: float = -math.inf,
    gt: float = -math.inf,
    le: float = math.inf,
    lt: float = math.inf,
    odd: bool = False,
    auto: bool = False,
    formerly: str = "",
) -> Any:
    """Declare one setting: what it means, its neutral default (none: a recipe must set it) and its bounds.

    Args:
        doc: its meaning, in one line.
        default: its value if nothing sets it.
        choices: allowed names; a registry is read only when a value is checked.
        ge: inclusive lower bound.
        gt: exclusive lower bound.
        le: inclusive upper bound.
        lt: exclusive upper bound.
        odd: whether it must be odd.
        auto: whether it can be "auto", stored as AUTO, or as None if None is allowed.
        formerly: its former name, which is still accepted.
    """
    metadata = {"doc": doc, "choices": choices, "ge": ge, "gt": gt, "le": le, "lt": lt}
    metadata |= {"odd": odd, "auto": auto, "formerly": formerly}
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)
