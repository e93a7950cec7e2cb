"""Build the generator and the critic of a run, initialize them, and apply weight normalization."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.utils import parametrizations

from ..config import Config
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


def build_networks(
    make: Callable[[Config], tuple[nn.Module, nn.Module]], config: Config
) -> tuple[nn.Module, nn.Module]:
    """Return generator and critic with their first weights, weight-normalised where the config says so.

    Args:
        make: the networks of a kind of data: config -> a fresh generator and critic.
        config: of the run.
    """
    with seeded_construction(config.training.seed):
        generator, critic = make(config)
    for network, settings in ((generator, config.generator), (critic, config.critic)):
        if settings.normalization == "weight":
            apply_weight_norm(network)
    return generator, critic
