"""Options shared by several commands."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .ui.console import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seqgan_wgp.config import Config
    from seqgan_wgp.domains import DomainAdapter
    from seqgan_wgp.runs.fine_tune import StartingModel

Corpus = Annotated[
    list[str],
    typer.Argument(
        help="What to read: text files with one string per line (also compressed, in archives, and FASTA; the content "
        "tells which), FILE:COLUMN for a column of a CSV, TSV, JSON or Parquet file, a quoted pattern such as "
        "'data/*.txt', or a bundled corpus (see: seqgan-wgp corpora). Several inputs are read one after the other. "
        "Use - for stdin. train also accepts toy:NAME, points in the plane such as toy:25-gaussians.",
        metavar="CORPUS...",
    ),
]
TrainedModel = Annotated[
    Path,
    typer.Argument(help="Run folder, model file, or a bundled model (see: seqgan-wgp models).", metavar="MODEL"),
]
Output = Annotated[str | None, typer.Option("-o", "--output", help="Write to FILE instead of stdout.", metavar="FILE")]
CsvSafe = Annotated[
    bool,
    typer.Option(
        "--csv-safe",
        help="With --format csv: put an apostrophe before texts that a spreadsheet would run as formulas, those that "
        "begin with =, +, -, @, a tab or a carriage return.",
    ),
]
Replace = Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")]
Recipe = Annotated[
    str,
    typer.Option(help="Recipe (named set of settings) to start from; seqgan-wgp recipes lists them.", metavar="NAME"),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings that override the recipe.", metavar="FILE")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override one setting, for example generator.width=128. May be repeated.",
        metavar="KEY=VALUE",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="Number of training steps, counted from the beginning of the run. A step updates the critic, once or "
        "several times, and then the generator.",
        metavar="N",
        show_default="the recipe's, 30,000 in fast; no limit with --minutes",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Training time in minutes, counted from the beginning of the run.", metavar="M", show_default="no limit"
    ),
]
LaterSteps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        help="New end, in training steps counted from the beginning of the run.",
        metavar="N",
        show_default="the planned end",
    ),
]
LaterMinutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        help="New end, in minutes of training counted from the beginning of the run.",
        metavar="M",
        show_default="the planned end",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Random seed.", metavar="S", show_default="the recipe's; 0 in fast")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing run in the folder.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print all settings without training.")]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Column that says how often to use each string, as in FILE:COLUMN*COUNTS. none: use each string once.",
        metavar="COUNTS",
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        help="Column that holds a label for each string; generate --label then chooses among them. file: the label of "
        "a line is the name of its file, without endings. FASTA: name or description, the first word of each header "
        "or the rest of it.",
        metavar="COLUMN",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file that registers your own loss, penalty, network or optimizer. May be repeated.",
        metavar="FILE",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="Device to compute on: auto (cuda where it works, otherwise cpu), cpu, cuda (a GPU) or mps (Apple's GPU).",
        metavar="NAME",
        show_default="auto",
    ),
]
RunDevice = Annotated[
    str | None,
    typer.Option(
        "--device", help="Device to compute on: auto, cpu, cuda or mps.", metavar="NAME", show_default="that of the run"
    ),
]
Best = Annotated[
    bool, typer.Option("--best", help="Use best.safetensors (best validation score) instead of the latest weights.")
]


def load_plugins(files: list[Path] | None) -> None:
    """Run the plugin files that were given, before any settings are read or a model is loaded."""
    if files:
        from seqgan_wgp.registry import load_plugins as load

        load(files)


def with_columns(
    assignments: list[str] | None, corpus: list[str], *, weights: str | None = None, label: str | None = None
) -> list[str]:
    """Return the assignments of --set with those of --weights and --label.

    Raises ConfigError where a column is named twice, or where there is no text.
    """
    named = {name: value for name, value in (("weights", weights), ("label", label)) if value is not None}
    found = assignments or []
    if not named:
        return found
    from seqgan_wgp.config.serialization import parse_assignments
    from seqgan_wgp.domains import adapter_claiming  # which loads what trains
    from seqgan_wgp.errors import ConfigError

    for name, value in named.items():
        adapter = adapter_claiming(corpus)
        if not adapter.has_strings:
            raise ConfigError(f"--{name} is for text, not for {adapter.name} data", "leave it out")
        if f"corpus.{name}" in parse_assignments(found):
            raise ConfigError(f"--{name} and --set corpus.{name} are both given", "leave one of them out")
        found = [*found, f"corpus.{name}={value}"]
    return found


def with_folders(corpus: list[str], label: str | None) -> list[str]:
    """Return the inputs of `train`; where the names of files are labels, a folder stands for the files in it."""
    if label != "file":
        return corpus
    return [f"{glob.escape(name)}/*" if Path(name).is_dir() else name for name in corpus]


def asked(
    recipe: str | StartingModel,
    file: Path | None,
    assignments: list[str] | None,
    adapter: DomainAdapter,
    named: dict[str, object] | None = None,
    **flags: object,
) -> Config:
    """Build the config from a command's options and check that its device is available.

    The settings start from a recipe, or from those of a model whose weights a run begins with.

    Raises ConfigError for invalid settings or a recipe for another kind of data.
    """
    from seqgan_wgp import config as configs
    from seqgan_wgp.config.serialization import parse_assignments
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.runs.trackers import check_log_packages
    from seqgan_wgp.utils.devices import pick_device

    assigned = parse_assignments(assignments or [])
    changes = {**assigned, **(named or {}), **configs.given("training", **flags)}
    settings = (
        configs.recipe(recipe, changes, file=file) if isinstance(recipe, str) else recipe.settings(changes, file=file)
    )
    note_former_names(assigned, file)
    if settings.domain != adapter.name:
        if isinstance(recipe, str):
            fitting = [name for name in configs.recipe_names() if configs.recipe(name).domain == adapter.name]
            what, remedy = f"the recipe {recipe!r}", f"choose one of: {', '.join(fitting)}; {adapter.recipe_hint}"
        else:
            what, remedy = str(recipe.path), adapter.recipe_hint
        raise ConfigError(f"{what} is for {settings.domain} data, not for {adapter.name} data", remedy)
    pick_device(settings.training.device)
    check_log_packages(settings)
    return settings


def note_former_names(assigned: Mapping[str, object], file: Path | None) -> None:
    """Print a note for each setting from `--set` or `--config` that has been renamed."""
    from seqgan_wgp.config import Config
    from seqgan_wgp.config.recipes import read_settings
    from seqgan_wgp.config.serialization import former_names

    former = former_names(Config)
    met = {name: former[name] for name in assigned if name in former}
    for before, now in {**met, **(read_settings(file)[1] if file else {})}.items():
        messages().print(f"note: the setting {before} has been renamed to {now}", markup=False, soft_wrap=True)
