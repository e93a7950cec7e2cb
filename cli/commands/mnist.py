"""seqgan-wgp mnist: train a generator of digit images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded
from .train import train_on

INPUTS = ["mnist"]
"""The inputs by which `compare` names the same data."""


@guarded
def mnist(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the four MNIST files, other images in IDX format, or pictures (PNG, JPEG) of one size; "
            "or an .npy or .npz file.",
            metavar="DIR",
            show_default="download MNIST once",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the run.", metavar="RUN", show_default="a new folder in runs")
    ] = None,
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
    """Train a generator on MNIST or on your own images.

    MNIST is downloaded once. Prints the run folder when training ends.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.domains import adapter_claiming

    adapter = adapter_claiming(INPUTS)
    flags = {"steps": steps, "minutes": minutes, "seed": seed, "device": device}
    train_on(
        adapter,
        INPUTS,
        data,
        lambda chosen, named: options.asked(chosen, config, set_, adapter, named, **flags),
        recipe,
        out,
        overwrite=overwrite,
        dry_run=dry_run,
    )
