"""Choose machine-dependent settings by timing trial rounds before a run; a resumed run keeps them.

Only what was left open is tried. What is decided goes into the run's config.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from .. import config as configs
from ..config import Config
from ..config.fields import AUTO
from ..nn.fast_conv.convolution import CONVOLUTIONS
from ..training.adapter import PreparedData
from ..training.calibration import (
    MAX_GROWTH,
    evaluation_rounds,
    fastest_of,
    fewest_threads,
    largest_free,
    thread_counts,
    thread_seconds,
)
from ..training.trial import ONE_OF_EACH, RoundTimer
from ..utils.devices import pick_device
from ..utils.threads import cores, max_threads, threads_of_environment

WIDTHS = ("generator.width", "critic.width")
BATCH, EVERY, CONVOLUTION = "training.batch_size", "evaluation.every", "training.convolution"

LIKELIHOOD_ROUNDS = 32
"""Trial rounds of maximum likelihood."""

PASSES, FEW_STEPS = 20, 3_000
"""Most passes over the data by maximum likelihood, unless these are fewer steps."""

SPARE_SHARE = 0.1
"""Share of the minutes of a run by maximum likelihood that is left for checkpoints and a machine that gets slower."""


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """A config with nothing left open that depends on the machine."""

    config: Config
    notes: tuple[str, ...] = ()
    """What was tried and what came of it, a line each."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a config is decided for; another one in tests."""

    device: torch.device
    threads_set: int | None
    """What the environment says, None: nothing."""

    max_threads: int
    clock: Callable[[], float] = time.perf_counter
    timer: type[RoundTimer] = RoundTimer
    """Times the rounds of trials."""

    @classmethod
    def of(cls, config: Config) -> Machine:
        """Return the machine that this process is on, with the device that a config names."""
        device = pick_device(config.training.device)
        return cls(device=device, threads_set=threads_of_environment(), max_threads=max_threads())


def calibrate(data: PreparedData, given: Config, decided: Config, machine: Machine | None = None) -> Calibrated:
    """Decide what was left open and depends on the machine.

    Args:
        data: that the run is to learn from.
        given: the config as it was asked for.
        decided: the same with all decided that depends on the data.
        machine: None: this one.
    """
    machine = machine or Machine.of(decided)
    if machine.device.type == "cpu":
        sized = with_threads(data, decided, machine)
    else:
        sized = _with_sizes(data, given, decided, machine)
    planned = with_likelihood_steps(data, sized.config, machine)
    return Calibrated(config=planned.config, notes=sized.notes + planned.notes)


def with_threads(data: PreparedData, decided: Config, machine: Machine | None = None) -> Calibrated:
    """Decide the number of threads where it was left open: as the environment says, else by trial; none on a GPU.

    Fewer threads may well be faster where others use the cores too. The number decides how sums are rounded, so it is
    chosen once, before the first round, and never again.
    """
    machine = machine or Machine.of(decided)
    if decided.training.threads is not None or machine.device.type != "cpu":
        return Calibrated(config=decided)
    threads, notes = machine.threads_set, tuple[str, ...]()
    if threads is None and machine.max_threads == 1:
        threads = 1
    if threads is None:
        timer = machine.timer(data.trial(decided), decided, machine.device, clock=machine.clock)
        trainer = timer.trainer(ONE_OF_EACH)
        counts = thread_counts(machine.max_threads)
        seconds = thread_seconds(counts, lambda count: timer.seconds_of(trainer, count, rounds=1), machine.clock)
        threads = fewest_threads(seconds)
        times = ", ".join(f"{1_000 * taken:.3g} ms with {count}" for count, taken in seconds.items())
        notes = (f"threads: {threads} (a trial round took {times}; to choose, use --set training.threads=N)",)
    return Calibrated(config=configs.override(decided, {"training.threads": threads}), notes=notes)


