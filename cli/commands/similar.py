"""seqgan-wgp similar: strings around a given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import options
from ..ui.console import guarded, messages
from ..ui.output import opened

if TYPE_CHECKING:
    from seqgan_wgp.text.generation.inversion import Inversion


@guarded
def similar(
    model: options.TrainedModel,
    text: Annotated[str, typer.Argument(help="A string of characters that the model knows.", metavar="TEXT")],
    n: Annotated[int, typer.Option("-n", help="Strings at most.", metavar="N")] = 10,
    distance: Annotated[
        float, typer.Option(help="The largest, 0 to 1: the nearer to 0, the more like TEXT.", metavar="D")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the directions that are gone in.", metavar="S")] = 0,
    format_: Annotated[
        str, typer.Option("--format", help="txt; jsonl or csv, with the distances.", metavar="FORMAT")
    ] = "txt",
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Print different strings that the model has around TEXT, nearest first.

    The latent of TEXT is searched for, in some seconds; strings are those of latents around it. TEXT is left out.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.text.generation.formats import as_txt
    from seqgan_wgp.text.generation.score_records import RECORDS, check_format, header

    check_format(format_)
    if seed < 0:
        raise ConfigError(f"--seed is {seed}, but it must not be negative")

    from seqgan_wgp.model import Model
    from seqgan_wgp.text.generation.inversion import check_neighbours

    check_neighbours(n, distance)
    loaded = Model.load(model, device=device or "auto")
    with opened(output, overwrite=overwrite) as out:
        found = loaded.invert(text, seed=seed)
        _tell(found)
        out.write(header(format_, "distance"))
        left = n
        for near in loaded.neighbours(found, n, distance=distance, seed=seed):
            left -= 1
            plain = format_ == "txt"
            line = as_txt(near.text) if plain else RECORDS[format_](near.text, {"distance": near.distance})
            out.write(line + "\n")
    if left:
        messages().print(f"{n - left:,} of {n:,} different strings are found up to distance {distance:g}", markup=False)


def _tell(found: Inversion) -> None:
    """Say what became of the search, where it did not find the text itself."""
    if found.decoded != found.text:
        message = f"no latent gives {found.text!r} itself; the nearest that was found gives {found.decoded!r}"
        messages().print(message, markup=False)
