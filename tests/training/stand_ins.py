"""Small data of every kind that lies wherever a test wants it, and small trainers of every recipe over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqgan_wgp.config import Config, recipe, recipe_names
from seqgan_wgp.images.dataset import ImageFacts
from seqgan_wgp.images.domain import ImageSpec
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.toy.domain import ToySpec
from seqgan_wgp.toy.spec import ToyFacts
from seqgan_wgp.training.labels import with_label
from seqgan_wgp.training.trainer import Trainer

RECIPES = [name for name in recipe_names() if not recipe(name).training.likelihood_steps]
"""Those whose rounds are adversarial; likelihood rounds are never recorded."""

SIDE, LENGTH, CHARACTERS = 8, 8, 20

_NETWORKS: dict[str, object] = {"generator.width": 4, "critic.width": 4, "training.batch_size": 8}
_SMALL: dict[str, dict[str, object]] = {
    "text": {
        **_NETWORKS,
        "corpus.length": LENGTH,
        "generator.latent": 8,
        "generator.blocks": 1,
        "critic.blocks": 1,
        "evaluation.every": 1_000,
    },
    "image": _NETWORKS,
    "toy": {**_NETWORKS, "generator.width": 8, "critic.width": 8},
}
_OF_RECIPES: dict[str, dict[str, object]] = {
    "fast": {"generator.relaxation": "sampled"},
    # As it stands its rounds differ in length, and so are not recorded.
    "mnist-gan": {
        "generator.units": 8,
        "critic.units": 8,
        "training.extra_steps_above": None,
        "training.generator_steps_more": 0,
        "training.warm_up": 2,
    },
}


class Data:
    """Data of one kind on a device, as the trainer's Domain; it measures nothing."""

    held_out_size, samples, criterion, size = 1_000, 64, "none", 5_000

    def __init__(self, spec: Any, rows: Tensor) -> None:
        self.spec, self.rows = spec, rows

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items, looked up on the device."""
        return self.rows[torch.from_numpy(indices_B).to(self.rows.device)]

    held_out = batch

    def score(self, samples: Any, *, half: str = "validation") -> dict[str, float]:
        """Return no measure worth the name."""
        return {"none": float(len(samples) + len(half))}


def data_of(config: Config, device: torch.device) -> Data:
    """Return data of the kind that a config is for."""
    random, size = np.random.default_rng(0), Data.size
    if config.domain == "text":
        labels = dict.fromkeys("abc", size) if config.corpus.label else {}
        facts = {"labels": labels} if labels else {}
        spec = TextSpec(Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + CHARACTERS - 2)))), LENGTH, facts)
        rows = torch.from_numpy(random.integers(2, CHARACTERS, (size, LENGTH), np.uint8))
        if labels:
            rows = with_label(rows.long(), torch.arange(size) % len(labels))
        return Data(spec, rows.to(device))
    if config.domain == "image":
        image = ImageFacts(
            name="noise", sha256="", channels=1, height=SIDE, width=SIDE, train=size, validation=1_000, test=1_000
        )
        rows = torch.from_numpy(random.integers(0, 256, (size, 1, SIDE, SIDE), np.uint8))
        return Data(ImageSpec(image, config.images.range), rows.to(device))
    form_of_toy = ToySpec(ToyFacts(name=config.toy.name, theta=config.toy.theta))
    return Data(form_of_toy, torch.from_numpy(random.normal(size=(size, 2)).astype(np.float32)).to(device))


def trainer_of(name: str, settings: Mapping[str, object] | None = None, device: torch.device | None = None) -> Trainer:
    """Return a small trainer of a recipe, on the CPU unless another device is named."""
    place = torch.device("cpu") if device is None else device
    small = _SMALL[recipe(name, {}).domain] | _OF_RECIPES.get(name, {})
    steps = {} if recipe(name, {}).training.critic_steps == 1 else {"training.critic_steps": 2}
    config = recipe(name, {**small, **steps, "training.device": "cpu", **(settings or {})})
    return Trainer.from_config(data_of(config, place), config, place)
