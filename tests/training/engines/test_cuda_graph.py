"""Rounds that are recorded leave the state that eager rounds leave; recorded here on the CPU (see `replaying`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config.schema import AlgorithmSettings
from seqgan_wgp.registry import OptimizerEntry
from seqgan_wgp.training import optimizers
from seqgan_wgp.training.engines import cuda_graph
from seqgan_wgp.training.engines.cuda_graph import differing
from seqgan_wgp.training.optimizers import OPTIMIZERS
from seqgan_wgp.training.state import ModuleOptimizers, Modules, restore_tensors, tensors_of
from seqgan_wgp.training.trainer import Trainer

from ..registering import replace_entry
from ..replaying import record_on_tape
from ..stand_ins import RECIPES, trainer_of

ROUNDS = 4

_PARTS = ("generator", "critic")


@pytest.fixture(autouse=True)
def on_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have rounds on the CPU recorded, and step sizes of Adam that fall kept in tensors, as on a GPU."""
    adam = optimizers._adam

    def as_on_a_gpu(settings: AlgorithmSettings, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        algorithm = adam(settings, parameters)
        if settings.lr_decay_steps:
            for group in algorithm.param_groups:
                group["lr"] = torch.tensor(group["lr"])
        return algorithm

    replace_entry(monkeypatch, optimizers.OPTIMIZERS, "adam", OptimizerEntry(build=as_on_a_gpu))
    monkeypatch.setitem(cuda_graph.RECORDERS, "cpu", record_on_tape)


def pair(name: str, settings: dict[str, object]) -> tuple[Trainer, Trainer]:
    """An eager trainer and one whose rounds are recorded, after some rounds of both."""
    eager, recorded = (trainer_of(name, settings | {"training.engine": engine}) for engine in ("eager", "graph"))
    for _ in range(ROUNDS):
        expected, found = dict(eager.round()), dict(recorded.round())
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    return eager, recorded


def check_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        # The average alone is rounded otherwise: how much of it stays is a tensor in float32 there.
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("name", RECIPES)
def test_recorded_rounds_of_every_recipe_leave_the_state_of_eager_ones(name: str) -> None:
    eager, recorded = pair(name, {})
    assert recorded.notes == []
    assert recorded._graph is not None
    check_equal(recorded.state(), eager.state())


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_recorded_rounds_with_every_optimizer_leave_the_state_of_eager_ones(name: str, momentum: float) -> None:
    settings = {"name": name, "decay": 0.9, "momentum": momentum, "learning_rate": 1e-2, "lr_decay_steps": 0}
    eager, recorded = pair(
        "fast", {f"optimizer.{part}.{key}": value for part in _PARTS for key, value in settings.items()}
    )
    assert recorded._graph is not None
    check_equal(recorded.state(), eager.state())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("fast", {"objective.constraint": "spectral", "objective.penalty_weight": 0, "objective.loss": "hinge"}),
        ("fast", {"generator.normalization": "batch"}),
        ("fast", {"critic.ngrams": 3}),
        ("fast", {"generator.context": "mixing", "critic.context": "attention", "generator.self_modulation": True}),
        ("fast", {"critic.dilation_growth": 2, "objective.loss": "rpgan", "objective.constraint": "r1r2"}),
        ("fast", {"critic.normalization": "weight", "generator.normalization": "weight"}),
        ("fast", {"training.noise": 0.1, "training.generator_steps": 2}),
        ("fast", {"training.engine": "auto", "training.precision": "bf16"}),
        ("fast", {"corpus.label": "group", "critic.context": "mixing"}),
        ("fast", {"corpus.label": "group", "training.generator_steps": 2, "training.critic_steps": 2}),
        ("mnist-gan", {"training.generator_steps": 2}),
    ],
    ids=str,
)
def test_recorded_rounds_with_state_of_other_kinds_leave_that_of_eager_ones(
    name: str, settings: dict[str, object]
) -> None:
    if settings.get("objective.constraint") == "spectral":
        settings = settings | {"objective.penalty_every": 1}
    eager, recorded = pair(name, settings)
    assert recorded._graph is not None
    check_equal(recorded.state(), eager.state())


