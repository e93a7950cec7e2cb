"""Strings from columns, records and FASTA: what was written is read, and what cannot be read is named."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers.column_spec import CHARACTERS, STRINGS
from seqgan_wgp.text.readers.fasta import sequences
from seqgan_wgp.text.readers.file_formats import FIELDS, FILTERS

AWKWARD = ',;\t|"\r\n \x0b\x0c\x1c\x85\u2028\ufeff\ufffd\U0010ffffé李👩'

Strings = list[str | None]

texts = st.lists(st.text(st.sampled_from(AWKWARD) | st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
some_bytes = st.lists(
    st.sampled_from(
        [b"a", b"\n", b"\r\n", b"\r", b",", b'""', "é".encode(), b"\xff", b"\xc3", b"\xf0\x9f", b"\xed\xa0"]
    )
).map(b"".join)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])


def batches(kind: str, data: bytes, field: str, encoding: str = "utf-8", errors: str = "strict") -> Iterator[Strings]:
    name = f"people{kind}"
    return FIELDS[kind](Path(name), field)(lambda: io.BytesIO(data), name, encoding, errors)


def read(kind: str, data: bytes | str, field: str, encoding: str = "utf-8", errors: str = "strict") -> Strings:
    data = data.encode() if isinstance(data, str) else data
    return list(itertools.chain.from_iterable(batches(kind, data, field, encoding, errors)))


def read_path(kind: str, path: Path, field: str, errors: str = "strict") -> Strings:
    found = FIELDS[kind](path, field)(io.BytesIO, path.name, "utf-8", errors)
    return list(itertools.chain.from_iterable(found))


def encoded(text: str, encoding: str, marked: bool) -> bytes:
    """Encode, with one byte order mark where it is asked for or usual."""
    return (text if encoding in ("utf-8-sig", "utf-16", "utf-32") or not marked else "\ufeff" + text).encode(encoding)


def first_bad(data: bytes, line_end: bytes) -> str | None:
    """The message for the first byte that is bad, told plainly."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = len(re.findall(line_end, data[: error.start])) + 1
        return f"line {line}: byte 0x{data[error.start]:02x} is not valid UTF-8"
    return None


def check_bad_bytes(kind: str, data: bytes, strings: list[bytes], line_end: bytes) -> None:
    """The three ways with bad bytes, where the strings are all that may be bad in the data."""
    assert read(kind, data, "name", errors="replace") == [string.decode("utf-8", "replace") for string in strings]
    assert read(kind, data, "name", errors="skip") == [None if first_bad(s, b"") else s.decode() for s in strings]
    message = first_bad(data, line_end)
    if message is None:
        assert read(kind, data, "name") == [string.decode() for string in strings]
    else:
        with pytest.raises(CorpusError, match=rf"^people{re.escape(kind)}: {message}\n") as caught:
            read(kind, data, "name")
        assert "--set corpus.encoding=latin-1" in caught.value.remedy
        assert "--set corpus.errors=replace (or skip" in caught.value.remedy


# Tables of text


@given(texts, st.sampled_from(",;\t|"), encodings, st.booleans(), st.booleans())
def test_a_column_is_what_was_written(
    strings: list[str], delimiter: str, encoding: str, marked: bool, first: bool
) -> None:
    file = io.StringIO(newline="")
    rows = [["name", "n"]] + [[string, "1"] for string in strings]
    csv.writer(file, delimiter=delimiter).writerows(row if first else row[::-1] for row in rows)
    data = encoded(file.getvalue(), encoding, marked)
    assert read(".csv", data, "name", encoding) == strings
    assert read(".csv", data, "1" if first else "2", encoding) == ["name", *strings]
    if delimiter == "\t":
        assert read(".tsv", data, "name", encoding) == strings


@given(st.lists(some_bytes))
def test_bad_bytes_in_a_column(strings: list[bytes]) -> None:
    data = b"".join(b'"%s"\n' % string for string in [b"name", *strings])
    check_bad_bytes(".csv", data, [string.replace(b'""', b'"') for string in strings], b"\r\n|\r|\n")


