"""Train in a run folder. Training can be stopped at any time and resumed exactly."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import config as configs
from ..config import Config
from ..domains import DOMAINS
from ..errors import ConfigError, SeqganError
from ..model import Model
from ..registry import load_plugins
from ..training.batches import check_divisible
from ..training.distributed.process_group import ALONE, ProcessGroup
from ..training.domain import Domain
from ..training.record import Record
from ..training.trainer import Trainer
from ..utils.devices import pick_device
from ..utils.malloc import keep_memory
from ..utils.messages import warn
from ..utils.threads import computing_with
from .calibrate import calibrate, threads_here
from .checkpoint import read_checkpoint, read_initial
from .fine_tune import starting_model
from .finish import OnPhase, finish
from .folder import RunFolder, claimed_run, read_config, write_config
from .outcome import INTERRUPTED, Outcome
from .prepare import prepare_run
from .session import OnRecord, Session, begin_with, check_ahead


def run_training(
    run: RunFolder,
    overrides: Mapping[str, object] | None = None,
    *,
    on_record: OnRecord | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    world: ProcessGroup = ALONE,
    from_best: bool = False,
    on_phase: OnPhase = lambda _what: None,
) -> Outcome:
    """Train in a run folder, from its checkpoint or from the start, until training ends or is interrupted.

    It computes with the threads that the run's config has; afterwards this process has as many as before.

    Args:
        run: a run made by `create`.
        overrides: settings changed for the rest of the run: training.steps, .minutes or .device. A new end replaces the
            planned one; see `replace_end`.
        on_record: called after every step.
        should_stop: called after every step. When it returns True, the run is saved and can be resumed later.
        world: the process group that trains the run, of any size. All processes call this function; the first writes.
        from_best: resume from the best model instead of the last checkpoint; the optimizers start afresh.
        on_phase: called with what is done after training, where the settings in `refinement` ask for it.

    Raises:
        Diverged: a loss or gradient is not finite; the last good checkpoint stays.
        CheckpointError, ConfigError: the run is incomplete, in use or cannot be written; or the batch size cannot be
            divided by the number of processes.
        ProcessGroupError: another process has ended; the last good checkpoint stays.
        OSError: the disk is full; the last good checkpoint stays.
    """
    keep_memory()

    def settings() -> Config:
        config = configs.replace_end(configs.override(read_config(run), overrides or {}), overrides or {}, begun=True)
        check_divisible(config, world.size)
        return config

    if not world.first:
        config = world.shared(settings)
        with computing_with(threads_here(config)):
            return _follow(run, config, world, should_stop, from_best=from_best)
    with run.locked(), contextlib.ExitStack() as stack:
        config = world.shared(settings)
        stack.enter_context(computing_with(threads_here(config)))
        journal = Session(run, config, world, from_best=from_best)
        try:
            if overrides:
                at = journal.trainer
                check_ahead(run, config.training, overrides, step=at.step, seconds=at.seconds)
                write_config(run, config)
            outcome = journal.train(on_record, should_stop)
        finally:
            journal.close()
        if outcome.reason != INTERRUPTED and not finish(run, config, should_stop, on_phase):
            return replace(outcome, reason=INTERRUPTED)
        return outcome


def _follow(
    run: RunFolder, config: Config, world: ProcessGroup, should_stop: Callable[[], bool], *, from_best: bool
) -> Outcome:
    """Train in a process other than the first, which writes the files; return the outcome without measures.

    Args:
        run: the run, in a folder that this machine can read.
        config: the config of the first process.
        world: the process group.
        should_stop: called after every step.
        from_best: see `run_training`.
    """
    device = pick_device(config.training.device)
    domain = DOMAINS[config.domain].open(run.path, config, device)
    trainer = Trainer.from_config(domain, config, device, world)
    checkpoint = read_checkpoint(
        run,
        lambda found: trainer.load_state(dict(found.tensors), step=found.facts.step, seconds=found.facts.seconds),
        from_best=from_best,
    )
    if checkpoint is None:
        begin_with(trainer, read_initial(run, config))
    for _ in trainer.run(should_stop):
        pass
    reason = world.shared(str)
    if reason != INTERRUPTED:
        trainer.samples()  # all processes generate samples; the first measures them
    return Outcome(reason=reason, step=trainer.step, seconds=trainer.seconds)


def train(
    corpus: Any,
    *,
    recipe: str | None = None,
    start_from: str | Path | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    settings: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_record: Callable[[Record], None] | None = None,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Model:
    """Train a model on lines of text, on images or on points, and return it.

    Args:
        corpus: for text, a path, a pattern of paths, the name of a bundled corpus, or a sequence of strings. A sequence
            of paths, or of fewer than 16 strings with files among them, names several inputs, which are concatenated.
            For images, "mnist" or a folder of files in IDX format. For points, "toy:NAME".
        recipe: name of the recipe to start from; it determines the kind of data. None: fast.
        start_from: for text: a run folder or model file; training begins with its weights and settings instead of a
            recipe's. See docs/training.md.
        steps: number of training rounds; None: that of the recipe, or without limit if minutes are given.
        minutes: training time in minutes. Training ends at the first limit reached.
        seed: random seed.
        device: "auto", "cpu", "cuda" or "mps".
        settings: dotted setting -> value, e.g. `{"generator.width": 128}`.
        out: folder for the run and its report; None: only the returned model is kept.
        overwrite: replace a run at `out`.
        on_record: called after every step.
        progress: show the progress on stderr: as a panel on a terminal and in a notebook that has ipywidgets, as lines
            elsewhere.
        plugins: Python files that register losses, penalties, networks or optimizers.

    Raises:
        ConfigError, CorpusError, Diverged: see the classes.
    """
    load_plugins(plugins)
    flags = configs.given("training", steps=steps, minutes=minutes, seed=seed, device=device)
    changes = {**(settings or {}), **flags}
    if recipe is not None and start_from is not None:
        raise ConfigError("recipe and start_from are both given", "leave one of the two out")
    start = None if start_from is None else starting_model(start_from)
    config = configs.recipe(recipe or "fast", changes) if start is None else start.settings(changes)
    adapter = DOMAINS[config.domain]
    config = configs.override(config, adapter.settings(corpus))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run" if out is None else Path(out)
        with claimed_run(folder, overwrite=overwrite) as claim:
            found = adapter.scan(corpus, config)
            config = calibrate(found, config, found.decide(config)).config
            weights = None if start is None else start.initial(found.trial(config).spec, config).tensors
            run = prepare_run(claim, found, config, initial=weights)
            with watched(run, on_record, progress=progress) as on_each:
                run_training(run, on_record=on_each)
            if out is not None:
                report_or_warn(run)
        return Model.load(run.path, device=config.training.device)


@contextlib.contextmanager
def watched(run: RunFolder, on_record: Callable[[Record], None] | None, *, progress: bool) -> Iterator[OnRecord | None]:
    """Give what a run calls after every step: `on_record`, and the display of the progress if asked for."""
    if not progress:
        yield None if on_record is None else lambda record, _domain: on_record(record)
        return
    from .progress import TrainingProgress, library_console

    with TrainingProgress(library_console(), read_config(run)) as shown:

        def both(record: Record, domain: Domain) -> None:
            shown.show(record, domain)
            if on_record is not None:
                on_record(record)

        yield both


def report_or_warn(run: RunFolder) -> None:
    """Write the report of a run; a failure is only a warning, since the run is complete without it."""
    from .report.page import write_report  # here, since the import of matplotlib takes a second

    try:
        write_report(run)
    except (SeqganError, OSError) as error:
        warn(f"the report could not be written: {error}", stacklevel=3)
