"""seqgan-wgp evaluate: how good a model is, and whether it has learnt by heart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import options
from ..ui.console import guarded, messages
from ..ui.output import utf8_stdout
from ..ui.progress_bar import Working
from ..ui.tables import foreign, show_table

if TYPE_CHECKING:
    from seqgan_wgp.runs.evaluate import Evaluation
    from seqgan_wgp.text.evaluation.result import NearPair, Profile, Profiles


@guarded
def evaluate(
    model: options.TrainedModel,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="The text to measure against, as train takes it; else what the run has.", metavar="[CORPUS...]"
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="Strings, images or points measured; else as many as the test half has.", metavar="N"),
    ] = None,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="As published: n-grams of 640 strings against the training lines.")
    ] = False,
    guesses: Annotated[
        list[int] | None,
        typer.Option(help="Count test lines among so many strings; may be repeated. [10000, 100000]", metavar="G"),
    ] = None,
    orders: Annotated[int | None, typer.Option(help="Measure JS-1 to JS-N. [6]", metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the latents and of all that is drawn beside.", metavar="S")] = 0,
    baseline_seconds: Annotated[
        float | None,
        typer.Option(
            help="Of text: train a causal network for so long, to compare with; kept in the cache. 0: none. [30]",
            metavar="SECONDS",
        ),
    ] = None,
    best: Annotated[bool, typer.Option("--best", help="Of a run, the model of its best evaluation.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Of a model of images: folder of the images to measure against.", metavar="DIR")
    ] = None,
    device: options.Device = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, not tables.")] = False,
) -> None:
    """Measure MODEL against the test half of its data, and say what each number means."""
    from seqgan_wgp.runs.evaluate import evaluate as evaluated
    from seqgan_wgp.text.readers.open import open_inputs

    source = open_inputs(corpus) if corpus else None
    with Working(messages()) as working:

        def on_bytes(done: int) -> None:
            if source is not None:
                working(f"reading {source.label}", done / source.size if source.size else 0.0)

        found = evaluated(
            model,
            source,
            data=data,
            samples=samples,
            legacy=legacy,
            guesses=guesses or None,
            orders=orders,
            seed=seed,
            baseline_seconds=baseline_seconds,
            best=best,
            device=device or "auto",
            on_step=working,
            on_bytes=on_bytes,
        )
    utf8_stdout()
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    _show(found, Console(highlight=False))


def _show(found: Evaluation, console: Console) -> None:
    from seqgan_wgp.text.evaluation.evaluate import Evaluation as TextEvaluation

    for sentence in found.summary:
        console.print(Text(foreign(console, sentence), style="bold"), soft_wrap=not console.is_terminal)
    console.print()
    show_table(console, ("measure", "value", "beside", "what it means"), found.rows)
    if isinstance(found, TextEvaluation):
        console.print()
        _show_profiles(console, found.profiles)
        console.print()
        _show_pairs(console, found.nearest.pairs)
    console.print()
    console.print(Text(foreign(console, found.method), style="dim"), soft_wrap=not console.is_terminal)


def _show_profiles(console: Console, profiles: Profiles) -> None:
    """Print n-grams, and how various and how new strings are, for the model, real lines and plain models."""
    heads = ["", *(f"JS-{n}" for n, _ in enumerate(profiles.model.js, 1)), "unique", "novel"]
    named: dict[str, Profile] = {
        "floor": profiles.floor,
        "this model": profiles.model,
        **{f"Markov order {order}": profile for order, profile in profiles.markov.items()},
        **({} if profiles.autoregressive is None else {"autoregressive": profiles.autoregressive}),
        "uniform": profiles.uniform,
    }
    # Whether real lines are new says only which half they come from.
    news = {name: "" if profile is profiles.floor else f"{profile.novel:.1%}" for name, profile in named.items()}
    rows = [
        [name, *(f"{js:.4f}" for js in profile.js), f"{profile.unique:.1%}", news[name]]
        for name, profile in named.items()
    ]
    show_table(console, heads, rows, right=len(heads) - 1)


def _show_pairs(console: Console, pairs: tuple[NearPair, ...]) -> None:
    """Print the generated strings that are nearest to a training line, copies left out."""
    if not pairs:
        console.print("no string is near a training line without being one")
        return
    rows = [(foreign(console, pair.string), foreign(console, pair.line), str(pair.edits)) for pair in pairs]
    show_table(console, ("closest generated", "training line", "edits"), rows, right=1)
