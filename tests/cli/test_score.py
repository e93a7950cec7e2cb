"""The command `score`."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from seqgan_wgp.model import Model

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]

GIVEN = b"a5\n\nbe17\r\nB\tz\nx y1234567890\ncaf\xe9\na5"
FLAGS = ["-", "empty", "-", "unknown", "too_long", "unknown", "-"]
SHOWN = ["a5", "", "be17", r"B\tz", "x y1234567890", "caf�", "a5"]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.txt"
    path.write_bytes(GIVEN)
    return path


def test_every_line_gets_a_score_and_a_flag_in_order(trained: Path, given: Path, call: Call) -> None:
    result = call("score", trained, given)
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.split("\n")[:-1]]
    assert [row[1] for row in rows] == FLAGS
    assert [row[2] for row in rows] == SHOWN
    assert all(math.isfinite(float(row[0])) for row in rows)
    assert rows[0] == rows[-1]
    scored = Model.load(trained).score(["a5", "", "be17"])
    assert [np.float32(row[0]) for row in rows[:3]] == [np.float32(one.score) for one in scored]


def test_stdin_is_scored_as_a_file_is(trained: Path, given: Path, call: Call) -> None:
    wanted = call("score", trained, given).stdout
    for words in ([], ["-"]):
        assert call("score", trained, *words, stdin=GIVEN).stdout == wanted
    empty = call("score", trained, stdin=b"")
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "")


def test_formats_say_the_same(trained: Path, given: Path, tmp_path: Path, call: Call) -> None:
    plain = [line.split("\t") for line in call("score", trained, given).stdout.split("\n")[:-1]]
    objects = [json.loads(line) for line in call("score", trained, given, "--format", "jsonl").stdout.splitlines()]
    assert [one["text"] for one in objects] == [text.replace(r"\t", "\t") for text in SHOWN]
    assert [one["flag"] or "-" for one in objects] == FLAGS
    assert [np.float32(one["score"]) for one in objects] == [np.float32(row[0]) for row in plain]
    path = tmp_path / "scored.csv"
    assert call("score", trained, given, "--format", "csv", "-o", path).stdout == ""
    head, *rows = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
    assert head == ["text", "score", "flag"]
    assert [[row[1], row[2] or "-"] for row in rows] == [row[:2] for row in plain]


def test_a_column_of_a_table_is_scored(trained: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,age\na5,7\nbe17,8\n")
    column = call("score", trained, f"{path}:name")
    assert column.stdout == call("score", trained, stdin=b"a5\nbe17\n").stdout


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        (["none.txt"], b"", ("none.txt", "no such file")),
        (["."], b"", ("is a folder",)),
        (["mine.txt", "--format", "cvs"], b"", ("--format is 'cvs'", "did you mean 'csv'?", "txt, jsonl, csv")),
        (["mine.txt", "-o", "mine.txt"], b"", ("mine.txt: exists already", "--overwrite")),
        (["-"], bytes(range(256)), ("stdin", "looks binary", "convert the file")),
        (["mine.txt", "--device", "cpuu"], b"", ("'cpuu'", "did you mean 'cpu'?")),
        (["mine.txt", "more.txt"], b"", ("unexpected extra argument",)),
    ],
)
def test_a_mistake_is_explained(
    args: list[str],
    stdin: bytes,
    says: tuple[str, ...],
    trained: Path,
    tmp_path: Path,
    call: Call,
    contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    result = call("score", trained, *args, stdin=stdin)
    assert (result.returncode, result.stdout) == (2, "")
    assert [words for words in says if words not in result.stderr.replace("Got ", "").replace("U", "u")] == []
    assert "--set" not in result.stderr
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_log_probabilities_stand_beside_scores(trained: Path, given: Path, call: Call) -> None:
    options = ("--log-probability", "--latents", "600", "--guess-number", "--seed", "2", "--format", "jsonl")
    found = [json.loads(line) for line in call("score", trained, given, *options).stdout.splitlines()]
    plain = [json.loads(line) for line in call("score", trained, given, "--format", "jsonl").stdout.splitlines()]
    names = ["log_probability", "error", "bits_per_character", "guess_number"]
    assert [list(one) for one in found] == [["text", "score", "flag", *names]] * len(plain)
    assert [{name: one[name] for name in plain[0]} for one in found] == plain
    impossible = [one["flag"] in ("unknown", "too_long") for one in found]
    assert [one["log_probability"] is None for one in found] == impossible
    wanted = Model.load(trained).log_probability(["a5", "", "be17"], latents=600, seed=2)
    assert [one["log_probability"] for one in found[:3]] == pytest.approx([one.log_probability for one in wanted])
    rows = call("score", trained, given, "--log-probability", "--importance", "64").stdout.splitlines()
    assert {len(row.split("\t")) for row in rows} == {6}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--latents", "9"), "--latents is given without --log-probability"),
        (("--importance", "9"), "--importance is given without --log-probability"),
        (("--guess-number",), "--guess-number is given without --log-probability"),
        (("--seed", "1"), "--seed is given without --log-probability"),
        (("--log-probability", "--latents", "1"), "latents is 1"),
        (("--log-probability", "--importance", "-1"), "importance is -1"),
        (("--log-probability", "--seed", "-1"), "seed is -1"),
    ],
)
def test_probabilities_by_impossible_options_are_refused(
    options: tuple[str, ...], says: str, trained: Path, refused: Callable[..., None]
) -> None:
    refused([says], "score", trained, "there.txt", *options)
