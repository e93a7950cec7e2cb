"""Strings as lines: one line each whatever the string holds, and exact where a program reads them back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqgan_wgp.config import Config
from seqgan_wgp.text.generation.formats import (
    FORMATS,
    HEADERS,
    as_csv,
    as_jsonl,
    as_safe_csv,
    as_txt,
    is_formula,
    printable,
    without_mark,
    write_lines,
)
from seqgan_wgp.training.domain import DataSpec

SEPARATORS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
"""All that `str.splitlines` takes for the end of a line."""

strings = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(SEPARATORS + '\0\t\x1b\x7f\\",;= '))


def test_the_separators_are_all_that_python_knows() -> None:
    assert set(SEPARATORS) == {c for c in map(chr, range(0x110000)) if len(f"a{c}b".splitlines()) == 2}


@given(strings | st.text())
@example(SEPARATORS)
def test_a_txt_line_is_one_line_without_control_characters(string: str) -> None:
    """Also of lone surrogates, so that it can be written as UTF-8."""
    line = as_txt(string)
    assert line.splitlines() == [line][: len(line)]
    assert not [character for character in line if ord(character) < 32 or 127 <= ord(character) < 160]
    assert line.encode().decode() == line
    assert printable(string) == line
    assert printable(line) == line


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_a_string_without_control_characters_is_its_own_txt_line(string: str) -> None:
    assert as_txt(string) == string


@pytest.mark.parametrize(
    ("character", "escaped"),
    [("\n", r"\n"), ("\t", r"\t"), ("\x1b", r"\x1b"), ("\x85", r"\x85"), ("\u2028", r"\u2028"), ("\ud800", r"\ud800")],
)
def test_escapes_are_those_of_python(character: str, escaped: str) -> None:
    assert as_txt(f"é{character}z") == f"é{escaped}z"


@pytest.mark.parametrize(
    "string",
    ["\N{NO-BREAK SPACE}", "\N{SOFT HYPHEN}", "e\N{COMBINING ACUTE ACCENT}", "👩\N{ZERO WIDTH JOINER}🚀", "\\n"],
)
def test_what_takes_no_line_is_left_as_it_is(string: str) -> None:
    assert as_txt(string) == string


@given(strings)
@example(SEPARATORS)
def test_a_json_line_is_one_line_and_exact(string: str) -> None:
    line = as_jsonl(string)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"text": string}


@given(st.lists(strings))
@example(["", SEPARATORS, '"', ",", "\r\n", " a "])
def test_csv_is_exact(column: list[str]) -> None:
    """A line break within a string is quoted, as RFC 4180 has it; strings without one take one line each."""
    written = HEADERS["csv"] + "".join(as_csv(string) + "\n" for string in column)
    assert list(csv.reader(io.StringIO(written, newline=""))) == [["text"], *([string] for string in column)]
    quoted = [as_csv(string) for string in column if set(string) & set("\r\n")]
    assert all(field.startswith('"') and field.endswith('"') for field in quoted)
    assert all("\n" not in as_csv(string) for string in column if "\n" not in string)


def test_plain_strings_are_plain_in_csv() -> None:
    assert [as_csv(string) for string in ("emma", "a b", "a,b", 'a"b', "")] == ["emma", "a b", '"a,b"', '"a""b"', '""']


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_plain_strings_one_line_each(name: str) -> None:
    names = ["emma", "olivia", "Žofie", "李", "o'neil"]
    text = HEADERS.get(name, "") + "".join(FORMATS[name](string) + "\n" for string in names)
    assert len(text.splitlines()) == len(names) + (name in HEADERS)
    assert [string in line for string, line in zip(names, text.splitlines()[-5:], strict=True)] == [True] * 5


@pytest.mark.parametrize(("samples", "written"), [(7, 7), (250, 100)])
def test_samples_are_a_hundred_printable_lines_at_most(
    samples: int, written: int, tmp_path: Path, tiny_config: Callable[..., Config]
) -> None:
    class Numbers:
        def to_text(self, ids_NL: npt.NDArray[np.integer]) -> list[str]:
            return [f"{ids_L.item()}\t\n" for ids_L in ids_NL]

    write_lines(tiny_config(), cast("DataSpec", Numbers()), np.arange(samples)[:, None], tmp_path / "00000010")
    expected = "".join(f"{k}\\t\\n\n" for k in range(written))
    assert (tmp_path / "00000010.txt").read_text(encoding="utf-8") == expected


@given(st.text(st.sampled_from("'=+-@\t\r,\"\na"), max_size=6))
def test_no_cell_of_safe_csv_is_a_formula_and_the_string_comes_back(string: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(as_safe_csv(string), newline="")))
    assert cell[:1] not in set("=+-@\t\r")
    assert without_mark(cell) == string
    assert is_formula(string) or as_safe_csv(string) == as_csv(string)
