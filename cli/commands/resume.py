"""seqgan-wgp resume: continue training a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..torchrun import together
from ..ui.console import guarded
from .train import train_in


@guarded
def resume(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = None,
    plugin: options.Plugins = None,
) -> None:
    """Resume a run, optionally with a later end.

    The result equals that of an uninterrupted run.
    Give --steps or --minutes to train longer than planned.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.runs.folder import open_run

    with together() as world:
        train_in(world.shared(lambda: open_run(run)), world, options.given(steps=steps, minutes=minutes, device=device))
