"""seqgan-wgp evaluate: measure a model's quality and memorisation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import options
from ..ui.console import guarded, results
from ..ui.inputs import inputs_with_progress
from ..ui.output import echo, utf8_stdout
from ..ui.tables import foreign, show_table

if TYPE_CHECKING:
    from seqgan_wgp.training.adapter import Evaluation


@guarded
def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="Run folder, model file, or a bundled model (see: seqgan-wgp models).",
            metavar="[MODEL]",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Text to evaluate against; same inputs as train. A bare model file needs it, unless it was trained on "
            "a bundled corpus.",
            metavar="[CORPUS...]",
            show_default="the model's own corpus",
        ),
    ] = None,
    strings: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead of a model: evaluate the lines of FILE, whatever program wrote them. May be repeated, to see "
            "several files side by side.",
            metavar="FILE",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="With --strings: corpus to compare with; same inputs as train, split as train splits it. May be "
            "repeated.",
            metavar="CORPUS",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="Number of samples to generate.", metavar="N", show_default="size of the test split"),
    ] = None,
    legacy: Annotated[
        bool,
        typer.Option(
            "--legacy",
            help="Measure as Gulrajani et al. (2017) do: n-grams of 640 samples against the training lines.",
        ),
    ] = False,
    guesses: Annotated[
        list[int] | None,
        typer.Option(
            help="Measure the share of the test lines that occur among G samples (hits). May be repeated.",
            metavar="G",
            show_default="10,000 and 100,000",
        ),
    ] = None,
    hits: Annotated[
        int | None,
        typer.Option(help="Like --guesses, as a curve: at each power of ten from 10,000 on, and at G.", metavar="G"),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option(
            help="Measure JS-1 to JS-N. JS-n is the Jensen-Shannon divergence between the n-grams (n characters in a "
            "row) of generated and of real strings.",
            metavar="N",
            show_default="8",
        ),
    ] = None,
    c2st_steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps of the classifier two-sample test: how often can a new classifier tell generated "
            "from real strings? 0 leaves it out.",
            metavar="N",
            show_default="500",
        ),
    ] = None,
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Evaluate only strings that the model's refiner accepts, a classifier that the command refine trains.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="S")] = 0,
    baseline_seconds: Annotated[
        float | None,
        typer.Option(
            help="For text: training time in seconds of the autoregressive model to compare with. It is trained once "
            "for a corpus and kept in the cache. 0 leaves it out.",
            show_default="30",
            metavar="SECONDS",
        ),
    ] = None,
    temperatures: Annotated[
        str | None,
        typer.Option(
            help="For text: also draw strings at these temperatures, such as 0.5,0.7,1, and show their likelihood "
            "beside their variety.",
            metavar="T,T,...",
        ),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(
            help="For text: measure the share of strings that pass a validator: luhn, iban, ean13, json, "
            "brackets, dna, protein, smiles, rdkit, or a plugin's.",
            metavar="NAME",
        ),
    ] = None,
    log_probability: Annotated[
        bool,
        typer.Option(
            "--log-probability",
            help="For text: also measure the log probability of test lines under the model. Takes some seconds more.",
        ),
    ] = False,
    best: options.Best = False,
    data: Annotated[
        Path | None, typer.Option(help="For image models: folder of images to evaluate against.", metavar="DIR")
    ] = None,
    weights: options.Weights = None,
    device: options.Device = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of tables.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Measure how good a model or a file of strings is, and explain each number.

    Compares strings with the test split, the lines that were held out of training.
    Real lines, Markov models and an autoregressive model are measured in the same way and stand beside them.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.runs.evaluate import evaluate as evaluated

    with inputs_with_progress(corpus or reference) as (source, working, on_bytes):
        found = evaluated(
            model,
            source if corpus else None,
            strings=strings,
            reference=reference if corpus else source,
            data=data,
            weights=weights,
            samples=samples,
            legacy=legacy,
            guesses=guesses,
            hits=hits,
            orders=orders,
            c2st_steps=c2st_steps,
            refine=refine,
            seed=seed,
            baseline_seconds=baseline_seconds,
            temperatures=_numbers(temperatures),
            valid=valid,
            log_probability=log_probability,
            best=best,
            device=device or "auto",
            on_step=working,
            on_bytes=on_bytes,
        )
    utf8_stdout()
    if as_json:
        echo(json.dumps(found.to_json(), indent=2))
        return
    _show(found, results())


def _numbers(text: str | None) -> tuple[float, ...] | None:
    """Read numbers separated by commas. Raises ConfigError when one is none."""
    from seqgan_wgp.errors import ConfigError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--temperatures is {text!r}", "give numbers separated by commas, for example 0.5,0.7,1"
        ) from None


def _show(found: Evaluation, console: Console) -> None:
    for sentence in found.summary:
        console.print(Text(foreign(console, sentence), style="bold"), soft_wrap=not console.is_terminal)
    if found.rows:
        console.print()
        show_table(console, ("measure", "value", "compare with", "what it means"), found.rows)
    for table in found.tables:
        console.print()
        if not table.rows:
            console.print(table.empty)
            continue
        head, *rows = [[foreign(console, cell) for cell in row] for row in (table.head, *table.rows)]
        show_table(console, head, rows, right=table.numbers)
    console.print()
    console.print(Text(foreign(console, found.method), style="dim"), soft_wrap=not console.is_terminal)
