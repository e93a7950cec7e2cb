"""seqgan-wgp report: what a run found, in one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded


@guarded
def report(
    run: Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File.", metavar="FILE", show_default="report.html in RUN"),
    ] = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Write one HTML file that tells all of a run: samples, quality, training, settings. Prints where it is."""
    options.load_plugins(plugin)
    from seqgan_wgp.runs.folder import open_run
    from seqgan_wgp.runs.report.page import write_report
    from seqgan_wgp.utils.atomic_files import check_file

    folder = open_run(run)
    if output is not None:
        check_file(output, overwrite=overwrite)
    typer.echo(write_report(folder, output))
