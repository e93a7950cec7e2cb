"""seqgan-wgp train: from a text file to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .console import EXIT_INTERRUPTED, guarded, messages, program, stopping
from .progress import Progress
from .reading import Reading

if TYPE_CHECKING:
    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.folder import RunFolder
    from seqgan_wgp.runs.run import Found


@guarded
def train(
    corpus: options.Corpus,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.", metavar="RUN")] = None,
    recipe: options.Recipe = "fast",
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
) -> None:
    """Learn from the lines of CORPUS. Prints the run's folder when done."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.config import changes
    from seqgan_wgp.runs.folder import check_free, numbered
    from seqgan_wgp.runs.run import create, look_at
    from seqgan_wgp.text.reading.sources import open_source

    flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
    given = options.asked(recipe, config, set_, "text", **flags)
    if out is not None and not dry_run:
        check_free(out, overwrite=overwrite)
    console = messages()
    source = open_source(corpus)
    with Reading(console, f"reading {source.label}", source.size) as on_bytes:
        found, settings = look_at(source, given, on_bytes)
    describe(console, found)
    if dry_run:
        by_rule = ", ".join(f"{name} = {value}" for name, value in changes(given, settings).items())
        console.print(f"by rule: {by_rule or 'nothing'}", markup=False)
        typer.echo(configs.to_toml(settings), nl=False)
        return
    folder = out or numbered(Path("runs"), f"{found.facts.name}-{recipe}")
    with Reading(console, f"encoding {source.label}", source.size) as on_bytes:
        run = create(found, settings, folder, overwrite=overwrite, on_bytes=on_bytes)
    train_in(run, settings)


def describe(console: Console, found: Found) -> None:
    """Say what a corpus is, and what to know about it."""
    console.print(found.facts.summary(), markup=False)
    for warning in found.facts.warnings():
        console.print(f"[yellow]warning:[/] {warning}")


def train_in(run: RunFolder, config: Config, overrides: dict[str, object] | None = None) -> None:
    """Train in a run's folder with progress on stderr; print the folder on stdout when done."""
    from seqgan_wgp.runs.run import go_on

    with stopping() as should_stop, Progress(messages(), run.path, config) as progress:
        outcome = go_on(run, overrides, on_record=progress.show, should_stop=should_stop)
    if outcome.reason == "interrupted":
        messages().print(f"saved at step {outcome.step:,}; go on with: {program()} resume {run.path}", soft_wrap=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    progress.close(outcome)
    typer.echo(run.path)
