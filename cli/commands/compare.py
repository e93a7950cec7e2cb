"""seqgan-wgp compare: train several recipes on the same data with the same seed, and compare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from seqgan_wgp.runs.measures import value_text, wording
from seqgan_wgp.runs.progress import measures_shown

from .. import options
from ..ui.byte_progress import Reading
from ..ui.console import EXIT_INTERRUPTED, guarded, messages, stopping
from ..ui.output import echo
from ..ui.progress import Progress
from .train import scan_with_progress

if TYPE_CHECKING:
    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.compare.comparison import Candidate, Comparison, Result


@guarded
def compare(
    corpus: Annotated[
        list[str],
        typer.Argument(help="Same inputs as train, including toy:NAME; or mnist for images.", metavar="CORPUS..."),
    ],
    recipes: Annotated[
        list[str],
        typer.Option(
            help="Recipes to compare, separated by commas. Each is NAME, or NAME:KEY=VALUE,KEY=VALUE to override "
            "settings, for example fast,fast:generator.width=128,paper. May be repeated.",
            metavar="A,B,C",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the comparison.", metavar="DIR")],
    data: Annotated[Path | None, typer.Option(help="For mnist: folder with the images.", metavar="DIR")] = None,
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing comparison in the folder.")
    ] = False,
    weights: options.Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of a table.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Train several recipes on the same data and print a table that compares them.

    Run the same command again to continue an interrupted comparison.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.config.serialization import parse_assignments
    from seqgan_wgp.domains import adapter_claiming
    from seqgan_wgp.runs.compare.folder import held_comparison, open_comparison
    from seqgan_wgp.runs.compare.plan import ComparisonOptions, parse_entries

    adapter, assigned = adapter_claiming(corpus), options.with_columns(set_, corpus, weights=weights)
    asked = ComparisonOptions(
        entries=parse_entries(recipes),
        domain=adapter.name,
        settings={**parse_assignments(assigned), **adapter.settings(corpus)},
        file=config,
        steps=steps,
        minutes=minutes,
        seed=seed,
        device=device,
    )
    own = asked.configs()
    options.note_former_names(parse_assignments(set_ or []), config)
    console = messages()
    with held_comparison(out, overwrite=overwrite) as claim:
        found = scan_with_progress(console, adapter, adapter.open_inputs(corpus, data), own[0])
        with Reading(console, f"encoding {found.label}", None) as on_bytes:
            comparison = open_comparison(out, claim, found, asked, on_bytes=on_bytes)
        _tell_shared(console, comparison, own)
        _train(console, comparison)
    console.print(f"plot      {comparison.plot}", markup=False, soft_wrap=True)
    echo(json.dumps(comparison.to_json(), indent=2) if as_json else "\n".join(_table(comparison)))


def _tell_shared(console: Console, comparison: Comparison, own: list[Config]) -> None:
    """Print which settings the first recipe overrides in the others, and warn about recipes with equal settings."""
    from seqgan_wgp.runs.compare.comparison import differences
    from seqgan_wgp.runs.compare.plan import overruled

    entrants = comparison.entrants
    for number, (entrant, before) in enumerate(zip(entrants, own, strict=True)):
        for name, (was, now) in overruled(before, entrant.config).items():
            words = f"{entrant.entry}: {name} = {now} instead of {was}, to match {entrants[0].entry}"
            console.print(words, markup=False, soft_wrap=True)
        for other in entrants[:number]:
            if not differences(other.config, entrant.config):
                words = f"{entrant.entry} and {other.entry} have the same settings, so their results will be the same"
                console.print(f"[yellow]warning:[/] {escape(words)}", soft_wrap=True)


def _train(console: Console, comparison: Comparison) -> None:
    """Train the recipes that are not done yet, with progress on stderr, and redraw the plot after each."""
    total = len(comparison.entrants)
    with stopping() as should_stop:
        for number, entrant in enumerate(comparison.entrants, 1):
            head = f"recipe {number} of {total}: {entrant.entry}"
            if comparison.done(entrant):
                console.print(f"{head}: already done", markup=False, soft_wrap=True)
                continue
            console.print(head, markup=False, soft_wrap=True)
            result = None
            if not should_stop():
                with Progress(console, entrant.run.path, entrant.config) as progress:
                    result = comparison.train(entrant, progress.show, should_stop)
            if result is None:
                saved = f"saved in {comparison.path}; run the same command again to continue"
                console.print(saved, markup=False, soft_wrap=True)
                raise typer.Exit(EXIT_INTERRUPTED)
            console.print(_ending(entrant, result), markup=False, soft_wrap=True)
            comparison.draw()
    if not comparison.plot.is_file():
        comparison.draw()


def _ending(entrant: Candidate, result: Result) -> str:
    if result.diverged_step is not None:
        return f"{entrant.entry} diverged: {result.message}\n"
    return f"{entrant.entry}: {result.rounds:,} rounds in {result.seconds:,.0f} s\n"


_HEADS = "recipe", "rounds", "seconds", "rounds/s"


def _table(comparison: Comparison) -> list[str]:
    """Return the lines of a Markdown table whose columns also line up in a terminal."""
    results = {str(entrant.entry): entrant.result for entrant in comparison.entrants if entrant.result is not None}
    names = max((measures_shown(result.test) for result in results.values()), key=len)
    floored = {name for name in names for result in results.values() if f"{name}_floor" in result.test}
    heads = [*_HEADS, *(wording(name).title + " (floor)" * (name in floored) for name in names)]
    heads += [f"best {wording(comparison.criterion).title}", "at step", "spread", "ended"]
    rows = [heads, *(_row(recipe, result, names) for recipe, result in results.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = range(1, len(heads) - 1)
    lines = [
        [cell.rjust(widths[k]) if k in numbers else cell.ljust(widths[k]) for k, cell in enumerate(row)] for row in rows
    ]
    lines.insert(1, ["-" * (width - 1) + ("-", ":")[k in numbers] for k, width in enumerate(widths)])
    return [f"| {' | '.join(line)} |" for line in lines]


def _row(recipe: str, result: Result, names: list[str]) -> list[str]:
    ended = result.ended if result.diverged_step is None else f"diverged at step {result.diverged_step:,}"
    rate = "" if result.rounds_per_second is None else f"{result.rounds_per_second:.1f}"
    cells = [recipe, f"{result.rounds:,}", f"{result.seconds:.0f}", rate]
    cells += [_measured(name, result.test) for name in names]
    cells += ["" if result.best is None else value_text("", result.best)]
    cells += ["" if result.best_step is None else f"{result.best_step:,}"]
    return [*cells, "" if result.spread is None else value_text("", result.spread), ended]


def _measured(name: str, measures: dict[str, float]) -> str:
    if name not in measures:
        return ""
    floor = measures.get(f"{name}_floor")
    return value_text(name, measures[name]) + ("" if floor is None else f" ({value_text(name, floor)})")
