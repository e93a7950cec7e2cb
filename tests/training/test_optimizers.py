"""Every optimizer does its own formula's step, keeps a state of tensors, and goes on from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config import override, recipe
from seqgan_wgp.config.schema import AlgorithmSettings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.nn.layers import ContextLayers
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build
from seqgan_wgp.training.optimizers import OPTIMIZERS, learning_rate_of, make_optimizer, set_learning_rate

SETTINGS = {
    "adam": AlgorithmSettings(name="adam", learning_rate=0.1, beta1=0.5, beta2=0.9, epsilon=1e-3),
    "rmsprop": AlgorithmSettings(name="rmsprop", learning_rate=0.1, decay=0.9, epsilon=1e-3),
    "rmsprop-tf": AlgorithmSettings(name="rmsprop-tf", learning_rate=0.1, decay=0.9, momentum=0.25, epsilon=1e-3),
    "sgd": AlgorithmSettings(name="sgd", learning_rate=0.1, momentum=0.5),
}
State = dict[str, float]


def adam(g: float, w: float, t: int, s: State) -> float:
    """Kingma and Ba 2015, Algorithm 1."""
    s["m"] = 0.5 * s.get("m", 0) + 0.5 * g
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g * g
    mean, square = s["m"] / (1 - 0.5**t), s["v"] / (1 - 0.9**t)
    return w - 0.1 * mean / (math.sqrt(square) + 1e-3)


def rmsprop(g: float, w: float, _t: int, s: State) -> float:
    """torch: the mean begins at 0, epsilon outside the root."""
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g * g
    return w - 0.1 * g / (math.sqrt(s["v"]) + 1e-3)


def rmsprop_tf(g: float, w: float, _t: int, s: State) -> float:
    """TensorFlow 1: the mean begins at 1, epsilon under the root, the step itself has momentum."""
    s["v"] = 0.9 * s.get("v", 1) + 0.1 * g * g
    s["d"] = 0.25 * s.get("d", 0) + 0.1 * g / math.sqrt(s["v"] + 1e-3)
    return w - s["d"]


def sgd(g: float, w: float, _t: int, s: State) -> float:
    s["b"] = 0.5 * s["b"] + g if "b" in s else g
    return w - 0.1 * s["b"]


BY_HAND: dict[str, Callable[[float, float, int, State], float]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "rmsprop-tf": rmsprop_tf,
    "sgd": sgd,
}


def weight(value: float = 2.0) -> nn.Module:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, value)
    return module


def step(module: nn.Module, algorithm: torch.optim.Optimizer, gradient: float) -> None:
    for parameter in module.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    algorithm.step()


def tensors(module: nn.Module, algorithm: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {key: value for parameter in module.parameters() for key, value in algorithm.state[parameter].items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_formula(name: str) -> None:
    assert name in BY_HAND, f"the optimizer {name!r} has no formula: add it to BY_HAND, and its settings to SETTINGS"
    module, state, expected = weight(), dict[str, float](), 2.0
    algorithm = make_optimizer(SETTINGS[name], module)
    for t, gradient in enumerate([0.3, -1.0, 0.2, 0.2, 4.0], start=1):
        step(module, algorithm, gradient)
        expected = BY_HAND[name](gradient, expected, t, state)
        assert next(module.parameters()).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_state_is_tensors_alone(name: str, momentum: float) -> None:
    module = weight()
    algorithm = make_optimizer(dataclasses.replace(SETTINGS[name], momentum=momentum), module)
    step(module, algorithm, 0.3)
    assert all(isinstance(value, Tensor) for value in tensors(module, algorithm).values())


@pytest.mark.parametrize("name", ["adam", "rmsprop", "rmsprop-tf"])
def test_what_an_optimizer_cannot_be_without_must_be_set(name: str) -> None:
    needed = {"adam": "beta1", "rmsprop": "decay", "rmsprop-tf": "decay"}[name]
    changes: dict[str, object] = {"optimizer.critic.name": name, "optimizer.critic.beta1": None}
    with pytest.raises(ConfigError, match=rf"optimizer\.critic\.{needed} is not set, but {name} needs it"):
        recipe("fast", changes)


def test_settings_of_an_optimizer_reach_it() -> None:
    group = make_optimizer(recipe("paper").optimizer.critic, weight()).param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (1e-4, (0.5, 0.9), 1e-8)


class WithContext(nn.Module):
    """A weight in a context layer and one outside, both 2."""

    def __init__(self) -> None:
        super().__init__()
        self.contexts = ContextLayers([weight()])
        self.own = weight()

    def moved(self) -> tuple[float, float]:
        """Return how far both are from 2, the one of the context layer first."""
        inside, outside = (2 - next(part.parameters()).item() for part in (self.contexts, self.own))
        return inside, outside


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_context_layers_take_their_share_of_a_step(name: str) -> None:
    module = WithContext()
    settings = dataclasses.replace(SETTINGS[name], momentum=0.0)
    algorithm = make_optimizer(settings, module, context_rate=0.25)
    for rate in (None, 0.3):
        if rate is not None:
            set_learning_rate(algorithm, rate)
        before = module.moved()
        for parameter in module.parameters():
            parameter.grad = torch.full_like(parameter, 0.7)
        algorithm.step()
        inside, outside = (after - start for after, start in zip(module.moved(), before, strict=True))
        assert outside > 0
        assert inside == pytest.approx(outside / 4, rel=1e-4)
        assert learning_rate_of(algorithm) == pytest.approx(rate or settings.learning_rate)


def test_one_group_holds_all_where_context_layers_have_no_share_of_their_own() -> None:
    assert len(make_optimizer(SETTINGS["adam"], WithContext()).param_groups) == 1
    assert len(make_optimizer(SETTINGS["adam"], weight(), context_rate=0.25).param_groups) == 1


def test_the_settings_give_context_layers_their_share() -> None:
    config = recipe("fast", {"generator.context": "mixing", "critic.context": "attention", "critic.context_rate": 0.5})
    config = override(config, {"generator.width": 4, "critic.width": 4, "generator.relaxation": "softmax"})
    optimizers = build(config, TextSpec(Vocabulary("abcd"), 8, {}), torch.device("cpu")).optimizers
    assert [group["lr"] for group in optimizers.generator.param_groups] == pytest.approx([2e-3, 0.03 * 2e-3])
    assert [group["lr"] for group in optimizers.critic.param_groups] == pytest.approx([4e-3, 0.5 * 4e-3])
