"""FIELDS and FILTERS: readers for file formats other than plain text, by file name ending."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from .arrow import arrow, dataset, parquet
from .column_spec import Fields, fields
from .fasta import sequences
from .tables import cells, values

FIELDS: dict[str, Callable[[Path, str], Fields]] = {
    ".csv": fields(partial(cells, ",;\t|")),
    ".tsv": fields(partial(cells, "\t")),
    ".jsonl": fields(values),
    ".ndjson": fields(values),
    ".parquet": fields(partial(arrow, parquet)),
    "dataset": fields(partial(arrow, dataset)),
}
"""Ending, or "dataset" for a folder -> (path, field) -> how its strings are found."""

FILTERS: dict[str, Callable[[BinaryIO], BinaryIO]] = dict.fromkeys(
    (".fasta", ".fa", ".faa", ".fna", ".ffn", ".frn"), sequences
)
"""Ending -> bytes of such a file to bytes of lines."""
