"""seqgan-wgp generate: strings, images or points from a model."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options
from .console import guarded
from .output import opened


@guarded
def generate(
    model: options.TrainedModel,
    n: Annotated[int, typer.Option("-n", help="Strings, images or points.", metavar="N")] = 10,
    output: options.Output = None,
    seed: Annotated[int, typer.Option(help="Seed of the latents: the same seed, the same strings.", metavar="S")] = 0,
    format_: Annotated[str, typer.Option("--format", help="txt, jsonl or csv.", metavar="FORMAT")] = "txt",
    columns: Annotated[int | None, typer.Option(help="Images in a row of a grid.", metavar="N")] = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
) -> None:
    """Print N new strings or points, one a line; write images: a grid to FILE.png, all to FILE.npy, or a folder."""
    from seqgan_wgp.errors import ConfigError, did_you_mean
    from seqgan_wgp.text.generation import FORMATS, HEADERS

    if n < 1:
        raise ConfigError(f"-n is {n}, but it must be at least 1")
    if seed < 0:
        raise ConfigError(f"--seed is {seed}, but it must not be negative")
    if format_ not in FORMATS:
        known = f"it is one of: {', '.join(FORMATS)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, FORMATS)}", known)

    from seqgan_wgp.images.output import images_writer
    from seqgan_wgp.model import Model
    from seqgan_wgp.toy.output import written

    line = FORMATS[format_]
    loaded = Model.load(model, device=device or "auto")
    if loaded.config.domain == "image":
        write = images_writer(output, n, columns=columns, overwrite=overwrite)
        write(loaded.samples(n, seed=seed))
        return
    if columns is not None:
        raise ConfigError("--columns is for grids of images, and this model makes none", "leave it out")
    with opened(output, overwrite=overwrite) as file:
        if loaded.config.domain == "toy":
            file.writelines(written(loaded.samples(n, seed=seed), format_))
            return
        file.write(HEADERS.get(format_, ""))
        for string in loaded.stream(n, seed=seed):
            file.write(line(string) + "\n")
