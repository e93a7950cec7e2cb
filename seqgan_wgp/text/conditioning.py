"""Conditional text networks: label embedding for generators, projection for critics, and labels stored in rows.

A generator concatenates an embedding of the label to its latent (Mirza and Osindero 2014, "Conditional Generative
Adversarial Nets"). A critic adds the inner product of its features and another embedding: f(x, y) = psi(phi(x)) +
<v_y, phi(x)> (Miyato and Koyama 2018, "cGANs with Projection Discriminator", eq. 4).

A row of points (L, V) gets one more position, whose first number is the label: (L + 1, V). If two points have the same
label, so do their interpolates, up to rounding. The label has no gradient, so slopes are those of the row alone.

Shape suffixes: B batch, Z latent, C channels, L length, V vocabulary, F features of a row, K labels.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..nn.initialization import InitializedParameter


@final
class LabelEmbedding(nn.Module):
    """Concatenates latents and embeddings of their labels: (B, Z), (B,) -> (B, 2 Z).

    An embedding has the size of a latent, and starts as standard normal numbers.
    """

    def __init__(self, labels: int, latent: int) -> None:
        super().__init__()
        self.size = 2 * latent
        self.table = InitializedParameter(torch.randn(labels, latent))

    def forward(self, latent_BZ: Tensor, label_B: Tensor) -> Tensor:
        """Return latents and embeddings, concatenated."""
        return torch.cat([latent_BZ, functional.embedding(label_B, self.table())], dim=1)


@final
class LabelProjection(nn.Module):
    """The label's contribution to a score, <v_y, phi(x)>: (B, F), (B,) -> (B,). The embeddings v_y start as 0."""

    def __init__(self, labels: int, features: int) -> None:
        super().__init__()
        self.table = InitializedParameter(torch.zeros(labels, features))

    def forward(self, feature_BF: Tensor, label_B: Tensor) -> Tensor:
        """Return the number to add to each score."""
        return (functional.embedding(label_B, self.table()) * feature_BF).sum(dim=1)


def with_label_row(points_BLV: Tensor, label_B: Tensor) -> Tensor:
    """Return points (B, L, V) with their labels as a further position, (B, L + 1, V), position first in memory."""
    row_BV = points_BLV.new_zeros(len(label_B), points_BLV.shape[2])
    row_BV[:, 0] = label_B
    return torch.cat([points_BLV.transpose(0, 1), row_BV[None]]).transpose(0, 1)


def split_points(x: Tensor) -> tuple[Tensor, Tensor]:
    """Split points (B, L + 1, V) or ids (B, L + 1) into rows without the label, and labels, int64 (B,)."""
    label_B = x[:, -1, 0] if x.is_floating_point() else x[:, -1]
    return x[:, :-1], _whole(label_B)


def with_label_place(entered_BCL: Tensor, label_B: Tensor) -> Tensor:
    """Return a first layer's output (B, C, L) with the labels as a further position, (B, C, L + 1)."""
    place_BC = torch.zeros(entered_BCL.shape[:2], device=label_B.device)
    place_BC[:, 0] = label_B
    return torch.cat([entered_BCL, place_BC[..., None]], dim=2)


def split_places(entered_BCL: Tensor) -> tuple[Tensor, Tensor]:
    """Undo `with_label_place`, also for interpolates of its results."""
    return entered_BCL[..., :-1], _whole(entered_BCL[:, 0, -1])


def _whole(label_B: Tensor) -> Tensor:
    return label_B.detach().round().long()
