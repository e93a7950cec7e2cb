"""The graph engine: record a whole round as one CUDA graph and replay it with a single call.

For networks of the usual sizes, a GPU finishes a kernel faster than the host can launch the next one; a replayed graph
removes that wait. Everything that differs between rounds is in tensors that the host fills before each replay: the
round's number, which determines all noise, the real batches, and the decay of the moving average.

A recording is used only if its first replay leaves the training state as an eager round does, up to rounding.
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
"""Tolerance of the comparison of a recorded and an eager round, relative to the change that the eager round makes."""

SPREAD = 10.0
"""Tolerance relative to the difference of two eager rounds from the same state: kernels may add in any order."""

ROUNDING = 1e-6
"""Tolerance relative to the tensor itself."""

WARM_UP = 3
"""Rounds that are run before recording, and undone: CUDA loads libraries and allocates workspaces in the first ones."""

Do = Callable[[], Tensor]
"""Runs a round; returns its metrics."""


def record_on_cuda(do: Do, device: torch.device) -> Do:
    """Record a round as a CUDA graph; return a function that replays it and returns the same tensor each time.

    It runs warm-up rounds on a separate stream, as recording requires, so it changes the training state.

    Raises:
        RuntimeError: the round cannot be recorded, for example because the host waits for the device within it.
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
"""Device type -> function that records a round there."""


def unsupported_reason(state: TrainState) -> str | None:
    """Return why the rounds of a run cannot be recorded, or None if they can."""
    settings, optimizers = state.config.training, state.config.optimizer
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
    for name, optimizer in (("generator", optimizers.generator), ("critic", optimizers.critic)):
        if optimizer.lr_decay_steps and optimizer.name != "adam":
            return f"optimizer.{name}.lr_decay_steps changes the step size of {optimizer.name} from round to round"
    return None


@final
class StaticRound:
    """A round that reads all inputs that differ between rounds from tensors at fixed addresses."""

    def __init__(self, state: TrainState) -> None:
        self._state = state
        self._number = torch.zeros((), dtype=torch.int64, device=state.device)
        self._decay = torch.zeros((), device=state.device)
        self._reals = [state.batches.real(k).clone() for k in range(state.config.training.critic_steps)]

    def fill(self) -> None:
        """Write the inputs of the next round into these tensors."""
        state = self._state
        set_rates(state, state.step)
        state.batches.prepare(state.step)
        self._number.fill_(state.step)
        self._decay.fill_(average_decay(state, state.step + 1))
        for k, real in enumerate(self._reals):
            real.copy_(state.batches.real(state.schedule.critic_step_number(state.step, k)), non_blocking=True)

    def do(self) -> Tensor:
        """Run the round with these inputs. The host neither waits nor makes a decision."""
        measured = one_round(self._state, self._number, self._reals)
        update_average(self._state, self._decay)
        return measured


@final
class GraphedRound:
    """A recorded round. The tensors of the training state must keep their addresses.

    One round must have been run before, because optimizers create their state in their first step.

    Raises:
        RuntimeError: the round cannot be recorded, or its replay gives other results; the state is unchanged.
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
        """Run the next round; return its metrics."""
        self._round.fill()
        return self._replay().clone()

    def _after(self, do: Do, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run a round from the state `before`; return the state after it and its metrics, by name."""
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
    """Return the names of the tensors in which a recorded round differs from the eager round.

    Args:
        before: the state before the round; a missing tensor counts as 0.
        expected: the state after an eager round.
        again: the state after a second eager round from the same state, which shows how much varies by chance.
        found: the state after the recorded round; a tensor that is not finite differs.
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
