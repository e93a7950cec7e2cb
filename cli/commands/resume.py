"""seqgan-wgp resume: continue training a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..torchrun import together
from ..ui.console import fail, guarded
from .train import train_in


@guarded
def resume(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    steps: options.LaterSteps = None,
    minutes: options.LaterMinutes = None,
    device: options.RunDevice = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="best: continue from best.safetensors, the model with the best validation score. For a run whose "
            "checkpoints are damaged.",
            metavar="best",
            show_default="the last checkpoint",
        ),
    ] = None,
    plugin: options.Plugins = None,
) -> None:
    """Resume a run, optionally with a later end.

    The result equals that of an uninterrupted run.
    Give --steps or --minutes to train longer than planned.
    """
    if from_ not in (None, "best"):
        fail(f"--from is {from_!r}", "leave it out, or give: --from best")
    options.load_plugins(plugin)
    from seqgan_wgp import config as configs
    from seqgan_wgp.runs.folder import RunFolder, open_run
    from seqgan_wgp.runs.session import check_longer

    given = configs.given("training", steps=steps, minutes=minutes, device=device)

    def opened() -> RunFolder:
        folder = open_run(run)
        if from_ is None:
            check_longer(folder, given)
        return folder

    with together() as world:
        train_in(world.shared(opened), world, given, from_best=from_ is not None)
