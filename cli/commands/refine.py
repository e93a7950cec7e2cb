"""seqgan-wgp refine: train a classifier that keeps a model's most realistic strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import options
from ..ui.console import guarded, messages
from ..ui.progress_bar import Working

if TYPE_CHECKING:
    from seqgan_wgp.text.refinement.fit import FitProgress
    from seqgan_wgp.text.refinement.refiner import Refiner


@guarded
def refine(
    model: options.TrainedModel,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(help="The text, as train takes it; otherwise the run's own.", metavar="[CORPUS...]"),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Time for training, all rounds together. [3]", metavar="M")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of each round, in place of --minutes; repeatable.", metavar="N")
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Classifiers; each learns from what the ones before it let through.", metavar="R")
    ] = 1,
    acceptance: Annotated[
        str,
        typer.Option(
            help="ratio: rejection with a bound; drs: discriminator rejection sampling; mh: Metropolis-Hastings.",
            metavar="RULE",
        ),
    ] = "ratio",
    quantile: Annotated[
        float,
        typer.Option(
            help="Of ratio and drs: the bound is this quantile of the ratios. Higher: nearer to the text, fewer "
            "accepted.",
            metavar="Q",
        ),
    ] = 0.95,
    proposals: Annotated[int, typer.Option(help="Of mh: candidates for each string kept.", metavar="K")] = 32,
    seed: Annotated[int, typer.Option(help="Seed of the training.", metavar="S")] = 0,
    best: Annotated[bool, typer.Option("--best", help="Refine the run's best.safetensors.")] = False,
    device: options.Device = None,
    plugin: options.Plugins = None,
) -> None:
    """Train a classifier of real against generated strings, and store it in MODEL for generate --refine."""
    options.load_plugins(plugin)

    from seqgan_wgp.runs.refine import refine as refined
    from seqgan_wgp.text.readers.open import open_inputs
    from seqgan_wgp.utils.model_file import find_model_file

    source = open_inputs(corpus) if corpus else None
    with Working(messages()) as working:

        def on_bytes(done: int) -> None:
            if source is not None:
                working(f"reading {source.label}", done / source.size if source.size else 0.0)

        found = refined(
            model,
            source,
            minutes=minutes,
            steps=steps,
            rounds=rounds,
            acceptance=acceptance,
            quantile=quantile,
            proposals=proposals,
            seed=seed,
            best=best,
            device=device or "auto",
            on_progress=lambda place, at: working(_shown(place, rounds, at), at.step / at.steps if at.steps else 0.0),
            on_bytes=on_bytes,
        )
    assert found.refiner is not None
    _tell(found.refiner)
    typer.echo(find_model_file(model, best=best))


def _shown(place: int, rounds: int, at: FitProgress) -> str:
    of = f"round {place} of {rounds}, " if rounds > 1 else ""
    loss = "" if at.validation_loss is None else f", validation loss {at.validation_loss:.4f} (0.6931 by chance)"
    return f"{of}step {at.step:,}{loss}"


def _tell(refiner: Refiner) -> None:
    """Say on stderr what each round has come to."""
    console = messages()
    for place, stage in enumerate(refiner.stages, 1):
        of, facts = f"round {place}: " if len(refiner.stages) > 1 else "", stage.facts
        told = f"a classifier tells {facts['accuracy']:.1%} of validation lines and generated strings right"
        console.print(f"{of}{told} (50% by chance), after {facts['best_step']:,} steps", soft_wrap=True)
    share = refiner.expected_acceptance
    console.print(f"generate --refine will accept about {share:.1%} of the strings", soft_wrap=True)
