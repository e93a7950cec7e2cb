"""seqgan-wgp train: from a text file, or from a distribution of points, to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .. import options
from ..torchrun import together
from ..ui.byte_progress import Reading
from ..ui.console import EXIT_INTERRUPTED, guarded, messages, program, stopping
from ..ui.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.folder import RunFolder
    from seqgan_wgp.runs.train import PreparedData
    from seqgan_wgp.training.distributed.process_group import ProcessGroup


@guarded
def train(
    corpus: options.Corpus,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.", metavar="RUN")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Settings to start from; see: seqgan-wgp recipes.",
            metavar="NAME",
            show_default="fast; toy for toy:NAME",
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
    plugin: options.Plugins = None,
) -> None:
    """Learn from the lines of CORPUS, or from draws of toy:NAME. Prints the run's folder when done."""
    options.load_plugins(plugin)
    toy = is_toy(corpus)
    recipe = recipe or ("toy" if toy else "fast")

    def asked() -> Config:
        flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
        chosen = [*(set_ or []), f"toy.name={toy_name(corpus)}"] if toy else set_
        return options.asked(recipe, config, chosen, "toy" if toy else "text", **flags)

    def prepare(given: Config) -> RunFolder | None:
        if toy:
            return _toy_run(given, out, recipe, overwrite=overwrite, dry_run=dry_run)
        return _text_run(corpus, given, out, recipe, overwrite=overwrite, dry_run=dry_run)

    train_prepared(asked, prepare, out, overwrite=overwrite, dry_run=dry_run)


_TOY = "toy:"
"""What CORPUS begins with where it names a distribution of points."""


def is_toy(corpus: list[str]) -> bool:
    """Say whether CORPUS names a distribution of points. Raises ConfigError where it stands beside others."""
    from seqgan_wgp.errors import ConfigError

    toys = [name for name in corpus if name.startswith(_TOY)]
    if toys and len(corpus) > 1:
        raise ConfigError(f"{toys[0]} stands beside other inputs, but is learnt alone", "name it alone")
    return bool(toys)


def toy_name(corpus: list[str]) -> str:
    """Return the distribution that CORPUS names. Raises ConfigError where there is none such."""
    from seqgan_wgp.toy.spec import check_name

    name = corpus[0].removeprefix(_TOY)
    check_name(name)
    return name


def _toy_run(given: Config, out: Path | None, recipe: str, *, overwrite: bool, dry_run: bool) -> RunFolder | None:
    from seqgan_wgp import config as configs
    from seqgan_wgp.runs.folder import numbered
    from seqgan_wgp.runs.train import create, scan_toy

    found = scan_toy(given)
    messages().print(found.facts.summary(), markup=False)
    if dry_run:
        typer.echo(configs.to_toml(given), nl=False)
        return None
    return create(found, given, out or numbered(Path("runs"), f"{found.facts.name}-{recipe}"), overwrite=overwrite)


def _text_run(
    corpus: list[str], given: Config, out: Path | None, recipe: str, *, overwrite: bool, dry_run: bool
) -> RunFolder | None:
    from seqgan_wgp import config as configs
    from seqgan_wgp.config import changes
    from seqgan_wgp.runs.folder import numbered
    from seqgan_wgp.runs.train import create, scan_data
    from seqgan_wgp.text.readers.open import open_inputs

    console = messages()
    source = open_inputs(corpus)
    with Reading(console, f"reading {source.label}", source.size) as on_bytes:
        found, settings = scan_data(source, given, on_bytes)
    describe(console, found)
    if dry_run:
        by_rule = ", ".join(f"{name} = {value}" for name, value in changes(given, settings).items())
        console.print(f"by rule: {by_rule or 'nothing'}", markup=False)
        typer.echo(configs.to_toml(settings), nl=False)
        return None
    folder = out or numbered(Path("runs"), f"{found.facts.name}-{recipe}")
    with Reading(console, f"encoding {source.label}", source.size) as on_bytes:
        return create(found, settings, folder, overwrite=overwrite, on_bytes=on_bytes)


def describe(console: Console, found: PreparedData) -> None:
    """Say what a corpus is, and what to know about it."""
    console.print(found.facts.summary(), markup=False)
    for warning in found.facts.warnings():
        console.print(f"[yellow]warning:[/] {warning}")


def train_prepared(
    asked: Callable[[], Config],
    prepare: Callable[[Config], RunFolder | None],
    out: Path | None,
    *,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Prepare a run in the first process, and train in it in all; nothing is trained where `prepare` returns None."""
    from seqgan_wgp.runs.elastic import found_again
    from seqgan_wgp.runs.folder import check_free
    from seqgan_wgp.training.batches import check_divisible

    with together() as world:

        def prepared() -> RunFolder | None:
            begun = None if dry_run else found_again(out)
            if begun is not None:
                return begun
            given = asked()
            check_divisible(given, world.size)
            if out is not None and not dry_run:
                check_free(out, overwrite=overwrite)
            return prepare(given)

        run = world.shared(prepared)
        if run is not None:
            train_in(run, world)


def train_in(run: RunFolder, world: ProcessGroup, overrides: dict[str, object] | None = None) -> None:
    """Train in a run's folder with progress on stderr; print the folder on stdout when done."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.errors import Diverged
    from seqgan_wgp.runs.train import read_config, run_training

    if not world.first:
        with stopping() as should_stop:
            run_training(run, overrides, should_stop=should_stop, world=world)
        return
    config = configs.override(read_config(run), overrides or {})
    try:
        with stopping() as should_stop, Progress(messages(), run.path, config) as progress:
            outcome = run_training(run, overrides, on_record=progress.show, should_stop=should_stop, world=world)
    except Diverged:
        _report(run)
        raise
    if outcome.reason == "interrupted":
        messages().print(f"saved at step {outcome.step:,}; go on with: {program()} resume {run.path}", soft_wrap=True)
        _report(run)
        raise typer.Exit(EXIT_INTERRUPTED)
    progress.close(outcome)
    _report(run)
    typer.echo(run.path)


def _report(run: RunFolder) -> None:
    """Write the report of a run and say where it is; a run is what it is without one, so nothing else depends on it."""
    from seqgan_wgp.errors import SeqganError
    from seqgan_wgp.runs.report.page import write_report

    try:
        messages().print(f"report    {write_report(run)}", markup=False, soft_wrap=True)
    except (SeqganError, OSError) as error:
        reason = error.message if isinstance(error, SeqganError) else error.strerror or str(error)
        messages().print(f"[yellow]warning:[/] no report was written: {escape(reason)}", soft_wrap=True)
