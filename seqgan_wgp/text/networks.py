"""Generators and critics of character sequences: residual 1-d convolutions (Gulrajani et al. 2017, language model).

Shape suffixes: B batch, Z latent, C channels, L length, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, cast, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ..config.schema import CriticSettings, GeneratorSettings
from ..nn.fast_conv.convolution import Convolution
from ..nn.initialization import InitializedParameter
from ..nn.layers import CHANNEL_NORMS, ContextLayers, channel_norms, context_layers, dilations, relu
from ..registry import CRITICS as _CRITICS
from ..registry import GENERATORS as _GENERATORS
from ..registry import register
from ..training.labels import split_label, with_label
from .conditioning import (
    LabelEmbedding,
    LabelProjection,
    split_places,
    split_points,
    with_label_place,
    with_label_row,
)
from .ngram_features import NgramFeatures

NORMALIZATIONS = channel_norms(axes=1)
"""Name -> (C -> module that normalizes (B, C, L)). "batch" mixes samples, so a critic with a penalty cannot use it."""


class ResidualBlock(nn.Module):
    """x + scale * conv(relu(norm(conv(relu(norm(x)))))): (B, C, L) -> (B, C, L)."""

    def __init__(self, settings: GeneratorSettings | CriticSettings, dilation: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        width, kernel = settings.width, settings.kernel
        self.norm1 = NORMALIZATIONS[settings.normalization](width)
        self.conv1 = Convolution(width, width, kernel, dilation[0])
        self.norm2 = NORMALIZATIONS[settings.normalization](width)
        self.conv2 = Convolution(width, width, kernel, dilation[1])
        self.scale = settings.residual_scale

    def forward(self, x_BCL: Tensor, change_4BC1: Tensor | None = None) -> Tensor:
        """Return the block's output, with its normalizations scaled and shifted by `SelfModulation` if given."""
        change1_2BC1, change2_2BC1 = (None, None) if change_4BC1 is None else (change_4BC1[:2], change_4BC1[2:])
        branch_BCL = self.conv1(relu(_modulated(self.norm1(x_BCL), change1_2BC1)))
        branch_BCL = self.conv2(relu(_modulated(self.norm2(branch_BCL), change2_2BC1)))
        return torch.add(x_BCL, branch_BCL, alpha=self.scale)


def _modulated(normed_BCL: Tensor, change_2BC1: Tensor | None) -> Tensor:
    """Return (1 + a) x + b with a and b per channel."""
    return normed_BCL if change_2BC1 is None else torch.addcmul(normed_BCL + change_2BC1[1], normed_BCL, change_2BC1[0])


@final
class SelfModulation(nn.Module):
    """Scales and shifts of a generator's normalizations, linear in the latent: (B, Z) -> (N, 4, B, C, 1) for N blocks.

    Chen et al. 2019, "On Self Modulation for Generative Adversarial Networks", eq. 3, but without a hidden layer. They
    start at 0, so the normalizations start unchanged.
    """

    def __init__(self, settings: GeneratorSettings, latent_size: int) -> None:
        super().__init__()
        self.shape = (settings.blocks, 4, settings.width)
        self.latent = nn.Linear(latent_size, math.prod(self.shape))
        self.gain = InitializedParameter(torch.zeros(math.prod(self.shape)))

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return, for each block, a and b of its first normalization, then a and b of its second."""
        change_BN4C: Tensor = (self.latent(latent_BZ) * self.gain()).view(-1, *self.shape)
        return change_BN4C.permute(1, 2, 0, 3)[..., None]


class _ResidualStack(nn.Module):
    """A stack of residual blocks with context layers in between."""

    blocks: nn.ModuleList
    contexts: ContextLayers

    def _stack(self, settings: GeneratorSettings | CriticSettings, length: int) -> None:
        """Create the layers."""
        distances = dilations(settings.dilation_growth, settings.kernel, length, 2 * settings.blocks)
        pairs = zip(distances[::2], distances[1::2], strict=True)
        self.blocks = nn.ModuleList(ResidualBlock(settings, pair) for pair in pairs)
        self.contexts = context_layers(settings.context, settings.width, length, settings.blocks)

    def _through(self, x_BCL: Tensor, changes_N4BC1: Tensor | None = None) -> Tensor:
        """Return the output of all layers, applied in order."""
        for place, block in enumerate(self.blocks):
            x_BCL = block(x_BCL, None if changes_N4BC1 is None else changes_N4BC1[place])
            if place < len(self.contexts):
                x_BCL = self.contexts[place](x_BCL)
        return x_BCL


def _arranged(blocks: nn.ModuleList, *batches_BCL: Tensor) -> Tensor:
    """Return batches as one, in the memory layout that the blocks' convolutions need."""
    for block in blocks:
        return cast("ResidualBlock", block).conv1.concatenated(*batches_BCL)
    return batches_BCL[0] if len(batches_BCL) == 1 else torch.cat(batches_BCL)


