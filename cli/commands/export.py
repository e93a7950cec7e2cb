"""seqgan-wgp export: export the generator for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded, messages


@guarded
def export(
    model: options.TrainedModel,
    format_: Annotated[str, typer.Option("--format", help="Export format: onnx.", metavar="FORMAT")] = "onnx",
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
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Export the generator to ONNX (opset 18, any batch size).

    The file includes the vocabulary and the settings. Prints its name.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.errors import ConfigError, did_you_mean
    from seqgan_wgp.runs.export.onnx import EXPORTS, check_onnx, left_out
    from seqgan_wgp.utils.atomic_files import check_file

    if format_ not in EXPORTS:
        known = f"choose one of: {', '.join(EXPORTS)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, EXPORTS)}", known)
    check_onnx()

    from seqgan_wgp.model import Model

    loaded = Model.load(model, device="cpu")
    path = Path(output) if output is not None else Path(f"{_name(model)}.{format_}")
    check_file(path, overwrite=overwrite)
    EXPORTS[format_](loaded, path)
    for called in left_out(loaded):
        messages().print(f"the model's {called} is not exported: the file's strings are those of --decode argmax")
    typer.echo(path)


def _name(model: Path) -> str:
    """Return the name of a run folder or model file."""
    whole = model.resolve()
    return whole.name if whole.is_dir() else whole.stem
