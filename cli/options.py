"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .ui.console import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seqgan_wgp.config import Config
    from seqgan_wgp.domains import DomainAdapter

Corpus = Annotated[
    list[str],
    typer.Argument(
        help="Text files (also .gz, .zst, FASTA), FILE:COLUMN of .csv, .tsv, .jsonl or .parquet, patterns such as "
        "'data/*.txt', bundled corpora; or '-' alone for stdin. Several follow each other. For train also toy:NAME, a "
        "distribution of points.",
        metavar="CORPUS...",
    ),
]
TrainedModel = Annotated[Path, typer.Argument(help="A run's folder or a model file.", metavar="MODEL")]
Output = Annotated[str | None, typer.Option("-o", "--output", help="File, in place of stdout.", metavar="FILE")]
Replace = Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")]
Recipe = Annotated[str, typer.Option(help="Settings to start from; see: seqgan-wgp recipes.", metavar="NAME")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML with settings that change the recipe's.", metavar="FILE")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting, e.g. generator.width=128; may be repeated.", metavar="KEY=VALUE"),
]
Steps = Annotated[int | None, typer.Option(help="Rounds of training in all.", metavar="N")]
Minutes = Annotated[float | None, typer.Option(help="Minutes of training in all.", metavar="M")]
Seed = Annotated[int | None, typer.Option(help="Seed of all noise.", metavar="S")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is at RUN.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print all settings and stop.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file that registers a loss, penalty, network or optimizer; may be repeated.",
        metavar="FILE",
    ),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.", metavar="NAME")]


def load_plugins(files: list[Path] | None) -> None:
    """Run the plugin files that were given, before any settings are read or a model is loaded."""
    if files:
        from seqgan_wgp.registry import load_plugins as load

        load(files)


def asked(
    recipe: str,
    file: Path | None,
    assignments: list[str] | None,
    adapter: DomainAdapter,
    named: dict[str, object] | None = None,
    **flags: object,
) -> Config:
    """Return the config that a command's options ask for, with what its data decides by its name, the device tried.

    Raises ConfigError for what cannot be, among it a recipe for another kind of data than the command's.
    """
    from seqgan_wgp import config as configs
    from seqgan_wgp.config.fields import parse_assignments
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.runs.tensorboard import check_tensorboard
    from seqgan_wgp.utils.devices import pick_device

    assigned = parse_assignments(assignments or [])
    changes = {**assigned, **(named or {}), **given(**flags)}
    settings = configs.recipe(recipe, changes, file=file)
    note_former_names(assigned, file)
    if settings.domain != adapter.name:
        reason = f"the recipe {recipe!r} is one for {settings.domain}, not for {adapter.name}"
        raise ConfigError(reason, adapter.recipe_hint)
    pick_device(settings.training.device)
    check_tensorboard(settings)
    return settings


def note_former_names(assigned: Mapping[str, object], file: Path | None) -> None:
    """Say once which settings have another name now, of those that `--set` and `--config` gave."""
    from seqgan_wgp.config import Config
    from seqgan_wgp.config.fields import former_names
    from seqgan_wgp.config.recipes import read_settings

    former = former_names(Config)
    met = {name: former[name] for name in assigned if name in former}
    for before, now in {**met, **(read_settings(file)[1] if file else {})}.items():
        messages().print(f"note: the setting {before} is now called {now}", markup=False, soft_wrap=True)


def given(**flags: object) -> dict[str, object]:
    """Return the settings that flags were given for: name in the training section -> value."""
    return {f"training.{name}": value for name, value in flags.items() if value is not None}