@pytest.mark.parametrize("errors", ["strict", "replace", "skip"])
def test_bad_bytes_in_another_column_do_not_matter(errors: str) -> None:
    data = b'n\xf6,name\nA\xf1es,"Ana\nMar\xc3\xada"\n'
    assert read(".csv", data, "name", errors=errors) == ["Ana\nMaría"]


def test_the_line_of_a_bad_byte_in_a_row_of_many() -> None:
    with pytest.raises(CorpusError, match=r"^people\.csv: line 5: byte 0xf1 is"):
        read(".csv", b'a,name,c\n"\n\n","1\n\xf1\r\n2","\n"\n', "name")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("name,age\nAna,3\n", ["Ana"]),
        ("name;age;n,m\nAna;3;4,5\n", ["Ana"]),
        ("a;b;name\n1;2;3,4,5,6\n", ["3,4,5,6"]),
        ('"a,b,c,d";name\n1;Ana\n', ["Ana"]),
        ("name|age\nAna|3\n", ["Ana"]),
        ("age\tname\n3\tAna\n", ["Ana"]),
        ("name\nAna\n", ["Ana"]),
        ("\n\r\nname,age\n\nAna,3\n\n", ["Ana"]),
        ("age,name\n3\n4,\n5,Ana,x\n", [None, "", "Ana"]),
        ('name\n"say ""no"""\n5" wide\n', ['say "no"', '5" wide']),
        ("name,n\rAna,1\rEva,2", ["Ana", "Eva"]),
        ("name,name\nAna,Eva\n", ["Ana"]),
        ("name\n", []),
    ],
)
def test_tables_are_read(table: str, expected: Strings) -> None:
    assert read(".csv", table, "name") == expected


def test_a_tsv_has_tabs_alone_between_cells() -> None:
    assert read(".tsv", "name,x,y\tage\nAna, B\t3\n", "name,x,y") == ["Ana, B"]


def test_a_number_names_a_column_without_header() -> None:
    assert read(".csv", "Ana,3\nEva,4\n", "2") == ["3", "4"]
    assert read(".csv", "1,2\nAna,Eva\n", "2") == ["Eva"]


@pytest.mark.parametrize(
    ("table", "field", "message"),
    [
        ("name,age\n", "", r": a table has columns; name one\ne\.g\. people\.csv:name; columns: name, age$"),
        ("name,age\n", "nam", r": no column 'nam'; did you mean 'name'\?\ncolumns: name, age; .* from 1 to 2$"),
        ("name,age\n", "0", r": no column '0'\n"),
        ("name,age\n", "3", r": no column '3'\n.* a number from 1 to 2$"),
        ("name,age\n", "9" * 5_000, r": no column '9"),
        (",".join(f"c{n}" for n in range(30)), "x", r": no column 'x'\ncolumns: c0, .*, c19, and 10 more; "),
        ("a\x85\u2028,b\n", "x", r": no column 'x'\ncolumns: 'a\\x85\\u2028', b; "),
        ("", "name", r": the file is empty$"),
        ("\ufeff\r\n\n", "", r": the file is empty$"),
        ("a,name\n1,\0\n", "name", r": line 2 contains NUL: .*\n.*corpus\.encoding=utf-16"),
        ('name\n"a\nb"\nc\n"d\ne\n', "name", r": line 5 begins a row that is not CSV \(unexpected end of data\)\n"),
        ('name\n"a"b\n', "name", r": line 2 begins a row that is not CSV \("),
    ],
)
def test_tables_that_cannot_be_read(table: str, field: str, message: str) -> None:
    for errors in ("strict", "replace", "skip"):
        found = batches(".csv", table.encode(), field, errors=errors)
        with pytest.raises(CorpusError, match=r"^people\.csv" + message):
            list(found)


def test_a_header_in_another_encoding_is_named() -> None:
    data = "größe,n\nx,1\n".encode("latin-1")
    with pytest.raises(CorpusError, match=r": line 1: byte 0xf6 is not valid UTF-8\n.*corpus\.encoding=latin-1"):
        read(".csv", data, "größe")
    with pytest.raises(CorpusError, match=r": no column 'größe'"):
        read(".csv", data, "größe", errors="skip")
    assert read(".csv", data, "größe", "latin-1") == ["x"]


