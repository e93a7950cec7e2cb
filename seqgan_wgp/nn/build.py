"""Apply weight normalization to the layers of a network."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations


def apply_weight_norm(network: nn.Module) -> None:
    """Apply weight normalization: learn direction and length of every layer's weights. Salimans and Kingma 2016, eq. 2.

    The weights themselves stay as they are. A length belongs to a unit: to a row of the weights, and of a transposed
    convolution, whose weights are (in, out, ...), to a column.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            parametrizations.weight_norm(layer)
        elif isinstance(layer, nn.ConvTranspose2d):
            parametrizations.weight_norm(layer, dim=1)
