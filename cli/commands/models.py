"""seqgan-wgp models: list the bundled models."""

from __future__ import annotations

from typing import Annotated

import typer

from ..ui.console import guarded, results
from ..ui.tables import show_table


@guarded
def models(
    name: Annotated[str | None, typer.Argument(help="Model whose card to print.", metavar="[NAME]")] = None,
) -> None:
    """List the trained models that come with the package, or print the card of one.

    A name works wherever a command takes a MODEL: seqgan-wgp generate words -n 10
    """
    from seqgan_wgp.errors import ConfigError, did_you_mean
    from seqgan_wgp.utils.bundled_models import bundled_models

    known = bundled_models()
    if name is not None:
        if name not in known:
            raise ConfigError(
                f"{name}: no such bundled model{did_you_mean(name, known)}", f"bundled models: {', '.join(known)}"
            )
        typer.echo(known[name].card.read_text(encoding="utf-8"), nl=False)
        return
    rows = [
        (entry.name, f"{entry.path.stat().st_size / 1000:.0f} kB", entry.description, entry.corpus, entry.licence)
        for entry in known.values()
    ]
    heads = ("model", "size", "what it generates", "trained on", "licence of the corpus")
    show_table(results(), heads, rows, sentences=True)
