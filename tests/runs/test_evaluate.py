"""What a model is measured against: its run's data, or what is named; and what cannot be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqgan_wgp
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import CheckpointError, ConfigError, CorpusError, PluginError
from seqgan_wgp.model import Model
from seqgan_wgp.registry import load_plugins, unload_plugin
from seqgan_wgp.runs.evaluate import evaluate
from seqgan_wgp.runs.folder import BEST, MODEL, RunFolder
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus.dataset import open_corpus
from seqgan_wgp.text.evaluation.evaluate import TextEvaluation
from seqgan_wgp.text.vocabulary import mask_after_pad
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.toy.evaluation import ToyEvaluation
from seqgan_wgp.utils.bundled_models import bundled_models

QUICK: dict[str, Any] = {"guesses": (60,), "samples": 80, "orders": 2, "baseline_seconds": 0.0, "c2st_steps": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path, tiny_config: Callable[..., Config]) -> RunFolder:
    found, config = scan_data(tiny_corpus, tiny_config())
    folder = create(found, config, tmp_path_factory.mktemp("evaluating") / "run")
    run_training(folder)
    return folder


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    small = {"generator.width": 8, "critic.width": 8, "training.batch_size": 16, "training.steps": 3}
    config = recipe("toy", {**small, "training.device": "cpu", "evaluation.samples": 50, "evaluation.every": 3})
    folder = create(scan_toy(config), config, tmp_path_factory.mktemp("evaluating") / "toy")
    run_training(folder)
    return folder


def test_a_model_that_needs_a_plugin_is_evaluated_with_it(
    tmp_path: Path, tiny_corpus: Path, tiny_config: Callable[..., Config]
) -> None:
    plugin = tmp_path / "swapped.py"
    plugin.write_text(
        "import seqgan_wgp\n"
        "@seqgan_wgp.register.loss('swapped')\n"
        "class Swapped:\n"
        "    critic = staticmethod(lambda real_B, fake_B: real_B.mean() - fake_B.mean())\n"
        "    generator = staticmethod(lambda fake_B: fake_B.mean())\n"
    )
    load_plugins([plugin])
    try:
        found, config = scan_data(tiny_corpus, tiny_config(**{"objective.loss": "swapped"}))
        folder = create(found, config, tmp_path / "run")
        run_training(folder)
        unload_plugin(plugin.name)
        with pytest.raises(PluginError, match=r"needs? the plugin swapped\.py"):
            evaluate(folder.path, **QUICK)
        assert isinstance(evaluate(folder.path, plugins=[plugin], **QUICK), TextEvaluation)
    finally:
        unload_plugin(plugin.name)


def test_a_run_a_loaded_model_and_a_model_file_with_its_text_are_the_same(run: RunFolder, tiny_corpus: Path) -> None:
    from_run = evaluate(run.path, **QUICK)
    assert isinstance(from_run, TextEvaluation) and from_run.text.same
    assert evaluate(run.model, tiny_corpus, **QUICK) == from_run
    assert evaluate(run.path, tiny_corpus, **QUICK) == from_run
    assert evaluate(Model.load(run.path), str(tiny_corpus), **QUICK) == from_run
    assert seqgan_wgp.evaluate is evaluate


def test_the_best_model_is_that_of_its_file(run: RunFolder, tiny_corpus: Path) -> None:
    assert evaluate(run.path, best=True, **QUICK) == evaluate(run.best, tiny_corpus, **QUICK)


def test_another_text_is_said_to_be_one(run: RunFolder, tiny_lines: list[str]) -> None:
    other = evaluate(run.path, tiny_lines[::-1], **QUICK)
    assert isinstance(other, TextEvaluation) and not other.text.same
    assert "is not the corpus that the model was trained on" in other.summary[2]


def test_seeds_differ_and_repeat(run: RunFolder) -> None:
    assert evaluate(run.path, seed=1, **QUICK) == evaluate(run.path, seed=1, **QUICK)
    assert evaluate(run.path, seed=1, **QUICK) != evaluate(run.path, seed=2, **QUICK)


def test_the_two_sample_test_is_left_out_or_repeats(run: RunFolder) -> None:
    quick = {**QUICK, "c2st_steps": 3}
    found = evaluate(run.path, **quick)
    assert isinstance(found, TextEvaluation) and found.c2st is not None
    assert evaluate(run.path, **quick) == found
    assert (found.c2st.generated.steps, found.c2st.tested) == (3, found.text.test)
    assert [name for name, *_ in found.rows][-2:] == ["C2ST", "C2ST AUC"]
    tree = found.to_json()["c2st"]
    assert tree["generated"].keys() == tree["floor"].keys() == {"accuracy", "auc", "steps", "best_step"}
    without = evaluate(run.path, **QUICK)
    assert without.to_json()["c2st"] is None
    assert {name for name, *_ in found.rows} - {name for name, *_ in without.rows} == {"C2ST", "C2ST AUC"}


def test_points_need_no_data(toy: RunFolder) -> None:
    found = evaluate(toy.model, samples=40)
    assert isinstance(found, ToyEvaluation)
    assert found.n == 40
    assert evaluate(toy.path, samples=40) == found


def test_the_probability_of_test_lines_is_what_the_model_says_of_them(run: RunFolder) -> None:
    found = evaluate(run.path, **QUICK, log_probability=True)
    tree, corpus = found.to_json()["log_probability"], open_corpus(run.path)
    lines = corpus.vocabulary.decode(mask_after_pad(np.asarray(corpus.test_NL)))
    each = list(Model.load(run.path, device="cpu").log_probability(lines))
    assert tree["lines"] == len(lines)
    assert tree["test"] == pytest.approx(np.mean([one.log_probability for one in each]))
    assert tree["error"] == pytest.approx(np.mean([one.error for one in each]))
    assert any(name == "log p" for name, *_ in found.rows)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"samples": 0}, "--samples is 0"),
        ({"samples": 640, "legacy": True}, "--samples cannot be used with --legacy"),
        ({"orders": 0}, "--orders is 0, but it must be 1 to 8"),
        ({"orders": 9}, "--orders is 9"),
        ({"c2st_steps": -1}, "--c2st-steps is -1"),
        ({"refine": True}, "has no refiner"),
        ({"guesses": (10, 0)}, "--guesses is 0"),
        ({"guesses": (-3,)}, "--guesses is -3"),
        ({"temperatures": (0.5, 0.0)}, "--temperatures has 0, but each must be above 0"),
        ({"temperatures": (0.5,), "baseline_seconds": 0.0}, "--temperatures needs the autoregressive baseline"),
        ({"valid": "jsn"}, "no validator 'jsn'; did you mean 'json'?"),
        ({"seed": -1}, "--seed is -1"),
        ({"data": "somewhere"}, "--data does not apply to a model of text"),
        ({"device": "cpuu"}, "'cpuu'"),
    ],
)
def test_what_cannot_be_is_refused(run: RunFolder, how: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(run.path, **how)


@pytest.mark.parametrize(
    "how",
    [
        {"corpus": "words"},
        {"data": "x"},
        {"legacy": True},
        {"guesses": (1,)},
        {"orders": 2},
        {"refine": True},
        {"c2st_steps": 5},
    ],
)
def test_points_have_no_use_for_what_text_has(toy: RunFolder, how: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="does not apply to a model of points"):
        evaluate(toy.path, **how)


def test_a_model_without_lines_wants_a_text(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"a model file does not contain a corpus\n.*pass the corpus: evaluate MODEL CORPUS"
    ):
        evaluate(run.model)
    with pytest.raises(CheckpointError, match="a model file does not contain"):
        evaluate(Model.load(run.path))
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / "ids.npy").unlink()
    with pytest.raises(CheckpointError, match=r"copy: its lines \(ids.npy\) are missing"):
        evaluate(copy)
    (copy / MODEL).unlink()
    with pytest.raises(CheckpointError, match=MODEL):
        evaluate(copy)


def test_a_model_that_learned_from_a_bundled_corpus_is_evaluated_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick: dict[str, Any] = {"samples": 200, "guesses": [200], "orders": 2, "c2st_steps": 0, "baseline_seconds": 0}
    named = evaluate("words", "words", **quick).to_json()
    copy = shutil.copy(bundled_models()["words"].path, tmp_path / "copy.safetensors")
    (tmp_path / "words").write_text("another corpus\n")
    assert evaluate(copy, **quick).to_json() == named
    with pytest.raises(CheckpointError, match=r"names: a model file does not contain a corpus"):
        evaluate("names", **quick)


def test_the_best_is_a_runs(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="best"):
        evaluate(run.model, best=True)
    with pytest.raises(ConfigError, match="best needs a run folder"):
        evaluate(Model.load(run.path), best=True)
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "copy" / BEST).unlink()
    with pytest.raises(CheckpointError, match=BEST):
        evaluate(tmp_path / "copy", best=True)


def test_a_text_that_cannot_be_taken_is_refused(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        evaluate(run.path, tmp_path / "none.txt")
    (tmp_path / "digits.txt").write_text("".join(f"{k}\n" for k in range(300)))
    with pytest.raises(CorpusError, match="digits.txt: the model knows none of its characters"):
        evaluate(run.path, tmp_path / "digits.txt")
    (tmp_path / "few.txt").write_text("ba\n")
    with pytest.raises(CorpusError, match="only 1 distinct line\\n"):
        evaluate(run.path, tmp_path / "few.txt")


def test_nothing_is_written_into_the_run(run: RunFolder, contents: Callable[[Path], dict[str, bytes | None]]) -> None:
    before = contents(run.path)
    evaluate(run.path, **QUICK)
    assert contents(run.path) == before
