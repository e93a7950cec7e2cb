"""seqgan-wgp similar: find strings that are close to a given one in latent space."""

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
    text: Annotated[str, typer.Argument(help="A string; the model must know all its characters.", metavar="TEXT")],
    n: Annotated[int, typer.Option("-n", help="Maximum number of strings.", metavar="N")] = 10,
    distance: Annotated[
        float,
        typer.Option(
            help="Maximum distance from the latent of TEXT, 0 to 1. Smaller means more like TEXT.", metavar="D"
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Random seed of the search directions.", metavar="S")] = 0,
    format_: Annotated[
        str,
        typer.Option(
            "--format", help="Output format: txt, jsonl or csv. jsonl and csv include the distances.", metavar="FORMAT"
        ),
    ] = "txt",
    csv_safe: options.CsvSafe = False,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Generate strings similar to TEXT, nearest first.

    A latent is the random input from which the generator makes a string.
    Searches for the latent of TEXT, which takes a few seconds, then prints the strings of latents around it.
    TEXT itself is not printed.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.text.generation.formats import RECORDS, as_txt, chosen_format, header

    format_ = chosen_format(format_, csv_safe=csv_safe)
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
        messages().print(f"found {n - left:,} of {n:,} different strings within distance {distance:g}", markup=False)


def _tell(found: Inversion) -> None:
    """Print what the search found if it did not reproduce the text itself."""
    if found.decoded != found.text:
        message = f"no latent was found for {found.text!r}; the closest one decodes to {found.decoded!r}"
        messages().print(message, markup=False)