DRAWN = 0.5
"""Share of strings whose symbols are sampled, with relaxation "sampled"."""


def straight_through(
    logits_BLV: Tensor,
    chance_BL: Tensor | None = None,
    sampled_B1: Tensor | None = None,
    *,
    soft_share: float = 0.0,
) -> Tensor:
    """Return one-hot rows of sampled or most likely symbols, with the gradient of their softmax (straight-through).

    Bengio, Leonard and Courville 2013, "Estimating or Propagating Gradients Through Stochastic Neurons". Then real and
    generated rows are both one-hot, so the critic cannot recognise generated rows by soft values.

    Args:
        logits_BLV: the logits.
        chance_BL: uniforms in [0, 1) for inverse transform sampling at each position; None: take the most likely
            symbols.
        sampled_B1: which rows are sampled; the others take the most likely symbols. None: all rows are sampled.
        soft_share: s in (1 - s) one-hot + s softmax. The gradient is the same for every s; where a critic is
            differentiated is not. Its slope at a one-hot row says little about other symbols, which are far away;
            half way to the probabilities it says more.
    """
    shown_BLV: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
        logits_BLV, chance_BL, sampled_B1, soft_share
    )
    return shown_BLV


LOOKED_UP = 256
"""Up to this vocabulary size, one-hot rows are looked up in an identity matrix, which is faster than scattering."""


def _one_hot(id_BL: Tensor, like_BLV: Tensor) -> Tensor:
    """Return one-hot rows (B, L, V), position first in memory, as the critic's first layer reads it."""
    id_LB, size = id_BL.t(), like_BLV.shape[2]
    if size <= LOOKED_UP:
        return functional.embedding(id_LB, _identity(size, like_BLV.dtype, like_BLV.device)).transpose(0, 1)
    return like_BLV.new_zeros((*id_LB.shape, size)).scatter_(2, id_LB[..., None], 1.0).transpose(0, 1)


@lru_cache(maxsize=16)
def _identity(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.eye(size, dtype=dtype, device=device)


@final
class _StraightThrough(torch.autograd.Function):
    """One-hot rows, or rows between them and the softmax, with the softmax's backward pass; first derivatives only."""

    @staticmethod
    def forward(
        ctx: Any, logits_BLV: Tensor, chance_BL: Tensor | None, sampled_B1: Tensor | None, soft_share: float
    ) -> Tensor:
        soft_BLV = logits_BLV.softmax(dim=-1)
        ctx.save_for_backward(soft_BLV)
        if soft_share == 1:
            return soft_BLV
        if chance_BL is None:
            chosen_BL1 = logits_BLV.argmax(dim=-1, keepdim=True)
        else:
            passed_BLV = soft_BLV.cumsum(dim=-1)
            # Relative to the rounded sum, so that rounding does not favour the last symbol.
            bound_BL1 = chance_BL[..., None].to(passed_BLV) * passed_BLV[..., -1:]
            chosen_BL1 = torch.searchsorted(passed_BLV, bound_BL1, right=True).clamp_(max=soft_BLV.shape[2] - 1)
            if sampled_B1 is not None:
                likeliest_BL1 = logits_BLV.argmax(dim=-1, keepdim=True)
                chosen_BL1 = torch.where(sampled_B1[..., None], chosen_BL1, likeliest_BL1)
        one_hot_BLV = _one_hot(chosen_BL1[..., 0], like_BLV=soft_BLV)
        return torch.lerp(one_hot_BLV, soft_BLV, soft_share) if soft_share else one_hot_BLV

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, pull_BLV: Tensor) -> tuple[Tensor, None, None, None]:
        (soft_BLV,) = ctx.saved_tensors
        weighed_BLV = soft_BLV * pull_BLV
        pull_BLV = torch.addcmul(weighed_BLV, soft_BLV, weighed_BLV.sum(dim=-1, keepdim=True), value=-1)
        return pull_BLV, None, None, None


