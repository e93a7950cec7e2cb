"""What the tests of many processes have each of them do.

Everything here is done by a world of one too, in the process of the tests, so that they can compare.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.errors import Diverged, ProcessGroupError
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.distributed.process_group import ProcessGroup
from seqgan_wgp.training.distributed.rendezvous import join
from seqgan_wgp.training.domain import Domain
from seqgan_wgp.training.trainer import Trainer

from ..launching import ended, launch
from .problems import PointDomain, PointSpec

CPU = torch.device("cpu")
ROUNDS, BATCH = 20, 13

_SMALL: dict[str, object] = {
    "corpus.length": 9,
    "generator.latent": 8,
    "generator.width": 8,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": BATCH,  # divisible by neither 2 nor 3
    "training.critic_steps": 2,
    "training.steps": ROUNDS,
    "evaluation.every": 10,
    "evaluation.samples": 1200,  # three blocks, the last one not full
    "log.every": 4,
    "log.diagnostics": 10,
    # The last bias of a wgan critic has no gradient but rounding errors, which Adam would divide by their own size.
    "optimizer.critic.epsilon": 1e-6,
}
_NO_PENALTY: dict[str, object] = {
    "objective.loss": "gan-ns",
    "objective.constraint": "none",
    "objective.penalty_weight": 0.0,
}

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "text": ("text", {}),
    "gp": ("points", {"objective.constraint": "gp"}),
    "gp-segment": ("points", {"objective.constraint": "gp-segment"}),
    "r1": ("points", {"objective.loss": "gan-ns", "objective.constraint": "r1"}),
    "clip": ("points", {"objective.constraint": "clip", "objective.penalty_weight": 0.0, "objective.clip": 0.05}),
    "spectral": ("points", {"objective.constraint": "spectral", "objective.penalty_weight": 0.0}),
    "lsgan": ("points", _NO_PENALTY | {"objective.loss": "lsgan"}),
    "noise": ("points", {"training.noise": 0.3, "training.noise_steps": 12}),
    # Decided by losses: they must be those of the whole batch, or the processes would not do as many steps.
    "warm-up": ("points", _NO_PENALTY | {"training.warm_up": 500, "training.warm_up_until": 1.2}),
    "repeated": ("points", _NO_PENALTY | {"training.extra_steps_above": 0.6, "training.extra_steps_max_rises": 2}),
}


class DoubleForm(PointSpec):
    """The same points in float64, so that slopes at them are too."""

    def embed(self, ids: Tensor) -> Tensor:
        return ids.double()


class DoubleDomain(PointDomain):
    """The same points."""

    spec = DoubleForm()


class Trained(TypedDict):
    """What came of a training; plain values, as processes hand them on."""

    state: dict[str, Tensor]
    losses: list[dict[str, float]]
    step: int


def config(**changes: object) -> Config:
    """Return the small config, changed."""
    return override(recipe("fast"), _SMALL | changes)


def domain(kind: str, settings: Config, folder: Path, *, double: bool) -> Domain:
    """Return integer points, or short pseudo-words kept in a folder."""
    if kind == "points":
        return DoubleDomain() if double else PointDomain()
    syllables = np.array(["ka", "ro", "mi", "ten", "sul", "ba"])
    chosen = np.random.default_rng(0).integers(0, len(syllables), (1_500, 3))
    lines = ["".join(row) for row in syllables[chosen].tolist()]
    folder.mkdir(parents=True)
    return TextDomain(prepare(scan(open_source(lines), settings.corpus), folder), settings, CPU)


def trainer(case: str, world: ProcessGroup, folder: Path, *, double: bool = True, **changes: object) -> Trainer:
    """Return a trainer of a case; in float64, so that the order of sums makes no difference worth mention."""
    kind, own = CASES[case]
    settings = config(**(own | changes))
    data = domain(kind, settings, folder / f"{case}-{world.rank}", double=double)
    made = Trainer.from_config(data, settings, CPU, world)
    for network in (made.train_state.generator, made.train_state.average, made.train_state.critic) if double else ():
        network.double()
        network.register_forward_pre_hook(_doubled)
    return made


def _doubled(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each.double() if each.is_floating_point() else each for each in inputs)


def train(case: str, world: ProcessGroup, folder: Path) -> Trained:
    """Train a case to its end."""
    made = trainer(case, world, folder)
    losses = [dict(record.losses) for record in made.run()]
    return {"state": _copied(made.state()), "losses": losses, "step": made.step}


def first_gradients(case: str, world: ProcessGroup, folder: Path) -> list[Tensor]:
    """Return the gradients of the first critic step and of the first generator step, in float32."""
    made = trainer(case, world, folder / "first", double=False, **{"training.critic_steps": 1})
    made.round()
    networks = (made.train_state.critic, made.train_state.generator)
    return [parameter.grad for network in networks for parameter in network.parameters() if parameter.grad is not None]


def samples(world: ProcessGroup, folder: Path) -> Any:
    """Return what an evaluation of first weights measures."""
    return trainer("text", world, folder / "samples", double=False).samples()


def stop(world: ProcessGroup, folder: Path) -> int:
    """Tell one process, the last, to stop after 3 steps; return how many were done."""
    asked = iter(range(3))

    def should_stop() -> bool:
        return world.rank == world.size - 1 and next(asked, None) is None

    made = trainer("gp", world, folder / "stop")
    for _ in made.run(should_stop):
        pass
    return made.step


def differ(world: ProcessGroup, folder: Path) -> str:
    """Change one weight of the last process a little after two steps; return what is said, and when."""
    made = trainer("gp", world, folder / "differ")
    with contextlib.suppress(ProcessGroupError):
        for record in made.run():
            if record.step == 2 and world.rank == world.size - 1:
                with torch.no_grad():
                    next(made.train_state.critic.parameters()).view(-1)[0] += 1e-6
        return "nothing"
    return f"step {made.step}"


def diverge(world: ProcessGroup, folder: Path) -> str:
    """Train with rates at which nothing is finite for long; return what is said."""
    wild = {"optimizer.critic.learning_rate": 10.0, "objective.penalty_weight": 1e30, "training.steps": 5_000}
    try:
        for _ in trainer("gp", world, folder / "diverge", double=False, **wild).run():
            pass
    except Diverged as error:
        return error.message
    return "nothing"


def run_training(world: ProcessGroup, folder: Path, state: Path | None) -> Trained | None:
    """Go on from a file of tensors and a step to the step behind it, if there is one."""
    if state is None:
        return None
    tensors, begin, end = torch.load(state)
    made = trainer("gp", world, folder / "go-on", **{"training.steps": end})
    if begin:
        made.load_state(tensors, step=begin, seconds=0)
    losses = [dict(record.losses) for record in made.run()]
    return {"state": _copied(made.state()), "losses": losses, "step": made.step}


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.items()}


def everything(cases: Iterable[str], state: Path | None, world: ProcessGroup, folder: Path) -> dict[str, Any]:
    """Do all of the above, trainings of these cases; return what came of it by name."""
    return {
        **{f"trained {case}": train(case, world, folder) for case in cases},
        **{f"gradients {case}": first_gradients(case, world, folder) for case in ("text", "gp")},
        "samples": samples(world, folder),
        "stop": stop(world, folder),
        "differ": differ(world, folder),
        "diverge": diverge(world, folder),
        "gone on": run_training(world, folder, state),
        "shared": world.shared(lambda: f"of {world.rank}"),
        "gathered": world.gather(lambda: [world.rank] * world.rank),
        "sums": world.average([torch.tensor([1.0 + world.rank]), torch.ones(2, 1)], share=0.5),
        "tells": world.should_report(ProcessGroupError("of all")),
    }


def in_processes(count: int, folder: Path, task: Callable[..., Any], *arguments: object) -> list[Any]:
    """Return what came of a task, (*arguments, world, folder), in each of so many processes."""
    assert ended(launch(count, _write, folder, task, arguments)) == [0] * count
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def _write(folder: Path, task: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    world = join()
    torch.save(task(*arguments, world, folder), folder / f"{world.rank}.pt")
    world.leave()
