"""seqgan-wgp recipes: list the recipes, or print one."""

from __future__ import annotations

from typing import Annotated

import typer

from ..ui.console import guarded, results
from ..ui.tables import show_table


@guarded
def recipes(
    name: Annotated[str | None, typer.Argument(help="Recipe to print.", metavar="[NAME]")] = None,
) -> None:
    """List the recipes, or print all settings of one and their source.

    A recipe is a named set of settings to start training from.
    """
    from seqgan_wgp import config as configs

    if name is not None:
        typer.echo(configs.recipe_text(name), nl=False)
        return
    every = {known: configs.recipe(known) for known in configs.recipe_names()}
    rows = [(known, recipe.description, recipe.source) for known, recipe in every.items()]
    show_table(results(), ("recipe", "what it is", "source"), rows, sentences=True)
