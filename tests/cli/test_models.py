"""Bundled models at the command line: listed, generated from, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.utils.bundled_models import FOLDER, bundled_models

Call = Callable[..., CompletedProcess[str]]


def test_models_are_listed_with_size_corpus_and_licence(call: Call) -> None:
    listed = call("models").stdout
    assert [name for name in bundled_models() if f"\n{name} " not in listed] == []
    assert "kB" in listed
    assert all(model.description in listed and model.licence in listed for model in bundled_models().values())


def test_a_card_is_printed(call: Call) -> None:
    assert call("models", "words").stdout == (FOLDER / "words.md").read_text(encoding="utf-8")
    refused = call("models", "wrds")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "wrds: no such bundled model; did you mean 'words'?" in refused.stderr


def test_a_name_stands_for_its_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    strings = call("generate", "words", "-n", "20").stdout
    assert len(set(strings.split())) >= 18
    assert strings == call("generate", bundled_models()["words"].path, "-n", "20").stdout
    assert call("score", "words", stdin="hello\n").stdout.endswith("\t-\thello\n")
    assert len(call("interpolate", "words", "1", "2", "-n", "5").stdout.splitlines()) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_the_name_goes_first(
    call: Call, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").symlink_to(trained)
    assert call("generate", "words", "-n", "5").stdout == call("generate", trained, "-n", "5").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["fuse", "words", "words"], ("words: is a bundled model, and fuse would change its file", "export words")),
        (["refine", "words", "words"], ("words: is a bundled model, and refine would change its file", "--slim")),
        (["resume", "words"], ("words: is a bundled model, not a run folder",)),
        (["report", "words"], ("words: is a bundled model, not a run folder",)),
        (["generate", "words", "--best"], ("words: is a bundled model, not a run folder",)),
        (["generate", "wods"], ("wods: no such model", "did you mean 'words'?", "bundled models: ")),
    ],
)
def test_what_would_change_it_or_needs_a_run_is_refused(
    args: list[str], says: Sequence[str], refused: Callable[..., None]
) -> None:
    before = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    refused(says, *args)
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == before


def test_a_slim_copy_is_a_model_of_its_own(call: Call, trained: Path, tmp_path: Path) -> None:
    slim = tmp_path / "slim.safetensors"
    done = call("export", trained, "--slim", "-o", slim)
    assert (done.returncode, done.stdout) == (0, f"{slim}\n")
    assert slim.stat().st_size < (trained / "model.safetensors").stat().st_size
    assert len(call("generate", slim, "-n", "7").stdout.splitlines()) == 7
    assert call("export", slim, "--slim", "-o", tmp_path / "again.safetensors").returncode == 0
    assert (tmp_path / "again.safetensors").read_bytes() == slim.read_bytes()


def test_slim_is_a_model_file_and_nothing_else(refused: Callable[..., None], trained: Path) -> None:
    refused(("--slim is for --format safetensors",), "export", trained, "--slim", "--format", "onnx")
