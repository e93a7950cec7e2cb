"""Optimizers: build them from settings, and change their learning rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn

from ..config.schema import AlgorithmSettings
from ..nn.layers import ContextLayers
from ..registry import OPTIMIZERS as OPTIMIZERS
from ..registry import OptimizerEntry


@final
class TensorFlowRMSprop(torch.optim.Optimizer):
    """RMSProp as in TensorFlow 1 (tf.train.RMSPropOptimizer), with which many published GANs were trained.

    It differs from torch's RMSprop in two ways. Epsilon is added inside the square root, and the running mean of
    squared gradients starts at 1, not 0, so the first tens of steps are small. Tieleman and Hinton 2012 leave both
    open.

    Args:
        parameters: parameters to optimize.
        lr: learning rate.
        decay: decay rate of the running mean of squared gradients.
        momentum: momentum factor.
        eps: added to the running mean inside the square root.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, decay: float, momentum: float = 0.0, eps: float = 1e-10
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "momentum": momentum, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step with the gradients of the parameters."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["mean_square"] = torch.ones_like(parameter)
                    state["last_step"] = torch.zeros_like(parameter)
                gradient, mean_square, last_step = parameter.grad, state["mean_square"], state["last_step"]
                mean_square.lerp_(gradient * gradient, 1 - group["decay"])
                last_step.mul_(group["momentum"])
                last_step.addcdiv_(gradient, (mean_square + group["eps"]).sqrt_(), value=group["lr"])
                parameter.sub_(last_step)


Parameters = list[nn.Parameter]


def _number(value: float | None) -> float:
    assert value is not None, "the config is checked for what its optimizers need"
    return value


def _on_gpu(parameters: Parameters) -> bool:
    """Return whether the parameters are on a GPU; then the step count is kept there, so a CUDA graph can record it."""
    return parameters[0].device.type == "cuda"


def _adam(settings: AlgorithmSettings, parameters: Parameters) -> torch.optim.Optimizer:
    betas = (_number(settings.beta1), _number(settings.beta2))
    rate: float | Tensor = settings.learning_rate
    if settings.lr_decay_steps and _on_gpu(parameters):
        rate = torch.tensor(rate, device=parameters[0].device)  # a CUDA graph reads it there
    return torch.optim.Adam(
        parameters,
        lr=rate,
        betas=betas,
        eps=settings.epsilon,
        fused=parameters[0].device.type not in ("mps", "meta"),
        capturable=_on_gpu(parameters),
    )


def _rmsprop(settings: AlgorithmSettings, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        parameters,
        lr=settings.learning_rate,
        alpha=_number(settings.decay),
        momentum=settings.momentum,
        eps=settings.epsilon,
        capturable=_on_gpu(parameters),
    )


def _rmsprop_tf(settings: AlgorithmSettings, parameters: Parameters) -> torch.optim.Optimizer:
    return TensorFlowRMSprop(
        parameters,
        lr=settings.learning_rate,
        decay=_number(settings.decay),
        momentum=settings.momentum,
        eps=settings.epsilon,
    )


def _sgd(settings: AlgorithmSettings, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=settings.learning_rate, momentum=settings.momentum)


OPTIMIZERS.add("adam", OptimizerEntry(build=_adam, needs=("beta1", "beta2")))
OPTIMIZERS.add("rmsprop", OptimizerEntry(build=_rmsprop, needs=("decay",)))
OPTIMIZERS.add("rmsprop-tf", OptimizerEntry(build=_rmsprop_tf, needs=("decay",)))
OPTIMIZERS.add("sgd", OptimizerEntry(build=_sgd))


_SHARE = "share"
"""Key of a parameter group: what its learning rate is to that of the others; absent: equal."""


def make_optimizer(
    settings: AlgorithmSettings, module: nn.Module, *, context_rate: float = 1.0
) -> torch.optim.Optimizer:
    """Return the optimizer `settings.name` over the parameters of a network.

    The state of every optimizer consists of tensors, so a checkpoint can store it.

    Args:
        settings: the algorithm with its learning rate.
        module: the network.
        context_rate: learning rate of the context layers, as a share of that of all other layers. With another share
            than 1 they are a parameter group of their own.
    """
    optimizer = OPTIMIZERS[settings.name](settings, list(module.parameters()))
    layers = [layer for layer in module.modules() if isinstance(layer, ContextLayers)]
    slow = {id(parameter) for layer in layers for parameter in layer.parameters()}
    if slow and context_rate != 1:
        group = optimizer.param_groups[0]
        apart = [parameter for parameter in group["params"] if id(parameter) in slow]
        group["params"] = [parameter for parameter in group["params"] if id(parameter) not in slow]
        optimizer.add_param_group({**group, "params": apart, "lr": group["lr"] * context_rate, _SHARE: context_rate})
    return optimizer


def fresh_state(settings: AlgorithmSettings, shape: torch.Size) -> dict[str, Tensor]:
    """Return an optimizer's state tensors for a parameter of this shape after one step with a gradient of zeros."""
    parameter = nn.Parameter(torch.zeros(shape))
    parameter.grad = torch.zeros(shape)
    optimizer = OPTIMIZERS[settings.name](settings, [parameter])
    optimizer.step()
    return {name: value for name, value in optimizer.state[parameter].items() if isinstance(value, Tensor)}


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of an optimizer, and of a group with a share that share of it. Tensors change in place."""
    for group in optimizer.param_groups:
        own = rate * group.get(_SHARE, 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(own)
        else:
            group["lr"] = own


def learning_rate_of(optimizer: torch.optim.Optimizer) -> float:
    """Return the learning rate of all but the context layers. If it is a tensor on a GPU, the host waits for it."""
    return float(optimizer.param_groups[0]["lr"])
