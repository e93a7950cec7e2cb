"""The classifier of real against generated strings: ids in, one logit out.

It sees the whole string: windows of ids by table look-up, dilated convolutions, attention over all positions, and a
last layer with a weight for each feature of each position.

Shape suffixes: B strings, N strings, L length, W width, H heads, T taps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...utils.counter_rng import Stream, normal, uniform
from ..vocabulary import PAD, mask_after_pad

BLOCK = 512
"""Number of strings scored together. It is fixed, since kernels round differently for other sizes."""

_FIRST_PARAMETER = 2_000_000
"""Index of the first parameter in the initialization stream, after those of generator and critic."""


@final
@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """Sizes of a classifier."""

    width: int = 64
    taps: int = 5
    """Length of the windows of the first layer."""

    blocks: tuple[str, ...] = ("conv-1", "conv-2", "attention", "conv-1")
    """Residual blocks in order; keys of BLOCKS."""

    heads: int = 4
    block_dropout: float = 0.1
    head_dropout: float = 0.3


@final
class DilatedConvolution(nn.Module):
    """A convolution with three taps at distance `dilation`, a ReLU, and a linear layer initialised to 0."""

    def __init__(self, config: ClassifierConfig, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.taps = nn.Linear(3 * config.width, config.width)
        self.pointwise = nn.Linear(config.width, config.width)

    def forward(self, x_BLW: Tensor) -> Tensor:
        """Return (B, L, W). The row is padded with zeros at both ends."""
        length, d = x_BLW.shape[1], self.dilation
        padded = functional.pad(x_BLW, (0, 0, d, d))
        taps = torch.cat([padded[:, :length], x_BLW, padded[:, 2 * d :]], dim=2)
        out: Tensor = self.pointwise(torch.relu(self.taps(taps)))
        return out


@final
class SelfAttention(nn.Module):
    """Multi-head attention over all positions, with an output layer initialised to 0."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.pointwise = nn.Linear(config.width, config.width)

    def forward(self, x_BLW: Tensor) -> Tensor:
        """Return (B, L, W)."""
        batch, length, width = x_BLW.shape
        split = self.qkv(x_BLW).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.pointwise(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


BLOCKS: dict[str, Callable[[ClassifierConfig], DilatedConvolution | SelfAttention]] = {
    "conv-1": lambda config: DilatedConvolution(config, 1),
    "conv-2": lambda config: DilatedConvolution(config, 2),
    "conv-4": lambda config: DilatedConvolution(config, 4),
    "attention": SelfAttention,
}
"""Name -> function that builds the residual branch of a block."""


@final
class StringClassifier(nn.Module):
    """Logit of "real" for rows of ids; ids after the first pad are ignored.

    Pre-norm residual blocks (Xiong et al. 2020) on window embeddings. The last layer is initialised to 0, so an
    untrained classifier gives the logit 0 to every string.

    Args:
        vocabulary_size: V.
        length: L.
        config: the sizes.
        seed: random seed of the initial weights.
    """

    def __init__(self, vocabulary_size: int, length: int, config: ClassifierConfig, seed: int = 0) -> None:
        super().__init__()
        self.vocabulary_size, self.length, self.config = vocabulary_size, length, config
        width = config.width
        # Per tap a table of V + 1 rows: the last one is for positions before and after the row.
        self.windows = nn.EmbeddingBag(config.taps * (vocabulary_size + 1), width, mode="sum")
        self.position_LW = nn.Parameter(torch.zeros(length, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in config.blocks)
        self.blocks = nn.ModuleList(BLOCKS[name](config) for name in config.blocks)
        self.dropout = nn.Dropout(config.block_dropout)
        self.norm = nn.LayerNorm(width)
        self.head_dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(length * width, 1)
        self._initialize(seed)

    def forward(self, ids_BL: Tensor) -> Tensor:
        """Return the logits (B,) of integer ids (B, L)."""
        h_BLW = self._embed(ids_BL.long())
        for norm, block in zip(self.norms, self.blocks, strict=True):
            h_BLW = h_BLW + self.dropout(block(norm(h_BLW)))
        flat = torch.relu(self.norm(h_BLW)).flatten(1)
        logit_B: Tensor = self.head(self.head_dropout(flat))[:, 0]
        return logit_B

    def _embed(self, ids_BL: Tensor) -> Tensor:
        pad_BL = ids_BL == PAD
        ids_BL = ids_BL.masked_fill(pad_BL.cumsum(1) > 0, PAD)
        size, taps = self.vocabulary_size + 1, self.config.taps
        before = taps // 2
        bordered = functional.pad(ids_BL, (before, taps - 1 - before), value=self.vocabulary_size)
        window_BLT = bordered.unfold(1, taps, 1) + size * torch.arange(taps, device=ids_BL.device)
        embedded = self.windows(window_BLT.reshape(-1, taps)).view(*ids_BL.shape, -1)
        out: Tensor = embedded + self.position_LW
        return out

    @torch.no_grad()
    def _initialize(self, seed: int) -> None:
        linear = [module for module in self.modules() if isinstance(module, nn.Linear)]
        for place, layer in enumerate(linear):
            # He et al. 2015: variance 2 / fan_in. Each parameter has its own index, including biases, which are 0.
            index = torch.tensor([_FIRST_PARAMETER + 2 * place])
            noise = 2 * uniform(seed, Stream.INITIALIZATION, index, layer.weight.numel()) - 1
            layer.weight.copy_(noise.view_as(layer.weight) * (6 / layer.in_features) ** 0.5)
            layer.bias.zero_()
        for block in self.blocks:
            block.pointwise.weight.zero_()  # type: ignore[union-attr,operator]
        self.head.weight.zero_()
        weight = self.windows.weight
        noise = normal(seed, Stream.INITIALIZATION, torch.tensor([_FIRST_PARAMETER - 1]), weight.numel())
        weight.copy_(noise.view_as(weight) * self.config.taps**-0.5)


@torch.inference_mode()
def logits(classifier: StringClassifier, ids_NL: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Return the classifier's logit of each row of (N, L) ids, float64 (N,); it must be in evaluation mode.

    Rows are processed in blocks of BLOCK, the last one padded, so a logit does not depend on the number of rows.
    """
    device = classifier.position_LW.device
    found = []
    for first in range(0, len(ids_NL), BLOCK):
        part_NL = mask_after_pad(ids_NL[first : first + BLOCK])
        block_BL = np.full((BLOCK, classifier.length), PAD, np.int64)
        block_BL[: len(part_NL)] = part_NL
        logit_B = classifier(torch.from_numpy(block_BL).to(device))
        found.append(logit_B[: len(part_NL)].cpu().double().numpy())
    return np.concatenate(found) if found else np.zeros(0)
