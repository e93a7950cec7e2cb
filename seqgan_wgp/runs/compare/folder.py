"""Create or reopen the folder of a comparison, and refuse one that does not match the request."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ... import config as configs
from ...config import Config
from ...domains import DOMAINS
from ...errors import ConfigError
from ...training.adapter import PreparedData
from ...utils.claimed_folder import LOCK, Claim, claimed, is_unsettled, locked, settle
from ...utils.devices import pick_device
from ...utils.progress import OnBytes, ignore_bytes
from ..calibrate import with_likelihood_steps, with_threads
from ..checkpoint import saved_progress
from ..folder import CONFIG, RunFolder, claimed_run, read_config
from ..prepare import create
from ..session import check_ahead
from .comparison import FILE, PLOT, Candidate, Comparison, differences, read_file
from .plan import ComparisonOptions, parse_entries

_WAIT = "wait for it, or choose another --out"

_ENDS = ("training.steps", "training.minutes", "evaluation.patience", "training.device")
"""Settings that may change when a comparison is resumed."""

_BEGIN = "choose another --out, or give --overwrite to start again"


@contextlib.contextmanager
def held_comparison(out: Path, *, overwrite: bool = False) -> Iterator[Claim | None]:
    """Lock the folder of a comparison before any data is read.

    Args:
        out: the folder.
        overwrite: replace the comparison there.

    Yields:
        A claim on the folder of a new comparison; None when there is one to resume.

    Raises:
        ConfigError: the folder is in use, or may not be used.
    """
    if is_unsettled(out):
        with locked(out, _WAIT):
            settle(out, FILE)
    if not overwrite and (out / FILE).is_file():
        with locked(out, _WAIT):
            yield None
        return

    def check(names: set[str]) -> None:
        if names and FILE not in names:
            raise ConfigError(f"{out}: is not empty and not a comparison ({FILE} is missing)", "choose another --out")
        if names and not overwrite:
            raise ConfigError(f"{out}: another process has just begun a comparison there", _WAIT)
        if names:
            _check_ours(out, names)

    with claimed(out, FILE, check, "--out") as claim:
        yield claim


def _check_ours(out: Path, names: set[str]) -> None:
    """Raise ConfigError if the folder has foreign files or a run in it is in use."""
    folders = {entry.folder for entry in parse_entries(read_file(out)[1])}
    for name in sorted(names):
        if name in folders:
            with claimed_run(out / name, overwrite=True):
                pass
        elif name not in (FILE, PLOT) and not name.endswith(".new"):
            raise ConfigError(
                f"{out}: contains {name}, which is not part of a comparison, so it is not overwritten",
                "move it away, or choose another --out",
            )


def open_comparison(
    out: Path,
    claim: Claim | None,
    data: PreparedData,
    asked: ComparisonOptions,
    *,
    on_bytes: OnBytes = ignore_bytes,
) -> Comparison:
    """Create or resume the comparison at `out`, whose folder `held_comparison` has locked.

    A new comparison is created atomically: a run for each recipe is prepared before any is trained.

    Args:
        out: its folder.
        claim: what `held_comparison` gave.
        data: the data, scanned by an adapter.
        asked: recipes and settings. When a comparison is resumed, recipes may be added.
        on_bytes: called with the number of bytes encoded so far.

    Raises:
        ConfigError: it was started with other recipes, settings or data. Nothing is changed.
    """
    planned = _on_this_machine(out, data, asked, overwrite=claim is not None)
    if claim is not None:
        with claim.filling() as hidden:
            _make(hidden, data, asked, planned, on_bytes)
    comparison = _found(out, data, asked, planned)
    comparison.save()
    for entrant in comparison.entrants:
        if not entrant.run.config.is_file():
            create(data, entrant.config, entrant.run.path, on_bytes=on_bytes)
    return comparison


def _on_this_machine(out: Path, data: PreparedData, asked: ComparisonOptions, *, overwrite: bool) -> list[Config]:
    """Return the config of each recipe, with what depends on the machine as in the runs that are there, else by trial.

    All recipes compute with the same number of threads. What depends on a GPU is left alone: the rules of the data
    decide it.
    """
    planned = asked.on(data)
    runs = [] if overwrite else [run for run in map(RunFolder, sorted(out.glob("*/"))) if run.config.is_file()]
    begun = {run.path.name: read_config(run) for run in runs}
    first = next(iter(begun.values())) if begun else with_threads(data, planned[0]).config
    given = {"training.threads": first.training.threads}
    found = []
    for entry, config in zip(asked.entries, planned, strict=True):
        if config.training.threads is None:
            config = configs.override(config, given)
        before = begun.get(entry.folder)
        if before is not None and before.training.minutes == config.training.minutes and config.training.steps is None:
            config = configs.override(config, {"training.steps": before.training.steps})
        found.append(with_likelihood_steps(data, config).config)
    return found


def _make(folder: Path, data: PreparedData, asked: ComparisonOptions, planned: list[Config], on_bytes: OnBytes) -> None:
    """Prepare a comparison in an empty folder. The data is written once and shared by all runs."""
    entrants = _entrants(folder, asked, planned)
    first = create(data, planned[0], entrants[0].run.path, on_bytes=on_bytes)
    for entrant in entrants[1:]:
        create(_Prepared(first), entrant.config, entrant.run.path)
    domain = DOMAINS[planned[0].domain].open(first.path, planned[0], pick_device("cpu"))
    Comparison(folder, entrants, _facts(data, asked, domain.criterion)).save()


@dataclass(frozen=True)
class _Prepared:
    """The data of a run that is prepared but not yet trained."""

    run: RunFolder

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write it to another run folder, as hard links where possible."""
        del on_bytes
        for file in self.run.path.iterdir():
            if file.name in (CONFIG, LOCK):
                continue
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copyfile(file, folder / file.name)


