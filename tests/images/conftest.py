"""A tiny set of images in IDX form: bright squares on dark ground, as MNIST's files are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.images.idx import write_idx

from .squares import squares

_TINY: dict[str, object] = {
    "generator.latent": 8,
    "generator.width": 2,
    "critic.width": 2,
    "training.batch_size": 8,
    "training.critic_steps": 2,
    "training.steps": 6,
    "training.device": "cpu",
    "evaluation.every": 2,
    "evaluation.samples": 20,
    "evaluation.patience": None,
    "log.every": 1,
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with training and test images of 12 x 12, those in four classes; read it only."""
    path = tmp_path_factory.mktemp("squares")
    write_idx(path / "train-images-idx3-ubyte.gz", squares(240, 0))
    write_idx(path / "train-labels-idx1-ubyte", np.random.default_rng(2).integers(0, 4, 240, dtype=np.uint8))
    write_idx(path / "t10k-images-idx3-ubyte", squares(60, 1))
    return path


@pytest.fixture(scope="session")
def image_config() -> Callable[..., Config]:
    """`image_config(**{"training.steps": 3})`: the recipe `mnist-fast` made so small that a step takes milliseconds."""

    def make(**overrides: object) -> Config:
        return recipe("mnist-fast", _TINY | overrides)

    return make
