"""seqgan-wgp score: score given strings with the critic."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import options
from ..ui.console import guarded
from ..ui.output import opened


@guarded
def score(
    model: options.TrainedModel,
    file: Annotated[
        str,
        typer.Argument(
            help="Text file with one string per line (also .gz, .zst), FILE:COLUMN of a table, or - for stdin.",
            metavar="[FILE]",
        ),
    ] = "-",
    format_: Annotated[
        str, typer.Option("--format", help="Output format: txt, jsonl or csv.", metavar="FORMAT")
    ] = "txt",
    csv_safe: options.CsvSafe = False,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Score each line of FILE with the critic.

    Prints score, flag and text, separated by tabs.
    A higher score means more like the training corpus and less like the generator's output.
    The score means nothing for strings that resemble neither.

    The flag is one of:
    too_long: only the beginning is scored;
    unknown: the string has characters that the model does not know;
    empty: the line is empty, and empty lines are never trained on;
    -: none of these.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.text.generation.formats import RECORDS, chosen_format, header

    format_ = chosen_format(format_, csv_safe=csv_safe)

    from seqgan_wgp.model import Model
    from seqgan_wgp.text.readers.strings import strings_of

    line = RECORDS[format_]
    loaded = Model.load(model, device=device or "auto")
    loaded.text_spec("score")
    scored = loaded.score(strings_of(file, loaded.config.corpus))
    with opened(output, overwrite=overwrite) as out:
        out.write(header(format_, "score", "flag"))
        for found in scored:
            out.write(line(found.shown, {"score": found.score, "flag": found.flag}) + "\n")
