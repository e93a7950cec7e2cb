"""Features of n-grams for a critic: products of linear maps of neighbouring positions.

A first layer gives each position t a vector h_t, for a one-hot row the embedding of its character. The feature of the
n-gram that begins at t is the product over k < n of (W_k h_(t+k) + b_k), channel by channel. So every n-gram has an
embedding that is factored over its characters: a table of V^n embeddings of low rank (a canonical polyadic
decomposition). A stack of convolutions has to approximate such products by sums that pass a ReLU.

Shape suffixes: B batch, V vocabulary, C channels, L length.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional


@final
class NgramFeatures(nn.Module):
    """Adds features of the n-grams, n = 2 .. `longest`, that begin at each position: (B, C, L) -> (B, C, L).

    The factors are shared by all n: the feature of an n-gram is that of its first n - 1 characters times one more
    factor. The features of each n are mapped linearly before they are added.

    Args:
        channels: C, also of the features.
        longest: largest n, at least 2 and at most L.
    """

    def __init__(self, channels: int, longest: int) -> None:
        super().__init__()
        self.longest = longest
        self.factors = nn.Conv1d(channels, longest * channels, 1)
        self.output = nn.Conv1d((longest - 1) * channels, channels, 1)

    def forward(self, x_BCL: Tensor) -> Tensor:
        """Return the input plus the features. An n-gram that would reach beyond the last position has the feature 0."""
        product_BCL, *others = self.factors(x_BCL).chunk(self.longest, dim=1)
        found = []
        for shift, factor_BCL in enumerate(others, 1):
            product_BCL = product_BCL[..., :-1] * factor_BCL[..., shift:]
            found.append(functional.pad(product_BCL, (0, shift)))
        summed_BCL: Tensor = x_BCL + self.output(torch.cat(found, dim=1))
        return summed_BCL
