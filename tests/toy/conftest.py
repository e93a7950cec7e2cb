"""The recipe `toy` made so small that a step takes a millisecond."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seqgan_wgp.config import Config, recipe

_TINY: dict[str, object] = {
    "generator.width": 8,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 16,
    "training.critic_steps": 2,
    "training.steps": 5,
    "training.device": "cpu",
    "evaluation.every": 2,
    "evaluation.samples": 50,
    "evaluation.patience": None,
    "log.every": 1,
}


@pytest.fixture(scope="session")
def toy_config() -> Callable[..., Config]:
    """`toy_config(**{"toy.name": "swiss-roll"})`: a config whose runs take a moment."""

    def make(**overrides: object) -> Config:
        return recipe("toy", _TINY | overrides)

    return make
