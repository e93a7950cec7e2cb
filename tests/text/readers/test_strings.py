"""Strings of a file: all of them, in order, in one pass."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers.reader import LINE_BYTES
from seqgan_wgp.text.readers.strings import strings_of

PLAIN = CorpusSettings()


def test_every_line_comes_empty_ones_too(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\n two \n\n" + "dreié\u2028\tx".encode())
    assert list(strings_of(str(path), PLAIN)) == ["one", "", " two ", "", "dreié\u2028\tx"]
    packed = tmp_path / "lines.txt.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(strings_of(str(packed), PLAIN)) == list(strings_of(str(path), PLAIN))


def test_bad_bytes_are_shown_in_their_places(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"caf\xe9\nfine\n\xff\xfe\n")
    for errors in ("strict", "replace", "skip"):
        assert list(strings_of(str(path), replace(PLAIN, errors=errors))) == ["caf�", "fine", "��"]
    found = list(strings_of(str(path), replace(PLAIN, unit="byte")))
    assert [string.encode("utf-8", "surrogateescape") for string in found] == [b"caf\xe9", b"fine", b"\xff\xfe"]


def test_lines_are_read_as_the_corpus_was(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes("e\u0301\n".encode())
    assert list(strings_of(str(path), replace(PLAIN, normalize="nfc"))) == ["é"]
    path.write_bytes("é\n".encode("latin-1") * 3)
    assert list(strings_of(str(path), replace(PLAIN, encoding="latin-1", limit=1))) == ["é"] * 3


def test_fields_come_one_for_one(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("a", None, "b\nc", "")))
    assert list(strings_of(f"{path}:text", PLAIN)) == ["a", "", "b\nc", ""]


def test_of_a_line_without_end_the_beginning_comes(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"before\n" + b"ab" * LINE_BYTES + b"\nbehind\n")
    before, long, behind = strings_of(str(path), PLAIN)
    assert (before, behind) == ("before", "behind")
    assert LINE_BYTES // 2 < len(long) <= 2 * LINE_BYTES
    assert set(long) == {"a", "b"}


def test_stdin_is_taken_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stdin", stdin)
        found = strings_of("-", PLAIN)
        pipe.write(b"one\ntw")
        assert next(found) == "one"
        pipe.write(b"o\nthree\nfour")
        assert next(found) == "two"
        pipe.close()
        assert list(found) == ["three", "four"]


NAMES = [f"name{place}" for place in range(40)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gzip.compress("\n".join(NAMES).encode(), mtime=0), NAMES),
        ("\n".join(NAMES).encode("utf-16"), NAMES),
        ("\r".join(NAMES).encode(), NAMES),
        ("".join(f"{count:7} {name}\n" for count, name in enumerate(NAMES, 1)).encode(), NAMES),
        (json.dumps(NAMES).encode(), NAMES),
        (b"".join(b">%d\nAC\nGT\n" % place for place in range(9)), ["ACGT"] * 9),
        (b"", []),
    ],
    ids=["gzip", "utf-16", "returns", "counts", "json", "fasta", "empty"],
)
def test_stdin_is_read_as_what_it_is(data: bytes, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(file)))
        assert list(strings_of("-", replace(PLAIN, format="auto"))) == expected


def test_a_table_in_a_list_is_refused_with_what_a_list_can_do(tmp_path: Path) -> None:
    file = tmp_path / "people.txt"
    file.write_text("name\tage\n" + "".join(f"{name}\t{len(name)}\n" for name in NAMES))
    with pytest.raises(CorpusError) as error:
        strings_of(str(file), replace(PLAIN, format="auto"))
    assert "--set" not in error.value.remedy and "FILE:COLUMN" in error.value.remedy
    assert list(strings_of(f"{file}:name", replace(PLAIN, format="auto"))) == NAMES


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.txt", None, ("no such file",)),
        ("binary", bytes(range(256)), ("looks binary", "as utf-8: convert the file")),
        ("wide.txt", "\ufeffa\n".encode("utf-16"), ("the file is UTF-16", "as utf-8: convert the file")),
        ("cut.gz", gzip.compress(b"a\n" * 9_999, mtime=0)[:20], ("cut.gz", "damaged", "from its source again")),
    ],
)
def test_what_cannot_be_read_is_explained(name: str, data: bytes | None, says: tuple[str, ...], tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError) as error:
        list(strings_of(str(tmp_path / name), PLAIN))
    assert [words for words in says if words not in str(error.value)] == []
    assert "--set" not in str(error.value)