def test_utf_16_read_as_something_else_is_refused() -> None:
    with pytest.raises(CorpusError, match=r": line 1 contains NUL: .*\n.*--set corpus\.encoding=utf-16"):
        read(".csv", "name\nAna\n".encode("utf-16"), "name")


def test_cells_may_be_long() -> None:
    assert read(".csv", f"name,n\n{'x' * 500_000},1\n", "name") == ["x" * 500_000]


# Records


@given(texts, encodings, st.booleans(), st.booleans())
def test_a_field_is_what_was_written(strings: list[str], encoding: str, marked: bool, plain: bool) -> None:
    records = [json.dumps({"n": 1, "name": string}, ensure_ascii=not plain) for string in ["first", *strings]]
    data = encoded("\r\n".join(["", *records]), encoding, marked)
    assert read(".jsonl", data, "name", encoding) == ["first", *strings]
    assert read(".ndjson", data, "name", encoding) == ["first", *strings]


@given(st.lists(some_bytes.filter(lambda string: not re.search(rb'[\r\n"]', string)), min_size=1))
def test_bad_bytes_in_a_field(strings: list[bytes]) -> None:
    data = b"\n" + b"".join(b'{"name": "%s"}\n' % string for string in strings)
    check_bad_bytes(".jsonl", data, strings, b"\n")


def test_a_lone_surrogate_is_no_character() -> None:
    data = r'{"name": "a\ud83d\ude00b"}' + "\n" + r'{"name": "a\ud83db"}'
    assert read(".jsonl", data, "name", errors="replace") == ["a😀b", "a\ufffdb"]
    assert read(".jsonl", data, "name", errors="skip") == ["a😀b", None]
    with pytest.raises(
        CorpusError, match=r"^people\.jsonl: line 2: \\ud83d alone is half a surrogate pair\n.*corpus\.errors=replace"
    ):
        read(".jsonl", data, "name")


@pytest.mark.parametrize(
    ("record", "field", "expected"),
    [
        ({"user": {"name": "Ana"}}, "user.name", "Ana"),
        ({"user.name": "Eva", "user": {"name": "Ana"}}, "user.name", "Eva"),
        ({"a": {"b": {"c": "Ana"}}}, "a.b.c", "Ana"),
        ({"": {"": "Ana"}}, ".", "Ana"),
        ({"name": None}, "name", None),
        ({"user": None}, "user.name", None),
        ({"name": "\0"}, "name", "\0"),
    ],
)
def test_names_walk_into_records(record: dict[str, Any], field: str, expected: str | None) -> None:
    assert read(".jsonl", json.dumps(record), field) == [expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'name': 1}", r"not JSON \(.*\)\neach line must be a JSON object; "),
        ('{"name": "Ana"', r"not JSON \("),
        ('{"name": "a"} {"name": "b"}', r"not JSON \(Extra data"),
        ("[" * 100_000, r"not JSON \("),
        ("1" * 5_000, r"a number, not an object\n"),
        ('["name"]', r"an array, not an object\n"),
        ("null", r"null, not an object\n"),
        ("1.5", r"a number, not an object\n"),
        ('{"nam": "Ana"}', r"no field 'name'; did you mean 'nam'\?\nfields: nam; "),
        ('{"x": {"first": "Ana"}, "n": 1}', r"no field 'name'\nfields: x\.first, x, n; "),
        ('{"name": [3]}', r"the field 'name' is an array, not a string\nfields: name; "),
        ('{"name": true}', r"the field 'name' is a boolean, not a string\n"),
        ('{"name": {"first": "Ana"}}', r"the field 'name' is an object, not a string\nfields: name\.first, name; "),
    ],
)
def test_lines_without_the_string_are_refused_or_left_out(line: str, message: str) -> None:
    data = f'{{"name": "Ana"}}\n\n{line}\n{{"name": "Eva"}}\n'
    assert read(".jsonl", data, "name", errors="skip") == ["Ana", None, "Eva"]
    for errors in ("strict", "replace"):
        with pytest.raises(CorpusError, match=rf"^people\.jsonl: line 3: {message}") as caught:
            read(".jsonl", data, "name", errors=errors)
        assert "to skip such lines: --set corpus.errors=skip" in caught.value.remedy


