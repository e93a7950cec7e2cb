"""Models of any kind of data that were never trained, for what asks for a whole model and not for a good one."""

from __future__ import annotations

from typing import Any

import torch

from seqgan_wgp.config import Config
from seqgan_wgp.domains import DOMAINS
from seqgan_wgp.model import Model
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic

COUNTS = {"read": 100, "empty": 0, "bad": 0, "cropped": 0, "dropped": 0, "rows": 100, "distinct": None}
CORPUS = {"name": "lines", "sha256": "0" * 64, "length": 10, "alphabet": 5, **COUNTS}
TEXT = {"tokenizer": Vocabulary("abcdé").to_json(10), "corpus": CORPUS}
PIXELS = {"name": "squares", "sha256": "0" * 64, "channels": 1, "height": 12, "width": 12}
IMAGES = {"images": {**PIXELS, "train": 200, "validation": 40, "test": 60}, "range": "symmetric"}
TOY = {"toy": {"name": "8-gaussians", "theta": 0.0}}


def made(config: Config, facts: dict[str, Any]) -> Model:
    """Return a model that was never trained, with noise for weights and for running statistics."""
    spec = DOMAINS[config.domain].spec_type.from_facts(facts)
    noise, tensors = torch.Generator().manual_seed(7), {}
    for part, network in zip(("generator", "critic"), build_generator_and_critic(config, spec), strict=True):
        for name, tensor in network.state_dict().items():
            drawn = torch.rand(tensor.shape, generator=noise) if tensor.is_floating_point() else tensor
            tensors[f"{part}.{name}"] = tensor + 0.3 * drawn if tensor.is_floating_point() else drawn
    tensors |= {name.replace("generator", "average", 1): value.clone() for name, value in tensors.items()}
    return Model(config, spec, {"step": 3, **facts}, tensors, torch.device("cpu"))
