"""seqgan-wgp export: write a model for other programs, or as a small file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded, messages
from ..ui.output import echo


@guarded
def export(
    model: options.TrainedModel,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Export format: onnx, html for a web page that generates, or safetensors for a slim model file.",
            metavar="FORMAT",
            show_default="onnx; safetensors with --slim",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="File to write.",
            metavar="FILE",
            show_default="MODEL's name in the current folder",
        ),
    ] = None,
    slim: Annotated[
        bool,
        typer.Option(
            "--slim",
            help="Write a model file of about a third of the size: only the weights that generating and scoring need, "
            "in half precision. It works like any model file.",
        ),
    ] = False,
    best: options.Best = False,
    overwrite: options.Replace = False,
    space: Annotated[
        Path | None,
        typer.Option(
            help="Instead of one file, write a folder that runs as a Hugging Face Space: the studio with this model.",
            metavar="DIR",
        ),
    ] = None,
    plugin: options.Plugins = None,
) -> None:
    """Export a model as one file that includes the vocabulary and the settings.

    onnx: the generator, for programs that read ONNX (opset 18, any batch size).
    html: a web page that generates the same strings as the command, without an internet connection.
    safetensors: a model file of about a third of the size, for sharing.
    Prints the name of the file.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.runs.commands import export as exported

    def on_note(note: str) -> None:
        messages().print(note)

    path = exported(
        model, output, format=format_, slim=slim, best=best, space=space, overwrite=overwrite, on_note=on_note
    )
    echo(path)
