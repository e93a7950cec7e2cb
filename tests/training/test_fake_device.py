"""Rounds of every kind stay on their device: nothing of the host gets in, and the host waits for nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from seqgan_wgp.nn.fast_conv.convolution import CONVOLUTIONS
from seqgan_wgp.nn.layers import CONTEXTS
from seqgan_wgp.registry import Network
from seqgan_wgp.toy.networks import CRITICS
from seqgan_wgp.training.engines.cuda_graph import StaticRound
from seqgan_wgp.training.engines.eager import PlainEngine
from seqgan_wgp.training.engines.table import ENGINES
from seqgan_wgp.training.loop import ROUND_METRICS, eager_round, set_rates
from seqgan_wgp.training.optimizers import OPTIMIZERS
from seqgan_wgp.training.penalties import CONSTRAINTS, between
from seqgan_wgp.training.trainer import Trainer

from .fake_device import NAME, CopyBetweenDevices, NoCopies, fake_device
from .registering import replace_entry
from .stand_ins import RECIPES, trainer_of


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    with fake_device(monkeypatch) as place:
        yield place


def check(trainer: Trainer) -> None:
    """Do a round as it is done eagerly, and as it is recorded, where nothing may be copied either."""
    state = trainer.train_state
    set_rates(state, state.step)
    check_measured(eager_round(state))
    static = StaticRound(state)
    static.fill()
    with NoCopies():  # type: ignore[no-untyped-call]
        measured = static.do()
    check_measured(measured)
    for name, tensor in state.tensors().items():
        assert tensor.device.type == NAME, name


def check_measured(measured: Tensor) -> None:
    assert measured.shape == (len(ROUND_METRICS),)
    assert measured.device.type == NAME


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "compiled"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_round_of_every_recipe_stays_on_the_device(name: str, engine: str, device: torch.device) -> None:
    check(trainer_of(name, {"training.engine": engine}, device))


_BESIDE: dict[str, dict[str, object]] = {
    "none": {"objective.loss": "lsgan"},
    "clip": {"objective.clip": 0.01},
    "spectral": {"objective.loss": "hinge"},
    "r1": {"objective.loss": "gan-ns"},
    "r1r2": {"objective.loss": "rpgan"},
    "dragan": {"objective.loss": "gan"},
    "dragan-notebook": {"objective.loss": "gan"},
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_round_with_every_constraint_stays_on_the_device(name: str, device: torch.device) -> None:
    penalised = CONSTRAINTS[name].slopes is not None
    thinning = 2 if penalised and not CONSTRAINTS[name].mixes_samples else 1
    settings = {
        "objective.constraint": name,
        "objective.penalty_every": thinning,
        "objective.penalty_weight": 10 * penalised,
    }
    check(trainer_of("fast", {**settings, **_BESIDE.get(name, {})}, device))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_round_with_every_optimizer_stays_on_the_device(name: str, device: torch.device) -> None:
    settings = {"name": name, "decay": 0.9, "momentum": 0.5}
    chosen = {f"optimizer.{part}.{key}": value for part in ("generator", "critic") for key, value in settings.items()}
    check(trainer_of("fast", chosen, device))


@pytest.mark.parametrize(
    "settings",
    [
        *({"generator.relaxation": name} for name in ("softmax", "straight-through", "sampled")),
        *({"generator.normalization": name} for name in ("none", "layer-channels", "instance", "weight", "batch")),
        *({"critic.normalization": name} for name in ("layer", "layer-channels", "instance", "weight")),
        *({"training.convolution": way, "critic.kernel": 5, "generator.kernel": 5} for way in CONVOLUTIONS),
        {"generator.latent_distribution": "uniform"},
        *({f"{part}.context": name} for part in ("generator", "critic") for name in CONTEXTS if name != "none"),
        {"generator.dilation_growth": 2, "critic.dilation_growth": 2, "generator.self_modulation": True},
        {"critic.ngrams": 3},
        *({"generator.soft_share": share} for share in (0.0, 0.5, 1.0)),
        {"generator.relaxation": "straight-through", "generator.soft_share": 0.0},
        {"training.noise": 0.1},
        {"training.generator_steps": 3},
    ],
    ids=str,
)
def test_a_round_with_every_setting_stays_on_the_device(settings: dict[str, object], device: torch.device) -> None:
    check(trainer_of("fast", settings, device))


# Planted faults are found


def with_cost(device: torch.device, cost: Callable[[Tensor], Tensor]) -> Trainer:
    """A trainer whose penalty is made of slopes (B,) by `cost`."""
    trainer = trainer_of("toy-wgan-gp", {"training.engine": "plain"}, device)
    state = trainer.train_state
    constraint = dataclasses.replace(state.objective.constraint, slopes=between, cost=cost)
    objective = dataclasses.replace(state.objective, constraint=constraint)
    state.engine = PlainEngine(state.generator, state.critic, objective, trainer.config)
    return trainer


def test_a_penalty_without_fault_passes(device: torch.device) -> None:
    check(with_cost(device, lambda slope_B: (slope_B - 1).pow(2).mean()))


@pytest.mark.parametrize(
    ("cost", "error"),
    [
        (lambda slope_B: slope_B.sum() / slope_B.sum().item(), DataDependentOutputException),
        (lambda slope_B: slope_B.sum() if slope_B.max() > 1 else slope_B.mean(), DataDependentOutputException),
        (lambda slope_B: slope_B.sum() / len(slope_B.tolist()), DataDependentOutputException),
        (lambda slope_B: slope_B[slope_B > 1].sum(), DynamicOutputShapeException),
    ],
    ids=["item", "branch", "tolist", "boolean index"],
)
def test_what_the_host_would_wait_for_is_found(
    cost: Callable[[Tensor], Tensor], error: type[Exception], device: torch.device
) -> None:
    with pytest.raises(error):
        check(with_cost(device, cost))


def test_what_lies_on_two_devices_is_found(device: torch.device) -> None:
    with pytest.raises(RuntimeError, match="devices"):
        check(with_cost(device, lambda slope_B: (slope_B - torch.ones(len(slope_B))).pow(2).mean()))


@pytest.mark.parametrize(
    "cost",
    [
        lambda slope_B: (slope_B - torch.ones(len(slope_B)).to(slope_B.device)).pow(2).mean(),
        lambda slope_B: slope_B.mean() + slope_B.detach().cpu().mean(),
    ],
    ids=["to the device", "to the host"],
)
def test_a_copy_within_what_is_recorded_is_found(cost: Callable[[Tensor], Tensor], device: torch.device) -> None:
    with pytest.raises(CopyBetweenDevices):
        check(with_cost(device, cost))


def test_a_critic_that_leaves_a_tensor_on_the_host_is_found(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = CRITICS["perceptron"]

    class Scaled(nn.Module):
        """A critic with a tensor that is no buffer, and so does not move with it."""

        def __init__(self, critic: nn.Module) -> None:
            super().__init__()
            self.critic, self.scale_2 = critic, torch.ones(2)

        def forward(self, x_B2: Tensor) -> Tensor:
            score_B: Tensor = self.critic(x_B2 * self.scale_2)
            return score_B

    replace_entry(
        monkeypatch,
        CRITICS,
        "perceptron",
        Network(build=lambda settings: Scaled(make(settings)), normalizations=make.normalizations),
    )
    with pytest.raises(RuntimeError, match="devices"):
        check(trainer_of("toy-wgan-gp", {"training.engine": "plain"}, device))