def test_to_record_a_round_changes_nothing() -> None:
    trainer = trainer_of("mnist-wgan-bn", {"training.engine": "graph"})
    trainer.round()
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    places = {name: tensor.data_ptr() for name, tensor in trainer.state().items()}
    cuda_graph.GraphedRound(trainer.train_state)
    after = trainer.state()
    assert all(torch.equal(tensor, before[name]) for name, tensor in after.items())
    assert {name: tensor.data_ptr() for name, tensor in after.items()} == places


def test_a_state_that_is_loaded_is_gone_on_from() -> None:
    eager, recorded = pair("mnist-wgan", {})
    other = trainer_of("mnist-wgan", {"training.engine": "graph"})
    for _ in range(2):
        other.round()  # so that it has a recording, which must not be used any more
    other.load_state(recorded.state(), step=recorded.step, seconds=0)
    for _ in range(ROUNDS):
        eager.round()
        other.round()
    check_equal(other.state(), eager.state())


# What is recorded wrongly is found, and not used


def test_before_the_optimizers_have_their_state_nothing_is_recorded_and_nothing_left() -> None:
    trainer, eager = trainer_of("mnist-wgan", {"training.engine": "auto"}), trainer_of("mnist-wgan", {})
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    with pytest.raises(RuntimeError, match="first step"):
        cuda_graph.GraphedRound(trainer.train_state)
    after = trainer.state()
    assert after.keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in after.items())
    trainer.round()
    eager.round()
    check_equal(trainer.state(), eager.state())


@pytest.mark.parametrize("key", ["mean_square", "last_step"])
def test_state_that_does_not_begin_where_that_of_eager_rounds_does_is_found(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = restore_tensors

    def zeroing(modules: Modules, algorithms: ModuleOptimizers, tensors: dict[str, Tensor]) -> None:
        restore(modules, algorithms, tensors)
        for name, tensor in tensors_of(modules, algorithms).items():
            if name.endswith(key) and recorded:
                tensor.zero_()

    recorded = False

    def record(do: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
        nonlocal recorded
        replay = record_on_tape(do, device)
        recorded = True
        return replay

    trainer = trainer_of("mnist-wgan", {"optimizer.critic.momentum": 0.5, "training.engine": "graph"})
    trainer.round()
    monkeypatch.setitem(cuda_graph.RECORDERS, "cpu", record)
    monkeypatch.setattr("seqgan_wgp.training.state.restore_tensors", zeroing)
    with pytest.raises(RuntimeError, match="it leaves .* otherwise"):
        cuda_graph.GraphedRound(trainer.train_state)


def test_a_round_that_leaves_out_a_part_is_found_though_it_measures_the_same() -> None:
    def without_average(do: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
        replay = record_on_tape(do, device)
        replay.tape.operations = [each for each in replay.tape.operations if "_foreach_lerp_" not in str(each[0])]
        return replay

    check_falls_back("fast", without_average, "average")


def test_a_replay_that_does_nothing_is_found_though_it_measures_the_same() -> None:
    def idle(do: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
        replay = record_on_tape(do, device)
        measured = replay()
        return lambda: measured

    check_falls_back("toy", idle, "otherwise")


def test_a_round_in_which_the_host_waits_is_not_recorded() -> None:
    def waiting(do: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
        return record_on_tape(lambda: do() * float(do().sum().item() == 0), device)

    check_falls_back("toy", waiting, "capturing")


def check_falls_back(
    name: str, recorder: Callable[[Callable[[], Tensor], torch.device], Callable[[], Tensor]], why: str
) -> None:
    """Hold that a faulty recording is told of once, and that rounds are then the eager ones, bit for bit."""
    faulty, eager = (trainer_of(name, {"training.engine": engine}) for engine in ("auto", "eager"))
    cuda_graph.RECORDERS["cpu"] = recorder  # the fixture puts it back
    for _ in range(ROUNDS):
        faulty.round()
        eager.round()
    assert faulty._graph is None
    (note,) = faulty.notes
    assert why in note
    expected = eager.state()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in faulty.state().items())


def test_chance_is_told_from_fault() -> None:
    start = {"w": torch.zeros(3)}
    once, twice = {"w": torch.tensor([1.0, 2.0, 3.0])}, {"w": torch.tensor([1.0, 2.0, 3.1])}
    near = {"w": torch.tensor([1.0, 2.0, 3.2])}
    assert differing(start, once, twice, near) == []
    assert differing(start, once, once, near) == ["w"]
    assert differing(start, once, once, {"w": torch.full((3,), torch.nan)}) == ["w"]
    assert differing(start, once, once, once) == []
