"""Evaluate in a thread of its own while rounds go on, with the results of evaluating before the next round.

What an evaluation generates is queued on the device before further rounds are, so it comes from the weights of its
step. A copy of the state of that step is kept until the evaluation is done: the best model is saved from it, and where
the evaluation ends the run, the run goes back to it.
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
"""Generated points that may wait on the device to be decoded; more are decoded before further rounds."""


def overlaps(config: Config, device: torch.device, group: ProcessGroup) -> bool:
    """Say whether evaluations of a run go on beside its rounds.

    By default on a GPU, whose host has little else to do. Many processes evaluate together and wait for each other.
    With `training.precision` other than float32, rounds change flags of the whole process that scoring computes by.
    """
    asked = config.evaluation.overlap
    possible = group.size == 1 and (device.type == "cpu" or config.training.precision == "float32")
    return possible and (asked == "always" or (asked == "auto" and device.type == "cuda"))


@final
@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a run after a step."""

    step: int
    seconds: float
    tensors: dict[str, Tensor]
    """Copies."""

    last: RoundMetrics
    learning_rates: dict[str, float]


@final
@dataclass(kw_only=True)
class PendingEvaluation:
    """An evaluation that goes on in a thread, and what has been done since it began."""

    record: Record
    """Of its step, without measures and samples."""

    snapshot: Snapshot
    result: Future[tuple[Items, dict[str, float]]]
    ahead: list[Record] = field(default_factory=list)
    """Of the rounds since."""

    stopped: bool = False
    """Whether whoever trains asked for the end while it went on."""

    failure: Exception | None = None
    """What ended the rounds since."""


def evaluator() -> ThreadPoolExecutor:
    """Return the thread that evaluations go on in; it computes with as many threads as the one that asks."""
    return ThreadPoolExecutor(1, "evaluation", initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),))


def begin(
    worker: ThreadPoolExecutor, domain: Domain, fakes: Iterator[Tensor], more: Callable[[], dict[str, float]]
) -> Future[tuple[Items, dict[str, float]]]:
    """Generate samples, and have them decoded and scored in the worker's thread.

    Args:
        worker: of one thread.
        domain: decodes and scores.
        fakes: generated points, part after part; all are taken before this returns.
        more: measures here, when all is generated, what is measured on the weights themselves.
    """
    decode: Callable[[Tensor], Items] = domain.spec.decode
    held = 4 * domain.samples * math.prod(domain.spec.event_shape) <= HELD_BYTES
    parts: list[Tensor] | list[Items] = list(fakes) if held else [decode(fake) for fake in fakes]

    beside = more()

    def measured() -> tuple[Items, dict[str, float]]:
        samples = np.concatenate([decode(part) if isinstance(part, Tensor) else part for part in parts])
        return samples, domain.score(samples) | beside

    return worker.submit(measured)
