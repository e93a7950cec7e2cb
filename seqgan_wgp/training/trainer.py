"""Trainer: runs rounds, evaluations and diagnostics, and yields a record of each step. It prints and writes nothing.

All random numbers are functions of (seed, stream, counter), so the state of a run is its tensors and its step number.
A trainer that loads them continues as if training had never stopped, bit for bit, and several processes can train one
run.

The mathematics is in loop.py and steps.py, the training state in state.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Config
from ..errors import Diverged, one_line
from ..utils.counter_rng import Stream
from ..utils.devices import matmul_precision
from .build import Components, build
from .diagnostics.collect import diagnose
from .distributed.process_group import ALONE, ProcessGroup
from .domain import Domain, Items
from .engines.cuda_graph import RECORDERS, GraphedRound, unsupported_reason
from .labels import labels_of
from .latents import block_size_of, generate, recalibrate_batchnorm, run_latents
from .likelihood import (
    LIKELIHOOD_METRICS,
    LikelihoodGenerator,
    held_out_items,
    is_likelihood_round,
    likelihood_round,
)
from .loop import ROUND_METRICS, eager_round, set_rates, warm_up
from .optimizers import learning_rate_of
from .overlap import PendingEvaluation, Snapshot, begin_evaluation, evaluation_thread, overlaps
from .record import Record, RoundMetrics
from .state import initial_state


class Trainer:
    """Trains a generator and a critic, and yields a record after every step.

    Args:
        domain: the data.
        components: loss, penalty, networks, optimizers and schedule; the networks are on `device`.
        config: everything else: batch size, intervals between evaluations and records, when to stop.
        device: device of training; the domain's tensors must be there too.
        group: the processes of distributed training, each of which has its own trainer.

    Attributes:
        train_state: networks, moving average, optimizers, step, and all else that rounds read and change.
        notes: messages for the user that no record has carried yet.
    """

    def __init__(
        self,
        domain: Domain,
        components: Components,
        config: Config,
        device: torch.device,
        group: ProcessGroup = ALONE,
    ) -> None:
        self.domain, self.config, self.device, self.group = domain, config, device, group
        self.train_state = initial_state(domain, components, config, device, group)
        self.notes: list[str] = []
        self._fallback_noted = False
        self._recalibrated_step: int | None = None
        self._graphable = True
        self._graph: GraphedRound | None = None
        self._last = RoundMetrics((), torch.zeros(0))
        self._shown: Snapshot | None = None
        """The state at the yielded record, if further rounds have been run since; see overlap.py."""

    @classmethod
    def from_config(cls, domain: Domain, config: Config, device: torch.device, group: ProcessGroup = ALONE) -> Trainer:
        """Return a trainer of the parts that a config names."""
        return cls(domain, build(config, domain.spec, device), config, device, group)

    @property
    def step(self) -> int:
        """Number of rounds done, as of the last yielded record."""
        return self.train_state.step if self._shown is None else self._shown.step

    @property
    def seconds(self) -> float:
        """Total training time, including the time before each resume."""
        return self.train_state.seconds if self._shown is None else self._shown.seconds

    @property
    def sampler(self) -> nn.Module:
        """The generator of samples: with the moving average or the latest weights, as `model.weights` says."""
        return self.train_state.average if self.config.model.weights == "average" else self.train_state.generator

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
        """Train to the configured steps or minutes, and yield a record after every step.

        Every record has losses; measures and samples come every `evaluation.every` steps, diagnostics every
        `log.diagnostics`. The time of a record includes everything since the first step.

        In distributed training all processes yield records and end after the same step; only the first measures and
        diagnoses.

        If evaluations overlap training (overlap.py), further rounds may have been run when an evaluation's record is
        yielded; their records follow at once. Until then this trainer shows the state of the evaluation's step.

        Args:
            should_stop: called after each step, in every process; if it returns true in one, all stop.

        Raises:
            Diverged: a loss or a gradient is not finite.
            ProcessGroupError: another process has ended, or has different weights.
        """
        state = self.train_state
        began = time.perf_counter() - state.seconds
        self.group.sync_initial(state.step, self.state)
        if overlaps(self.config, self.device, self.group):
            yield from self._run_ahead(began, should_stop)
            return
        while not self._over(should_stop):
            record = self._advance()
            samples = self.samples() if self._evaluates() else None
            measures = (
                {} if samples is None or not self.group.first else self.domain.score(samples) | self._likelihood()
            )
            yield self._stamped(replace(record, measures=measures, samples=samples), began)

    def _run_ahead(self, began: float, should_stop: Callable[[], bool]) -> Iterator[Record]:
        """Do as `run`, but continue with further rounds while another thread evaluates."""
        with evaluation_thread() as worker:
            while not self._over(should_stop):
                record = self._advance()
                if not self._evaluates():
                    yield self._stamped(record, began)
                    continue
                pending = self._begin_evaluation(record, worker, began)
                self._train_ahead(pending, began, should_stop)
                samples, measures = pending.result.result()
                self._shown = pending.snapshot
                try:
                    yield replace(pending.record, samples=samples, measures=measures)
                    ends = not pending.stopped and should_stop()
                finally:
                    self._shown = None
                if ends:  # the evaluation ends the run, so the rounds since are undone
                    self._roll_back(pending.snapshot)
                    return
                yield from pending.ahead
                if pending.failure is not None:
                    raise pending.failure
                if pending.stopped:
                    return

    def _begin_evaluation(self, record: Record, worker: ThreadPoolExecutor, began: float) -> PendingEvaluation:
        def more() -> dict[str, float]:
            self.train_state.generator.train()
            return self._likelihood()

        result = begin_evaluation(worker, self.domain, self._generated(), more)
        record = replace(self._stamped(record, began), learning_rates=self.learning_rates())
        snapshot = Snapshot(
            step=record.step,
            seconds=record.seconds,
            tensors={name: tensor.clone() for name, tensor in self.train_state.tensors().items()},
            last=self._last,
            learning_rates=record.learning_rates,
        )
        return PendingEvaluation(record=record, snapshot=snapshot, result=result)

    def _train_ahead(self, pending: PendingEvaluation, began: float, should_stop: Callable[[], bool]) -> None:
        """Run rounds until the evaluation is done, or the next evaluation, the end or a graph recording is due."""
        every, state = self.config.evaluation.every, self.train_state
        while not (pending.result.done() or self.finished() or (state.step + 1) % every == 0 or self._records_next()):
            if should_stop():
                pending.stopped = True
                return
            try:
                pending.ahead.append(self._stamped(self._advance(), began))
            except Exception as error:  # noqa: BLE001 - raised again behind the records that come before it
                pending.failure = error
                return

    def _roll_back(self, snapshot: Snapshot) -> None:
        """Restore the state of an earlier step."""
        self.train_state.restore(snapshot.tensors)
        self.train_state.step, self.train_state.seconds = snapshot.step, snapshot.seconds
        set_rates(self.train_state, snapshot.step - 1)
        self._recalibrated_step, self._last = snapshot.step, snapshot.last

    def _records_next(self) -> bool:
        """Return whether the next round may be recorded as a graph; no other thread may use the device then."""
        asked = self.config.training.engine
        return self._graph is None and self._graphable and asked in ("auto", "graph") and self.device.type in RECORDERS

    def _advance(self) -> Record:
        """Run a round, and check weights and diagnose if due; return the record, without time and evaluation."""
        state, log = self.train_state, self.config.log
        losses = self.round()
        if state.step % log.every == 0:
            self.group.check_same(self._weights(), state.step)
        diagnosed = self.group.first and log.diagnostics and state.step % log.diagnostics == 0
        with matmul_precision(self.config.training.precision, self.device):
            diagnosis = diagnose(state) if diagnosed else {}
        notes = self._new_notes()
        return Record(step=state.step, seconds=state.seconds, losses=losses, diagnosis=diagnosis, notes=notes)

    def _stamped(self, record: Record, began: float) -> Record:
        """Return a record with the present time, and with learning rates if the record will be kept."""
        self.train_state.seconds = time.perf_counter() - began
        record = replace(record, seconds=self.train_state.seconds)
        # Learning rates are read only for records that are kept, because on a GPU the host waits for them.
        return replace(record, learning_rates=self.learning_rates()) if record.due(self.config.log.every) else record

    def finished(self) -> bool:
        """Return whether the configured steps or minutes are reached."""
        limit = self.config.training
        return self._steps_done() or (limit.minutes is not None and self.seconds >= 60 * limit.minutes)

    def round(self) -> RoundMetrics:
        """Run one round: n_critic critic steps, then the generator steps. Return its metrics.

        Gulrajani et al. 2017, Algorithm 1, lines 1 to 13: one iteration of the outer loop. The first adversarial round
        starts with the warm-up, if there is one.
        """
        state = self.train_state
        set_rates(state, state.step)
        with matmul_precision(self.config.training.precision, self.device):
            names: tuple[str, ...] = ROUND_METRICS
            if is_likelihood_round(self.config, state.step):
                names, measured = LIKELIHOOD_METRICS, likelihood_round(state)
            else:
                if state.step == self.config.training.likelihood_steps:
                    warm_up(state)
                graph = self._recorded()
                measured = eager_round(state) if graph is None else graph()
        state.step += 1
        self._last = RoundMetrics(names, measured)
        # Reading metrics makes the host wait for the GPU, so they are read only at records and evaluations.
        if self.device.type == "cpu" or state.step % self.config.log.every == 0 or self._evaluates():
            self._check_finite()
        return self._last

    def samples(self) -> Items:
        """Return the samples of an evaluation, compact items (N, ...), in all processes; the latents never change."""
        source = self._generated()
        parts = self.group.gather(lambda: [self.domain.spec.decode(fake) for fake in source])
        self.train_state.generator.train()
        return np.concatenate(parts)

    def _generated(self) -> Iterator[Tensor]:
        """Yield this process's share of the generated points of an evaluation, in blocks."""
        self._recalibrate()
        self._tune()
        count, block_size = self.domain.samples, block_size_of(self.config)
        blocks = self.group.slice_of(math.ceil(count / block_size))
        start, stop = blocks.start * block_size, min(blocks.stop * block_size, count)
        labels = labels_of(self.domain.spec)
        return generate(
            self.sampler.eval(),
            lambda index_B: run_latents(self.config, Stream.SAMPLE_LATENT, index_B, labels),
            start,
            stop - start,
            self.device,
            block_size=block_size,
        )

    def _tune(self) -> None:
        """Tune the sampling of a generator with a likelihood, and copy its tuned buffers to both sets of weights."""
        sampler, state = self.sampler, self.train_state
        if isinstance(sampler, LikelihoodGenerator):
            sampler.tune(held_out_items(self.domain, self.config.training.seed))
            tuned = dict(sampler.named_buffers())
            for module in (state.generator, state.average):
                for name, buffer in module.named_buffers():
                    buffer.copy_(tuned[name])

    def _likelihood(self) -> dict[str, float]:
        """Return the mean negative log-likelihood of held-out items, if the generator has a likelihood."""
        sampler = self.sampler
        if not isinstance(sampler, LikelihoodGenerator):
            return {}
        return {"nll": sampler.nll(held_out_items(self.domain, self.config.training.seed))}

    def state(self) -> dict[str, Tensor]:
        """Return all tensors by name. Together with `step` and `seconds` they are a complete checkpoint."""
        if self._shown is not None:
            return self._shown.tensors
        self._recalibrate()
        self._check_finite()
        return self.train_state.tensors()

    def load_state(self, tensors: dict[str, Tensor], *, step: int, seconds: float) -> None:
        """Load the result of `state`. Raises CheckpointError when a tensor is missing or of another shape."""
        self.train_state.load(tensors, step=step, seconds=seconds)
        set_rates(self.train_state, max(0, step - 1))  # the rates of the last round
        self._recalibrated_step = None
        self._graph = None  # it refers to other tensors
        self._last = RoundMetrics((), torch.zeros(0))

    def learning_rates(self) -> dict[str, float]:
        """Return the learning rates of the last round, by their names in records."""
        if self._shown is not None:
            return self._shown.learning_rates
        optimizers = self.train_state.optimizers
        return {
            "generator_learning_rate": learning_rate_of(optimizers.generator),
            "critic_learning_rate": learning_rate_of(optimizers.critic),
        }

    def _over(self, should_stop: Callable[[], bool]) -> bool:
        """Return whether to stop, the same answer in all processes. Only the first one's clock counts."""
        if self._steps_done():
            return True
        # After an evaluation the answer is exchanged at once; otherwise it travels with the next gradients.
        asked = should_stop() or (self.group.first and self.finished())
        return self.group.any_rank(asked, at_once=self._evaluates())

    def _steps_done(self) -> bool:
        limit = self.config.training.steps
        return limit is not None and self.train_state.step >= limit

    def _evaluates(self) -> bool:
        return self.train_state.step % self.config.evaluation.every == 0

    def _recorded(self) -> GraphedRound | None:
        """Return the recorded round, or None to run rounds eagerly; add a note if a graph was asked for in vain.

        The first round of a run is always eager, because the optimizers create their state in it.
        """
        asked = self.config.training.engine
        if self._graph is None and self._graphable and asked in ("auto", "graph"):
            why = unsupported_reason(self.train_state)
            if why is None and self.step:
                try:
                    self._graph = GraphedRound(self.train_state)
                except RuntimeError as error:
                    why, asked = f"it cannot be recorded here ({one_line(error)[:200]})", "graph"
            self._graphable = why is None
            if why is not None and asked == "graph":
                self.notes.append(
                    f"training.engine is {self.config.training.engine}, but {why}: rounds are done eagerly"
                )
        return self._graph

    def _check_finite(self) -> None:
        for name, value in self._last.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} is {value} at step {self.step}",
                    "lower the learning rates of optimizer.critic and optimizer.generator, or set objective.constraint",
                )

    def _new_notes(self) -> tuple[str, ...]:
        """Return the notes since the last call."""
        fell_back = self.train_state.engine.fell_back
        if fell_back is not None and not self._fallback_noted:
            self._fallback_noted = True
            self.notes.append(
                f"training.engine is {self.config.training.engine}, but {fell_back}; steps are eager ones"
            )
        notes, self.notes = tuple(self.notes), []
        return notes

    def _recalibrate(self) -> None:
        """Recompute the batch norm statistics of the averaged generator, at most once per step."""
        if self._recalibrated_step != self.train_state.step:
            recalibrate_batchnorm(self.train_state.average, self.config, self.device, labels_of(self.domain.spec))
            self._recalibrated_step = self.train_state.step

    def _weights(self) -> Iterator[Tensor]:
        return (tensor for module in self.train_state.modules().values() for tensor in module.state_dict().values())
