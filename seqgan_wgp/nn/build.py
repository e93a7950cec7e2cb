"""The two networks of a run, as training begins with them and as a model file is loaded into them."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations

from ..config import Config
from ..training.domain import DataSpec
from ..training.penalties import CONSTRAINTS
from .initialization import seeded_construction


def apply_weight_norm(network: nn.Module) -> None:
    """Write every layer's weights as direction and length, each learnt on its own. Salimans and Kingma 2016, eq. 2.

    The weights themselves stay as they are. A length belongs to a unit: to a row of the weights, and of a transposed
    convolution, whose weights are (in, out, ...), to a column.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            parametrizations.weight_norm(layer)
        elif isinstance(layer, nn.ConvTranspose2d):
            parametrizations.weight_norm(layer, dim=1)


def build_networks(spec: DataSpec, config: Config) -> tuple[nn.Module, nn.Module]:
    """Return generator and critic with their first weights, a pure function of form and config."""
    with seeded_construction(config.training.seed):
        generator, critic = spec.networks(config)
    for network, settings in ((generator, config.generator), (critic, config.critic)):
        if settings.normalization == "weight":
            apply_weight_norm(network)
    prepare = CONSTRAINTS[config.objective.constraint].prepare
    if prepare is not None:
        prepare(critic, config.training.seed)
    return generator, critic
