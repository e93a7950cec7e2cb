"""Build optimizers from settings, and change their learning rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn

from ..config.schema import AlgorithmSettings
from ..registry import OPTIMIZERS as OPTIMIZERS
from ..registry import OptimizerEntry


@final
class TensorFlowRMSprop(torch.optim.Optimizer):
    """RMSProp as TensorFlow 1 has it (tf.train.RMSPropOptimizer), which published GANs were trained with.

    It differs from torch's in two places: epsilon is added under the root, and the mean of squared gradients begins at
    1, not 0, so that the first tens of steps are small. Tieleman and Hinton 2012 fix neither.

    Args:
        parameters: to change.
        lr: step size.
        decay: of the mean of squared gradients.
        momentum: share of the last step that is added to a step.
        eps: added to the mean of squared gradients, under the root.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, decay: float, momentum: float = 0.0, eps: float = 1e-10
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "momentum": momentum, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Do one step with the gradients that the parameters hold."""
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
    """Say whether an optimizer must keep its count of steps on the device, so that its steps can be recorded."""
    return parameters[0].device.type == "cuda"


def _adam(settings: AlgorithmSettings, parameters: Parameters) -> torch.optim.Optimizer:
    betas = (_number(settings.beta1), _number(settings.beta2))
    rate: float | Tensor = settings.learning_rate
    if settings.lr_decay_steps and _on_gpu(parameters):
        rate = torch.tensor(rate, device=parameters[0].device)  # where a recorded step finds it
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


def optimizer(settings: AlgorithmSettings, module: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that the settings name, over the parameters of `module`.

    The state that each keeps is tensors alone, so that a checkpoint holds it.
    """
    return OPTIMIZERS[settings.name](settings, list(module.parameters()))


def fresh_state(settings: AlgorithmSettings, shape: torch.Size) -> dict[str, Tensor]:
    """Return what an optimizer keeps for a parameter of a shape after its first step, with a gradient of zeros."""
    parameter = nn.Parameter(torch.zeros(shape))
    parameter.grad = torch.zeros(shape)
    algorithm = OPTIMIZERS[settings.name](settings, [parameter])
    algorithm.step()
    return {name: value for name, value in algorithm.state[parameter].items() if isinstance(value, Tensor)}


def set_rate(algorithm: torch.optim.Optimizer, rate: float) -> None:
    """Set the step size of what an optimizer does from now on, in its place if it is a tensor."""
    for group in algorithm.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def rate_of(algorithm: torch.optim.Optimizer) -> float:
    """Return the step size of an optimizer. Where it is a tensor on a GPU, the host waits for the device."""
    return float(algorithm.param_groups[0]["lr"])
