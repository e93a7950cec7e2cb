"""Read strings from Arrow tables: Parquet files and Hugging Face datasets on disk. Needs pyarrow."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CorpusError, did_you_mean, one_line
from ...utils.file_schema import checked_value, load_json
from .column_spec import LET, MARKED, Wanted, is_sound, listed, mended, unnamed
from .containers import BY_ENDING

_TEXTS = ("string", "large_string", "string_view")

_NUMBERS = re.compile(r"u?int\d+|float|double|halffloat|decimal\d+\(.*\)")
"""Types that are read as decimal text."""

_ROWS = 1024
"""Number of rows converted to Python strings at a time."""


def arrow(columns: Callable[[Any, Wanted], Iterator[Any]], want: Wanted) -> Iterator[str | None]:
    """Yield the strings of Arrow arrays. `columns` reads these with pyarrow."""
    try:
        pa: Any = importlib.import_module("pyarrow")
    except ImportError:
        raise CorpusError(
            f"{want.label} needs pyarrow, which is not installed", 'pip install "seqgan-wgp[arrow]"'
        ) from None
    row = 0
    try:
        for array in columns(pa, want):
            for first in range(0, len(array), _ROWS):
                yield from _python_strings(pa, array.slice(first, _ROWS), row + first, want)
            row += len(array)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorpusError(
            f"{want.label}: cannot be read ({one_line(error)})", "if it is damaged, get it from its source again"
        ) from None


def _python_strings(pa: Any, array: Any, row: int, want: Wanted) -> list[str | None]:
    if _NUMBERS.fullmatch(str(array.type)):
        return [None if value is None else _written(value, array.type) for value in array.to_pylist()]
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:
        plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    strings = [
        data if data is None else data.decode("utf-8", MARKED) for data in plain.cast("large_binary").to_pylist()
    ]
    return [
        string if string is None or is_sound(string) else mended(string, want, partial(_bad_row, want, number))
        for number, string in enumerate(strings, row + 1)
    ]


def _written(value: Any, kind: Any) -> str:
    """Return a number as text; a 32-bit float with its shortest exact digits."""
    if isinstance(value, float):
        return str(np.float32(value)) if str(kind) == "float" else repr(value)
    return str(value)


def _bad_row(want: Wanted, number: int, found: re.Match[str]) -> CorpusError:
    return CorpusError(
        f"{want.label}: row {number}: byte 0x{ord(found[0]) & 0xFF:02x} is not valid UTF-8",
        f"replace such bytes: {LET}",
    )


def parquet(_pa: Any, want: Wanted) -> Iterator[Any]:
    """Yield the column of a Parquet file in batches of rows."""
    if want.path.suffix.lower() in BY_ENDING:
        raise CorpusError(
            f"{want.label}: Parquet cannot be read from a {want.path.suffix} file", "decompress the file first"
        )
    pq: Any = importlib.import_module("pyarrow.parquet")
    with pq.ParquetFile(want.path, buffer_size=1 << 20) as file:
        _place(file.schema_arrow, want)
        for batch in file.iter_batches(_ROWS, columns=[want.field], use_threads=False):
            yield batch.column(batch.schema.names.index(want.field))


def dataset(pa: Any, want: Wanted) -> Iterator[Any]:
    """Yield the column of a dataset that was saved with `save_to_disk`: Arrow streams, listed in state.json."""
    if not (want.path / "state.json").is_file():
        splits = _described(
            want.path / "dataset_dict.json", lambda about: checked_value(list[str], about["splits"], "splits")
        )
        raise CorpusError(
            f"{want.label}: the dataset has splits; name one",
            f"e.g. {want.label}/{listed(splits[:1])}:{want.field or 'text'}; splits: {listed(splits)}",
        )
    state = want.path / "state.json"
    for name in _described(state, lambda about: [_name(file) for file in about["_data_files"]]):
        with pa.memory_map(str(want.path / name)) as file, pa.ipc.open_stream(file) as batches:
            place = _place(batches.schema, want)
            for batch in batches:
                yield batch.column(place)


def _described(file: Path, read: Callable[[Any], list[str]]) -> list[str]:
    try:
        return read(load_json(file))
    except (KeyError, TypeError):
        raise ValueError(f"{file.name} does not say what the dataset consists of") from None


def _name(file: Any) -> str:
    """Return the name of a file of a dataset. Raises ValueError if it is none, or leads out of the dataset's folder."""
    name: str = checked_value(str, file["filename"], "filename")
    if Path(name).name != name:
        raise ValueError(f"filename is {name!r}, which is no name of a file in this folder")
    return name


def _place(schema: Any, want: Wanted) -> int:
    """Return the index of the wanted column in a schema. Raises CorpusError if it is not a column of strings."""
    kinds = [column.type for column in schema]
    kinds = [kind.value_type if str(kind).startswith("dictionary<") else kind for kind in kinds]
    texts = [name for name, kind in zip(schema.names, kinds, strict=True) if str(kind) in _TEXTS]
    if not want.field:
        raise unnamed(want, "a table has columns", "columns of strings", texts)
    if want.field not in schema.names:
        guess = did_you_mean(want.field, schema.names)
        raise CorpusError(f"{want.label}: no column {want.field!r}{guess}", f"columns of strings: {listed(texts)}")
    place = int(schema.names.index(want.field))
    if want.field not in texts and not _NUMBERS.fullmatch(str(kinds[place])):
        raise CorpusError(
            f"{want.label}: the column {want.field!r} holds {kinds[place]}, not strings",
            f"columns of strings: {listed(texts)}",
        )
    return place
