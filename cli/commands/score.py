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
            help="Text file with one string per line (also compressed), FILE:COLUMN of a table, or - for stdin.",
            metavar="[FILE]",
        ),
    ] = "-",
    format_: Annotated[
        str, typer.Option("--format", help="Output format: txt, jsonl or csv.", metavar="FORMAT")
    ] = "txt",
    csv_safe: options.CsvSafe = False,
    log_probability: Annotated[
        bool,
        typer.Option(
            "--log-probability",
            help="Add the log probability of each line, its standard error, and bits per character.",
        ),
    ] = False,
    latents: Annotated[
        int | None,
        typer.Option(
            help="With --log-probability: number of random inputs of the generator (latents) to average over, the same "
            "for all lines.",
            show_default="65,536",
            metavar="N",
        ),
    ] = None,
    importance: Annotated[
        int | None,
        typer.Option(
            help="With --log-probability: choose N latents for each line instead (importance sampling), for example "
            "8192. The errors are smaller; takes a fraction of a second per line.",
            metavar="N",
        ),
    ] = None,
    guess_number: Annotated[
        bool,
        typer.Option(
            "--guess-number",
            help="With --log-probability: add the guess number, an estimate of how many guesses, the most probable "
            "first, reach the string.",
        ),
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="With --log-probability: random seed.", metavar="S", show_default="0")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Label under which to score the lines, for a model trained with --label.", metavar="LABEL"),
    ] = None,
    output: options.Output = None,
    device: options.Device = None,
    overwrite: options.Replace = False,
    plugin: options.Plugins = None,
) -> None:
    """Score each line of FILE with the critic.

    The critic is the network that was trained to tell real strings from generated ones.
    Prints score, flag and text, separated by tabs.
    A higher score means more like the training lines and less like the generator's strings.
    The score means nothing for strings that resemble neither.
    --log-probability adds log probability, its standard error, and bits per character before the text.

    The flag is one of:
    too_long: only the beginning is scored;
    unknown: the string has characters that the model does not know;
    empty: the line is empty, and empty lines are never trained on;
    -: none of these.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.text.generation.formats import RECORDS, chosen_format, header

    format_ = chosen_format(format_, csv_safe=csv_safe)

    from seqgan_wgp.runs.commands import probability_columns, score_strings
    from seqgan_wgp.text.generation.scoring import shown

    records = score_strings(
        model,
        file,
        log_probability=log_probability,
        latents=latents,
        importance=importance,
        guess_number=guess_number,
        seed=seed,
        label=label,
        device=device,
    )
    names = probability_columns(guess_number=guess_number) if log_probability else ()
    line = RECORDS[format_]
    with opened(output, overwrite=overwrite) as out:
        out.write(header(format_, "score", "flag", *names))
        for record in records:
            out.write(line(shown(record.pop("text")), record) + "\n")
