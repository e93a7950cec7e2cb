"""Build the parts of training from a config: losses, penalty, networks, optimizers and schedule."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import nn

from ..config import Config
from ..errors import CheckpointError, one_line
from ..nn.build import apply_weight_norm
from ..nn.initialization import seeded_construction
from ..utils.memory_budget import SLACK, MemoryBudget
from .domain import DataSpec
from .losses import Loss, loss_of
from .optimizers import optimizer
from .penalties import CONSTRAINTS, Constraint
from .schedule import Schedule


class Optimizers(NamedTuple):
    """One optimizer for each network."""

    generator: torch.optim.Optimizer
    critic: torch.optim.Optimizer


@final
@dataclass(frozen=True, kw_only=True)
class Components:
    """What a trainer is made of. Replace a part with `dataclasses.replace` to train with one of your own."""

    loss: Loss
    penalty: Constraint
    """Keeps the critic Lipschitz; not only by a penalty, also by clipping or by what `prepare` does to its layers."""

    generator: nn.Module
    critic: nn.Module
    optimizers: Optimizers
    """Over the parameters of `generator` and `critic`."""

    schedule: Schedule


def build(config: Config, spec: DataSpec, device: torch.device) -> Components:
    """Return the parts that a config names, the networks on a device, with their first weights.

    A pure function of config and spec. The networks are moved before the optimizers are made, which hold their
    parameters.
    """
    generator, critic = (network.to(device) for network in build_generator_and_critic(config, spec))
    return Components(
        loss=loss_of(config.objective),
        penalty=CONSTRAINTS[config.objective.constraint],
        generator=generator,
        critic=critic,
        optimizers=Optimizers(
            generator=optimizer(config.optimizer.generator, generator),
            critic=optimizer(config.optimizer.critic, critic),
        ),
        schedule=Schedule(training=config.training, optimizer=config.optimizer),
    )


def build_generator_and_critic(config: Config, spec: DataSpec) -> tuple[nn.Module, nn.Module]:
    """Return the networks as training begins with them, and as a model file is loaded into them.

    Layers are prepared where the settings want it: weight and spectral norm write their weights in another way.
    """
    with seeded_construction(config.training.seed):
        generator, critic = spec.networks(config)
    for network, settings in ((generator, config.generator), (critic, config.critic)):
        if settings.normalization == "weight":
            apply_weight_norm(network)
    prepare = CONSTRAINTS[config.objective.constraint].prepare
    if prepare is not None:
        prepare(critic, config.training.seed)
    return generator, critic


def build_for(config: Config, spec: DataSpec, numbers: int) -> tuple[nn.Module, nn.Module]:
    """Return the networks that a file with so many numbers is loaded into.

    Raises CheckpointError when they would be far larger than the file, or cannot be.
    """
    with making_networks(numbers):
        return build_generator_and_critic(config, spec)


@contextlib.contextmanager
def making_networks(numbers: int | None) -> Iterator[None]:
    """Make networks of not many more numbers than a file has (None: of any number).

    Raises CheckpointError where the settings make larger ones, or none.
    """
    if numbers is None:
        yield
        return
    try:
        with MemoryBudget(numbers + SLACK):
            yield
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        raise CheckpointError(f"the settings make no networks that fit the weights ({one_line(error)})") from None
