"""The command `similar`, and the refusals of models that are none of text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.model import Model

Call = Callable[..., CompletedProcess[str]]


def test_neighbours_are_printed_nearest_first(trained: Path, call: Call) -> None:
    model = Model.load(trained)
    found = model.invert("be17")
    near = list(model.neighbours(found))
    said = f"no latent was found for 'be17'; the closest one decodes to {found.decoded!r}\n"
    plain, objects, table = (call("similar", trained, "be17", "--format", name) for name in ("txt", "jsonl", "csv"))
    for result in (plain, objects, table):
        assert (result.returncode, result.stderr) == (0, "" if found.decoded == "be17" else said)
    assert plain.stdout.split("\n")[:-1] == [one.text for one in near]
    rows = [json.loads(line) for line in objects.stdout.splitlines()]
    assert [one["text"] for one in rows] == [one.text for one in near]
    distances = [one["distance"] for one in rows]
    assert distances == sorted(distances)
    assert distances == pytest.approx([one.distance for one in near])
    head, *fields = csv.reader(io.StringIO(table.stdout, newline=""))
    assert head == ["text", "distance"]
    assert [(text, float(number)) for text, number in fields] == [(one["text"], one["distance"]) for one in rows]


def test_fewer_strings_than_asked_for_are_told_of(trained: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "near.txt"
    result = call("similar", trained, "be17", "-n", "9", "--distance", "1e-6", "-o", path)
    count = len(path.read_text().splitlines())
    assert (result.returncode, result.stdout) == (0, "")
    assert count < 9
    assert result.stderr.endswith(f"found {count} of 9 different strings within distance 1e-06\n")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([""], ("the text is empty",)),
        (["Übung"], ("'Übung'", "does not know: 'Ü', 'u', 'n', 'g'", "it knows")),
        (["1234567890" * 9], ("has 90 characters", "at most 8")),
        (["a5", "-n", "0"], ("n is 0", "1 to 100,000")),
        (["a5", "--distance", "0"], ("distance is 0", "above 0")),
        (["a5", "--distance", "2"], ("distance is 2", "at most 1")),
        (["a5", "--seed", "-1"], ("--seed is -1", "negative")),
        (["a5", "--format", "xml"], ("--format is 'xml'", "txt, jsonl, csv")),
        (["a5", "-o", "there.txt"], ("there.txt: exists already", "--overwrite")),
        (["a5", "-o", "none/a.txt"], ("none/a.txt: cannot be written",)),
        ([], ("Missing argument", "TEXT")),
    ],
)
def test_a_mistake_is_explained(
    args: list[str], says: tuple[str, ...], trained: Path, refused: Callable[..., None]
) -> None:
    refused(says, "similar", trained, *args)


def test_models_of_points_are_refused(tmp_path: Path, call: Call) -> None:
    small = ["--set", "generator.width=8", "--set", "critic.width=8", "--set", "evaluation.samples=64", "--steps", "2"]
    run = tmp_path / "run"
    assert call("train", "toy:8-gaussians", *small, "--device", "cpu", "--out", run).returncode == 0
    for words, what in (
        (["score", run, "-"], "score"),
        (["similar", run, "a"], "the search for a latent"),
        (["interpolate", run, "a", "b", "--text"], "--text"),
    ):
        result = call(*words, stdin=b"a\n")
        assert (result.returncode, result.stdout) == (2, "")
        assert f"{what} works only with text models, and this is a model of toy data" in result.stderr
