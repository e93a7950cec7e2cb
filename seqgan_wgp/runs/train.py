"""Train in a run's folder; training can be stopped at any time and resumed exactly."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import config as configs
from ..config import Config
from ..domains import adapter_for
from ..errors import SeqganError
from ..model import Model
from ..registry import load_plugins
from ..training.batches import check_divisible
from ..training.distributed.process_group import ALONE, ProcessGroup
from ..training.record import Record
from ..training.trainer import Trainer
from ..utils.devices import pick_device
from ..utils.malloc import keep_memory
from ..utils.tensor_file import read_tensor_file
from .folder import RunFolder, read_config, write_config
from .outcome import INTERRUPTED, Outcome
from .prepare import create
from .session import OnRecord, Session, check_ahead


def run_training(
    run: RunFolder,
    overrides: Mapping[str, object] | None = None,
    *,
    on_record: OnRecord | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    world: ProcessGroup = ALONE,
) -> Outcome:
    """Train in a run's folder, from its checkpoint or from the start, until it is done or told to stop.

    Args:
        run: as `create` made it.
        overrides: settings changed for the rest of the run: training.steps, .minutes or .device.
        on_record: called after every step.
        should_stop: asked after every step; when it says yes, the run is saved and can go on later.
        world: the processes that train it together, how many does not matter; all call this, and the first writes.

    Raises:
        Diverged: a loss or gradient is not finite; the last good checkpoint stays.
        CheckpointError, ConfigError: the folder is not a whole run, is in use, or cannot be written; or the batch
            cannot be divided among so many processes.
        ProcessGroupError: another process has ended; the last good checkpoint stays.
        OSError: the disk is full; the last good checkpoint stays.
    """
    keep_memory()

    def settings() -> Config:
        config = configs.override(read_config(run), overrides or {})
        check_divisible(config, world.size)
        return config

    if not world.first:
        return _follow(run, world.shared(settings), world, should_stop)
    with run.locked():
        config = world.shared(settings)
        journal = Session(run, config, world)
        try:
            if overrides:
                at = journal.trainer
                check_ahead(run, config.training, overrides, step=at.step, seconds=at.seconds)
                write_config(run, config)
            return journal.train(on_record, should_stop)
        finally:
            journal.close()


def _follow(run: RunFolder, config: Config, world: ProcessGroup, should_stop: Callable[[], bool]) -> Outcome:
    """Train beside the first process, which keeps the run, and write nothing; return how it ended, without measures.

    Args:
        run: in a folder that this machine sees too.
        config: that of the first process.
        world: of which this is not the first.
        should_stop: asked after every step.
    """
    device = pick_device(config.training.device)
    domain = adapter_for(config).open(run.path, config, device)
    trainer = Trainer.from_config(domain, config, device, world)
    if run.checkpoint.is_file():
        tensors, facts = read_tensor_file(run.checkpoint)
        trainer.load_state(tensors, step=facts["step"], seconds=facts["seconds"])
    for _ in trainer.run(should_stop):
        pass
    reason = world.shared(str)
    if reason != INTERRUPTED:
        trainer.samples()  # for the closing, of which the first process measures them all
    return Outcome(reason=reason, step=trainer.step, seconds=trainer.seconds)


def train(
    corpus: Any,
    *,
    recipe: str = "fast",
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    settings: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_record: Callable[[Record], None] | None = None,
    plugins: Sequence[str | Path] = (),
) -> Model:
    """Train a model on lines of text, on images or on points, and return it.

    Args:
        corpus: of text, a path, a pattern of paths, the name of a bundled corpus, or a sequence of strings. A sequence
            of paths, or of fewer than 16 strings with files among them, names several of the former, which follow each
            other. Of images, "mnist" or a folder of files in IDX form. Of points, "toy:NAME".
        recipe: name of the settings to start from; it decides which kind of data is learnt.
        steps: rounds of training; None: the recipe's.
        minutes: minutes of training; whichever of both comes first ends it.
        seed: of all noise.
        device: "auto", "cpu", "cuda" or "mps".
        settings: dotted setting -> value, e.g. `{"generator.width": 128}`.
        out: folder to keep the run in, with its report; None: nothing is kept but the model that is returned.
        overwrite: replace a run at `out`.
        on_record: called after every step.
        plugins: files of code that register losses, penalties, networks or optimizers for the settings to name.

    Raises:
        ConfigError, CorpusError, Diverged: see the classes.
    """
    load_plugins(plugins)
    flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
    given = {f"training.{name}": value for name, value in flags.items() if value is not None}
    config = configs.recipe(recipe, {**(settings or {}), **given})
    adapter = adapter_for(config)
    config = configs.override(config, adapter.settings(corpus))
    found = adapter.scan(corpus, config)
    config = found.decide(config)

    def run_in(folder: Path) -> RunFolder:
        run = create(found, config, folder, overwrite=overwrite)
        run_training(run, on_record=None if on_record is None else lambda record, _domain: on_record(record))
        return run

    with tempfile.TemporaryDirectory() as scratch:
        run = run_in(Path(scratch) / "run" if out is None else Path(out))
        if out is not None:
            _report(run)
        return Model.load(run.path, device=config.training.device)


def _report(run: RunFolder) -> None:
    """Write the report of a run; a failure is only a warning, since the run is complete without it."""
    from .report.page import write_report  # here, since what draws takes a second to import

    try:
        write_report(run)
    except (SeqganError, OSError) as error:
        warnings.warn(f"the report could not be written: {error}", stacklevel=3)
