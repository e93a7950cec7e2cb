"""Folders for the Hub: what is saved is loaded, the card says what the model is, and nobody's files are lost."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from seqgan_wgp.config import Config, from_dict, recipe
from seqgan_wgp.domains import DOMAINS
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export.hub import from_pretrained, save_pretrained
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.generation.formats import printable
from seqgan_wgp.utils.bundled_models import bundled_models

from ..untrained import IMAGES, TOY, made

ROOT = Path(__file__).parents[3]
FILES = ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
Contents = Callable[[Path], dict[str, bytes | None]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Model:
    found, config = scan_data(tiny_lines, tiny_config())
    folder = create(found, config, tmp_path_factory.mktemp("model") / "run")
    run_training(folder)
    return Model.load(folder.path)


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    save_pretrained(model, tmp_path / "deep" / "tiny")
    return tmp_path / "deep" / "tiny"


def read_card(folder: Path) -> tuple[dict[str, Any], str]:
    """Return a card's front matter and what follows it."""
    yaml: Any = importlib.import_module("yaml")
    nothing, matter, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert nothing == ""
    return yaml.safe_load(matter), text


def test_what_is_saved_is_loaded(model: Model, saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == FILES
    assert [path.name for path in saved.parent.iterdir()] == ["tiny"]
    for source in (saved, str(saved)):
        copy = from_pretrained(source)
        assert copy.generate(20) == model.generate(20)
        assert (copy.facts, copy.config) == (model.facts, model.config)
    assert Model.load(saved).generate(20) == model.generate(20)


def test_settings_and_alphabet_are_there_for_other_programs(model: Model, saved: Path) -> None:
    facts = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    assert facts["library_name"] == "seqgan-wgp"
    assert from_dict(facts["config"]) == model.config
    assert {name: facts[name] for name in model.facts if name != "tokenizer"} == {
        name: value for name, value in model.facts.items() if name != "tokenizer"
    }
    tokenizer = tokenizers.Tokenizer.from_file(str(saved / "tokenizer.json"))
    string = model.generate(1)[0]
    assert tokenizer.decode(tokenizer.encode(string).ids) == string


def test_the_card_says_what_the_model_is_and_how_well_it_does(model: Model, saved: Path) -> None:
    pytest.importorskip("yaml", reason="the extra hub is not installed")
    matter, text = read_card(saved)
    assert matter["library_name"] == "seqgan-wgp"
    assert {"gan", "wgan-gp"} <= set(matter["tags"])
    ((result,),) = [entry["results"] for entry in matter["model-index"]]
    measured = {metric["type"]: metric["value"] for metric in result["metrics"]}
    test = {name: value for name, value in model.facts["metrics"]["test"].items() if not name.endswith("_floor")}
    assert measured == test
    assert result["dataset"] == {"name": "lines", "type": "lines", "split": "test"}
    corpus = model.facts["corpus"]
    for said in ("# tiny\n", corpus["sha256"], f"{corpus['train']:,} |", "| JS-2 |", "## Intended use and limits"):
        assert said in text
    for string in model.generate(20):
        assert f"\n    {printable(string)}\n" in text
    assert "{{" not in text
    assert "{%" not in text


@pytest.mark.parametrize("name", bundled_models())
def test_the_card_of_a_bundled_model_says_the_licence_of_its_text(name: str, tmp_path: Path) -> None:
    entry = bundled_models()[name]
    save_pretrained(Model.load(entry.path), tmp_path / name)
    card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
    assert f"| licence of the text | {entry.licence} |" in card


def test_the_card_of_a_text_of_unknown_licence_says_none(saved: Path) -> None:
    assert "licence of the text" not in (saved / "README.md").read_text(encoding="utf-8")


def test_a_name_with_marks_in_it_breaks_neither_front_matter_nor_table(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="the extra hub is not installed")
    odd = Model(model.config, model.spec, model.facts, model._tensors, model.device)
    odd.facts["corpus"] = {**model.facts["corpus"], "name": 'a: "b" | `c`\n---\né'}
    save_pretrained(odd, tmp_path / "- [x]: 'y' #")
    matter, text = read_card(tmp_path / "- [x]: 'y' #")
    (index,) = matter["model-index"]
    assert index["name"] == "- [x]: 'y' #"
    assert index["results"][0]["dataset"]["name"] == 'a: "b" | `c`\\n---\\né'
    assert "| data | `a: \"b\" \\| 'c'\\n---\\né` |\n" in text


@pytest.mark.parametrize("name", ["mnist-fast", "toy"])
def test_models_of_other_data_have_a_card_too(name: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="the extra hub is not installed")
    config = recipe(name, {"generator.width": 4, "critic.width": 4, "generator.latent": 5})
    other = made(config, TOY if config.domain == "toy" else IMAGES)
    save_pretrained(other, tmp_path / "x")
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [file for file in FILES if "token" not in file]
    matter, text = read_card(tmp_path / "x")
    assert "model-index" not in matter
    assert "This model was not evaluated." in text
    assert ("squares" if name == "mnist-fast" else "8-gaussians") in text
    loaded = from_pretrained(tmp_path / "x", device="cpu")
    assert loaded.spec.to_facts() == other.spec.to_facts()
    assert DOMAINS[config.domain].spec_type.from_facts(loaded.facts).event_shape == other.spec.event_shape


def test_the_validation_half_is_called_by_its_name(model: Model, tmp_path: Path) -> None:
    best = Model(model.config, model.spec, model.facts, model._tensors, model.device)
    best.facts["metrics"] = {"validation": model.facts["metrics"]["validation"]}
    save_pretrained(best, tmp_path / "best")
    text = (tmp_path / "best" / "README.md").read_text(encoding="utf-8")
    assert "split: validation" in text
    assert "Measured on the validation split" in text


def test_a_model_replaces_one_only_when_told(model: Model, saved: Path, contents: Contents) -> None:
    (saved / ".gitattributes").write_text("mine")
    (saved / "notes.txt").write_text("mine")
    before = contents(saved)
    with pytest.raises(ConfigError, match="already contains a model\n.*overwrite=True"):
        save_pretrained(model, saved)
    assert contents(saved) == before
    (saved / "README.md").write_text("changed")
    (saved / "tokenizer.json").write_text("changed")
    save_pretrained(model, saved, overwrite=True)
    assert contents(saved) == before
    config = recipe("toy", {"generator.width": 4, "critic.width": 4})
    save_pretrained(made(config, TOY), saved, overwrite=True)
    assert sorted(path.name for path in saved.iterdir()) == [
        ".gitattributes", "README.md", "config.json", "model.safetensors", "notes.txt"
    ]  # fmt: skip


def test_a_clone_of_an_empty_repository_is_filled(model: Model, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("mine")
    save_pretrained(model, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", *FILES]
    assert (tmp_path / ".git" / "HEAD").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [("README.md", "mine"), ("config.json", '{"format_version": 1}'), ("config.json", "[1]"), ("letter.txt", "mine")],
)
def test_what_is_not_ours_stays(
    name: str, text: str, overwrite: bool, model: Model, tmp_path: Path, contents: Contents
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match="neither empty nor a model written by save_pretrained"):
        save_pretrained(model, tmp_path, overwrite=overwrite)
    with pytest.raises(ConfigError, match="is a file"):
        save_pretrained(model, tmp_path / name, overwrite=overwrite)
    assert contents(tmp_path) == {name: text.encode()}


def test_a_failure_leaves_no_trace(model: Model, tmp_path: Path) -> None:
    broken = Model(model.config, model.spec, model.facts, model._tensors, model.device)
    broken.facts["corpus"] = {}
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(CheckpointError, match="lacks facts about its training data"):
            save_pretrained(broken, tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


@pytest.mark.parametrize("source", ["none", "./none", "a/b/c", "/none", "", "..", "../x", "a b/c"])
def test_what_is_no_folder_and_no_repository_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder\n.*owner/name|there is no model.safetensors"):
        from_pretrained(source)
    with pytest.raises(CheckpointError, match="no such folder\n"):
        from_pretrained(tmp_path / "owner" / "name")


def test_other_sources_that_cannot_be_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no model\.safetensors"):
        from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"is a file.*\n.*Model\.load"):
        from_pretrained(saved / "model.safetensors")
    with pytest.raises(ConfigError, match="is a local folder, which has no revision 'v1'"):
        from_pretrained(saved, revision="v1")


def test_without_the_package_the_hub_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r'owner/name: no such folder.*\n.*pip install "seqgan-wgp\[hub\]"'):
        from_pretrained("owner/name")


def test_a_repository_that_was_downloaded_before_is_loaded_without_network(
    model: Model, saved: Path, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    repository, commit = tmp_path / "cache" / "models--owner--name", "0123456789" * 4
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    saved.rename(repository / "snapshots" / commit)
    program = """
import json, sys
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export.hub import from_pretrained, save_pretrained
strings = from_pretrained("owner/name", device="cpu").generate(20)
assert from_pretrained("owner/name", revision="main", device="cpu").generate(20) == strings
for source, revision in (("owner/other", None), ("owner/name", "other"), ("owner/x--y", None)):
    try:
        from_pretrained(source, revision=revision)
    except CheckpointError as error:
        assert "from the Hugging Face Hub failed" in error.message and "\\n" not in error.message
    else:
        raise AssertionError(source)
print(json.dumps(strings))
"""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == model.generate(20)
