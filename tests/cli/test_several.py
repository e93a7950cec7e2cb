"""Several inputs on the command line: what is written, and what is said of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.model import Model
from seqgan_wgp.text.corpus.dataset import IDS

Call = Callable[..., CompletedProcess[str]]


@pytest.fixture
def halves(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the lines of `lines` in two files, the first without a line feed at its end; return where they are."""
    text = lines.read_bytes()
    cut = text.index(b"\n", len(text) // 2) + 1
    (tmp_path / "a.txt").write_bytes(text[: cut - 1])
    (tmp_path / "b.txt").write_bytes(text[cut:])
    shutil.copy(lines, tmp_path / "whole.text")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("corpus", [["a.txt", "b.txt"], ["*.txt"]])
def test_training_on_two_files_is_training_on_the_one_that_they_were(
    corpus: list[str], halves: Path, call: Call, tiny: list[str]
) -> None:
    for out, inputs in (("two", corpus), ("one", ["whole.text"])):
        result = call("train", *inputs, *tiny, "--out", out)
        assert (result.returncode, result.stdout) == (0, f"{out}\n")
        name = "a-and-1-more" if out == "two" else "whole"
        assert f"{name}: 300 lines, " in result.stderr
    assert (halves / "two" / IDS).read_bytes() == (halves / "one" / IDS).read_bytes()
    two, one = (Model.load(halves / out).facts for out in ("two", "one"))
    assert two["corpus"] == {**one["corpus"], "name": "a-and-1-more"}
    assert two["metrics"]["test"] == one["metrics"]["test"]
    assert call("generate", "two").stdout == call("generate", "one").stdout


def test_a_run_of_several_inputs_is_called_by_the_first(halves: Path, call: Call, tiny: list[str]) -> None:
    result = call("train", "a.txt", "b.txt", *tiny, "--set", "log.diagnostics=0")
    assert (result.returncode, result.stdout) == (0, "runs/a-and-1-more-fast-001\n")
    assert (halves / "runs" / "a-and-1-more-fast-001").is_dir()


@pytest.mark.usefixtures("halves")
def test_inspecting_two_files_is_inspecting_the_one(call: Call) -> None:
    two, one = (json.loads(call("inspect", name, "--json", "--no-timing").stdout) for name in ("?.txt", "whole.text"))
    assert two["source"].pop("files") == [{"label": "a.txt", "lines": 151}, {"label": "b.txt", "lines": 149}]
    assert (two["source"].pop("name"), two["source"].pop("label")) == ("a-and-1-more", "a.txt and 1 more")
    for name in ("files", "name", "label"):
        one["source"].pop(name, None)
    assert two["line_ends"].pop("lf") == one["line_ends"].pop("lf") - 1
    for found in (two, one):
        found["source"].pop("bytes")
    assert two == one


def test_inspect_names_the_files_and_a_bad_line_of_one(halves: Path, call: Call) -> None:
    (halves / "b.txt").write_bytes(b"good\nno\xe9\ngood\n" + (halves / "b.txt").read_bytes())
    result = call("inspect", "a.txt", "b.txt", "--no-timing")
    assert (result.returncode, result.stderr) == (0, "")
    assert "corpus        a.txt, b.txt\n" in result.stdout
    assert "lines that are not valid UTF-8: 1; the first is line 2 of b.txt, byte 0xE9" in result.stdout
    assert "reject this corpus: b.txt: line 2: byte 0xe9" in result.stdout


@pytest.mark.usefixtures("halves")
def test_evaluate_and_compare_take_several_too(trained: Path, call: Call, tiny: list[str]) -> None:
    both, whole = (
        json.loads(call("evaluate", trained, *files, "--json", "--c2st-steps", "2").stdout)
        for files in (["a.txt", "b.txt"], ["whole.text"])
    )
    assert (both["corpus"].pop("name"), whole["corpus"].pop("name")) == ("a-and-1-more", "whole")
    assert both == whole
    result = call("compare", "a.txt", "b.txt", "--recipes", "fast", *tiny, "--out", "comparison", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["data"] == "a.txt and 1 more"
