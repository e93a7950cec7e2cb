"""seqgan-wgp recipes: list the recipes, or print one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ..ui.console import guarded, results


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
    table = Table("recipe", "what it is", "source", box=None, pad_edge=False)
    for known in configs.recipe_names():
        recipe = configs.recipe(known)
        table.add_row(known, recipe.description, recipe.source)
    results().print(table)