def _entrants(out: Path, asked: ComparisonOptions, planned: list[Config]) -> list[Candidate]:
    return [
        Candidate(entry=entry, config=config, run=RunFolder(out / entry.folder))
        for entry, config in zip(asked.entries, planned, strict=True)
    ]


def _facts(data: PreparedData, asked: ComparisonOptions, criterion: str) -> dict[str, object]:
    return {"data": data.label, "sha256": data.sha256, "criterion": criterion, "asked": asked.to_json()}


def _found(out: Path, data: PreparedData, asked: ComparisonOptions, planned: list[Config]) -> Comparison:
    """Return the comparison at `out`. Raises ConfigError when the new options do not match it."""
    facts, results = read_file(out)
    if facts["sha256"] != data.sha256:
        raise ConfigError(f"{out}: was started with the data {facts['data']}, not with {data.label}", _BEGIN)
    entrants = _entrants(out, asked, planned)
    recipes = {str(entry) for entry in asked.entries}
    for recipe in (recipe for recipe in results if recipe not in recipes):
        raise ConfigError(
            f"{out}: also compares {recipe}, which --recipes leaves out",
            "add it to --recipes, or choose another --out; recipes can be added but not removed",
        )
    for entrant in entrants:
        if entrant.run.config.is_file():
            entrant.result = results.get(str(entrant.entry))
            _check_same(entrant)
        elif entrant.run.path.exists():
            raise ConfigError(f"{entrant.run.path}: already exists and is not a run", "move it away")
    return Comparison(out, entrants, _facts(data, asked, facts["criterion"]))


def _check_same(entrant: Candidate) -> None:
    """Raise ConfigError unless an existing run can be resumed with the new settings of its recipe."""
    before, where = read_config(entrant.run), entrant.run.path
    changed = differences(before, entrant.config)
    for name in (name for name in changed if name not in _ENDS):
        was: object = functools.reduce(getattr, name.split("."), before)
        raise ConfigError(f"{where}: was started with {name} = {was}, but now it is {changed[name]}", _BEGIN)
    at = saved_progress(entrant.run)
    if at is None or (entrant.result and entrant.result.diverged_step):
        return
    check_ahead(entrant.run, entrant.config.training, changed, step=at.step, seconds=at.seconds)
