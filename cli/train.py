"""seqgan-wgp train: from a text file to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .console import EXIT_INTERRUPTED, guarded, messages, program, stopping
from .progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.folder import RunFolder
    from seqgan_wgp.text.scan import Scan


@guarded
def train(
    corpus: Annotated[str, typer.Argument(help="A text file, '-' for stdin, or a bundled corpus.", metavar="CORPUS")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run.", metavar="RUN")] = None,
    recipe: options.Recipe = "fast",
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that is at RUN.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print all settings and stop.")] = False,
) -> None:
    """Learn from the lines of CORPUS. Prints the run's folder when done."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.devices import pick_device
    from seqgan_wgp.runs.folder import check_free, numbered
    from seqgan_wgp.runs.run import create, scan_corpus
    from seqgan_wgp.settings import parse_assignments

    flags = options.given(steps=steps, minutes=minutes, seed=seed, device=device)
    settings = configs.recipe(recipe, {**parse_assignments(set_ or []), **flags}, file=config)
    pick_device(settings.training.device)
    if out is not None and not dry_run:
        check_free(out, overwrite=overwrite)
    console = messages()
    found, settings = scan_corpus(corpus, settings)
    describe(console, found)
    if dry_run:
        typer.echo(configs.to_toml(settings), nl=False)
        return
    folder = out or numbered(Path("runs"), f"{found.facts.name}-{recipe}")
    train_in(create(found, settings, folder, overwrite=overwrite), settings)


def describe(console: Console, found: Scan) -> None:
    """Say what a corpus is, and what to know about it."""
    facts = found.facts
    left_out = f" ({facts.empty:,} empty lines skipped)" if facts.empty else ""
    console.print(
        f"{facts.name}: {facts.kept:,} lines{left_out}, {facts.alphabet:,} characters, rows of {facts.length}",
        markup=False,
    )
    for warning in facts.warnings():
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
