"""The graph engine: record a whole round as one CUDA graph and replay it with a single call.

At the usual sizes a GPU works out a kernel faster than the host can start the next. What differs between rounds stands
in tensors that the host fills before each: the round's number, from which all noise follows, its real batches, and how
much the average remembers.

A recording is trusted only after its first replay has left the trainer's state as an eager round leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import torch
from torch import Tensor

from ..likelihood import LikelihoodGenerator
from ..loop import ROUND_METRICS, average_decay, eager_round, one_round, set_rates, update_average
from ..state import TrainState

ALIKE = 1e-2
"""How far from the eager round's a recorded round may leave a tensor, relative to how far the eager one moves it."""

SPREAD = 10.0
"""The same, relative to the distance between two eager rounds from one state: kernels may add in any order."""

ROUNDING = 1e-6
"""The same, relative to the tensor itself."""

WARM_UP = 3
"""Rounds that are done before recording, and undone: CUDA loads libraries and allocates workspaces in the first."""

Do = Callable[[], Tensor]
"""Does a round; returns what it measured."""


def record_on_cuda(do: Do, device: torch.device) -> Do:
    """Record a round as a CUDA graph; return what replays it, and returns the same tensor each time.

    It warms up on a stream of its own, as recording wants it. The state of whatever the round changes is then another.

    Raises:
        RuntimeError: the round cannot be recorded, e.g. since the host waits for the device within it.
    """
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            do()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        measured = do()

    def replay() -> Tensor:
        graph.replay()
        return measured

    return replay


RECORDERS: dict[str, Callable[[Do, torch.device], Do]] = {"cuda": record_on_cuda}
"""Type of device -> what records a round there."""


def unsupported_reason(state: TrainState) -> str | None:
    """Return why the rounds of a run cannot be recorded, or None."""
    settings, optimizer = state.config.training, state.config.optimizer
    if state.device.type not in RECORDERS:
        return f"it needs a GPU with CUDA, and the run is on {state.device.type}"
    if state.group.size > 1:
        return "the processes of a run exchange gradients within a round"
    if settings.extra_steps_above is not None:
        return "training.extra_steps_above decides within a round how many steps it has"
    if settings.generator_steps_more:
        return "training.generator_steps_more changes how many steps a round has"
    if isinstance(state.generator, LikelihoodGenerator):
        return f"the network {state.config.generator.network} draws one part of an item after another"
    if settings.noise_steps:
        return "training.noise_steps changes the noise from round to round"
    for name, algorithm in (("generator", optimizer.generator), ("critic", optimizer.critic)):
        if algorithm.lr_decay_steps and algorithm.name != "adam":
            return f"optimizer.{name}.lr_decay_steps changes the step size of {algorithm.name} from round to round"
    return None


@final
class StaticRound:
    """A round that reads everything that differs between rounds from tensors at fixed addresses."""

    def __init__(self, state: TrainState) -> None:
        self._state = state
        self._number = torch.zeros((), dtype=torch.int64, device=state.device)
        self._decay = torch.zeros((), device=state.device)
        self._reals = [state.batches.real(k).clone() for k in range(state.config.training.critic_steps)]

    def fill(self) -> None:
        """Write the inputs of the next round into those tensors."""
        state = self._state
        set_rates(state, state.step)
        state.batches.prepare(state.step)
        self._number.fill_(state.step)
        self._decay.fill_(average_decay(state, state.step + 1))
        for k, real in enumerate(self._reals):
            real.copy_(state.batches.real(state.schedule.critic_step_number(state.step, k)), non_blocking=True)

    def do(self) -> Tensor:
        """Do the round that was filled in; the host waits for nothing and decides nothing."""
        measured = one_round(self._state, self._number, self._reals)
        update_average(self._state, self._decay)
        return measured


@final
class GraphedRound:
    """A round that has been recorded. The tensors of the state must stay where they are.

    All of the state must be there before: the optimizers make theirs, each with its own first value, in their first
    step. So a round must have been done.

    Raises:
        RuntimeError: the round cannot be recorded, or what was recorded is another round; the state is as it was.
    """

    def __init__(self, state: TrainState) -> None:
        self._state, self._round = state, StaticRound(state)
        self._round.fill()
        before = _copied(state.tensors())
        try:
            expected = self._after(lambda: eager_round(state), before)
            again = self._after(lambda: eager_round(state), before)
            if expected.keys() != before.keys() | set(ROUND_METRICS):
                raise RuntimeError("an optimizer makes its state later than in its first step")
            self._replay = RECORDERS[state.device.type](self._round.do, state.device)
            found = self._after(self._replay, before)
            different = differing(before, expected, again, found)
            if different:
                raise RuntimeError(f"what was recorded is another round: it leaves {different[0]} otherwise")
        finally:
            self._restore(before)

    def __call__(self) -> Tensor:
        """Do the next round; return what it measured."""
        self._round.fill()
        return self._replay().clone()

    def _after(self, do: Do, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Do a round from the state `before`; return the state after it and what it measured, by name."""
        self._restore(before)
        measured = do()
        return _copied(self._state.tensors()) | dict(zip(ROUND_METRICS, measured.clone(), strict=True))

    def _restore(self, before: Mapping[str, Tensor]) -> None:
        self._state.restore(before)


def differing(
    before: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    again: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
) -> list[str]:
    """Return the names of the tensors for which a recorded round has other results than the eager round.

    Args:
        before: the state before the round; what is not in it counts as 0.
        expected: the state after the eager round.
        again: the same, of a second eager round from the same state: how much of it is chance.
        found: the state after the recorded round. What is not finite in it differs.
    """
    norms = []
    for name, tensor in expected.items():
        value, start = tensor.float(), before[name].float() if name in before else torch.zeros_like(tensor.float())
        apart = (found[name].float() - value, value - start, again[name].float() - value, value)
        norms.append(torch.stack([torch.linalg.vector_norm(each) for each in apart]))
    return [
        name
        for name, (away, moved, spread, size) in zip(expected, torch.stack(norms).tolist(), strict=True)
        if not away <= ALIKE * moved + SPREAD * spread + ROUNDING * size
    ]


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}