def test_a_field_must_be_named() -> None:
    data = '\n{"id": 1, "user": {"name": "Ana"}, "text": "x"}\n'
    remedy = r"e\.g\. people\.jsonl:text; fields: text, user\.name, id, user$"
    with pytest.raises(CorpusError, match=rf"^people\.jsonl: a record has fields; name one\n{remedy}"):
        read(".jsonl", data, "")
    with pytest.raises(CorpusError, match=r"; name one\nfields: none$"):
        read(".jsonl", "{}", "")


@pytest.mark.parametrize("data", ["", "\ufeff", "\n \r\n"])
def test_records_of_nothing_are_refused(data: str) -> None:
    with pytest.raises(CorpusError, match=r"^people\.jsonl: the file is empty$"):
        read(".jsonl", data, "name")


# What holds for both


@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_strings_come_some_at_a_time(kind: str) -> None:
    strings = ["a"] * (2 * STRINGS + 1) + ["b" * CHARACTERS] * 3 + ["c"]
    made = {".csv": ["name", *strings], ".jsonl": [f'{{"name": "{string}"}}' for string in strings]}
    found = list(batches(kind, "\n".join(made[kind]).encode(), "name"))
    assert list(itertools.chain(*found)) == strings
    assert [len(batch) for batch in found] == [STRINGS, STRINGS, 2, 1, 1, 1]


def test_nothing_is_opened_before_iteration_and_all_is_closed_after() -> None:
    files: list[io.BytesIO] = []

    def opened() -> io.BytesIO:
        files.append(io.BytesIO(b"name\n" + b"Ana\n" * 10_000))
        return files[-1]

    strings = FIELDS[".csv"](Path("people.csv"), "name")
    assert not files
    for _ in range(2):
        found = strings(opened, "people.csv", "utf-8", "strict")
        assert next(found) == ["Ana"] * STRINGS
        del found
    assert [file.closed for file in files] == [True, True]


def test_decompressed_streams_are_read(tmp_path: Path) -> None:
    data = "name\n" + "Añes\n" * 10_000
    packed, squeezed = tmp_path / "people.csv.gz", tmp_path / "people.csv.zst"
    packed.write_bytes(gzip.compress(data.encode()))
    squeezed.write_bytes(zstandard.compress(data.encode()))
    fields = FIELDS[".csv"](packed, "name")
    for opened in (lambda: gzip.GzipFile(packed), lambda: zstandard.open(squeezed, "rb")):
        found = fields(cast("Any", opened), "people", "utf-8", "strict")
        assert list(itertools.chain(*found)) == ["Añes"] * 10_000


# Tables of Arrow

TYPES = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]


def write_parquet(table: Any, folder: Path) -> Path:
    pq.write_table(table, folder / "people.parquet", row_group_size=3_000)
    return folder / "people.parquet"


def write_dataset(table: Any, folder: Path) -> Path:
    """What `save_to_disk` of Hugging Face datasets writes, as far as it matters, in two files."""
    place = folder / "people"
    place.mkdir()
    half, names = len(table) // 2, ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    for name, part in zip(names, [table.slice(0, half), table.slice(half)], strict=True):
        with pa.ipc.new_stream(place / name, table.schema) as file:
            file.write_table(part, 3_000)
    state = {"_data_files": [{"filename": name} for name in names], "_format_type": None, "_split": "train"}
    (place / "state.json").write_text(json.dumps(state))
    return place


WRITERS = {".parquet": write_parquet, "dataset": write_dataset}
arrow_kinds = pytest.mark.parametrize("kind", list(WRITERS))


@arrow_kinds
@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_a_column_of_arrow_is_what_was_written(kind: str, type_: Any, tmp_path: Path) -> None:
    strings: Strings = [None, "", "a\nb\r\n", "\0", '\ufeff,"', "李👩"] * 2_000
    table = pa.table(
        {"n": range(len(strings)), "na.me": pa.array(strings, type_), "na": pa.array(["x"] * len(strings))}
    )
    assert read_path(kind, WRITERS[kind](table, tmp_path), "na.me") == strings


