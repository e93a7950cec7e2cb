"""seqgan-wgp compare: recipes side by side, on the same data and from the same seed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from seqgan_wgp.runs.measures import value_text, wording

from .. import options
from ..ui.byte_progress import Reading
from ..ui.console import EXIT_INTERRUPTED, guarded, messages, stopping
from ..ui.progress import Progress, measures_shown
from .train import describe, is_toy, toy_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.compare.comparison import Candidate, Comparison, Result
    from seqgan_wgp.runs.compare.plan import ComparisonData


@guarded
def compare(
    corpus: Annotated[
        list[str], typer.Argument(help="What train takes, toy:NAME among it; or mnist.", metavar="CORPUS...")
    ],
    recipes: Annotated[
        list[str],
        typer.Option(
            help="Recipes with commas between, each NAME or NAME:KEY=VALUE,KEY=VALUE; may be repeated.",
            metavar="A,B,C",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.", metavar="DIR")],
    data: Annotated[Path | None, typer.Option(help="With mnist: folder of the images.", metavar="DIR")] = None,
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a comparison that is at DIR.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, not a table.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Train recipes one after the other on the same data, and print a table. Given again, it goes on."""
    options.load_plugins(plugin)
    from seqgan_wgp.config.fields import parse_assignments
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.runs.compare.folder import check_place, opened
    from seqgan_wgp.runs.compare.plan import ComparisonOptions, parse_entries

    domain = _domain(corpus)
    if data is not None and domain != "image":
        raise ConfigError("--data is for images", "leave it out, or: compare mnist --data DIR")
    asked = ComparisonOptions(
        entries=parse_entries(recipes),
        domain=domain,
        settings={**parse_assignments(set_ or []), **_named(corpus)},
        file=config,
        steps=steps,
        minutes=minutes,
        seed=seed,
        device=device,
    )
    own = asked.configs()
    options.note_former_names(parse_assignments(set_ or []), config)
    check_place(out, overwrite=overwrite)
    console = messages()
    subject = _SUBJECTS[domain](console, corpus, data, own[0])
    with contextlib.ExitStack() as held:
        with Reading(console, f"encoding {subject.label}", None) as on_bytes:
            comparison = held.enter_context(opened(out, subject, asked, overwrite=overwrite, on_bytes=on_bytes))
        _tell_shared(console, comparison, own)
        _train(console, comparison)
    console.print(f"plot      {comparison.plot}", markup=False, soft_wrap=True)
    typer.echo(json.dumps(comparison.to_json(), indent=2) if as_json else "\n".join(_table(comparison)))


def _domain(corpus: list[str]) -> str:
    return "image" if corpus == ["mnist"] else "toy" if is_toy(corpus) else "text"


def _named(corpus: list[str]) -> dict[str, object]:
    """Return the setting that CORPUS stands for, where it names a toy distribution."""
    return {"toy.name": toy_name(corpus)} if is_toy(corpus) else {}


def _text(console: Console, corpus: list[str], _data: Path | None, config: Config) -> ComparisonData:
    from seqgan_wgp.runs.compare.plan import ComparisonData
    from seqgan_wgp.runs.train import scan_data
    from seqgan_wgp.text.readers.open import open_inputs

    source = open_inputs(corpus)
    with Reading(console, f"reading {source.label}", source.size) as on_bytes:
        found, _ = scan_data(source, config, on_bytes)
    describe(console, found)
    return ComparisonData.text(found, source.label)


def _images(console: Console, corpus: list[str], data: Path | None, config: Config) -> ComparisonData:
    from seqgan_wgp.images.mnist import mnist_folder
    from seqgan_wgp.runs.compare.plan import ComparisonData
    from seqgan_wgp.runs.train import scan_images

    with Reading(console, "downloading MNIST", None) as on_bytes:
        folder = mnist_folder(data, lambda _name, done, _size: on_bytes(done))
    found = scan_images(folder, config)
    console.print(found.collection.facts.summary(), markup=False)
    return ComparisonData.images(found, corpus[0] if data is None else str(data))


def _toy(console: Console, corpus: list[str], _data: Path | None, config: Config) -> ComparisonData:
    from seqgan_wgp.runs.compare.plan import ComparisonData
    from seqgan_wgp.runs.train import scan_toy

    found = scan_toy(config)
    console.print(found.facts.summary(), markup=False)
    return ComparisonData.toy(found, corpus[0])


_SUBJECTS: dict[str, Callable[[Console, list[str], Path | None, Config], ComparisonData]] = {
    "text": _text,
    "image": _images,
    "toy": _toy,
}
"""Kind of data -> how it is looked at."""


def _tell_shared(console: Console, comparison: Comparison, own: list[Config]) -> None:
    """Say which settings of a recipe give way to those of the first, and which recipes come out the same."""
    from seqgan_wgp.runs.compare.comparison import differences
    from seqgan_wgp.runs.compare.plan import overruled

    entrants = comparison.entrants
    for number, (entrant, before) in enumerate(zip(entrants, own, strict=True)):
        for name, (was, now) in overruled(before, entrant.config).items():
            words = f"{entrant.entry}: {name} = {now}, as for {entrants[0].entry}, not {was}"
            console.print(words, markup=False, soft_wrap=True)
        for other in entrants[:number]:
            if not differences(other.config, entrant.config):
                words = f"{entrant.entry} has the settings of {other.entry}, so that both will do the same"
                console.print(f"[yellow]warning:[/] {escape(words)}", soft_wrap=True)


def _train(console: Console, comparison: Comparison) -> None:
    """Train what is not done yet, with progress on stderr, and draw the plot anew after each."""
    total = len(comparison.entrants)
    with stopping() as should_stop:
        for number, entrant in enumerate(comparison.entrants, 1):
            head = f"recipe {number} of {total}: {entrant.entry}"
            if comparison.done(entrant):
                console.print(f"{head}: done already", markup=False, soft_wrap=True)
                continue
            console.print(head, markup=False, soft_wrap=True)
            result = None
            if not should_stop():
                with Progress(console, entrant.run.path, entrant.config) as progress:
                    result = comparison.train(entrant, progress.show, should_stop)
            if result is None:
                console.print(f"saved in {comparison.path}; go on with the same command", markup=False, soft_wrap=True)
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
    """Return the lines of a table in Markdown, padded so that it is one in a terminal too."""
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
