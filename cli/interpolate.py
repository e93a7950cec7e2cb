"""seqgan-wgp interpolate: a walk between two latents."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options
from .console import guarded
from .output import opened


@guarded
def interpolate(
    model: options.TrainedModel,
    a: Annotated[int, typer.Argument(help="Seed of the latent to begin with, 0 or more.", metavar="A")],
    b: Annotated[int, typer.Argument(help="Seed of the one to end with.", metavar="B")],
    n: Annotated[int, typer.Option("-n", help="Strings or images, both ends counted.", metavar="N")] = 10,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
) -> None:
    """Walk from the first string or image of `generate --seed A` to that of B; images to FILE.png or FILE.gif."""
    from seqgan_wgp.images.output import walk_writer
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.generation import as_txt

    loaded = Model.load(model, device=device or "auto")
    if loaded.config.domain == "image":
        write = walk_writer(output, overwrite=overwrite)
        write([loaded.interpolate(a, b, n)])
        return
    strings = loaded.form.show(loaded.interpolate(a, b, n))
    with opened(output, overwrite=overwrite) as file:
        file.writelines(as_txt(string) + "\n" for string in strings)
