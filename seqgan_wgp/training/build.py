"""Build the components of training from a config: loss, penalty, networks, optimizers and schedule."""

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
from ..nn.initialization import initialize_pair
from ..nn.layers import apply_weight_norm
from .domain import DataSpec
from .losses import Loss, loss_of
from .optimizers import make_optimizer
from .penalties import CONSTRAINTS, Constraint
from .schedule import Schedule


class Optimizers(NamedTuple):
    """One optimizer for each network."""

    generator: torch.optim.Optimizer
    critic: torch.optim.Optimizer


@final
@dataclass(frozen=True, kw_only=True)
class Components:
    """The components of training. Replace one with `dataclasses.replace` to train with your own."""

    loss: Loss
    penalty: Constraint
    """The constraint that keeps the critic Lipschitz: a penalty, weight clipping, or a change of its layers."""

    generator: nn.Module
    critic: nn.Module
    optimizers: Optimizers
    """Over the parameters of `generator` and `critic`."""

    schedule: Schedule


def build(config: Config, spec: DataSpec, device: torch.device) -> Components:
    """Return the components that a config describes, with initialized networks on the device.

    A pure function of config and spec. The networks are moved to the device first, since the optimizers hold their
    parameters.
    """
    generator, critic = (network.to(device) for network in build_generator_and_critic(config, spec))
    return Components(
        loss=loss_of(config.objective),
        penalty=CONSTRAINTS[config.objective.constraint],
        generator=generator,
        critic=critic,
        optimizers=Optimizers(
            generator=make_optimizer(config.optimizer.generator, generator, context_rate=config.generator.context_rate),
            critic=make_optimizer(config.optimizer.critic, critic, context_rate=config.critic.context_rate),
        ),
        schedule=Schedule(training=config.training, optimizer=config.optimizer),
    )


def build_generator_and_critic(config: Config, spec: DataSpec) -> tuple[nn.Module, nn.Module]:
    """Return the initialized generator and critic, a pure function of the config (with its seed) and the spec."""
    with seeded_construction(config.training.seed):
        generator, critic = spec.networks(config)
    initialize_pair(generator, critic, config)
    return _prepared(generator, critic, config)


def _prepared(generator: nn.Module, critic: nn.Module, config: Config) -> tuple[nn.Module, nn.Module]:
    """Apply weight and spectral normalization, where the settings ask for them; both reparametrize layers."""
    for network, settings in ((generator, config.generator), (critic, config.critic)):
        if settings.normalization == "weight":
            apply_weight_norm(network)
    prepare = CONSTRAINTS[config.objective.constraint].prepare
    if prepare is not None:
        prepare(critic, config.training.seed)
    return generator, critic


def build_for(config: Config, spec: DataSpec, numbers: int) -> tuple[nn.Module, nn.Module]:
    """Return networks without initialized weights, into which a file's weights can be loaded.

    Args:
        config: the file's settings.
        spec: the file's kind of data.
        numbers: how many numbers the file has, which limits the size of the networks.

    Raises:
        CheckpointError: the networks would be far larger than the file, or cannot be built.
    """
    with making_networks(numbers), seeded_construction(config.training.seed):
        return _prepared(*spec.networks(config), config)


@contextlib.contextmanager
def seeded_construction(seed: int) -> Iterator[None]:
    """Seed the random numbers of network constructors; torch's global generator is restored afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def making_networks(numbers: int | None) -> Iterator[None]:
    """Limit the size of networks that are built inside to about this many numbers; None: no limit.

    Raises CheckpointError when the settings give larger networks, or none.
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
"""Numbers that networks may have in addition to those of a file, such as computed tables."""

_FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn})


class OverBudgetError(RuntimeError):
    """The networks would have far more numbers than the file."""


@final
class MemoryBudget(TorchFunctionMode):
    """Limits the total size of the tensors that are created inside.

    Args:
        numbers: the limit, in numbers.
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
        """Count the size of a new tensor before it is allocated."""
        del types
        given = dict(kwargs or {})
        if func in _FACTORIES:
            sizes = given.get("size", args[0] if args and isinstance(args[0], Sequence) else args)
            self._left -= math.prod(size for size in sizes if isinstance(size, int))
            if self._left < 0:
                raise OverBudgetError("they would be far larger than the file")
        return func(*args, **given)
