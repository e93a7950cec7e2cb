"""Experiments run as the command runs them, but far too short to show what theory says: enough to draw and tabulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqgan_wgp.theory.experiments import EXPERIMENTS

Short = Callable[[str], tuple[Any, list[str]]]


@pytest.fixture(scope="session")
def short() -> Short:
    """`short("lines")`: what that experiment finds after as few steps as there may be, and what it told."""
    made: dict[str, tuple[Any, list[str]]] = {}

    def find(name: str) -> tuple[Any, list[str]]:
        if name not in made:
            told: list[str] = []
            made[name] = EXPERIMENTS[name].run(0, 1e-9, told.append), told
        return made[name]

    return find
