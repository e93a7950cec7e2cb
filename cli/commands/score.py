"""seqgan-wgp score: what the critic makes of given strings."""

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
            help="A string a line, also .gz, .zst and FILE:COLUMN of a table; '-' for stdin.", metavar="[FILE]"
        ),
    ] = "-",
    format_: Annotated[str, typer.Option("--format", help="txt, jsonl or csv.", metavar="FORMAT")] = "txt",
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Print the critic's score of every line, in order: score, flag and text, tabs between.

    Higher: more like the corpus than like what this model generates. Of strings like neither a score says nothing.

    Flags: - none; too_long: scored by its beginning; unknown: has characters that were not learnt; empty: never learnt.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.text.generation.score_records import RECORDS, check_format, header

    check_format(format_)

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
