"""Several inputs as one corpus: they are read as the one file that they would be, each in its own way."""

from __future__ import annotations

import codecs
import dataclasses
import gzip
import hashlib
import io
import itertools
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.corpus.dataset import encoded_rows
from seqgan_wgp.text.corpus.scan import MIN_DISTINCT, Scan, scan
from seqgan_wgp.text.readers.open import Source, open_inputs, open_source
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.readers.source import MIN_LINES

Write = Callable[..., list[Path]]


def read(source: Source, **changes: Any) -> list[str]:
    return [string for lines in Reader(source, CorpusSettings(**changes)) for string in lines.strings()]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(**{"a.txt": "text"})`: files of these contents, in the order given."""

    def make(**contents: str | bytes) -> list[Path]:
        for name, content in contents.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return [tmp_path / name for name in contents]

    return make


# As one file


def all_of(found: Scan) -> tuple[list[list[int]], list[int]]:
    """Ids of all rows in their order, and the parts that they are for."""
    blocks = list(encoded_rows(found))
    return np.concatenate([rows for rows, *_ in blocks]).tolist(), np.concatenate(
        [part for _, part, _ in blocks]
    ).tolist()


words = st.text(st.sampled_from("abcdefgé李\r "), max_size=12)
enough = ["".join(letters) for letters in itertools.product("hijklmnop", repeat=3)]
files = st.lists(st.tuples(st.lists(words, max_size=8), st.booleans(), st.booleans()), min_size=2, max_size=5)


@pytest.mark.parametrize("layout", ["lines", "windows"])
@pytest.mark.parametrize("long", ["crop", "drop", "chunk"])
@settings(max_examples=10)
@given(made=files)
def test_several_files_are_the_one_file_that_they_would_be(layout: str, long: str, made: list[Any]) -> None:
    """Whatever their compression, with a byte order mark or without, with a line feed behind the last line or not."""
    whole = b""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (lines, unended, packed) in enumerate([*made, (enough, True, False)]):
            text = "\n".join(lines).encode() + b"\n" * (not unended and bool(lines))
            path = Path(folder) / f"{number}.txt{'.gz' * packed}"
            data = codecs.BOM_UTF8 * (number % 2) + text
            path.write_bytes(gzip.compress(data) if packed else data)
            paths.append(path)
            whole += text + b"\n" * (bool(text) and not text.endswith(b"\n") and number < len(made))
        one = Path(folder) / "one.txt"
        one.write_bytes(whole)
        settings_ = CorpusSettings(layout=layout, overflow=long, length=4)
        found, expected = scan(open_source(paths), settings_), scan(open_source(one), settings_)
        assert found.vocabulary.characters == expected.vocabulary.characters
        assert dataclasses.replace(found.facts, name="one") == expected.facts
        assert all_of(found) == all_of(expected)


def test_each_is_read_in_its_own_way(write: Write) -> None:
    paths = write(
        **{
            "a.txt": "\ufeffone\ntwo",
            "b.txt.gz": gzip.compress("\ufeffthree\r\n".encode()),
            "c.csv": "id,name\n1,four\n2,five\n",
            "d.fa": ">x\nACGT\nAC\n",
            "e.jsonl": '{"t": "six"}\n',
        }
    )
    inputs = [str(path) + {".csv": ":name", ".jsonl": ":t"}.get(path.suffix, "") for path in paths]
    source = open_inputs(inputs)
    assert read(source) == ["one", "two", "three", "four", "five", "ACGTAC", "six"]
    reader = Reader(source, CorpusSettings())
    assert sum(len(lines.sizes_N) for lines in reader) == 7
    assert ([file.read for file in reader.files], reader.read, reader.bom) == ([2, 1, 2, 1, 1], 7, True)
    one = b"one\ntwo\nthree\r\nfour\nfive\nACGTAC\nsix\n"
    assert reader.sha256 == hashlib.sha256(one).hexdigest()


def test_each_utf_16_file_has_its_own_byte_order(write: Write) -> None:
    contents = [codecs.BOM_UTF16_LE + "ab\nc".encode("utf-16-le"), codecs.BOM_UTF16_BE + "de\n".encode("utf-16-be")]
    paths = write(**{f"{number}.txt": content for number, content in enumerate(contents)})
    assert read(open_source(paths), encoding="utf-16") == ["ab", "c", "de"]


def test_a_limit_holds_for_all_together(write: Write) -> None:
    paths = write(**{"a.txt": "a\n\nb\n", "b.txt": "c\nd\n", "c.txt": "\xff"})
    assert read(open_source(paths), limit=3) == ["a", "", "b", "c"]
    assert read(open_source(paths), limit=2) == ["a", "", "b"]


def test_progress_goes_on_from_input_to_input(write: Write) -> None:
    source = open_source(write(**{"a.txt": "ab\n" * 5, "b.txt": "\ufeffcd\n", "c.txt": "e"}))
    told: list[int] = []
    reader = Reader(source, CorpusSettings(), told.append)
    assert [len(lines.sizes_N) for lines in reader] == [5, 1, 1]
    assert (told, source.size, reader.bytes) == ([15, 21, 22], 22, 22)


def test_what_they_are_called(write: Write) -> None:
    paths = write(**{"some.names.txt": "a\n", "b.txt.gz": gzip.compress(b"b\n"), "c.txt": "c\n"})
    source = open_source(paths)
    assert (source.name, source.label, source.size) == ("some.names-and-2-more", f"{paths[0]} and 2 more", None)
    assert open_source([paths[0], paths[2]]).size == 4
    alone = open_source(paths[:1])
    assert (alone.name, alone.label, alone.parts) == ("some.names", str(paths[0]), ())


# Where something is wrong


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("b.txt", b"x\ny\nz\xff\n", "b.txt: line 3: byte 0xff is not valid UTF-8"),
        ("b.txt", b"x\0\n", "b.txt: byte 1 is NUL"),
        ("b.txt.gz", b"no", "b.txt.gz: the compressed data is damaged"),
        ("b.csv", b"id,t\n1,x\n2,\xff\n", "b.csv: line 3: byte 0xff"),
        ("b.jsonl", b'{"t": "x"}\n{"t": true}\n', "b.jsonl: line 2: the field 't' is a boolean"),
    ],
)
def test_an_error_names_the_file_and_its_own_line(name: str, content: bytes, says: str, write: Write) -> None:
    first, second = write(**{"a.txt": "one\ntwo\nthree\nfour", name: content})
    column = ":t" if second.suffix in (".csv", ".jsonl") else ""
    with pytest.raises(CorpusError) as error:
        read(open_inputs([str(first), f"{second}{column}"]))
    assert str(second.with_name(says.split(":")[0])) + says[len(name) :] in error.value.message


@pytest.mark.parametrize("again", ["a.txt", "./a.txt", "*.txt"])
def test_what_is_named_twice_is_refused(again: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(**{"a.txt": "a\n"})[0].parent)
    with pytest.raises(CorpusError, match=r"a\.txt: is given 2 times\ngive it once"):
        open_inputs(["a.txt", again])


def test_two_columns_of_a_table_are_not_the_same_twice(write: Write) -> None:
    (path,) = write(**{"a.csv": "x,y\n1,2\n3,4\n"})
    assert read(open_inputs([f"{path}:x", f"{path}:y"])) == ["1", "3", "2", "4"]


def test_stdin_stands_alone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = write(**{"a.txt": "a\n"})
    stdin = io.TextIOWrapper(io.BytesIO(b"x\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    beside: list[list[str | Path]] = [["-", str(path)], [path, "-"], ["-", "-"]]
    for inputs in beside:
        with pytest.raises(CorpusError, match="cannot be combined with other inputs"):
            open_inputs(inputs)
    assert stdin.read() == "x\n"


@pytest.mark.parametrize("inputs", [["there.txt", "nowhere.txt"], ["there.txt", "folder"]])
def test_each_must_be_there_and_no_folder(inputs: list[str], write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = write(**{"there.txt": "a\n", "folder/x.txt": "b\n"})
    monkeypatch.chdir(path.parent)
    with pytest.raises(CorpusError, match=f"{inputs[1]}: (no such file|is a folder)"):
        open_inputs(inputs)


# Patterns


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("data/*.txt", ["1", "10", "2"]),
        ("data/?.txt", ["1", "2"]),
        ("data/[2-9].txt", ["2"]),
        ("data/*", ["1", "10", "2", "t"]),
        ("data/**/*.txt", ["1", "10", "2", "deep"]),
        ("data/*.csv:name", ["n", "m"]),
        ("[a].txt", ["itself"]),
        ("[c].csv:x", ["cell"]),
    ],
)
def test_a_pattern_is_its_files_in_the_order_of_their_names(
    pattern: str, expected: list[str], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "data/2.txt": "2\n",
        "data/10.txt": "10\n",
        "data/1.txt": "1\n",
        "data/.hidden.txt": "hidden\n",
        "data/folder/deep.txt": "deep\n",
        "[a].txt": "itself\n",
        "a.txt": "a\n",
        "[c].csv": "x\ncell\n",
    }
    if pattern.endswith("*"):
        contents["data/t"] = "t\n"
    if "csv" in pattern:
        contents |= {"data/a.csv": "name\nn\n", "data/b.csv": "k,name\n1,m\n"}
    *_, last = write(**contents)
    monkeypatch.chdir(next(folder for folder in last.parents if (folder / "data").is_dir()))
    assert read(open_source(pattern)) == expected
    assert read(open_inputs([pattern])) == expected


@pytest.mark.parametrize("pattern", ["data/*.gz", "nowhere/*", "*:name", "data/*.txt:name"])
def test_a_pattern_that_no_file_has_is_refused(pattern: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = write(**{"data/a.txt": "a\n"})
    monkeypatch.chdir(path.parents[1])
    with pytest.raises(CorpusError) as error:
        open_source(pattern)
    assert "\n" not in error.value.message
    assert error.value.remedy


# In Python


def test_paths_and_few_strings_name_files_and_many_strings_are_lines(write: Write) -> None:
    paths = write(**{f"{number:02}.txt": f"line {number}\n" for number in range(MIN_LINES)})
    expected = [f"line {number}" for number in range(MIN_LINES)]
    mixed: Sequence[str | Path] = [str(paths[0]), *paths[1:]]
    assert read(open_source(paths)) == read(open_source(mixed)) == expected
    assert read(open_source([str(path) for path in paths[:-1]])) == expected[:-1]
    lines = [f"word {number}" for number in range(MIN_LINES)]
    assert read(open_source(lines)) == lines
    assert read(open_source([*map(str, paths[:-1]), "no file"])) == [*map(str, paths[:-1]), "no file"]


def test_many_strings_that_are_all_files_might_mean_either(write: Write) -> None:
    paths = write(**{f"{number:02}.txt": "a\n" for number in range(MIN_LINES)})
    with pytest.raises(CorpusError, match="not clear what to train on"):
        open_source([str(path) for path in paths])


def test_few_strings_that_are_no_files_are_lines() -> None:
    assert read(open_source(["one", "two*", "x:y"])) == ["one", "two*", "x:y"]


def test_fewer_strings_are_inputs_only_where_they_could_not_be_learnt_from() -> None:
    assert MIN_LINES == MIN_DISTINCT