@arrow_kinds
@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("", r"a table has columns; name one\ne\.g\. people[a-z.]*:name; columns of strings: name, word$"),
        ("nam", r"no column 'nam'; did you mean 'name'\?\ncolumns of strings: name, word$"),
        ("yes", r"the column 'yes' holds bool, not strings\ncolumns of strings: name, word$"),
        ("many", r"the column 'many' holds list<.*>, not strings\n"),
    ],
)
def test_columns_of_arrow_that_are_not_strings(kind: str, field: str, message: str, tmp_path: Path) -> None:
    words = pa.array(["x"]).dictionary_encode()
    table = pa.table({"yes": [True], "name": ["Ana"], "many": [["a", "b"]], "word": words})
    path = WRITERS[kind](table, tmp_path)
    with pytest.raises(CorpusError, match=rf"^people[a-z.]*: {message}"):
        read_path(kind, path, field)


@arrow_kinds
def test_numbers_of_arrow_are_their_decimal_text(kind: str, tmp_path: Path) -> None:
    columns = {
        "whole": (pa.array([7, None, -12], pa.int64()), ["7", None, "-12"]),
        "double": (pa.array([0.1, None, 2.0], pa.float64()), ["0.1", None, "2.0"]),
        "float": (pa.array([0.1, None, 2.0], pa.float32()), ["0.1", None, "2.0"]),
        "decimal": (pa.array(["1.50", None, "2.00"]).cast(pa.decimal128(5, 2)), ["1.50", None, "2.00"]),
        "code": (pa.array(["007", None, "0"]), ["007", None, "0"]),
    }
    path = WRITERS[kind](pa.table({name: array for name, (array, _) in columns.items()}), tmp_path)
    for name, (_, expected) in columns.items():
        assert read_path(kind, path, name) == expected


def test_numbers_of_json_are_their_text_and_strings_keep_zeros() -> None:
    data = '{"n": 7, "code": "007"}\n{"n": 1.50, "code": "0"}\n{"n": 1e400, "code": ""}\n'
    assert read(".jsonl", data, "n") == ["7", "1.50", "1e400"]
    assert read(".jsonl", data, "code") == ["007", "0", ""]


@arrow_kinds
@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_bad_bytes_in_a_column_of_arrow(kind: str, type_: Any, tmp_path: Path) -> None:
    strings = [b"good"] * 4_000 + ["é".encode(), b"A\xf1es", None]
    array = pa.array(strings, pa.binary()).view(pa.string())
    if pa.types.is_dictionary(type_):
        places = [*range(len(strings) - 1), None]
        array = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), array.slice(0, len(strings) - 1))
    elif type_ == pa.large_string():
        array = pa.array(strings, pa.large_binary()).view(pa.large_string())
    path = WRITERS[kind](pa.table({"name": array}), tmp_path)
    good: Strings = ["good"] * 4_000
    assert read_path(kind, path, "name", "replace") == [*good, "é", "A\ufffdes", None]
    assert read_path(kind, path, "name", "skip") == [*good, "é", None, None]
    with pytest.raises(CorpusError, match=r": row 4002: byte 0xf1 is not valid UTF-8\n.*corpus\.errors=replace"):
        read_path(kind, path, "name")


