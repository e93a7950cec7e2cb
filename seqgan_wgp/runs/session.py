"""Train a run and write its files: metrics, samples, models and checkpoints.

A checkpoint contains everything that decides what comes next (weights, optimizers, step, best value so far, size of
the metrics file), so a resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from .. import config as configs
from ..config import Config
from ..config.schema import TrainingSettings
from ..domains import DOMAINS
from ..errors import ConfigError
from ..model import model_tensors
from ..training.build import making_networks
from ..training.distributed.process_group import ALONE, ProcessGroup
from ..training.domain import Domain, Items
from ..training.record import Record
from ..training.trainer import Trainer
from ..utils.counter_rng import Stream, sampled_indices
from ..utils.devices import device_note, pick_device
from ..utils.tensor_file import write_tensor_file
from .calibrate import threads_note
from .checkpoint import (
    BestSoFar,
    Checkpoint,
    CheckpointFacts,
    numbers_saved,
    read_checkpoint,
    read_initial,
    restore_previous,
    saved_progress,
    write_checkpoint,
)
from .folder import RunFolder, read_config
from .health.findings import Health
from .measures import selection_value
from .metrics_log import MetricsLog, read_records
from .outcome import INTERRUPTED
from .outcome import Outcome as Outcome
from .tensorboard import Board
from .trackers import TrackedRun, check_log_packages

FIRST_CHECKPOINT_SECONDS = 5.0
CHECKPOINT_SECONDS = 60.0
"""Time between checkpoints; the first comes sooner. It affects only how much work a crash can lose."""

OnRecord = Callable[[Record, Domain], None]


def check_ahead(run: RunFolder, limit: TrainingSettings, asked: Container[str], *, step: int, seconds: float) -> None:
    """Raise ConfigError if the requested end is already past; it counts from the start of the run.

    Args:
        run: the run, named in the message.
        limit: settings with the requested end.
        asked: dotted names of the settings that the user gave.
        step: present step of the run.
        seconds: training time so far.
    """
    if "training.steps" in asked and limit.steps is not None and limit.steps < step:
        raise ConfigError(
            f"{run.path}: is already at step {step:,}", "give a larger total: it includes the steps already done"
        )
    if "training.minutes" in asked and limit.minutes is not None and 60 * limit.minutes < seconds:
        trained = f"has already trained for {seconds / 60:.1f} minutes"
        raise ConfigError(f"{run.path}: {trained}", "give a larger total: it includes the minutes already spent")


def check_longer(run: RunFolder, asked: Container[str]) -> None:
    """Raise ConfigError if more minutes are requested of a run that has done all its steps of maximum likelihood.

    Its learning rate has fallen until the last step, so minutes do not extend it; see `replace_end`.

    Args:
        run: the run.
        asked: dotted names of the settings that the user gave.
    """
    training = read_config(run).training
    if "training.minutes" not in asked or "training.steps" in asked or not training.likelihood_steps:
        return
    at = saved_progress(run)
    if at is not None and training.steps is not None and at.step >= training.steps:
        raise ConfigError(
            f"{run.path}: has done all its {training.steps:,} steps, until which its learning rate has fallen",
            "give a larger total of steps instead of minutes: --steps N",
        )


def begin_with(trainer: Trainer, initial: Mapping[str, Tensor] | None) -> None:
    """Have a trainer begin with the weights of another model, if any. Raises CheckpointError when they do not fit."""
    if initial is not None:
        trainer.load_state(dict(initial), step=0, seconds=0.0)


class Session:
    """A trainer, and the files that are written from its records."""

    def __init__(self, run: RunFolder, config: Config, world: ProcessGroup = ALONE, *, from_best: bool = False) -> None:
        check_log_packages(config)
        device = pick_device(config.training.device)
        self.run, self.config, self.adapter = run, config, DOMAINS[config.domain]
        self.domain = self.adapter.open(run.path, config, device)
        with making_networks(numbers_saved(run)):
            self.trainer = Trainer.from_config(self.domain, config, device, world)
        notes = (device_note(config.training.device, device), threads_note(config))
        self.trainer.notes += [note for note in notes if note is not None]
        self.best = BestSoFar()
        self.measures: dict[str, float] = {}
        self.losses: Mapping[str, float] = {}
        run.make_folders()
        found = read_checkpoint(run, self._load, from_best=from_best)
        if found is None:
            begin_with(self.trainer, read_initial(run, config))
        size = self._go_on_from(found, from_best=from_best) if found is not None else 0
        self.records = MetricsLog(run.metrics, size)
        self.health = Health(config, self.domain.criterion, read_records(run.metrics))
        self.boards = (Board(run, config, self.trainer.step), TrackedRun(run, config))
        self.saved_step = self.trainer.step if size and not from_best else None
        self.next_save = time.monotonic() + FIRST_CHECKPOINT_SECONDS

    def train(self, on_record: OnRecord | None, should_stop: Callable[[], bool]) -> Outcome:
        """Train to the end and write the due files after every step."""
        if self._out_of_patience():
            self.best = replace(self.best, stale=0)  # the run had stopped early and is now continued

        def over() -> bool:
            return self._out_of_patience() or should_stop()

        for record in self.trainer.run(over):
            examined = self._write(record)
            if on_record is not None:
                on_record(examined, self.domain)
            # Not where the trainer is ahead of the record: those between are not written yet.
            if time.monotonic() >= self.next_save and record.step == self.trainer.step:
                self._save()
        reason = self.trainer.group.shared(self._reason)
        if reason != INTERRUPTED:
            return self._close(reason)
        self._save()
        self._write_film()
        return Outcome(reason=reason, step=self.trainer.step, seconds=self.trainer.seconds)

    def _out_of_patience(self) -> bool:
        patience = self.config.evaluation.patience
        return patience is not None and self.best.stale >= patience

    def _reason(self) -> str:
        if self._out_of_patience():
            return "patience"
        if not self.trainer.finished():
            return INTERRUPTED
        limit = self.config.training.steps
        return "steps" if limit is not None and self.trainer.step >= limit else "minutes"

    def close(self) -> None:
        """Close the files."""
        self.records.close()
        for board in self.boards:
            board.close()

    def _write(self, record: Record) -> Record:
        """Write the due files of a record; return the record with its findings."""
        self.losses = record.losses
        if record.samples is not None:
            self.measures = record.measures
            self._write_samples(record.step, record.samples)
            self._keep_best(record.step)
        if not record.due(self.config.log.every):
            return record
        entry = self._examined(record)
        self.records.append(entry)
        for board in self.boards:
            board.write(entry, sampled=record.samples is not None)
        return replace(record, health=entry.get("health", []))

    def _examined(self, record: Record) -> dict[str, Any]:
        entry = _entry(record)
        found = [finding.to_json() for finding in self.health.look(entry)]
        return entry | ({"health": found} if found else {})

    def _write_samples(self, step: int, samples: Items) -> None:
        self.adapter.write_samples(self.config, self.domain.spec, samples, self.run.samples(step))

    def _write_film(self) -> None:
        """Create an animation from the sample files on disk, so that it equals that of an uninterrupted run."""
        last, every = self.trainer.step, self.config.evaluation.every
        # Other files come from the end of a run that was resumed, or from steps that an interrupted run must repeat.
        shown = {
            step: file
            for step, file in self.run.sampled().items()
            if step == last or (step < last and step % every == 0)
        }
        self.adapter.write_film(shown, self.run.film)

    def _keep_best(self, step: int) -> None:
        value = selection_value(self.measures, self.domain.criterion)
        if self.best.value is None or value < self.best.value:
            self.best = BestSoFar(value=value, step=step)
            self._save_model(self.run.best)
        else:
            self.best = replace(self.best, stale=self.best.stale + 1)

    def _save(self) -> None:
        facts = CheckpointFacts(
            step=self.trainer.step,
            seconds=self.trainer.seconds,
            records_bytes=self.records.sync(),
            best=self.best,
            measures=self.measures,
            losses=dict(self.losses),
        )
        write_checkpoint(self.run, self.trainer.state(), facts)
        self._save_model(self.run.model)
        for board in self.boards:
            board.flush()
        self.saved_step = self.trainer.step
        self.next_save = time.monotonic() + CHECKPOINT_SECONDS

    def _load(self, found: Checkpoint) -> None:
        self.trainer.load_state(dict(found.tensors), step=found.facts.step, seconds=found.facts.seconds)

    def _go_on_from(self, found: Checkpoint, *, from_best: bool) -> int:
        """Take over what a checkpoint says beside its tensors; return the size of the records up to it."""
        facts = found.facts
        self.best, self.measures, self.losses = facts.best, facts.measures, facts.losses
        if from_best and facts.measures:
            self.best = replace(self.best, value=selection_value(facts.measures, self.domain.criterion))
        if found.note is not None:
            self.trainer.notes.append(found.note)
            if not from_best:
                restore_previous(self.run)
        return facts.records_bytes

    def _save_model(self, path: Path, metrics: Mapping[str, Any] | None = None) -> None:
        facts = {
            "config": configs.to_dict(self.config),
            "step": self.trainer.step,
            "seconds": self.trainer.seconds,
            "metrics": metrics or {"validation": self.measures},
            **self.domain.spec.to_facts(),
        }
        write_tensor_file(path, model_tensors(self.trainer.state()), facts)

    def _close(self, reason: str) -> Outcome:
        """Save, measure on both splits, and write a final record if none is due at this step."""
        if self.saved_step != self.trainer.step:
            self._save()
        samples = self.trainer.samples()
        validation, test = self.domain.score(samples), self.domain.score(samples, half="test")
        if self.trainer.step % self.config.evaluation.every:
            step, seconds = self.trainer.step, self.trainer.seconds
            rates = self.trainer.learning_rates()
            record = Record(step=step, seconds=seconds, losses=self.losses, learning_rates=rates, measures=validation)
            # Beyond the size stored in the checkpoint, so a resumed run drops it.
            self.records.append(self._examined(record) | {"final": True})
            self._write_samples(record.step, samples)
            for board in self.boards:
                board.write(_entry(record), sampled=True)
        self._write_film()
        self._save_model(self.run.model, {"validation": validation, "test": test})
        spec = self.domain.spec
        return Outcome(
            reason=reason,
            step=self.trainer.step,
            seconds=self.trainer.seconds,
            validation=validation,
            test=test,
            best_step=self.best.step,
            findings=self.health.findings,
            samples=spec.to_text(samples[:10]),
            real=spec.to_text(self.domain.batch(_some_items(self.domain)).cpu().numpy()),
        )


def _entry(record: Record) -> dict[str, Any]:
    seconds = round(record.seconds, 3)
    measured = {**record.losses, **record.learning_rates, **record.measures, **record.diagnosis}
    return {"step": record.step, "seconds": seconds, **measured}


def _some_items(domain: Domain) -> npt.NDArray[np.int64]:
    return sampled_indices(0, Stream.FLOOR, domain.size, 10)
