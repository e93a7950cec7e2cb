"""TrainState: everything that training reads and changes, and its tensors by name for checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..config import Config
from ..config.schema import AlgorithmSettings
from ..errors import CheckpointError, one_line
from ..registry import NORMALIZATIONS
from .batches import Batches
from .build import Components, Optimizers
from .distributed.process_group import ProcessGroup
from .domain import Domain
from .engines.eager import Engine, autocast_of
from .engines.table import make_engine
from .latents import noise_columns
from .optimizers import fresh_state
from .schedule import Schedule, penalty_every
from .steps import Autocast, CriticObjective

Modules = Mapping[str, nn.Module]
"""Part -> network."""

ModuleOptimizers = Sequence[tuple[str, torch.optim.Optimizer, nn.Module]]
"""Part, optimizer, and the network whose weights it changes."""


@final
@dataclass(kw_only=True)
class TrainState:
    """What the rounds of a run read and change. The loop, the CUDA graph and the diagnostics are given this alone.

    Rounds change the weights, the average and the optimizers' tensors in place; the trainer counts the steps.
    """

    config: Config
    device: torch.device
    group: ProcessGroup
    """The processes that train together."""

    domain: Domain
    generator: nn.Module
    critic: nn.Module
    average: nn.Module
    """The moving average of the generator's weights."""

    optimizers: Optimizers
    objective: CriticObjective
    schedule: Schedule
    batches: Batches
    engine: Engine
    autocast: Autocast
    """The precision that the generator step is computed in; the critic step's is the engine's."""

    step: int = 0
    """Rounds that are done."""

    seconds: float = 0.0
    """Training time in all, over every interruption."""

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks by part."""
        return {"generator": self.generator, "average": self.average, "critic": self.critic}

    def module_optimizers(self) -> ModuleOptimizers:
        """Return the optimizers, each with its part and its network."""
        return [
            ("generator", self.optimizers.generator, self.generator),
            ("critic", self.optimizers.critic, self.critic),
        ]

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name, not copied; with `step` and `seconds` that is all that a run needs to go on."""
        return tensors_of(self.modules(), self.module_optimizers())

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy the result of `tensors` back, each tensor in its place.

        State that an optimizer has created since is removed, so that it creates it anew, with its own first values.
        """
        restore_tensors(self.modules(), self.module_optimizers(), tensors)

    def load(self, tensors: Mapping[str, Tensor], *, step: int, seconds: float) -> None:
        """Load the result of `tensors`. Raises CheckpointError when a tensor is missing or of another shape."""
        sections = {"generator": self.config.optimizer.generator, "critic": self.config.optimizer.critic}
        for part, _algorithm, module in self.module_optimizers():
            for name, parameter in module.named_parameters():
                _check_optimizer_state(f"{part}.optimizer.{name}.", sections[part], parameter.shape, tensors)
        load_tensors(self.modules(), self.module_optimizers(), tensors, self.device)
        self.step, self.seconds = step, seconds


def tensors_of(modules: Modules, optimizers: ModuleOptimizers) -> dict[str, Tensor]:
    """Return all tensors by name, not copied: PART.NAME of networks, PART.optimizer.NAME.KEY of optimizers."""
    tensors: dict[str, Tensor] = {}
    for part, module in modules.items():
        tensors |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
    for part, algorithm, module in optimizers:
        for name, parameter in module.named_parameters():
            for key, value in algorithm.state[parameter].items():
                tensors[f"{part}.optimizer.{name}.{key}"] = value
    return tensors


def load_tensors(
    modules: Modules, optimizers: ModuleOptimizers, tensors: Mapping[str, Tensor], device: torch.device
) -> None:
    """Load the result of `tensors_of`. Raises CheckpointError when a weight is missing or of another shape."""
    try:
        for part, module in modules.items():
            module.load_state_dict({name: tensors[f"{part}.{name}"] for name in module.state_dict()})
        for part, algorithm, module in optimizers:
            for name, parameter in module.named_parameters():
                prefix = f"{part}.optimizer.{name}."
                # Copies, since tensors read from a file may lie at any address and kernels round by alignment.
                algorithm.state[parameter] = {
                    key.removeprefix(prefix): value.to(device, copy=True)
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"the checkpoint does not fit the run's settings ({one_line(error)})") from None


def _check_optimizer_state(
    prefix: str, settings: AlgorithmSettings, shape: torch.Size, tensors: Mapping[str, Tensor]
) -> None:
    """Raise CheckpointError unless an optimizer can go on with what a checkpoint has for a parameter.

    It may have nothing, and then the optimizer begins anew. It may have more than after a first step.
    """
    found = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    for key, fresh in fresh_state(settings, shape).items() if found else ():
        value = found.get(key)
        if value is None or value.shape != fresh.shape or value.is_floating_point() != fresh.is_floating_point():
            what = "is missing" if value is None else f"is {_described(value)}, not {_described(fresh)}"
            raise CheckpointError(f"the checkpoint does not fit the run's settings ({prefix}{key} {what})")


def _described(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


@torch.no_grad()
def restore_tensors(modules: Modules, optimizers: ModuleOptimizers, tensors: Mapping[str, Tensor]) -> None:
    """Copy the result of `tensors_of` back; see `TrainState.restore`."""
    for part, algorithm, module in optimizers:
        for name, parameter in module.named_parameters():
            state = algorithm.state[parameter]
            for key in [key for key in state if f"{part}.optimizer.{name}.{key}" not in tensors]:
                del state[key]
    for name, tensor in tensors_of(modules, optimizers).items():
        tensor.copy_(tensors[name])


def initial_state(
    domain: Domain, components: Components, config: Config, device: torch.device, group: ProcessGroup
) -> TrainState:
    """Return the state that training begins with: the average equals the generator, and no step is done."""
    batch_size = config.training.batch_size
    objective = CriticObjective(
        loss=components.loss,
        constraint=components.penalty,
        weight=config.objective.penalty_weight,
        penalty_every=penalty_every(config.objective, batch_size),
        first=group.slice_of(batch_size).start,
        size=batch_size,
        separate_batches=NORMALIZATIONS[config.critic.normalization].mixes_samples,
    )
    return TrainState(
        config=config,
        device=device,
        group=group,
        domain=domain,
        generator=components.generator,
        critic=components.critic,
        average=copy.deepcopy(components.generator).requires_grad_(False).eval(),
        optimizers=components.optimizers,
        objective=objective,
        schedule=components.schedule,
        batches=Batches(domain, config, device, group, noise_columns(components.generator)),
        engine=make_engine(components.generator, components.critic, objective, config),
        autocast=autocast_of(config, components.critic),
    )
