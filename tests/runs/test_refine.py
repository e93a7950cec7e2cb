"""Refinement of a run's model: what is written, what is refused, and that old files stay as good as they were."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seqgan_wgp
from seqgan_wgp.config import recipe
from seqgan_wgp.errors import CheckpointError, ConfigError, CorpusError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.evaluate import evaluate
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.refine import refine
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.evaluation.evaluate import TextEvaluation
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.utils.tensor_file import read_tensor_file, write_tensor_file


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_a_refiner_is_written_into_the_model_and_accepts_its_strings(run: RunFolder) -> None:
    before = Model.load(run.path, device="cpu")
    assert before.refiner is None
    refined = refine(run.path, steps=40, device="cpu")
    again = Model.load(run.path, device="cpu")
    assert refined.refiner is not None and again.refiner is not None
    assert again.refiner.to_facts() == refined.refiner.to_facts()
    assert again.generate(60) == before.generate(60), "the generator stays as it was"
    some = again.generate(30, refine=True)
    assert some == refined.generate(30, refine=True)
    own = iter(before.generate(2_000))
    assert all(string in own for string in some), "accepted strings are the model's own, in order"
    assert again.generate(20, start=100, refine=True) != some[:20]
    assert [name for name in read_tensor_file(run.best)[0] if name.startswith("refiner")] == []


def test_numbered_accepted_strings_are_those_of_generate(run: RunFolder) -> None:
    model = refine(run.path, steps=5, device="cpu")
    whole = np.concatenate(list(model.samples(900, refine=True)))
    numbered = model.refined()
    parts = [np.concatenate(list(numbered.samples(n, start=start))) for start, n in ((0, 300), (300, 450), (750, 150))]
    assert (np.concatenate(parts) == whole).all()
    assert (np.concatenate(list(numbered.samples(40, start=10))) == whole[10:50]).all()
    assert list(numbered.samples(0)) == []


def test_the_same_seed_and_steps_give_the_same_file(run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    for folder in (run.path, tmp_path / "other"):
        refine(folder, steps=4, rounds=2, seed=3, device="cpu")
    assert run.model.read_bytes() == (tmp_path / "other" / run.model.name).read_bytes()


def test_refining_again_replaces_the_refiner(run: RunFolder) -> None:
    refine(run.path, steps=3, rounds=2, device="cpu")
    refine(run.path, steps=3, acceptance="mh", proposals=4, device="cpu")
    model = Model.load(run.path, device="cpu")
    assert model.refiner is not None and len(model.refiner.stages) == 1
    assert model.refiner.config.rule == "mh"
    assert not [name for name in read_tensor_file(run.model)[0] if name.startswith("refiner.1")]
    assert len(model.generate(9, refine=True)) == 9


def test_a_model_file_and_a_loaded_model_take_their_text(run: RunFolder, tiny_corpus: Path, tmp_path: Path) -> None:
    file = shutil.copy(run.best, tmp_path / "one.safetensors")
    shutil.copy(run.best, run.model)
    expected = refine(run.path, steps=3, device="cpu").refiner
    found = refine(file, tiny_corpus, steps=3, device="cpu").refiner
    loaded = refine(Model.load(run.best, device="cpu"), tiny_corpus, steps=3).refiner
    assert expected is not None and found is not None and loaded is not None
    assert found.to_facts() == loaded.to_facts() == expected.to_facts()
    refined = Model.load(file, device="cpu")
    refined.save(tmp_path / "copy.safetensors")
    assert Model.load(tmp_path / "copy.safetensors", device="cpu").generate(5, refine=True) == refined.generate(
        5, refine=True
    )


def test_refined_strings_are_evaluated(run: RunFolder) -> None:
    quick: dict[str, Any] = {
        "guesses": (60, 700),
        "samples": 80,
        "orders": 2,
        "c2st_steps": 2,
        "baseline_seconds": 0,
        "device": "cpu",
    }
    refine(run.path, steps=30, device="cpu")
    plain, refined = evaluate(run.path, **quick), evaluate(run.path, refine=True, **quick)
    assert isinstance(plain, TextEvaluation) and isinstance(refined, TextEvaluation)
    assert plain.profiles.floor == refined.profiles.floor
    assert plain.profiles.model != refined.profiles.model
    assert evaluate(run.path, refine=True, **quick) == refined
    assert seqgan_wgp.refine is refine


def test_other_weights_have_no_refiner(run: RunFolder) -> None:
    refine(run.path, steps=2, device="cpu")
    model = Model.load(run.path, device="cpu", weights="latest")
    assert len(model.generate(3)) == 3
    with pytest.raises(ConfigError, match="trained for the average weights, not for the latest"):
        model.generate(3, refine=True)


def test_a_damaged_refiner_is_named_and_the_model_still_generates(run: RunFolder) -> None:
    refine(run.path, steps=2, device="cpu")
    tensors, facts = read_tensor_file(run.model)
    facts.pop("format_version")
    write_tensor_file(run.model, {**tensors, "refiner.0.head.weight": torch.zeros(3)}, facts)
    model = Model.load(run.path, device="cpu")
    assert len(model.generate(3)) == 3
    with pytest.raises(CheckpointError, match="refiner"):
        model.generate(3, refine=True)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"minutes": 1.0, "steps": 3}, "either minutes or steps"),
        ({"minutes": -1.0}, "--minutes is -1"),
        ({"steps": 0}, "--steps is 0"),
        ({"rounds": 0}, "--rounds is 0"),
        ({"acceptance": "ration"}, "did you mean 'ratio'"),
        ({"quantile": 0.0}, "quantile is 0"),
        ({"proposals": 5}, "power of two"),
        ({"seed": -1}, "--seed is -1"),
        ({"device": "cpuu"}, "cpuu"),
    ],
)
def test_what_cannot_be_is_refused(run: RunFolder, how: dict[str, Any], message: str) -> None:
    before = run.model.read_bytes()
    with pytest.raises(ConfigError, match=message):
        refine(run.path, **{"steps": None, "device": "cpu", **how})
    assert run.model.read_bytes() == before


def test_what_is_missing_is_named(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such model"):
        refine(tmp_path / "none", steps=1)
    with pytest.raises(CheckpointError, match="refine MODEL CORPUS"):
        refine(run.model, steps=1, device="cpu")
    with pytest.raises(CorpusError, match="no such file"):
        refine(run.model, tmp_path / "none.txt", steps=1, device="cpu")
    with pytest.raises(ConfigError, match="best"):
        refine(Model.load(run.path, device="cpu"), steps=1, best=True)
    with run.locked(), pytest.raises(ConfigError, match="another process is using this folder"):
        refine(run.path, steps=1, device="cpu")


def test_points_have_no_refiner(tmp_path: Path) -> None:
    small = {"generator.width": 8, "critic.width": 8, "training.batch_size": 16, "training.steps": 1}
    config = recipe("toy", {**small, "training.device": "cpu", "evaluation.samples": 50, "evaluation.every": 3})
    folder = create(scan_toy(config), config, tmp_path / "toy")
    run_training(folder)
    with pytest.raises(ConfigError, match="refine works only with text models, and this model generates points"):
        refine(folder.path, steps=1)
    with pytest.raises(ConfigError, match="text"):
        next(Model.load(folder.path).samples(3, refine=True))
