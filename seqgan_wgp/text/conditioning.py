"""What a label changes in generators and critics of text, and how it travels behind the positions of a row.

A generator joins the embedding of the label to its latent (Mirza and Osindero 2014, "Conditional Generative Adversarial
Nets"). A critic adds the product of another embedding and its features: f(x, y) = psi(phi(x)) + <v_y, phi(x)> (Miyato
and Koyama 2018, "cGANs with Projection Discriminator", eq. 4).

Behind a row of points stands one position more, whose first number is the label. Of two points with one label, every
point between them has it too, but for rounding. The label has no gradient, so slopes are those of the row alone.

Shape suffixes: B batch, Z latent, C channels, L length, V vocabulary, F features of a row, K labels.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..nn.initialization import GivenStart


@final
class LabelEmbedding(nn.Module):
    """Latents with the embeddings of their labels behind them: (B, Z), (B,) -> (B, 2 Z).

    An embedding has as many numbers as a latent, at first standard normal ones.
    """

    def __init__(self, labels: int, latent: int) -> None:
        super().__init__()
        self.size = 2 * latent
        self.table = GivenStart(torch.randn(labels, latent))

    def forward(self, latent_BZ: Tensor, label_B: Tensor) -> Tensor:
        """Return the joined columns."""
        return torch.cat([latent_BZ, functional.embedding(label_B, self.table())], dim=1)


@final
class LabelProjection(nn.Module):
    """What labels add to scores: (B, F), (B,) -> (B,), the product of features and an embedding that starts as 0."""

    def __init__(self, labels: int, features: int) -> None:
        super().__init__()
        self.table = GivenStart(torch.zeros(labels, features))

    def forward(self, feature_BF: Tensor, label_B: Tensor) -> Tensor:
        """Return what is added to each score."""
        return (functional.embedding(label_B, self.table()) * feature_BF).sum(dim=1)


def with_label_row(points_BLV: Tensor, label_B: Tensor) -> Tensor:
    """Return points (B, L + 1, V): behind each row its label. In memory the position comes first."""
    row_BV = points_BLV.new_zeros(len(label_B), points_BLV.shape[2])
    row_BV[:, 0] = label_B
    return torch.cat([points_BLV.transpose(0, 1), row_BV[None]]).transpose(0, 1)


def split_points(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of points (B, L + 1, V) or ids (B, L + 1), and their labels, int64 (B,)."""
    label_B = x[:, -1, 0] if x.is_floating_point() else x[:, -1]
    return x[:, :-1], _whole(label_B)


def with_label_place(entered_BCL: Tensor, label_B: Tensor) -> Tensor:
    """Return what a critic's first layer gives, (B, C, L), with the labels as a further position."""
    place_BC = torch.zeros(entered_BCL.shape[:2], device=label_B.device)
    place_BC[:, 0] = label_B
    return torch.cat([entered_BCL, place_BC[..., None]], dim=2)


def split_places(entered_BCL: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `with_label_place` was given, from its result or from points between such."""
    return entered_BCL[..., :-1], _whole(entered_BCL[:, 0, -1])


def _whole(label_B: Tensor) -> Tensor:
    return label_B.detach().round().long()
