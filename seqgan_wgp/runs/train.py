"""Runs: prepare a folder, train in it, stop at any time, go on as if never stopped."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import config as configs
from ..config import FORMAT_VERSION, Config
from ..errors import CheckpointError, ConfigError, CorpusError, PluginError, SeqganError
from ..images import dataset as collections
from ..images import mnist
from ..images.dataset import Collection
from ..model import Model
from ..registry import load_plugins
from ..text.corpus import cache
from ..text.corpus.auto_settings import by_rule
from ..text.corpus.dataset import prepare
from ..text.corpus.scan import Scan, scan
from ..text.corpus.stats import Facts
from ..text.readers.open import Source, open_source
from ..text.readers.reader import OnBytes
from ..toy import spec as toys
from ..toy.spec import ToyFacts
from ..training.batches import check_divisible
from ..training.distributed.process_group import ALONE, ProcessGroup
from ..training.record import Record
from ..utils.atomic_files import new_file
from ..utils.malloc import keep_memory
from .elastic import mark
from .folder import RunFolder, building, check_version
from .session import OnRecord, Outcome, Session, check_ahead
from .tensorboard import check_installed
from .worker import follow


@dataclass(frozen=True, kw_only=True)
class PreparedData:
    """A corpus that has been looked at."""

    source: Source
    facts: Facts
    scan: Scan | None
    """What the first pass found; None where an earlier run has kept the corpus."""

    key: str | None
    """What it is kept under."""

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write ids, tokenizer and facts to a run's folder."""
        if self.scan is not None:
            prepare(self.scan, folder, on_bytes)
            cache.keep(self.key, folder)
            return
        kept = cache.find(self.key)
        if kept is None:
            raise CorpusError(f"{self.source.label}: what was kept of it has been deleted meanwhile", "try again")
        cache.copy(kept, folder, self.facts)


class Data(Protocol):
    """What a run learns from, once it has been looked at."""

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write it to a run's folder, as its mode opens it."""


def scan_data(
    corpus: Source | str | Path | Sequence[str] | Sequence[str | Path],
    config: Config,
    on_bytes: OnBytes = lambda _bytes: None,
) -> tuple[PreparedData, Config]:
    """Read a corpus once; return what it is, and the config with all that depends on it decided."""
    source = corpus if isinstance(corpus, Source) else open_source(corpus)
    key = cache.key(source, config.corpus)
    kept = cache.find(key)
    if kept is None:
        scanned = scan(source, config.corpus, on_bytes)
        found = PreparedData(source=source, facts=scanned.facts, scan=scanned, key=key)
    else:
        found = PreparedData(source=source, facts=cache.facts(kept, source), scan=None, key=key)
    return found, configs.override(config, by_rule(config, found.facts))


@dataclass(frozen=True, kw_only=True)
class PreparedImages:
    """Images that have been read."""

    collection: Collection

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write images and facts to a run's folder."""
        del on_bytes
        collections.write(self.collection, folder)


def scan_images(folder: Path, config: Config) -> PreparedImages:
    """Read the images of a folder with files in IDX form. Raises CorpusError when they cannot be learnt from."""
    name = "mnist" if folder == mnist.cache_folder() else folder.resolve().name
    return PreparedImages(collection=collections.read(mnist.find_images(folder), config.images, name))


@dataclass(frozen=True, kw_only=True)
class PreparedToy:
    """A distribution that is drawn from as training goes."""

    facts: ToyFacts

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write which it is to a run's folder."""
        del on_bytes
        toys.write(self.facts, folder)


def scan_toy(config: Config) -> PreparedToy:
    """Return the distribution that the settings name."""
    return PreparedToy(facts=toys.chosen(config.toy))


def create(
    found: Data, config: Config, out: Path, *, overwrite: bool = False, on_bytes: OnBytes = lambda _bytes: None
) -> RunFolder:
    """Prepare a run's folder: config, ids, tokenizer. Nothing of it is there unless all of it is.

    Raises:
        ConfigError: `out` is not empty (and not a run to overwrite), in use, or cannot be written; or what the config
            asks for is not installed.
        CorpusError: the corpus changed since it was scanned.
    """
    check_installed(config)
    with building(out, overwrite=overwrite) as folder:
        found.write(folder, on_bytes)
        _write_config(RunFolder(folder), config)
        mark(RunFolder(folder))
    return RunFolder(out)


def read_config(run: RunFolder) -> Config:
    """Return the config of a run. Raises CheckpointError when it cannot be read or is of a newer format."""
    try:
        tree = json.loads(run.config.read_text(encoding="utf-8"))
        version = int(tree.pop("format_version"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{run.config}: cannot be read ({error})", "the run needs the file as it was") from None
    check_version(run.config, version)
    try:
        return configs.from_dict(tree)
    except PluginError as error:
        raise PluginError(f"{run.config}: {error.message}", error.remedy) from None
    except ConfigError as error:
        raise CheckpointError(f"{run.config}: {error.message}", error.remedy) from None


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
        WorldError: another process has ended; the last good checkpoint stays.
        OSError: the disk is full; the last good checkpoint stays.
    """
    keep_memory()

    def settings() -> Config:
        config = configs.override(read_config(run), overrides or {})
        check_divisible(config, world.size)
        return config

    if not world.first:
        return follow(run, world.shared(settings), world, should_stop)
    with run.locked():
        config = world.shared(settings)
        journal = Session(run, config, world)
        try:
            if overrides:
                at = journal.trainer
                check_ahead(run, config.training, overrides, step=at.step, seconds=at.seconds)
                _write_config(run, config)
            return journal.train(on_record, should_stop)
        finally:
            journal.close()


def _write_config(run: RunFolder, config: Config) -> None:
    text = json.dumps({"format_version": FORMAT_VERSION, **configs.to_dict(config)}, indent=2) + "\n"
    with new_file(run.config) as file:
        file.write(text.encode())


def train(
    corpus: str | Path | Sequence[str] | Sequence[str | Path],
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
    """Train on lines of text and return the model.

    Args:
        corpus: a path, a pattern of paths, the name of a bundled corpus, or a sequence of strings. A sequence of paths,
            or of fewer than 16 strings with files among them, names several of the former, which follow each other.
        recipe: name of the settings to start from.
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
    found, config = scan_data(corpus, configs.recipe(recipe, {**(settings or {}), **given}))

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
    """Write the report of a run; a run is what it is without one, so what hinders it is no more than a warning."""
    from .report.page import write_report  # here, since what draws takes a second to import

    try:
        write_report(run)
    except (SeqganError, OSError) as error:
        warnings.warn(f"no report was written: {error}", stacklevel=3)
