"""seqgan-wgp train: train a generator on text or on a toy distribution of points."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .. import options
from ..torchrun import together
from ..ui.byte_progress import Reading
from ..ui.console import EXIT_INTERRUPTED, guarded, messages, program, stopping
from ..ui.output import echo
from ..ui.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.domains import DomainAdapter
    from seqgan_wgp.runs.fine_tune import StartingModel
    from seqgan_wgp.runs.folder import RunFolder
    from seqgan_wgp.training.adapter import PreparedData
    from seqgan_wgp.training.distributed.process_group import ProcessGroup


@guarded
def train(
    corpus: options.Corpus,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the run.", metavar="RUN", show_default="a new folder in runs")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe (named set of settings) to start from; seqgan-wgp recipes lists them.",
            metavar="NAME",
            show_default="fast; toy for toy:NAME",
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Begin with the weights and settings of a trained model (fine-tuning): a run folder or a model file.",
            metavar="MODEL",
        ),
    ] = None,
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    weights: options.Weights = None,
    label: options.Label = None,
    plugin: options.Plugins = None,
) -> None:
    """Train a generator on the lines of CORPUS.

    Prints the run folder when training ends.
    Ctrl-C saves a checkpoint; continue with: seqgan-wgp resume RUN.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.domains import adapter_claiming

    corpus = options.with_folders(corpus, label)
    adapter = adapter_claiming(corpus)
    assigned = options.with_columns(set_, corpus, weights=weights, label=label)
    flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
    start = _starting_model(from_, recipe)
    train_on(
        adapter,
        corpus,
        None,
        lambda chosen, named: options.asked(start or chosen, config, assigned, adapter, named, **flags),
        recipe or (adapter.recipe if start is None else start.config.recipe),
        out,
        start=start,
        overwrite=overwrite,
        dry_run=dry_run,
    )


def _starting_model(path: Path | None, recipe: str | None) -> StartingModel | None:
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.runs.fine_tune import starting_model

    if path is None:
        return None
    if recipe is not None:
        raise ConfigError(
            "--recipe and --from are both given, but a run has the settings of the model that it begins with",
            "leave one of the two out",
        )
    return starting_model(path)


def train_on(
    adapter: DomainAdapter,
    inputs: list[str],
    data: Path | None,
    asked: Callable[[str, dict[str, object]], Config],
    recipe: str,
    out: Path | None,
    *,
    start: StartingModel | None = None,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Prepare a run in the first process and train it in all processes; with `dry_run` only print its settings.

    Args:
        adapter: adapter of the kind of data.
        inputs: the inputs on the command line.
        data: the folder given by --data.
        asked: (recipe, settings implied by the inputs) -> config.
        recipe: name of the recipe.
        out: the run folder; None: a new numbered one in runs/.
        start: the model whose weights the run begins with, if any.
        overwrite: replace a run at `out`.
        dry_run: only print the settings.
    """
    from seqgan_wgp.runs.calibrate import calibrate
    from seqgan_wgp.runs.elastic import found_again
    from seqgan_wgp.runs.folder import claimed_number, claimed_run
    from seqgan_wgp.runs.prepare import prepare_run
    from seqgan_wgp.training.batches import check_divisible

    with together() as world, contextlib.ExitStack() as held:

        def prepared() -> RunFolder | None:
            begun = None if dry_run else found_again(out)
            if begun is not None:
                return begun
            given = asked(recipe, adapter.settings(inputs))
            check_divisible(given, world.size)
            claim = None
            if out is not None and not dry_run:
                claim = held.enter_context(claimed_run(out, overwrite=overwrite))
            found = scan_with_progress(messages(), adapter, adapter.open_inputs(inputs, data), given)
            calibrated = calibrate(found, given, found.decide(given))
            for note in calibrated.notes:
                messages().print(note, markup=False, soft_wrap=True)
            weights = None if start is None else start.initial(found.trial(calibrated.config).spec, calibrated.config)
            for note in () if weights is None else weights.notes:
                messages().print(note, markup=False, soft_wrap=True)
            if dry_run:
                _print_settings(adapter, given, calibrated.config)
                return None
            if claim is None:
                claim = held.enter_context(claimed_number(Path("runs"), f"{found.name}-{recipe}"))
            with Reading(messages(), f"encoding {found.label}", found.size) as on_bytes:
                return prepare_run(
                    claim, found, calibrated.config, on_bytes, initial=None if weights is None else weights.tensors
                )

        run = world.shared(prepared)
        if run is not None:
            train_in(run, world)


def _print_settings(adapter: DomainAdapter, given: Config, settings: Config) -> None:
    """Print all settings as TOML, and on stderr those that were set automatically."""
    from seqgan_wgp import config as configs

    if adapter.has_rules:
        by_rule = ", ".join(f"{name} = {value}" for name, value in configs.changes(given, settings).items())
        messages().print(f"set automatically: {by_rule or 'nothing'}", markup=False)
    echo(configs.to_toml(settings).removesuffix("\n"))


def scan_with_progress(console: Console, adapter: DomainAdapter, source: Any, config: Config) -> PreparedData:
    """Scan data with progress on stderr, then print its summary and warnings."""
    found = adapter.scan(source, config, lambda what, size: Reading(console, what, size))
    console.print(found.summary(), markup=False)
    for warning in found.warnings():
        console.print(f"[yellow]warning:[/] {escape(warning)}")
    return found


def train_in(
    run: RunFolder, world: ProcessGroup, overrides: dict[str, object] | None = None, *, from_best: bool = False
) -> None:
    """Train in a run folder with progress on stderr; print the folder on stdout at the end."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.errors import Diverged
    from seqgan_wgp.runs.folder import read_config
    from seqgan_wgp.runs.train import run_training

    if not world.first:
        with stopping() as should_stop:
            run_training(run, overrides, should_stop=should_stop, world=world, from_best=from_best)
        return
    config = configs.override(read_config(run), overrides or {})
    try:
        with stopping() as should_stop, Progress(messages(), run.path, config) as progress:
            outcome = run_training(
                run,
                overrides,
                on_record=progress.show,
                should_stop=should_stop,
                world=world,
                from_best=from_best,
                on_phase=lambda what: messages().print(what, markup=False),
            )
    except Diverged:
        _report(run)
        raise
    if outcome.reason == "interrupted":
        messages().print(f"saved at step {outcome.step:,}; resume with: {program()} resume {run.path}", soft_wrap=True)
        _report(run)
        raise typer.Exit(EXIT_INTERRUPTED)
    progress.close(outcome)
    _report(run)
    echo(run.path)


def _report(run: RunFolder) -> None:
    """Write the report of a run and print its path; a failure is only a warning, since the run is complete without."""
    from seqgan_wgp.errors import SeqganError
    from seqgan_wgp.runs.report.page import write_report

    try:
        messages().print(f"report    {write_report(run)}", markup=False, soft_wrap=True)
    except (SeqganError, OSError) as error:
        reason = error.message if isinstance(error, SeqganError) else error.strerror or str(error)
        messages().print(f"[yellow]warning:[/] the report could not be written: {escape(reason)}", soft_wrap=True)
