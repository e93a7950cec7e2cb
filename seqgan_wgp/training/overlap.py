"""Evaluate in a separate thread while training continues, with the same results as evaluating in between.

The samples of an evaluation are generated before any further round, so they come from the weights of its step. A copy
of the state of that step is kept until the evaluation is done. The best model is saved from this copy, and if the
evaluation ends the run, the run returns to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch import Tensor

from ..config import Config
from .distributed.process_group import ProcessGroup
from .domain import Domain, Items
from .record import Record, RoundMetrics

HELD_BYTES = 1 << 28
"""Most bytes of generated points that wait on the device to be decoded; larger samples are decoded at once."""


def overlaps(config: Config, device: torch.device, group: ProcessGroup) -> bool:
    """Return whether the evaluations of a run overlap its rounds.

    By default they do on a GPU, where the host has little else to do. In distributed training they do not, because all
    processes take part in an evaluation. With a `training.precision` other than float32 they do not on a GPU either,
    because rounds change precision flags of the whole process, which would affect scoring.
    """
    asked = config.evaluation.overlap
    possible = group.size == 1 and (device.type == "cpu" or config.training.precision == "float32")
    return possible and (asked == "always" or (asked == "auto" and device.type == "cuda"))


@final
@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A copy of the state of a run after a step."""

    step: int
    seconds: float
    tensors: dict[str, Tensor]

    last: RoundMetrics
    learning_rates: dict[str, float]


@final
@dataclass(kw_only=True)
class PendingEvaluation:
    """An evaluation in progress, and the rounds since it began."""

    record: Record
    """The record of its step, without measures and samples."""

    snapshot: Snapshot
    result: Future[tuple[Items, dict[str, float]]]
    ahead: list[Record] = field(default_factory=list)
    """The records of the rounds since."""

    stopped: bool = False
    """Whether the caller asked to stop in the meantime."""

    failure: Exception | None = None
    """The error that ended the rounds since; it is raised after their records."""


def evaluation_thread() -> ThreadPoolExecutor:
    """Return an executor with one thread for evaluations; torch uses as many threads in it as in this thread."""
    return ThreadPoolExecutor(1, "evaluation", initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),))


def begin_evaluation(
    worker: ThreadPoolExecutor, domain: Domain, fakes: Iterator[Tensor], more: Callable[[], dict[str, float]]
) -> Future[tuple[Items, dict[str, float]]]:
    """Generate samples here, and decode and score them in the worker's thread.

    Args:
        worker: the executor of `evaluation_thread`.
        domain: decodes and scores the samples.
        fakes: generated points, in parts; all are generated before this returns.
        more: returns further measures, of the weights themselves; called here, after generation.
    """
    decode: Callable[[Tensor], Items] = domain.spec.decode
    held = 4 * domain.samples * math.prod(domain.spec.event_shape) <= HELD_BYTES
    parts: list[Tensor] | list[Items] = list(fakes) if held else [decode(fake) for fake in fakes]

    beside = more()

    def measured() -> tuple[Items, dict[str, float]]:
        samples = np.concatenate([decode(part) if isinstance(part, Tensor) else part for part in parts])
        return samples, domain.score(samples) | beside

    return worker.submit(measured)
