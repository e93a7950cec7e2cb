"""A model of text whose probabilities are given, for comparisons with brute force.

Shape suffixes: N tables, B tables of a block, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from seqgan_wgp.config import recipe
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.stream import TextModel
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic
from seqgan_wgp.training.labels import LabelShares

BLOCK = 512
"""Tables that are given at a time."""


def random_tables(noise: np.random.Generator, count: int, length: int, vocabulary_size: int) -> Tensor:
    """Return random natural log probabilities, float32 (N, L, V)."""
    scores_NLV = noise.normal(0, 3, (count, length, vocabulary_size)).astype(np.float32)
    return torch.from_numpy(scores_NLV).log_softmax(-1)


def table_model(vocabulary: Vocabulary, logs_NLV: Tensor) -> TextModel:
    """Return a model whose k-th latent has the k-th table, again and again."""
    config = recipe("fast", {"generator.width": 8, "critic.width": 8, "generator.blocks": 1, "critic.blocks": 1})
    spec = TextSpec(vocabulary, logs_NLV.shape[1], {})
    generator, critic = build_generator_and_critic(config, spec)

    def tables(
        n: int, *, seed: int, start: int, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        del seed, labels
        for first in range(start, start + n, BLOCK):
            table_BLV = logs_NLV[torch.arange(first, min(first + BLOCK, start + n)) % len(logs_NLV)]
            yield table_BLV if logs else table_BLV.exp()

    return TextModel(spec=spec, tables=tables, generator=generator, critic=critic.eval(), device=torch.device("cpu"))
