"""FIELDS and FILTERS: readers for file formats other than plain text, by file extension."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from .arrow import arrow, dataset, parquet
from .column_spec import Fields, fields
from .fasta import sequences
from .json_array import elements
from .tables import cells, values

FIELDS: dict[str, Callable[[Path, str], Fields]] = {
    ".csv": fields(partial(cells, ",;\t|")),
    ".tsv": fields(partial(cells, "\t")),
    ".jsonl": fields(values),
    ".ndjson": fields(values),
    "json": fields(elements),
    ".parquet": fields(partial(arrow, parquet)),
    "dataset": fields(partial(arrow, dataset)),
}
"""Extension, "json" for an array, or "dataset" for a folder -> function (path, field) -> Fields."""

FILTERS: dict[str, Callable[[BinaryIO], BinaryIO]] = dict.fromkeys(
    (".fasta", ".fa", ".faa", ".fna", ".ffn", ".frn"), sequences
)
"""Extension -> function that converts such a stream to a stream of lines."""
