"""seqgan-wgp report: write the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded
from ..ui.output import echo


@guarded
def report(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write.", metavar="FILE", show_default="report.html in RUN"),
    ] = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Write an HTML report of a run: samples, quality, training curves and settings.

    The report is one self-contained file. Prints its path.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.runs.folder import open_run
    from seqgan_wgp.runs.report.page import write_report
    from seqgan_wgp.utils.atomic_files import check_file

    folder = open_run(run)
    if output is not None:
        check_file(output, overwrite=overwrite)
    echo(write_report(folder, output))