def with_likelihood_steps(data: PreparedData, decided: Config, machine: Machine | None = None) -> Calibrated:
    """Decide the number of steps of maximum likelihood that has only minutes: as many as fit, by trial.

    The learning rate falls until the last step, which has to be known before the first. More than PASSES over the data
    are not planned, since the strings would be copies of training items more and more often. If the phase of maximum
    likelihood ends before the minutes do, adversarial rounds fill the rest, and nothing is decided.
    """
    training = decided.training
    if not training.likelihood_steps or training.steps is not None or training.minutes is None:
        return Calibrated(config=decided)
    machine = machine or Machine.of(decided)
    trial = data.trial(decided)
    timer = machine.timer(trial, decided, machine.device, clock=machine.clock)
    trainer = timer.trainer({"training.likelihood_steps": training.likelihood_steps})
    taken = timer.seconds_of(trainer, training.threads, rounds=LIKELIHOOD_ROUNDS)
    taken += sum(timer.evaluation_seconds(trainer)) / decided.evaluation.every
    fitting = max(1, int(60 * training.minutes * (1 - SPARE_SHARE) / taken))
    enough = max(FEW_STEPS, PASSES * trial.size // training.batch_size)
    steps = min(fitting, enough)
    if steps >= training.likelihood_steps:
        return Calibrated(config=decided)
    why = f"a trial step took {1_000 * taken:.3g} ms with its share of an evaluation"
    if steps < fitting:
        why = f"more than {steps * training.batch_size / trial.size:.0f} passes over the data make copies of it"
    note = f"steps: {steps:,} ({why}; to choose, use --steps N)"
    return Calibrated(config=configs.override(decided, {"training.steps": steps}), notes=(note,))


def threads_here(config: Config) -> int | None:
    """Return how many threads a run is to compute with: its own number, or the cores where there are fewer."""
    threads = config.training.threads
    return None if threads is None else min(threads, cores())


def threads_note(config: Config) -> str | None:
    """Return what whoever trains should know of the number of threads; None: nothing."""
    threads, here, named = config.training.threads, threads_here(config), threads_of_environment()
    if threads != here:
        return f"the run has {threads} threads, but there are {here} cores here: it goes on, but not bit for bit"
    if named is not None and threads is not None and threads != named:
        return f"training.threads is {threads}; OMP_NUM_THREADS={named} would give other rounding, and is not used"
    return None


def _with_sizes(data: PreparedData, given: Config, decided: Config, machine: Machine) -> Calibrated:
    """Choose widths, batch, convolution and cadence of evaluations by what a round costs on the device."""
    left_open = {name for name in (*WIDTHS, BATCH, EVERY) if operator.attrgetter(name)(given) == AUTO}
    if decided.training.convolution == "auto":
        left_open.add(CONVOLUTION)
    if not left_open:
        return Calibrated(config=decided)
    trial, chosen = data.trial(decided), dict[str, object]()
    timer = machine.timer(trial, decided, machine.device, clock=machine.clock)

    def seconds(more: Mapping[str, object]) -> float:
        return timer.round_seconds({**chosen, **more})

    widths = sorted(left_open.intersection(WIDTHS))
    if widths:
        start = max(int(operator.attrgetter(name)(decided)) for name in widths)
        width = largest_free(start, MAX_GROWTH * start, lambda size: seconds(dict.fromkeys(widths, size)))
        chosen |= dict.fromkeys(widths, width)
    if BATCH in left_open:
        size = decided.training.batch_size
        chosen[BATCH] = largest_free(size, max(size, trial.size // 2), lambda batch: seconds({BATCH: batch}))
    if CONVOLUTION in left_open:
        chosen[CONVOLUTION] = fastest_of(CONVOLUTIONS, lambda name: seconds({CONVOLUTION: name}))
    trainer = timer.trainer(chosen)
    taken = timer.seconds_of(trainer)
    if EVERY in left_open:
        chosen[EVERY] = evaluation_rounds(taken, *timer.evaluation_seconds(trainer))
    words = ", ".join(f"{name} = {value}" for name, value in chosen.items())
    note = f"measured on {machine.device.type}: {words} (a round takes {1_000 * taken:.3g} ms)"
    return Calibrated(config=configs.override(decided, chosen), notes=(note,))
