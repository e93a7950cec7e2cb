"""Results of experiments far too short to show what theory says: enough to draw and to tabulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqgan_wgp.theory import depth, gradients, identity, lines, meaning, surfaces
from seqgan_wgp.theory.gradients import Gradients


def _gradients() -> Gradients:
    return Gradients(
        courses=tuple(course for name in gradients.CASES for course in gradients.measure(name, seed=0, steps=3)),
        identities=identity.measure(1.0, 0.7),
    )


MADE: dict[str, Callable[[], Any]] = {
    "lines": lambda: tuple(lines.measure(theta, seed=0, steps=3) for theta in (-1.0, 0.0, 1.0)),
    "gradients": _gradients,
    "surfaces": lambda: tuple(
        surfaces.measure(name, constraint, seed=0, steps=3)
        for name in surfaces.NAMES
        for constraint in surfaces.CONSTRAINTS
    ),
    "depth": lambda: tuple(depth.measure(clip, seed=0, steps=3) for clip in (None, *depth.CLIPS)),
    "meaning": lambda: tuple(meaning.measure(name, seed=0, rounds=4) for name in meaning.METHODS),
}


@pytest.fixture(scope="session")
def short() -> Callable[[str], Any]:
    """`short("lines")`: what that experiment finds after a few steps."""
    made: dict[str, Any] = {}

    def find(name: str) -> Any:
        if name not in made:
            made[name] = MADE[name]()
        return made[name]

    return find
