"""seqgan-wgp mnist: from images of digits to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import guarded, messages
from .reading import Reading
from .train import train_in


@guarded
def mnist(
    data: Annotated[
        Path | None, typer.Option(help="Folder with the four files, or others in IDX form.", metavar="DIR")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.", metavar="RUN")] = None,
    recipe: options.Recipe = "mnist-wgan-gp",
    config: options.ConfigFile = None,
    set_: options.Settings = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
) -> None:
    """Learn MNIST, which is downloaded once, or the images in DIR. Prints the run's folder when done."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.images.mnist import mnist_folder
    from seqgan_wgp.runs.folder import check_free, numbered
    from seqgan_wgp.runs.run import create, look_at_images

    flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
    settings = options.asked(recipe, config, set_, "image", **flags)
    if out is not None and not dry_run:
        check_free(out, overwrite=overwrite)
    console = messages()
    with Reading(console, "downloading MNIST", None) as on_bytes:
        folder = mnist_folder(data, lambda _name, done, _size: on_bytes(done))
    found = look_at_images(folder, settings)
    console.print(found.collection.facts.summary(), markup=False)
    if dry_run:
        typer.echo(configs.to_toml(settings), nl=False)
        return
    place = out or numbered(Path("runs"), f"{found.collection.facts.name}-{recipe}")
    train_in(create(found, settings, place, overwrite=overwrite), settings)