@register.generator(
    "residual",
    data="text",
    normalizations=CHANNEL_NORMS,
    chooses_context=True,
    chooses_modulation=True,
    takes_labels=True,
)
class ResidualGenerator(_ResidualStack):
    """Generator: latents (B, Z) -> rows of probabilities (B, L, V), a softmax at each position.

    With the relaxation "straight-through" or "sampled", rows are one-hot in training, and probabilities otherwise. With
    "sampled", half of the strings sample their symbols from the probabilities, which explores rare symbols. The other
    half takes the most likely symbols, as generation does; if all strings were sampled, the generator could leave to
    chance what should depend on the latent.

    In generator steps the critic may see rows between those one-hot rows and the probabilities (`soft_share`). A
    forward pass without gradients, as for a critic step, returns one-hot rows.

    With `labels` > 0, the number of labels, the last column of the input is the item's label, whose embedding is
    concatenated to the latent. In training, the output rows then carry the label for the critic.

    Attributes:
        noise_dim: number of uniforms per item that the input has in training after the latent. It is 1 + L for the
            relaxation "sampled" (whether to sample, and one per position), otherwise 0.
    """

    def __init__(self, settings: GeneratorSettings, length: int, vocabulary_size: int, labels: int = 0) -> None:
        super().__init__()
        self.shape, self.latent = (settings.width, length), settings.latent
        self.condition = LabelEmbedding(labels, settings.latent) if labels else None
        size = settings.latent if self.condition is None else self.condition.size
        self.input = nn.Linear(size, settings.width * length)
        self._stack(settings, length)
        self.modulation = SelfModulation(settings, size) if settings.self_modulation and settings.blocks else None
        self.output = nn.Conv1d(settings.width, vocabulary_size, 1)
        self.one_hot, self.soft_share = settings.relaxation != "softmax", settings.soft_share
        # An unresolved "auto" counts as "sampled", the choice for a small alphabet.
        self.noise_dim = 1 + length if settings.relaxation in ("sampled", "auto") else 0

    def logits(self, latent_BZ: Tensor) -> Tensor:
        """Return the logits (B, L, V) of latents, with their labels in a conditional generator."""
        if self.condition is not None:
            latent_BZ = self.condition(*split_label(latent_BZ))
        x_BCL = _arranged(self.blocks, self.input(latent_BZ).unflatten(1, self.shape))
        x_BCL = self._through(x_BCL, None if self.modulation is None else self.modulation(latent_BZ))
        # A convolution with kernel 1 is a matrix product at each position. Written like this, its result has the memory
        # layout in which the softmax and the critic read it.
        logits: Tensor = functional.linear(x_BCL.transpose(1, 2), self.output.weight.flatten(1), self.output.bias)
        return logits

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return probabilities (B, L, V); in training, their relaxation.

        Args:
            latent_BZ: latents (B, Z). In training `noise_dim` uniforms may follow, and labels are the last column.
                Without uniforms the most likely symbols are taken.
        """
        if self.condition is None:
            return self._shown(latent_BZ[:, : self.latent], latent_BZ[:, self.latent :])
        latent_BX, label_B = split_label(latent_BZ)
        shown_BLV = self._shown(with_label(latent_BX[:, : self.latent], label_B), latent_BX[:, self.latent :])
        return with_label_row(shown_BLV, label_B) if self.training else shown_BLV

    def _shown(self, latent_BZ: Tensor, chance_BL: Tensor) -> Tensor:
        logits_BLV = self.logits(latent_BZ)
        if not (self.one_hot and self.training):
            return logits_BLV.softmax(dim=-1)
        soft_share = self.soft_share if torch.is_grad_enabled() else 0.0
        if not chance_BL.shape[1]:
            return straight_through(logits_BLV, soft_share=soft_share)
        return straight_through(logits_BLV, chance_BL[:, 1:], chance_BL[:, :1] < DRAWN, soft_share=soft_share)


class _HasLogits(Protocol):
    def logits(self, latent_BZ: Tensor) -> Tensor: ...


def log_probabilities(generator: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a function from latents (B, Z) to the natural logs (B, L, V) of a text generator's probabilities."""
    has_logits = cast("_HasLogits", generator)
    return lambda latent_BZ: has_logits.logits(latent_BZ).log_softmax(dim=-1)


