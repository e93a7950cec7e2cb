"""seqgan-wgp refine: train a classifier that keeps a model's most realistic strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import options
from ..ui.console import guarded, messages, tell
from ..ui.inputs import inputs_with_progress
from ..ui.output import echo

if TYPE_CHECKING:
    from seqgan_wgp.text.refinement.fit import FitProgress
    from seqgan_wgp.text.refinement.refiner import Refiner


@guarded
def refine(
    model: options.TrainedModel,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Real strings; same inputs as train.", metavar="[CORPUS...]", show_default="the run's own corpus"
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Training time in minutes, for all classifiers together.", metavar="M", show_default="3"),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps for each classifier, instead of --minutes. The result is then reproducible.",
            metavar="N",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            help="Number of classifiers. Each is trained on strings that the previous ones accepted.", metavar="R"
        ),
    ] = 1,
    acceptance: Annotated[
        str,
        typer.Option(
            help="Acceptance rule: ratio (rejection sampling with a bound on the density ratio), drs (discriminator "
            "rejection sampling) or mh (Metropolis-Hastings).",
            metavar="RULE",
        ),
    ] = "ratio",
    quantile: Annotated[
        float,
        typer.Option(
            help="For ratio and drs: quantile of the density ratios that is used as the bound. A higher value gives "
            "more realistic strings and accepts fewer.",
            metavar="Q",
        ),
    ] = 0.95,
    proposals: Annotated[int, typer.Option(help="For mh: number of candidates per accepted string.", metavar="K")] = 32,
    new: Annotated[
        float,
        typer.Option(
            help="Wanted share of new strings (not training lines). If fewer are new, training lines are accepted less "
            "often. 0: no such correction.",
            metavar="SHARE",
        ),
    ] = 0.8,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="S")] = 0,
    best: options.Best = False,
    device: options.Device = None,
    plugin: options.Plugins = None,
) -> None:
    """Train a classifier that keeps a model's most realistic strings.

    The classifier, called the refiner, learns to tell real from generated strings and is stored in MODEL.
    generate --refine then keeps the strings that it takes for real.
    """
    options.load_plugins(plugin)

    from seqgan_wgp.runs.refine import refine as refined
    from seqgan_wgp.utils.tensor_file import find_model_file

    with inputs_with_progress(corpus) as (source, working, on_bytes):
        found = refined(
            model,
            source,
            minutes=minutes,
            steps=steps,
            rounds=rounds,
            acceptance=acceptance,
            quantile=quantile,
            proposals=proposals,
            new=new,
            seed=seed,
            best=best,
            device=device or "auto",
            on_progress=lambda place, at: working(_shown(place, rounds, at), at.step / at.steps if at.steps else 0.0),
            on_bytes=on_bytes,
            on_note=tell,
        )
    assert found.refiner is not None
    _tell(found.refiner)
    echo(find_model_file(model, best=best))


def _shown(place: int, rounds: int, at: FitProgress) -> str:
    of = f"round {place} of {rounds}, " if rounds > 1 else ""
    loss = "" if at.validation_loss is None else f", validation loss {at.validation_loss:.4f} (0.6931 by chance)"
    return f"{of}step {at.step:,}{loss}"


def _tell(refiner: Refiner) -> None:
    """Print the result of each round on stderr."""
    console = messages()
    for place, stage in enumerate(refiner.stages, 1):
        of, facts = f"round {place}: " if len(refiner.stages) > 1 else "", stage.facts
        told = f"a classifier tells {facts['accuracy']:.1%} of validation lines and generated strings right"
        console.print(f"{of}{told} (50% by chance), after {facts['best_step']:,} steps", soft_wrap=True)
    if refiner.thinning is not None:
        before, after = (f"{refiner.thinning.facts[name]:.1%}" for name in ("new_before", "new"))
        rarely = f"training lines are accepted more rarely, by a factor of {refiner.thinning.factor:.2f}"
        console.print(f"{rarely}: {after} of the accepted strings will be new (else {before})", soft_wrap=True)
    share = refiner.expected_acceptance
    console.print(f"generate --refine will accept about {share:.1%} of the strings", soft_wrap=True)
