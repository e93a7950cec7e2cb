"""A text model without training, for tests: networks with their first weights, made sharp so that strings differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from seqgan_wgp.config import Config, override
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.stream import TextModel
from seqgan_wgp.text.networks import log_probabilities
from seqgan_wgp.text.refinement.classifier import ClassifierConfig, StringClassifier
from seqgan_wgp.text.refinement.refiner import AcceptanceConfig, Refiner, calibrated
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic
from seqgan_wgp.training.labels import LabelShares
from seqgan_wgp.training.latents import generate, run_latents
from seqgan_wgp.utils.counter_rng import Stream

LENGTH = 6


def text_model(config: Config, vocabulary: Vocabulary, *, length: int = LENGTH, sharpness: float = 40.0) -> TextModel:
    """Return a model of `length` positions whose tables are those of `Model.tables`; `sharpness` scales its logits."""
    spec = TextSpec(vocabulary, length, {})
    generator, critic = build_generator_and_critic(config, spec)
    with torch.no_grad():
        for parameter in generator.output.parameters():  # type: ignore[union-attr]
            parameter *= sharpness
    device = torch.device("cpu")

    def tables(
        n: int, *, seed: int, start: int, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        del labels
        seeded = override(config, {"training.seed": seed})
        latent: Callable[[Tensor], Tensor] = lambda index_B: run_latents(seeded, Stream.SAMPLE_LATENT, index_B)  # noqa: E731
        source = log_probabilities(generator.eval()) if logs else generator.eval()
        return generate(source, latent, start, n, device)

    return TextModel(spec=spec, tables=tables, generator=generator, critic=critic.eval(), device=device)


def a_refiner(model: TextModel, config: AcceptanceConfig, sharpness: float = 3.0) -> Refiner:
    """Return a refiner with an arbitrary taste."""
    sizes = ClassifierConfig(width=8, blocks=("conv-1",))
    classifier = StringClassifier(model.spec.vocabulary.size, LENGTH, sizes, 1).eval().requires_grad_(False)
    classifier.head.weight.normal_(generator=torch.Generator().manual_seed(0)).mul_(sharpness / LENGTH)
    ids_NL = np.concatenate([model.spec.decode(table) for table in model.tables(2_048, seed=99, start=0)])
    return calibrated([], (classifier, 1.0), ids_NL, config, {})
