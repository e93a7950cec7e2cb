"""The options of `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_WHICH, _FILTERS, _CONSTRAINTS = "Sampling", "Filters", "Constraints that every string satisfies"

Strings = Annotated[
    int,
    typer.Option(
        "-n",
        help="Number of samples; 0 streams forever (text only). With a filter, the number of samples to keep.",
        metavar="N",
    ),
]
Continue = Annotated[
    Path | None,
    typer.Option(
        "--continue",
        help="Like -o, but resumable: run the same command again to continue an interrupted FILE. Keeps a small "
        "FILE.index beside it. The result equals that of an uninterrupted run.",
        metavar="FILE",
    ),
]
Format = Annotated[str, typer.Option("--format", help="Output format: txt, jsonl or csv.", metavar="FORMAT")]

Columns = Annotated[
    int | None,
    typer.Option(help="Number of columns in an image grid.", metavar="N", show_default="a nearly square grid"),
]

Seed = Annotated[
    int,
    typer.Option(
        help="Random seed. The same seed gives the same samples.",
        metavar="S",
        rich_help_panel=_WHICH,
    ),
]
Start = Annotated[
    int,
    typer.Option(help="Index of the first sample: skip the first K samples.", metavar="K", rich_help_panel=_WHICH),
]
Shard = Annotated[
    str | None,
    typer.Option(
        help="Generate only part I of N, to split the work over N machines. A part is every N-th block of 512 "
        "samples. Each part applies its filters separately.",
        metavar="I/N",
        rich_help_panel=_WHICH,
    ),
]
Decode = Annotated[
    str,
    typer.Option(
        help="How the generator's probabilities become characters. argmax: take the most probable character at each "
        "position. sample: draw each character. fusion: draw from them together with an n-gram model, which the "
        "command fuse adds. auto: fusion if the model has an n-gram model, otherwise argmax.",
        metavar="HOW",
        rich_help_panel=_WHICH,
    ),
]
Temperature = Annotated[
    float,
    typer.Option(
        help="With --decode sample or fusion: below 1, probable characters are drawn more often, so strings vary less.",
        metavar="T",
        rich_help_panel=_WHICH,
    ),
]
Order = Annotated[
    str,
    typer.Option(
        help="index: sample by sample, in the order of the random numbers. probability: list all strings that satisfy "
        "the constraints, the most probable first; for at most 1,048,576 of them.",
        metavar="ORDER",
        rich_help_panel=_WHICH,
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        help="Label of the strings, for a model trained with --label. Repeat LABEL=SHARE for a mixture, for example "
        "fr=0.3 and de=0.7. By default labels are as frequent as in the training lines.",
        metavar="LABEL",
        rich_help_panel=_WHICH,
    ),
]
Best = Annotated[
    bool,
    typer.Option(
        "--best",
        help="Use best.safetensors (best validation score) instead of the latest weights.",
        rich_help_panel=_WHICH,
    ),
]
Scores = Annotated[
    bool,
    typer.Option(
        "--scores",
        help="Also print for each string the critic's score (higher: more like the training lines), the log "
        "probability and, with constraints, the log probability that they cost.",
        rich_help_panel=_WHICH,
    ),
]
Top = Annotated[
    int | None,
    typer.Option(help="Keep only the K strings with the highest critic score.", metavar="K", rich_help_panel=_WHICH),
]

Refine = Annotated[
    bool,
    typer.Option(
        "--refine",
        help="Keep only strings that the model's refiner accepts, a classifier that the command refine trains.",
        rich_help_panel=_FILTERS,
    ),
]
Unique = Annotated[
    bool,
    typer.Option(
        "--unique",
        help="Drop duplicates. Strings are compared by 64-bit hashes, so among n strings a new one is dropped by "
        "mistake with probability about n^2 / 2^65.",
        rich_help_panel=_FILTERS,
    ),
]
NotIn = Annotated[
    list[str] | None,
    typer.Option(
        "--not-in",
        help="Drop strings that are lines of FILE, for example the training corpus. FILE:COLUMN works too. May be "
        "repeated.",
        metavar="FILE",
        rich_help_panel=_FILTERS,
    ),
]
Valid = Annotated[
    str | None,
    typer.Option(
        "--valid",
        help="Keep only strings that pass the validator NAME: luhn, iban, ean13, json, brackets, dna, protein, smiles, "
        "rdkit, or a plugin's.",
        metavar="NAME",
        rich_help_panel=_FILTERS,
    ),
]
KeepIf = Annotated[
    str | None,
    typer.Option(
        "--keep-if",
        help="Keep only strings that the program COMMAND accepts. It reads one string per line and writes 1 or 0 for "
        "each. It is started anew for every batch of at most 4,096 lines.",
        metavar="COMMAND",
        rich_help_panel=_FILTERS,
    ),
]
KeepIfSeconds = Annotated[
    float,
    typer.Option(
        "--keep-if-seconds",
        help="Time limit in seconds for a batch of --keep-if.",
        metavar="S",
        rich_help_panel=_FILTERS,
    ),
]
KeepIfJobs = Annotated[
    int | None,
    typer.Option(
        "--keep-if-jobs",
        help="Number of batches that --keep-if works on at the same time.",
        metavar="J",
        show_default="one per processor core",
        rich_help_panel=_FILTERS,
    ),
]
Tries = Annotated[
    int | None,
    typer.Option(
        "--tries",
        help="With a filter: stop after T generated strings, even if fewer than -n have passed.",
        metavar="T",
        show_default="no limit",
        rich_help_panel=_FILTERS,
    ),
]
Memory = Annotated[
    int,
    typer.Option(
        help="Memory limit in MB for the filters (13 to 26 bytes per string). The rest goes to disk.",
        metavar="MB",
        rich_help_panel=_FILTERS,
    ),
]

Prefix = Annotated[str | None, typer.Option(help="Required prefix.", metavar="TEXT", rich_help_panel=_CONSTRAINTS)]
Suffix = Annotated[str | None, typer.Option(help="Required suffix.", metavar="TEXT", rich_help_panel=_CONSTRAINTS)]
Contains = Annotated[
    list[str] | None,
    typer.Option(help="Required substring. May be repeated.", metavar="TEXT", rich_help_panel=_CONSTRAINTS),
]
Mask = Annotated[
    str | None,
    typer.Option(
        help="Allowed characters at each position: ?l is a-z, ?u is A-Z, ?d is 0-9, ?s is other ASCII, ?a is all of "
        "these, ?h and ?H are hexadecimal digits, ?b is any character, ?1 to ?4 are the sets from -1 to -4, and ?? "
        "is a question mark. Any other character stands for itself.",
        metavar="MASK",
        rich_help_panel=_CONSTRAINTS,
    ),
]
MaskFile = Annotated[
    Path | None,
    typer.Option(
        "--mask-file",
        help="File of masks, one per line, with custom sets before the mask as in hashcat's .hcmask files. -n is "
        "shared among the masks in proportion to the training lines that satisfy each. No string is written twice.",
        metavar="FILE",
        rich_help_panel=_CONSTRAINTS,
    ),
]
PerMask = Annotated[
    bool,
    typer.Option("--per-mask", help="Generate -n strings for each mask of --mask-file.", rich_help_panel=_CONSTRAINTS),
]
Set1 = Annotated[
    str | None, typer.Option("-1", help="Characters of ?1 in --mask.", metavar="SET", rich_help_panel=_CONSTRAINTS)
]
Set2 = Annotated[
    str | None, typer.Option("-2", help="Characters of ?2 in --mask.", metavar="SET", rich_help_panel=_CONSTRAINTS)
]
Set3 = Annotated[
    str | None, typer.Option("-3", help="Characters of ?3 in --mask.", metavar="SET", rich_help_panel=_CONSTRAINTS)
]
Set4 = Annotated[
    str | None, typer.Option("-4", help="Characters of ?4 in --mask.", metavar="SET", rich_help_panel=_CONSTRAINTS)
]
Length = Annotated[
    str | None,
    typer.Option(
        help="Length in characters (or in units such as words): 5, 3-8, 3- (at least 3) or -8 (at most 8).",
        metavar="A-B",
        rich_help_panel=_CONSTRAINTS,
    ),
]
Charset = Annotated[
    str | None,
    typer.Option(
        help="Allowed characters. May include the sets ?l ?u ?d ?s ?a of --mask.",
        metavar="SET",
        rich_help_panel=_CONSTRAINTS,
    ),
]
Regex = Annotated[
    list[str] | None,
    typer.Option(
        help="Regular expression that the whole string matches. If repeated, it matches all of them. Supported: "
        "literals, ., \\[a-z], \\d \\w \\s, ( ), |, * + ? {m,n}, and (?= ) and (?! ) at the start.",
        metavar="PATTERN",
        rich_help_panel=_CONSTRAINTS,
    ),
]
AtLeast = Annotated[
    list[str] | None,
    typer.Option(
        "--at-least",
        help="Minimum number of characters from a set, for example ?d:2 or abc:1. May be repeated.",
        metavar="SET:K",
        rich_help_panel=_CONSTRAINTS,
    ),
]
AtMost = Annotated[
    list[str] | None,
    typer.Option(
        "--at-most",
        help="Maximum number of characters from a set, for example ?u:2. May be repeated.",
        metavar="SET:K",
        rich_help_panel=_CONSTRAINTS,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(help="Forbidden substring. May be repeated.", metavar="TEXT", rich_help_panel=_CONSTRAINTS),
]
WithoutFile = Annotated[
    list[str] | None,
    typer.Option(
        "--without-file",
        help="File of forbidden substrings, one per line. FILE:COLUMN works too. May be repeated.",
        metavar="FILE",
        rich_help_panel=_CONSTRAINTS,
    ),
]
IgnoreCase = Annotated[
    bool,
    typer.Option(
        "--ignore-case",
        help="--without and --without-file forbid upper and lower case alike.",
        rich_help_panel=_CONSTRAINTS,
    ),
]
