"""seqgan-wgp fuse: let an n-gram model of the corpus decide characters together with the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import options
from ..ui.console import guarded, messages, tell
from ..ui.inputs import inputs_with_progress
from ..ui.output import echo

if TYPE_CHECKING:
    from seqgan_wgp.text.fusion.fusion import Fusion


@guarded
def fuse(
    model: options.TrainedModel,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Training text; same inputs as train.", show_default="the run's own corpus", metavar="[CORPUS...]"
        ),
    ] = None,
    new: Annotated[
        float,
        typer.Option(help="Minimum share of the generated strings that are new (not training lines).", metavar="SHARE"),
    ] = 0.8,
    different: Annotated[
        float, typer.Option(help="Minimum share of the generated strings that are distinct.", metavar="SHARE")
    ] = 0.95,
    order_most: Annotated[
        int | None,
        typer.Option(
            help="Largest n of the n-grams, in characters; a smaller one gives a smaller file.",
            metavar="N",
            show_default="10",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="S")] = 0,
    best: options.Best = False,
    device: options.Device = None,
    plugin: options.Plugins = None,
) -> None:
    """Add an n-gram model to MODEL, which makes its strings more like the training lines.

    The n-gram model counts which characters follow which in the training lines.
    generate then draws each character from it and the generator together (--decode fusion).
    Takes seconds; the validation lines decide the size and the weight of the n-gram model.
    """
    options.load_plugins(plugin)

    from seqgan_wgp.runs.fuse import fuse as fused
    from seqgan_wgp.text.fusion.choose import ORDERS
    from seqgan_wgp.utils.tensor_file import find_model_file

    with inputs_with_progress(corpus) as (source, working, on_bytes):
        found = fused(
            model,
            source,
            new=new,
            different=different,
            order_most=ORDERS[-1] if order_most is None else order_most,
            seed=seed,
            best=best,
            device=device or "auto",
            on_progress=lambda share: working("choosing the n-gram model", share),
            on_bytes=on_bytes,
            on_note=tell,
        )
    _tell(found.fusion)
    echo(find_model_file(model, best=best))


def _tell(fusion: Fusion | None) -> None:
    """Say on stderr what was chosen."""
    console = messages()
    if fusion is None:
        console.print("no n-gram model brings the strings nearer to the validation lines: decode stays argmax")
        return
    powers, facts = fusion.powers, fusion.facts
    console.print(
        f"{facts['order']}-grams to the power {powers.ngram:g}, generator to the power {powers.generator:g}",
        soft_wrap=True,
    )
    found, before = facts["validation"], facts["argmax"]
    console.print(
        f"mean of JS-4, JS-6 and JS-8 above real lines: {found['divergence']:.4f} bits, by argmax "
        f"{before['divergence']:.4f}; "
        f"new {found['new']:.1%}, by argmax {before['new']:.1%}; different {found['different']:.1%}, by argmax "
        f"{before['different']:.1%}",
        soft_wrap=True,
    )
