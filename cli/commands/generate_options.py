"""The options of `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_WHICH, _FILTERS, _CONSTRAINTS = "Which strings", "Filters", "Constraints, met by every string"

Strings = Annotated[
    int,
    typer.Option(
        "-n",
        help="Strings, images or points; of strings 0: without end. They are numbers K to K + N - 1 of the seed's, of "
        "which a shard writes its own. With a filter it is what is to be found, by each shard.",
        metavar="N",
    ),
]
Continue = Annotated[
    Path | None,
    typer.Option(
        "--continue",
        help="In place of -o: write FILE bit by bit with a small FILE.index beside it, and go on where the same "
        "command stopped. It ends as the file of one run.",
        metavar="FILE",
    ),
]
Format = Annotated[str, typer.Option("--format", help="txt, jsonl or csv.", metavar="FORMAT")]

Columns = Annotated[int | None, typer.Option(help="Images in a row of a grid.", metavar="N")]

Seed = Annotated[
    int,
    typer.Option(help="Seed of the latents: the same seed, the same strings.", metavar="S", rich_help_panel=_WHICH),
]
Start = Annotated[
    int, typer.Option(help="Number of the first string, image or point.", metavar="K", rich_help_panel=_WHICH)
]
Shard = Annotated[
    str | None,
    typer.Option(
        help="The I-th of N parts, for as many machines: of all blocks of 512 numbers every N-th. Filters see their "
        "own part alone.",
        metavar="I/N",
        rich_help_panel=_WHICH,
    ),
]
Decode = Annotated[
    str,
    typer.Option(
        help="argmax: the likeliest string; sample: one drawn from the same probabilities.",
        metavar="HOW",
        rich_help_panel=_WHICH,
    ),
]
Temperature = Annotated[
    float, typer.Option(help="Of --decode sample: below 1 nearer to argmax.", metavar="T", rich_help_panel=_WHICH)
]
Best = Annotated[
    bool, typer.Option("--best", help="Of a run, the model of its best evaluation.", rich_help_panel=_WHICH)
]
Scores = Annotated[
    bool,
    typer.Option(
        "--scores",
        help="Add the critic's score and the log probability: columns before the text, in jsonl and csv behind it.",
        rich_help_panel=_WHICH,
    ),
]
Top = Annotated[
    int | None,
    typer.Option(help="Of N strings the K that the critic scores highest.", metavar="K", rich_help_panel=_WHICH),
]

Refine = Annotated[
    bool,
    typer.Option(
        "--refine",
        help="Only strings that the model's refiner accepts; train it with the command refine.",
        rich_help_panel=_FILTERS,
    ),
]
Unique = Annotated[
    bool,
    typer.Option(
        "--unique",
        help="No string twice. Known by 64 bits: of n strings one is lost with odds of n^2 / 2^65.",
        rich_help_panel=_FILTERS,
    ),
]
NotIn = Annotated[
    list[str] | None,
    typer.Option(
        "--not-in",
        help="No line of FILE, which is read as the model's corpus was; FILE:COLUMN too. May be repeated.",
        metavar="FILE",
        rich_help_panel=_FILTERS,
    ),
]
Valid = Annotated[
    str | None,
    typer.Option(
        "--valid",
        help="Only strings that the validator NAME calls valid; a plugin registers it.",
        metavar="NAME",
        rich_help_panel=_FILTERS,
    ),
]
Memory = Annotated[
    int,
    typer.Option(
        help="MB of memory for what filters know, 13 to 26 bytes a string; more goes to disk.",
        metavar="MB",
        rich_help_panel=_FILTERS,
    ),
]

Prefix = Annotated[str | None, typer.Option(help="How it begins.", metavar="TEXT", rich_help_panel=_CONSTRAINTS)]
Suffix = Annotated[str | None, typer.Option(help="How it ends.", metavar="TEXT", rich_help_panel=_CONSTRAINTS)]
Contains = Annotated[
    list[str] | None,
    typer.Option(help="What stands in it. May be repeated.", metavar="TEXT", rich_help_panel=_CONSTRAINTS),
]
Mask = Annotated[
    str | None,
    typer.Option(
        help="A set for each position: ?l a-z, ?u A-Z, ?d 0-9, ?s other ASCII, ?a all four, ?1 to ?4 own sets; any "
        "other character itself, ?? a question mark.",
        metavar="MASK",
        rich_help_panel=_CONSTRAINTS,
    ),
]
Set1 = Annotated[str | None, typer.Option("-1", help="The set ?1.", metavar="SET", rich_help_panel=_CONSTRAINTS)]
Set2 = Annotated[str | None, typer.Option("-2", help="The set ?2.", metavar="SET", rich_help_panel=_CONSTRAINTS)]
Set3 = Annotated[str | None, typer.Option("-3", help="The set ?3.", metavar="SET", rich_help_panel=_CONSTRAINTS)]
Set4 = Annotated[str | None, typer.Option("-4", help="The set ?4.", metavar="SET", rich_help_panel=_CONSTRAINTS)]
Length = Annotated[
    str | None,
    typer.Option(help="How many characters: 5, 3-8, 3- or -8.", metavar="A-B", rich_help_panel=_CONSTRAINTS),
]
Charset = Annotated[
    str | None,
    typer.Option(help="The only characters, or ?l ?u ?d ?s ?a.", metavar="SET", rich_help_panel=_CONSTRAINTS),
]
Regex = Annotated[
    str | None,
    typer.Option(
        help="What all of it matches: literals, ., \\[a-z], \\d \\w \\s, ( ), |, * + ? {m,n}.",
        metavar="PATTERN",
        rich_help_panel=_CONSTRAINTS,
    ),
]
