"""Fine-tuning: a run begins with the weights of a model, symbol by symbol, and says where they come from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

import seqgan_wgp
from seqgan_wgp.config import recipe
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.fine_tune import StartingModel, starting_model
from seqgan_wgp.runs.folder import RunFolder, claimed_run, read_config
from seqgan_wgp.runs.prepare import create, prepare_run
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.utils.tensor_file import read_tensor_file

SMALL = {"training.steps": 4, "training.threads": 1, "training.device": "cpu"}


@pytest.fixture(scope="module")
def other_lines(tiny_lines: list[str]) -> list[str]:
    """Lines in another alphabet: without k, and with two new letters."""
    return [line.replace("k", "w").replace("st", "é") for line in tiny_lines]


@pytest.fixture(scope="module")
def start(trained: RunFolder) -> StartingModel:
    return starting_model(trained.path)


@pytest.fixture(scope="module")
def tuned(trained: RunFolder, other_lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    path = tmp_path_factory.mktemp("tuned") / "run"
    seqgan_wgp.train(other_lines, start_from=trained.path, settings=SMALL, out=path)
    return RunFolder(path)


def ids(model: Model, letters: str) -> list[int]:
    texts = model.text_spec("test").vocabulary.texts
    return [0, 1, *(2 + texts.index(letter) for letter in letters)]


def test_symbols_in_common_keep_their_rows_and_others_begin_anew(trained: RunFolder, tuned: RunFolder) -> None:
    old, new = Model.load(trained.path), Model.load(tuned.path)
    old_texts, new_texts = (one.text_spec("test").vocabulary.texts for one in (old, new))
    common = "".join(text for text in new_texts if text in old_texts)
    assert set(new_texts) - set(common) == {"w", "é"} and set(old_texts) - set(common) == {"k"}
    before, after = read_tensor_file(trained.model)[0], read_tensor_file(tuned.initial)[0]
    at_old, at_new = ids(old, common), ids(new, common)
    for part in ("generator", "average"):
        for name in ("output.weight", "output.bias"):
            assert torch.equal(after[f"{part}.{name}"][at_new], before[f"{part}.{name}"][at_old])
    assert torch.equal(after["critic.input.weight"][:, at_new], before["critic.input.weight"][:, at_old])
    others = [name for name in after if ".output." not in name and name != "critic.input.weight"]
    assert len(others) > 6 and all(torch.equal(after[name], before[name]) for name in others)
    assert after["generator.output.weight"][ids(new, "wé")[2:]].abs().sum() > 0


def test_of_the_same_alphabet_all_is_kept(start: StartingModel, tiny_corpus: Path) -> None:
    found, config = scan_data(tiny_corpus, start.settings(SMALL))
    initial = start.initial(found.trial(config).spec, config)
    assert initial.tensors.keys() == start.tensors.keys()
    assert all(torch.equal(initial.tensors[name], value) for name, value in start.tensors.items())
    assert initial.notes[1].endswith("new: none; of the model but not in the corpus: none")


def test_notes_name_the_symbols(start: StartingModel, other_lines: list[str]) -> None:
    found, config = scan_data(other_lines, start.settings(SMALL))
    kept = len(start.spec.vocabulary.texts) - 1
    assert start.initial(found.trial(config).spec, config).notes == (
        f"weights: those of {start.path}",
        f"symbols kept: {kept}; new: 2 (w é); of the model but not in the corpus: 1 (k)",
    )


def test_a_run_says_what_it_came_from(trained: RunFolder, tuned: RunFolder) -> None:
    sha256 = hashlib.sha256(trained.model.read_bytes()).hexdigest()
    for config in (read_config(tuned), Model.load(tuned.path).config):
        assert (config.initial_model, config.initial_model_sha256) == (str(trained.model), sha256)
    assert read_config(trained).initial_model == ""


def test_settings_are_those_of_the_model(start: StartingModel, trained: RunFolder) -> None:
    own, settings = read_config(trained), start.settings()
    assert settings.generator == own.generator and settings.critic == own.critic
    assert settings.optimizer == own.optimizer
    assert settings.corpus.length == own.corpus.length
    assert settings.training.steps == recipe("fast").training.steps
    assert start.settings({"optimizer.critic.learning_rate": 0.01}).optimizer.critic.learning_rate == 0.01


def test_settings_come_from_a_file_too(start: StartingModel, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[optimizer.critic]\nlearning_rate = 0.002\n[training]\nsteps = 7\n")
    settings = start.settings({"training.steps": 8}, file=file)
    assert (settings.optimizer.critic.learning_rate, settings.training.steps) == (0.002, 8)


def begun(start: StartingModel, lines: list[str], path: Path, **changes: object) -> RunFolder:
    found, config = scan_data(lines, start.settings(SMALL | changes))
    with claimed_run(path) as claim:
        prepare_run(claim, found, config, initial=start.initial(found.trial(config).spec, config).tensors)
    return RunFolder(path)


def test_resumed_equals_uninterrupted(start: StartingModel, other_lines: list[str], tmp_path: Path) -> None:
    whole, parts = (begun(start, other_lines, tmp_path / name) for name in ("whole", "parts"))
    run_training(whole)
    stops = iter([False, False, True])
    run_training(parts, should_stop=lambda: next(stops, True))
    parts.initial.unlink()  # a checkpoint has all
    run_training(parts)
    one, two = (read_tensor_file(run.model)[0] for run in (whole, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_without_its_first_weights_a_run_does_not_begin(
    start: StartingModel, other_lines: list[str], tmp_path: Path
) -> None:
    run = begun(start, other_lines, tmp_path / "run")
    run.initial.unlink()
    with pytest.raises(
        CheckpointError, match=r"initial\.safetensors: the weights that the run begins with are missing"
    ):
        run_training(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus.length": 12}, r"corpus\.length is 12, but the strings of .* have 10 positions"),
        ({"generator.width": 16}, r"do not fit the networks of .*: generator\..* has the shape"),
        ({"generator.blocks": 2}, r"do not fit the networks of .*: it has no generator\.blocks"),
        ({"critic.width": 16}, r"do not fit the networks of .*: critic\..* has the shape"),
    ],
)
def test_other_sizes_are_refused(
    changes: dict[str, object], message: str, trained: RunFolder, other_lines: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        seqgan_wgp.train(other_lines, start_from=trained.path, settings=SMALL | changes, out=tmp_path / "run")
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").iterdir())


def test_a_layer_without_a_row_for_each_symbol_takes_no_other_alphabet(
    tiny_lines: list[str], other_lines: list[str], tmp_path: Path
) -> None:
    small = {"generator.width": 8, "generator.blocks": 1, "critic.width": 8, "critic.blocks": 1}
    config = recipe("causal", {**SMALL, **small, "training.steps": 1, "corpus.length": 10, "training.batch_size": 8})
    found, config = scan_data(tiny_lines, config)
    run = create(found, config, tmp_path / "causal")
    run_training(run)
    start = starting_model(run.path)
    found, config = scan_data(other_lines, start.settings(SMALL))
    with pytest.raises(ConfigError, match="does not have one row for each symbol"):
        start.initial(found.trial(config).spec, config)
    found, config = scan_data(tiny_lines[::-1], start.settings(SMALL))
    assert len(start.initial(found.trial(config).spec, config).tensors) == len(start.tensors)


def test_a_recipe_and_other_data_are_refused(trained: RunFolder, tiny_lines: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe and start_from are both given"):
        seqgan_wgp.train(tiny_lines, recipe="fast", start_from=trained.path)
    small = {"generator.width": 4, "critic.width": 4, "training.steps": 1, "training.device": "cpu"}
    config = recipe("toy", {**small, "evaluation.samples": 20})
    run = create(scan_toy(config), config, tmp_path / "toy")
    run_training(run)
    with pytest.raises(ConfigError, match="--from works only with text models"):
        starting_model(run.path)
    with pytest.raises(CheckpointError, match="no such model"):
        starting_model(tmp_path / "none")