@register.critic(
    "residual",
    data="text",
    normalizations=CHANNEL_NORMS,
    chooses_context=True,
    chooses_ngrams=True,
    takes_labels=True,
)
class ResidualCritic(_ResidualStack):
    """Critic: rows of probabilities (B, L, V) -> scores (B,), the mirror image of the generator. It mixes no samples.

    With `labels` > 0, the number of labels, a row has one more position with its label (see conditioning.py), and the
    label's embedding times the features of the row is added to the score.
    """

    def __init__(self, settings: CriticSettings, length: int, vocabulary_size: int, labels: int = 0) -> None:
        super().__init__()
        self.input = nn.Conv1d(vocabulary_size, settings.width, 1)
        self._stack(settings, length)
        self.output = nn.Linear(settings.width * length, 1)
        longest = min(settings.ngrams, length)  # an unresolved "auto" counts as 1
        self.ngrams = NgramFeatures(settings.width, longest) if longest > 1 else None
        self.projection = LabelProjection(labels, settings.width * length) if labels else None

    def forward(self, x_BLV: Tensor) -> Tensor:
        """Return the scores."""
        return self.score(self.stem(x_BLV))

    def stem(self, *batches: Tensor) -> Tensor:
        """Return the output (B, C, L) of the linear first layer for probabilities (B, L, V) or ids (B, L).

        Several batches become one. Labels remain the last position.
        """
        return _arranged(self.blocks, *map(self._entered if self.projection is None else self._labelled, batches))

    def _labelled(self, x: Tensor) -> Tensor:
        rows, label_B = split_points(x)
        return with_label_place(self._entered(rows), label_B)

    def _entered(self, x: Tensor) -> Tensor:
        weight_CV, bias_C = self.input.weight.flatten(1), self.input.bias
        assert bias_C is not None
        if x.is_floating_point():
            entered_LBC = functional.linear(x.transpose(0, 1), weight_CV) + bias_C
        else:
            entered_LBC = functional.embedding(x.t().long(), weight_CV.t()) + bias_C
        return entered_LBC.permute(1, 2, 0)

    def score(self, entered_BCL: Tensor) -> Tensor:
        """Return the scores (B,), given the output of `stem`."""
        if self.projection is None:
            score: Tensor = self.output(self._features(entered_BCL)).squeeze(1)
            return score
        entered_BCL, label_B = split_places(entered_BCL)
        feature_BF = self._features(_arranged(self.blocks, entered_BCL))
        return cast("Tensor", self.output(feature_BF).squeeze(1) + self.projection(feature_BF, label_B))

    def _features(self, entered_BCL: Tensor) -> Tensor:
        return self._through(entered_BCL if self.ngrams is None else self.ngrams(entered_BCL)).flatten(1)

    def slopes(self, gradient_BCL: Tensor) -> Tensor:
        """Return norms (B,) of gradients with respect to the first layer's input, given those for its output."""
        weight_CV = self.input.weight.flatten(1)
        gradient_LBC = gradient_BCL.permute(2, 0, 1)
        if weight_CV.shape[1] <= weight_CV.shape[0]:
            slope_B: Tensor = torch.linalg.vector_norm(gradient_LBC @ weight_CV, dim=(0, 2))
            return slope_B
        # |W'g|^2 = g'(WW')g: for a large vocabulary this avoids a tensor of (B, L, V). The derivative of the root at 0
        # is set to 0, as for the norm.
        square_B = (gradient_LBC * (gradient_LBC @ (weight_CV @ weight_CV.t()))).sum(dim=(0, 2))
        positive_B = square_B > 0
        return torch.where(positive_B, torch.where(positive_B, square_B, 1.0).sqrt(), 0.0)


GENERATORS, CRITICS = _GENERATORS["text"], _CRITICS["text"]
"""The registries of networks for text."""
