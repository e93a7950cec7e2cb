"""seqgan-wgp interpolate: a walk between two latents."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded
from ..ui.output import opened


@guarded
def interpolate(
    model: options.TrainedModel,
    a: Annotated[str, typer.Argument(help="Seed of the latent to begin with, 0 or more; or a text.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Seed of the one to end with, or a text.", metavar="B")],
    n: Annotated[int, typer.Option("-n", help="Strings or images, both ends counted.", metavar="N")] = 10,
    text: Annotated[
        bool, typer.Option("--text", help="A and B are texts: the walk is between the latents found for them.")
    ] = False,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Walk from the first string or image of `generate --seed A` to that of B; images to FILE.png or FILE.gif."""
    options.load_plugins(plugin)
    start, end = (a, b) if text else (_seed("A", a), _seed("B", b))

    from seqgan_wgp.domains import adapter_for
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.generation.formats import as_txt

    loaded = Model.load(model, device=device or "auto")
    if text:
        loaded.text_spec("--text")
    write = adapter_for(loaded.config).interpolation_writer(output, overwrite=overwrite)
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
        remedy = "to walk between the strings themselves, give --text"
        raise ConfigError(f"{name} is {word!r}, but a seed is a whole number", remedy) from None
