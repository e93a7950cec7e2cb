"""The command `interpolate` on a model of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.model import Model
from seqgan_wgp.text.generation.formats import as_txt

Call = Callable[..., CompletedProcess[str]]


def test_a_walk_is_printed_a_string_a_line_and_its_ends_are_those_of_generate(trained: Path, call: Call) -> None:
    for n in (2, 7):
        result = call("interpolate", trained, "3", "8", "-n", n)
        assert (result.returncode, result.stderr) == (0, "")
        walked = result.stdout.split("\n")[:-1]
        assert len(walked) == n
        ends = [call("generate", trained, "-n", "1", "--seed", seed).stdout for seed in ("3", "8")]
        assert [walked[0] + "\n", walked[-1] + "\n"] == ends
    assert len(call("interpolate", trained, "3", "8").stdout.split("\n")[:-1]) == 10


def test_a_file_gets_what_stdout_would(trained: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "walk.txt"
    result = call("interpolate", trained, "0", "1", "-o", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert path.read_bytes().decode() == call("interpolate", trained, "0", "1").stdout
    assert call("interpolate", trained, "0", "2", "-o", path).returncode == 2
    assert call("interpolate", trained, "0", "2", "-o", path, "--overwrite").returncode == 0
    assert path.read_bytes().decode() == call("interpolate", trained, "0", "2").stdout


def test_a_walk_between_texts_is_printed(trained: Path, call: Call) -> None:
    model = Model.load(trained)
    result = call("interpolate", trained, "be1", "a5", "--text", "-n", "5")
    assert (result.returncode, result.stderr) == (0, "")
    walked = result.stdout.split("\n")[:-1]
    assert walked == [as_txt(string) for string in model.spec.to_text(model.interpolate("be1", "a5", 5))]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["3", "3"], ("start and end are the same seed 3", "two different seeds")),
        (["-3", "8"], ("No such option", "-3")),
        (["3", "-8", "-n", "4"], ("No such option", "-8")),
        (["3", "8", "-n", "1"], ("n is 1", "2", "1,000")),
        (["3", "8", "-n", "-4"], ("n is -4", "2", "1,000")),
        (["3", "8", "-n", "1001"], ("n is 1,001", "1,000")),
        (["3"], ("Missing argument", "B")),
        (["three", "8"], ("A is 'three', but a seed must be a whole number", "--text")),
        (["3", "8.5"], ("B is '8.5', but a seed must be a whole number", "--text")),
        (["a5", "a5", "--text"], ("start and end are the same string 'a5'", "two different strings")),
        (["a5", "Übung", "--text"], ("'Übung'", "does not know: 'Ü'")),
        (["a5", "", "--text"], ("the text is empty",)),
        (["3", "8", "--sed", "4"], ("No such option", "--sed")),
        (["3", "8", "-o", "there.txt"], ("there.txt: exists already", "--overwrite")),
        (["3", "8", "-o", "."], ("is a folder",)),
        (["3", "8", "-o", "none/walk.txt"], ("none/walk.txt: cannot be written",)),
    ],
)
def test_a_mistake_is_explained(
    args: list[str], says: tuple[str, ...], trained: Path, refused: Callable[..., None]
) -> None:
    refused(says, "interpolate", trained, *args)
