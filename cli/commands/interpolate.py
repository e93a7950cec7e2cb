"""seqgan-wgp interpolate: interpolate between two latent vectors."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded
from ..ui.output import opened


@guarded
def interpolate(
    model: options.TrainedModel,
    a: Annotated[str, typer.Argument(help="Seed of the start; with --text, a string.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Seed of the end; with --text, a string.", metavar="B")],
    n: Annotated[int, typer.Option("-n", help="Number of samples, including both ends.", metavar="N")] = 10,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Treat A and B as strings and search for their latents, which takes a few seconds."
        ),
    ] = False,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Interpolate between the samples of two seeds.

    A latent is the random input from which the generator makes a sample.
    Moves from one latent to another in even steps and prints the sample of each.
    The ends are the first samples of generate --seed A and generate --seed B.
    Images need -o FILE.png or FILE.gif.
    """
    options.load_plugins(plugin)
    start, end = (a, b) if text else (_seed("A", a), _seed("B", b))

    from seqgan_wgp.domains import DOMAINS
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.generation.formats import as_txt

    loaded = Model.load(model, device=device or "auto")
    if text:
        loaded.text_spec("--text")
    write = DOMAINS[loaded.config.domain].interpolation_writer(output, overwrite=overwrite)
    if write is not None:
        write([loaded.interpolate(start, end, n)])
        return
    strings = loaded.spec.to_text(loaded.interpolate(start, end, n))
    with opened(output, overwrite=overwrite) as file:
        file.writelines(as_txt(string) + "\n" for string in strings)


def _seed(name: str, word: str) -> int:
    from seqgan_wgp.errors import ConfigError

    try:
        return int(word)
    except ValueError:
        remedy = "to interpolate between two strings, give --text"
        raise ConfigError(f"{name} is {word!r}, but a seed must be a whole number", remedy) from None
