"""A whole round as one CUDA graph: recorded once, then started by one call, however many kernels it has.

At the usual sizes a GPU works out a kernel faster than the host can start the next. What differs between rounds stands
in tensors that the host fills before each: the round's number, from which all noise follows, its real batches, and how
much the average remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from .. import schedule
from ..loop import average_decay, one_round, update_average

if TYPE_CHECKING:
    from ..trainer import Trainer

ALIKE = 1e-2
"""How far what a recorded round measures may lie from what it measured before."""

WARM_UP = 3
"""Rounds that are done before recording, and undone: they make whatever is made only once."""


def unsupported_reason(trainer: Trainer) -> str | None:
    """Return why a trainer's rounds cannot be recorded, or None."""
    settings, optimizer = trainer.config.training, trainer.config.optimizer
    if trainer.device.type != "cuda":
        return f"it needs a GPU with CUDA, and the run is on {trainer.device.type}"
    if trainer.world.size > 1:
        return "the processes of a run exchange gradients within a round"
    if settings.extra_steps_above is not None:
        return "training.extra_steps_above decides within a round how many steps it has"
    if settings.generator_steps_more:
        return "training.generator_steps_more changes how many steps a round has"
    if settings.noise_steps:
        return "training.noise_steps changes the noise from round to round"
    for name, algorithm in (("generator", optimizer.generator), ("critic", optimizer.critic)):
        if algorithm.lr_decay_steps and algorithm.name != "adam":
            return f"optimizer.{name}.lr_decay_steps changes the step size of {algorithm.name} from round to round"
    return None


@final
class StaticRound:
    """A round that reads all that differs between rounds from tensors of fixed places."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._number = torch.zeros((), dtype=torch.int64, device=trainer.device)
        self._remembered = torch.zeros((), device=trainer.device)
        self._reals = [trainer.draws.real(k).clone() for k in range(trainer.config.training.critic_steps)]

    def fill(self) -> None:
        """Fill in what the trainer's next round has."""
        trainer, settings = self.trainer, self.trainer.config.training
        trainer.set_rates()
        self._number.fill_(trainer.step)
        self._remembered.fill_(average_decay(trainer, trainer.step + 1))
        for k, real in enumerate(self._reals):
            real.copy_(trainer.draws.real(schedule.critic_step_number(settings, trainer.step, k)), non_blocking=True)

    def do(self) -> Tensor:
        """Do the round that was filled in; the host waits for nothing and decides nothing."""
        measured = one_round(self.trainer, self._number, self._reals)
        update_average(self.trainer, self._remembered)
        return measured


@final
class GraphedRound:
    """A round that has been recorded. The tensors of the trainer's state must stay where they are.

    What it measures when it is first replayed is held against what the same round measured before it was recorded.

    Raises:
        RuntimeError: the round cannot be recorded, or what was recorded is another round; the state is as it was.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._round = trainer, StaticRound(trainer)
        self._round.fill()
        self._before = {name: tensor.clone() for name, tensor in trainer.state().items()}
        try:
            expected = self._warmed_up()
            self._restore()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._measured = self._round.do()
            self._graph.replay()
            if not torch.allclose(self._measured, expected, rtol=ALIKE, atol=ALIKE):
                raise RuntimeError("what was recorded is not the round that it should be")
        finally:
            self._restore()
            del self._before

    def __call__(self) -> Tensor:
        """Do the trainer's next round; return what it measured."""
        self._round.fill()
        self._graph.replay()
        return self._measured.clone()

    def _warmed_up(self) -> Tensor:
        """Do rounds on a stream of their own, as recording wants it; return what the first of them measured."""
        device = self._trainer.device
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            first, *_ = [self._round.do().clone() for _ in range(WARM_UP)]
        torch.cuda.current_stream(device).wait_stream(side)
        return first

    def _restore(self) -> None:
        for name, tensor in self._trainer.state().items():
            # The optimizers' own tensors come with their first step, as zeros.
            tensor.copy_(self._before[name]) if name in self._before else tensor.zero_()
