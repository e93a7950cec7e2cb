"""Build the parts of training from a config: losses, penalty, networks, optimizers and schedule."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..config import Config
from ..errors import CheckpointError, one_line
from ..nn.build import apply_weight_norm
from ..nn.initialization import initialize_pair
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
    """Return the networks as training begins with them: a function of config and spec, the seed among them."""
    with seeded_construction(config.training.seed):
        generator, critic = spec.networks(config)
    initialize_pair(generator, critic, config)
    return _prepared(generator, critic, config)


def _prepared(generator: nn.Module, critic: nn.Module, config: Config) -> tuple[nn.Module, nn.Module]:
    """Prepare layers where the settings want it: weight and spectral norm write their weights in another way."""
    for network, settings in ((generator, config.generator), (critic, config.critic)):
        if settings.normalization == "weight":
            apply_weight_norm(network)
    prepare = CONSTRAINTS[config.objective.constraint].prepare
    if prepare is not None:
        prepare(critic, config.training.seed)
    return generator, critic


def build_for(config: Config, spec: DataSpec, numbers: int) -> tuple[nn.Module, nn.Module]:
    """Return the networks that a file with so many numbers is loaded into; first weights are not drawn for them.

    Raises CheckpointError when they would be far larger than the file, or cannot be.
    """
    with making_networks(numbers), seeded_construction(config.training.seed):
        return _prepared(*spec.networks(config), config)


@contextlib.contextmanager
def seeded_construction(seed: int) -> Iterator[None]:
    """Make what networks draw while they are constructed a function of the seed, and leave torch's own generator be."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def making_networks(numbers: int | None) -> Iterator[None]:
    """Limit networks that are made within to about the numbers that a file has (None: no limit).

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


SLACK = 1 << 24
"""Numbers that networks may have beside those of a file, e.g. tables that are computed."""

_FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn})


class OverBudgetError(RuntimeError):
    """The networks would hold far more numbers than the file."""


@final
class MemoryBudget(TorchFunctionMode):
    """Limits how many numbers the tensors that are made within may have in all.

    Args:
        numbers: how many.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self._left = numbers

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count what a function that makes a tensor is asked for, before it does."""
        del types
        given = dict(kwargs or {})
        if func in _FACTORIES:
            sizes = given.get("size", args[0] if args and isinstance(args[0], Sequence) else args)
            self._left -= math.prod(size for size in sizes if isinstance(size, int))
            if self._left < 0:
                raise OverBudgetError("they would be far larger than the file")
        return func(*args, **given)
