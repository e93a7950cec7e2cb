"""Strings with numbers and words, as lines of each format."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.generation.formats import FORMATS, RECORDS, as_txt, chosen_format, header

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def test_lines_by_hand() -> None:
    columns: dict[str, str | float] = {"score": -0.25, "flag": ""}
    assert RECORDS["txt"]("a,b\tc", columns) == "-0.25\t-\ta,b\\tc"
    assert RECORDS["jsonl"]("a,b", columns) == '{"text": "a,b", "score": -0.25, "flag": ""}'
    assert RECORDS["csv"]("a,b", columns) == '"a,b",-0.25,'
    assert [header(format_, "score", "flag") for format_ in RECORDS] == ["", "", *["text,score,flag\n"] * 2]
    assert RECORDS["csv-safe"]("=1+2", columns) == "'=1+2,-0.25,"


@given(text=TEXT, score=NUMBERS, flag=st.sampled_from(["", "empty", "too_long+unknown"]))
def test_what_is_written_reads_back(text: str, score: float, flag: str) -> None:
    lines = {name: record(text, {"score": score, "flag": flag}) for name, record in RECORDS.items()}
    written, word, shown = lines["txt"].split("\t")
    assert (np.float32(written), word, shown) == (np.float32(score), flag or "-", as_txt(text))
    assert json.loads(lines["jsonl"]) == {"text": text, "score": pytest.approx(score), "flag": flag}
    (row,) = csv.reader(io.StringIO(lines["csv"] + "\n", newline=""))
    assert (row[0], np.float32(row[1]), row[2]) == (text, np.float32(score), flag)


@given(text=TEXT)
def test_without_columns_json_and_csv_are_those_of_generate(text: str) -> None:
    assert {name: RECORDS[name](text, {}) for name in RECORDS} == {name: FORMATS[name](text) for name in FORMATS}


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_json_has_no_numbers_that_are_not_finite(number: float) -> None:
    assert json.loads(RECORDS["jsonl"]("a", {"score": number})) == {"text": "a", "score": None}


def test_formats_that_there_are_not_are_refused() -> None:
    for format_ in ("txt", "jsonl", "csv"):
        assert chosen_format(format_, csv_safe=False) == format_
    assert chosen_format("csv", csv_safe=True) == "csv-safe"
    with pytest.raises(ConfigError, match="--format is 'cvs'; did you mean 'csv'") as error:
        chosen_format("cvs", csv_safe=False)
    assert error.value.remedy == "choose one of: txt, jsonl, csv"
    with pytest.raises(ConfigError, match="--format is 'csv-safe'"):
        chosen_format("csv-safe", csv_safe=False)
    with pytest.raises(ConfigError, match="--csv-safe needs --format csv"):
        chosen_format("jsonl", csv_safe=True)
