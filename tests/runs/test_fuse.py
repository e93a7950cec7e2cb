"""Fusion of a run's model: what is written, what generates with it, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import recipe
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.fuse import fuse
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.refine import refine
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.fusion import choose
from seqgan_wgp.utils.tensor_file import read_tensor_file, write_tensor_file


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    for name, values in (("ORDERS", (3, 4)), ("GENERATOR_POWERS", (0.8,)), ("NGRAM_POWERS", (0.7, 1.0))):
        monkeypatch.setattr(choose, name, values)
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_the_model_decodes_by_it_and_still_by_argmax(run: RunFolder) -> None:
    before = Model.load(run.path, device="cpu")
    assert before.fusion is None and before.decoding() == "argmax"
    fused = fuse(run.path, new=0.1, different=0.1, device="cpu")
    again = Model.load(run.path, device="cpu")
    assert again.fusion is not None and fused.fusion is not None
    assert again.fusion.to_facts() == fused.fusion.to_facts()
    assert again.decoding() == "fusion"
    assert again.generate(40, decode="argmax") == before.generate(40)
    assert again.generate(40) == fused.generate(40, decode="fusion") != before.generate(40)
    assert again.generate(5, start=600) == again.generate(605)[600:]
    with pytest.raises(ConfigError, match="no fusion"):
        before.generate(3, decode="fusion")


def test_the_same_seed_gives_the_same_file_and_fusing_again_too(run: RunFolder) -> None:
    fuse(run.path, new=0.1, different=0.1, seed=2, device="cpu")
    first = run.model.read_bytes()
    fuse(run.path, new=0.1, different=0.1, seed=2, device="cpu")
    assert run.model.read_bytes() == first


def test_where_none_may_be_chosen_the_file_says_argmax(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run.model.read_bytes()
    fuse(run.path, new=0.1, different=0.1, device="cpu")
    monkeypatch.setattr(choose, "_allowed", lambda *_: False)
    assert fuse(run.path, device="cpu").fusion is None
    assert run.model.read_bytes() == before


def test_a_refiner_is_dropped_and_a_new_one_learns_from_fused_strings(run: RunFolder) -> None:
    refine(run.path, steps=2, device="cpu")
    fused = fuse(run.path, new=0.1, different=0.1, device="cpu")
    assert fused.refiner is None
    assert not [name for name in read_tensor_file(run.model)[0] if name.startswith("refiner")]
    refined = refine(run.path, steps=30, device="cpu")
    assert refined.refiner is not None and refined.refiner.decode == "fusion"
    some = refined.generate(20, refine=True)
    own = iter(refined.generate(1_000))
    assert all(string in own for string in some), "accepted strings are the fused ones, in order"
    assert refined.generate(20) == fused.generate(20)
    with pytest.raises(ConfigError, match="use --decode fusion"):
        refined.generate(3, refine=True, decode="argmax")
    numbered = np.concatenate(list(refined.refined().samples(20)))
    assert refined.spec.to_text(numbered) == some


def test_other_weights_and_damaged_files(run: RunFolder) -> None:
    fuse(run.path, new=0.1, different=0.1, device="cpu")
    model = Model.load(run.path, device="cpu", weights="latest")
    assert len(model.generate(3, decode="argmax")) == 3
    with pytest.raises(ConfigError, match="chosen for the average weights, not for the latest"):
        model.generate(3)
    tensors, facts = read_tensor_file(run.model)
    facts.pop("format_version")
    write_tensor_file(run.model, {**tensors, "fusion.counts": torch.zeros(2, dtype=torch.int32)}, facts)
    model = Model.load(run.path, device="cpu")
    assert len(model.generate(3, decode="argmax")) == 3
    with pytest.raises(CheckpointError, match="fusion"):
        model.generate(3)


def test_a_causal_model_is_refused(tiny_corpus: Path, tmp_path: Path) -> None:
    steps = {"training.likelihood_steps": 1, "training.steps": 1, "training.device": "cpu"}
    found, config = scan_data(tiny_corpus, recipe("causal", {**steps, "generator.width": 8, "critic.width": 8}))
    folder = create(found, config, tmp_path / "causal")
    run_training(folder)
    with pytest.raises(ConfigError, match="fuse is for generators in one shot"):
        fuse(folder.path, device="cpu")
    with pytest.raises(ConfigError, match="--new"):
        fuse(folder.path, new=2.0)
