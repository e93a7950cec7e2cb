"""TrainState: everything that training reads and changes, with its tensors by name for checkpoints."""

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
    """The state of training. The loop, the CUDA graph and the diagnostics need nothing else.

    Rounds change the weights, the moving average and the optimizers' tensors in place; the trainer counts the steps.
    """

    config: Config
    device: torch.device
    group: ProcessGroup
    """The processes of distributed training; ALONE for one process."""

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
    """Precision of the generator step; the engine sets that of the critic step."""

    step: int = 0
    """Number of rounds done."""

    seconds: float = 0.0
    """Total training time, including the time before each resume."""

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks by name."""
        return {"generator": self.generator, "average": self.average, "critic": self.critic}

    def module_optimizers(self) -> ModuleOptimizers:
        """Return the name, the optimizer and the network of the generator and of the critic."""
        return [
            ("generator", self.optimizers.generator, self.generator),
            ("critic", self.optimizers.critic, self.critic),
        ]

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name, not copied. Together with `step` and `seconds` they are a complete checkpoint."""
        return tensors_of(self.modules(), self.module_optimizers())

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy tensors of an earlier `tensors()` back in place.

        State that an optimizer has created since is removed; the optimizer will create it again.
        """
        restore_tensors(self.modules(), self.module_optimizers(), tensors)

    def load(self, tensors: Mapping[str, Tensor], *, step: int, seconds: float) -> None:
        """Load the result of `tensors`. Raises CheckpointError when a tensor is missing or of another shape."""
        sections = {"generator": self.config.optimizer.generator, "critic": self.config.optimizer.critic}
        for part, _optimizer, module in self.module_optimizers():
            for name, parameter in module.named_parameters():
                _check_optimizer_state(f"{part}.optimizer.{name}.", sections[part], parameter.shape, tensors)
        load_tensors(self.modules(), self.module_optimizers(), tensors, self.device)
        self.step, self.seconds = step, seconds


def tensors_of(modules: Modules, optimizers: ModuleOptimizers) -> dict[str, Tensor]:
    """Return all tensors by name, not copied: PART.NAME for networks, PART.optimizer.NAME.KEY for optimizers."""
    tensors: dict[str, Tensor] = {}
    for part, module in modules.items():
        tensors |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
    for part, optimizer, module in optimizers:
        for name, parameter in module.named_parameters():
            for key, value in optimizer.state[parameter].items():
                tensors[f"{part}.optimizer.{name}.{key}"] = value
    return tensors


def load_tensors(
    modules: Modules, optimizers: ModuleOptimizers, tensors: Mapping[str, Tensor], device: torch.device
) -> None:
    """Load the result of `tensors_of`. Raises CheckpointError when a weight is missing or of another shape."""
    try:
        for part, module in modules.items():
            module.load_state_dict({name: tensors[f"{part}.{name}"] for name in module.state_dict()})
        for part, optimizer, module in optimizers:
            for name, parameter in module.named_parameters():
                prefix = f"{part}.optimizer.{name}."
                # Copies: tensors from a file may have any alignment, and kernels round differently by alignment.
                optimizer.state[parameter] = {
                    key.removeprefix(prefix): value.to(device, copy=True)
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"the checkpoint does not fit the run's settings ({one_line(error)})") from None


def _check_optimizer_state(
    prefix: str, settings: AlgorithmSettings, shape: torch.Size, tensors: Mapping[str, Tensor]
) -> None:
    """Raise CheckpointError unless an optimizer can continue from the state that a checkpoint has for a parameter.

    A checkpoint without state is accepted: the optimizer then starts afresh. So is one with more state than the
    optimizer has after its first step.
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
    for part, optimizer, module in optimizers:
        for name, parameter in module.named_parameters():
            state = optimizer.state[parameter]
            for key in [key for key in state if f"{part}.optimizer.{name}.{key}" not in tensors]:
                del state[key]
    for name, tensor in tensors_of(modules, optimizers).items():
        tensor.copy_(tensors[name])


def initial_state(
    domain: Domain, components: Components, config: Config, device: torch.device, group: ProcessGroup
) -> TrainState:
    """Return the initial training state: the moving average equals the generator, and the step is 0."""
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