@arrow_kinds
def test_damaged_tables_are_refused(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](pa.table({"name": [str(n) for n in range(5_000)]}), tmp_path)
    file = path if path.is_file() else path / "data-00001-of-00002.arrow"
    good = file.read_bytes()
    for data in (b"", b"name\nAna\n", good[:-9], good[: len(good) // 2], b"\xff" * 99 + good[99:]):
        file.write_bytes(data)
        if data == good[:-9] and kind == "dataset":
            continue  # nothing but the mark of the end is missing
        with pytest.raises(CorpusError, match=r"^people[a-z.]*: cannot be read \(.+\)\n.*damaged"):
            read_path(kind, path, "name")
    file.unlink()
    with pytest.raises(CorpusError, match=r"^people[a-z.]*: cannot be read \(.+\)\n"):
        read_path(kind, path, "name")


NO_STATES = {
    **{text: text for text in ("", "[]", "{}", '{"_data_files": 1}', '{"_data_files": [{}]}', '{"splits": [1]}')},
    "deep": "[" * 100_000,
    **{f"file {name!r}": json.dumps({"_data_files": [{"filename": name}]}) for name in (5, "", "a\0b", "\ud800")},
}


@pytest.mark.parametrize("file", ["state.json", "dataset_dict.json"])
@pytest.mark.parametrize("state", NO_STATES.values(), ids=NO_STATES)
def test_datasets_that_do_not_say_what_they_are(state: str, file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(state)
    with pytest.raises(CorpusError, match=r": cannot be read \(.+\)\n"):
        read_path("dataset", tmp_path, "name")


@pytest.mark.parametrize("place", ["../secret.arrow", "part/../../secret.arrow", "{}/secret.arrow"])
def test_a_dataset_reads_no_file_outside_its_folder(place: str, tmp_path: Path) -> None:
    folder = write_dataset(pa.table({"name": ["Ana", "Bo"]}), tmp_path)
    (folder / "data-00000-of-00002.arrow").rename(tmp_path / "secret.arrow")
    state = {"_data_files": [{"filename": place.format(tmp_path)}]}
    (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(CorpusError, match="which is no name of a file in this folder"):
        read_path("dataset", folder, "name")


@pytest.mark.parametrize(("field", "example"), [("", "text"), ("name", "name")])
def test_a_split_must_be_named(field: str, example: str, tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(
        CorpusError,
        match=rf"^(.+): the dataset has splits; name one\ne\.g\. \1/train:{example}; splits: train, test$",
    ):
        read_path("dataset", tmp_path, field)


def test_parquet_within_another_compression_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r": Parquet cannot be read from a \.gz file\ndecompress the file first$"):
        read_path(".parquet", tmp_path / "people.parquet.gz", "name")


@arrow_kinds
def test_without_pyarrow_the_command_that_installs_it_is_told(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = WRITERS[kind](pa.table({"name": ["Ana"]}), tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        CorpusError, match=r'^people.* needs pyarrow, which is not installed\npip install "seqgan-wgp\[arrow\]"$'
    ):
        read_path(kind, path, "name")


# FASTA


def plain_sequences(data: bytes) -> bytes:
    """The contract, written plainly."""
    records: list[list[bytes]] = [[]]
    for line in data.split(b"\n"):
        if line.startswith(b">"):
            records.append([])
        elif not line.startswith(b";"):
            records[-1].append(line.strip())
    return b"".join(sequence + b"\n" for sequence in map(b"".join, records) if sequence)


@given(
    st.lists(st.sampled_from([b"A", b"CG", b"*", b">", b"\n>", b";", b"\n;", b" ", b"\t\x0b", b"\n", b"\r\n"])),
    st.integers(1, 12),
    st.integers(1, 12),
)
@example([b">", b"A" * 30, b"\n", b";" * 30, b"\nA"], 4, 4)
@example([b"A", b" " * 30, b"A", b">" * 30, b"A \n>\nA"], 4, 4)
def test_sequences_are_those_of_the_plain_reader(parts: list[bytes], block_bytes: int, read_bytes: int) -> None:
    data = b"".join(parts)
    with sequences(io.BytesIO(data), block_bytes) as stream:
        found = b"".join(iter(lambda: stream.read(read_bytes), b""))
    assert found == plain_sequences(data)


def test_blocks_leave_no_trace_in_sequences() -> None:
    records = [b">%d some protein\r\n" % n + b"MKVLA GGWT*\r\n" * (n % 40) for n in range(10_000)]
    data = b";old\n" + b"".join(records) + b">long\n" + b"ACGTT" * 700_000 + b"\n>end " + b"x" * 3_000_000
    assert sequences(io.BytesIO(data)).read() == plain_sequences(data)


@pytest.mark.parametrize("kind", [".fasta", ".fa", ".faa", ".fna", ".ffn", ".frn"])
def test_fasta_becomes_lines(kind: str) -> None:
    data = codecs.BOM_UTF8 + b">one\nMKV\n LA*\t\r\n\n>none\n>two\n;comment\nAC\nGT"
    source = io.BytesIO(data)
    with FILTERS[kind](source) as stream:
        assert stream.read() == b"MKVLA*\nACGT\n"
    assert source.closed
