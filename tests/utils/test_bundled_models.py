"""Models that come with the package: whole, small, named once, and never in the way of what the user has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.utils.bundled_models import FOLDER, BundledModel, bundled_models, named_model, refuse_bundled
from seqgan_wgp.utils.tensor_file import find_model_file, read_tensor_file

MAX_BYTES, MAX_ALL_BYTES = 600_000, 3_000_000
ENTRIES = list(bundled_models().values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_model_is_the_file_of_the_index_and_its_card_names_its_corpus(entry: BundledModel) -> None:
    data = entry.path.read_bytes()
    assert len(data) <= MAX_BYTES
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    _tensors, facts = read_tensor_file(entry.path)
    assert facts["corpus"]["sha256"] == entry.corpus_sha256
    card = entry.card.read_text(encoding="utf-8")
    said = (entry.description, entry.corpus, entry.licence, facts["corpus"]["sha256"], *entry.command.splitlines())
    assert [part for part in said if part not in card] == []


def test_all_files_are_of_some_model_and_small_together() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"index.toml"}
    assert files == {file.name for entry in ENTRIES for file in (entry.path, entry.card)}
    assert sum((FOLDER / name).stat().st_size for name in files) <= MAX_ALL_BYTES


def test_what_exists_goes_before_a_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_model("words") == bundled_models()["words"]
    assert find_model_file(Path("words")) == bundled_models()["words"].path
    Path("words").mkdir()
    assert named_model("words") is None
    with pytest.raises(CheckpointError, match=r"words: there is no model\.safetensors") as caught:
        find_model_file(Path("words"))
    assert "hides the bundled model words" in caught.value.remedy
    Path("words/model.safetensors").write_bytes(b"mine")
    assert find_model_file(Path("words")) == Path("words/model.safetensors")


def test_a_file_of_the_name_goes_first_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words").write_bytes(b"mine")
    assert find_model_file(Path("words")) == Path("words")


@pytest.mark.parametrize("name", ["wods", "./words", "words.safetensors", "models/words", "Words"])
def test_other_names_are_no_bundled_models(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_model(name) is None
    with pytest.raises(CheckpointError, match="no such model"):
        find_model_file(Path(name) if name != "./words" else Path("models/words"))


def test_a_close_name_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="did you mean 'words'"):
        find_model_file(Path("wods"))


def test_a_bundled_model_has_no_best_model_and_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="words: is a bundled model, not a run folder"):
        find_model_file(Path("words"), best=True)
    with pytest.raises(ConfigError, match="fuse would change its file") as caught:
        refuse_bundled("words", "fuse")
    assert "export words --slim -o my-words.safetensors" in caught.value.remedy
    Path("words").mkdir()
    refuse_bundled("words", "fuse")
