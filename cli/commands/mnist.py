"""seqgan-wgp mnist: from images of digits to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import options
from ..ui.byte_progress import Reading
from ..ui.console import guarded, messages
from .train import train_prepared

if TYPE_CHECKING:
    from seqgan_wgp.config import Config
    from seqgan_wgp.runs.folder import RunFolder


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
    plugin: options.Plugins = None,
) -> None:
    """Learn MNIST, which is downloaded once, or the images in DIR. Prints the run's folder when done."""
    options.load_plugins(plugin)
    from seqgan_wgp import config as configs
    from seqgan_wgp.images.mnist import mnist_folder
    from seqgan_wgp.runs.folder import numbered
    from seqgan_wgp.runs.train import create, scan_images

    def asked() -> Config:
        flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
        return options.asked(recipe, config, set_, "image", **flags)

    def prepare(settings: Config) -> RunFolder | None:
        console = messages()
        with Reading(console, "downloading MNIST", None) as on_bytes:
            folder = mnist_folder(data, lambda _name, done, _size: on_bytes(done))
        found = scan_images(folder, settings)
        console.print(found.collection.facts.summary(), markup=False)
        if dry_run:
            typer.echo(configs.to_toml(settings), nl=False)
            return None
        place = out or numbered(Path("runs"), f"{found.collection.facts.name}-{recipe}")
        return create(found, settings, place, overwrite=overwrite)

    train_prepared(asked, prepare, out, overwrite=overwrite, dry_run=dry_run)
