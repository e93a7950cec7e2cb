"""Generator and critic for points: perceptrons, as in Gulrajani et al. 2017, figure 1.

Shape suffixes: B batch, Z latent, U units.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ..config.schema import CriticSettings, GeneratorSettings
from ..nn.layers import UNIT_NORMS, relu, unit_norm
from ..registry import CRITICS as _CRITICS
from ..registry import GENERATORS as _GENERATORS
from ..registry import register

POINT = 2
"""Number of coordinates of a point."""


class _Layers(nn.Module):
    """A perceptron (B, inputs) -> (B, outputs) with `blocks` hidden layers of `width` units; linear with 0 blocks."""

    def __init__(self, settings: GeneratorSettings | CriticSettings, inputs: int, outputs: int) -> None:
        super().__init__()
        sizes = [inputs, *(settings.width for _ in range(settings.blocks))]
        self.hidden = nn.ModuleList(nn.Linear(before, behind) for before, behind in pairwise(sizes))
        self.norms = nn.ModuleList(unit_norm(settings.normalization, units) for units in sizes[1:])
        self.output = nn.Linear(sizes[-1], outputs)

    def forward(self, x_BU: Tensor) -> Tensor:
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            x_BU = relu(norm(layer(x_BU)))
        out: Tensor = self.output(x_BU)
        return out


@register.generator("perceptron", data="toy", normalizations=UNIT_NORMS)
class PointPerceptronGenerator(nn.Module):
    """Latents to points: (B, Z) -> (B, 2).

    Args:
        settings: `blocks` is the number of hidden layers, `width` the number of units in each.
    """

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__()
        self.layers = _Layers(settings, settings.latent, POINT)

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """Return the points."""
        point_B2: Tensor = self.layers(latent_BZ)
        return point_B2


@register.critic("perceptron", data="toy", normalizations=UNIT_NORMS)
class PointPerceptronCritic(nn.Module):
    """Points to scores: (B, 2) -> (B,). Scores of different samples are independent, except with batch norm.

    Args:
        settings: `blocks` is the number of hidden layers, `width` the number of units in each.
    """

    def __init__(self, settings: CriticSettings) -> None:
        super().__init__()
        self.layers = _Layers(settings, POINT, 1)

    def forward(self, point_B2: Tensor) -> Tensor:
        """Return the scores."""
        score_B: Tensor = self.layers(point_B2).squeeze(1)
        return score_B


GENERATORS, CRITICS = _GENERATORS["toy"], _CRITICS["toy"]
"""The registries of networks for points."""
