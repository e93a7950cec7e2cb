"""seqgan-wgp resume: go on with a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import guarded
from .train import train_in


@guarded
def resume(
    run: Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")],
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = None,
) -> None:
    """Go on with a run as if it had never stopped, to its end or to a later one."""
    from seqgan_wgp import config as configs
    from seqgan_wgp.runs.folder import open_run
    from seqgan_wgp.runs.run import read_config

    overrides = options.given(steps=steps, minutes=minutes, device=device)
    folder = open_run(run)
    train_in(folder, configs.override(read_config(folder), overrides), overrides)
