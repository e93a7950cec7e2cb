"""A causal network as a generator: latents are the uniform numbers from which strings are sampled.

Shape suffixes: B batch, N strings, Z latent, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config.schema import GeneratorSettings
from ..errors import ConfigError
from ..registry import register
from .causal import CausalNetwork, CausalSettings, Drawing
from .likelihood import choose_epsilon


@final
@register.generator("causal", data="text", has_likelihood=True)
class CausalGenerator(nn.Module):
    """Uniform latents in [-1, 1) to one-hot rows of drawn strings: (B, L) -> (B, L, V).

    Entry t of a latent determines symbol t, by inverse transform sampling at (z + 1) / 2. In training, the gradient of
    the one-hot rows is that of the probabilities they were drawn from, given the previous symbols (straight-through
    estimator, Bengio, Leonard and Courville 2013).

    Args:
        settings: width, kernel, blocks, counts and dropout; `latent` must be L.
        length: L.
        vocabulary_size: V.

    Raises:
        ConfigError: another latent dimension or distribution.

    Attributes:
        network: the causal network.
        epsilon: float64 scalar, stored with the weights: less likely symbols are not drawn outside training; see
            `tune`.
    """

    def __init__(self, settings: GeneratorSettings, length: int, vocabulary_size: int) -> None:
        super().__init__()
        if settings.latent != length:
            raise ConfigError(
                f"generator.latent is {settings.latent}, but the network causal takes one number for each of the "
                f"{length} positions",
                "set generator.latent=auto",
            )
        if settings.latent_distribution != "uniform":
            raise ConfigError(
                f"generator.latent_distribution is {settings.latent_distribution!r}, but the network causal draws "
                "its strings by uniform numbers",
                "set generator.latent_distribution=uniform",
            )
        self.network = CausalNetwork(
            CausalSettings(
                vocabulary_size=vocabulary_size,
                length=length,
                width=settings.width,
                kernel=settings.kernel,
                blocks=settings.blocks,
                counts=settings.counts,
                dropout=settings.dropout,
            )
        )
        self.network.draw_weights(int(torch.randint(2**62, (), device="cpu")))  # by the run's seed: `nn.initialization`
        self.epsilon: Tensor
        self.register_buffer("epsilon", torch.zeros((), dtype=torch.float64))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert everything but epsilon: it is in double precision, which some devices do not have."""
        epsilon = self._buffers.pop("epsilon")
        try:
            super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        finally:
            self._buffers["epsilon"] = epsilon
        return self

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return the one-hot rows of sampled strings, float32 (B, L, V). In training, epsilon is not applied."""
        if not self.training:
            ids_BL = self.network.sample(uniforms(latent_BZ), Drawing(epsilon=float(self.epsilon)))
            return functional.one_hot(ids_BL, self.network.settings.vocabulary_size).to(latent_BZ)
        ids_BL = self.network.sample(uniforms(latent_BZ))
        batch = self.network.flat(ids_BL)
        soft_TV = self.network(batch).softmax(dim=1)
        shown_BLV = functional.one_hot(ids_BL, soft_TV.shape[1]).to(soft_TV)
        # The value is the one-hot row; the gradient is that of the probabilities.
        return shown_BLV.index_put((batch.row_T, batch.place_T), soft_TV - soft_TV.detach(), accumulate=True)

    def logits(self, latent_BZ: Tensor) -> Tensor:
        """Return the logits (B, L, V) at each position of the sampled strings, given the previous symbols."""
        ids_BL = self.network.sample(uniforms(latent_BZ), Drawing(epsilon=float(self.epsilon)))
        logits_BLV: Tensor = self.network(self.network.flat(ids_BL, every=True)).unflatten(0, ids_BL.shape)
        return logits_BLV

    def likelihood_loss(self, ids_BL: Tensor, dropout: torch.Generator) -> Tensor:
        """Return the mean negative log-likelihood of (B, L) ids, in nats per symbol."""
        return self.network.loss(ids_BL, dropout)

    def nll(self, ids_NL: Tensor) -> float:
        """Return the mean negative log-likelihood of (N, L) ids in nats per symbol, without dropout."""
        return self.network.nll(ids_NL)

    def tune(self, ids_NL: Tensor) -> None:
        """Choose epsilon with the help of (N, L) held-out rows."""
        self.epsilon.fill_(choose_epsilon(self.network, ids_NL.cpu().numpy().astype(np.int64)))


def uniforms(latent_BZ: Tensor) -> Tensor:
    """Convert latents in [-1, 1) to uniforms in [0, 1), exactly for 24-bit numbers; others are clipped."""
    return ((latent_BZ + 1) / 2).clamp(min=0.0, max=1 - 2.0**-24)
