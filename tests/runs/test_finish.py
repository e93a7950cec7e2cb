"""The phase after training: what it leaves in the model, and that an interrupted one is done again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.fuse import fuse
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.refine import refine
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.fusion import choose


@pytest.fixture
def begin(
    tmp_path: Path, tiny_corpus: Path, tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RunFolder]:
    """`begin(name, **settings)`: a run that has not been trained yet, few n-gram models to be tried."""
    for name, values in (("ORDERS", (3,)), ("GENERATOR_POWERS", (0.8,)), ("NGRAM_POWERS", (0.7, 1.0))):
        monkeypatch.setattr(choose, name, values)

    def make(name: str, **settings: object) -> RunFolder:
        found, config = scan_data(tiny_corpus, tiny_config(**settings))
        return create(found, config, tmp_path / name)

    return make


ALL: dict[str, Any] = {"refinement.fuse": True, "refinement.new": 0.1, "refinement.steps": 5, "refinement.rounds": 2}


def test_the_phase_does_what_the_commands_do(begin: Callable[..., RunFolder]) -> None:
    by_settings, by_commands = begin("one", **ALL), begin("other")
    told: list[str] = []
    outcome = run_training(by_settings, on_phase=told.append)
    assert outcome.reason == "steps" and told == ["choosing an n-gram model", "training a refiner"]
    run_training(by_commands)
    fuse(by_commands.path, new=0.1, device="cpu")
    refine(by_commands.path, steps=5, rounds=2, device="cpu")
    found, expected = (Model.load(run.path, device="cpu") for run in (by_settings, by_commands))
    assert found.fusion is not None and found.refiner is not None and found.refiner.decode == "fusion"
    assert len(found.refiner.stages) == 2
    assert found.generate(20) == expected.generate(20)
    assert found.generate(20, refine=True) == expected.generate(20, refine=True)


def test_an_interrupted_phase_leaves_the_trained_model_and_is_done_again(begin: Callable[..., RunFolder]) -> None:
    whole, broken = begin("whole", **ALL), begin("broken", **ALL)
    run_training(whole)
    told: list[str] = []
    outcome = run_training(broken, should_stop=lambda: len(told) == 2, on_phase=told.append)
    assert outcome.reason == "interrupted"
    model = Model.load(broken.path, device="cpu")
    assert model.fusion is None and model.refiner is None and len(model.generate(3)) == 3
    assert run_training(broken).reason == "steps"
    first, second = (Model.load(run.path, device="cpu") for run in (whole, broken))
    assert first.generate(20, refine=True) == second.generate(20, refine=True)


def test_without_settings_there_is_no_phase(begin: Callable[..., RunFolder]) -> None:
    run = begin("plain")
    run_training(run, on_phase=lambda what: pytest.fail(what))
    assert Model.load(run.path, device="cpu").fusion is None


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        ("toy", {"refinement.fuse": True}, "refinement.fuse is set, but it applies to text only"),
        ("fast", {"refinement.minutes": 1.0, "refinement.steps": 3}, "both refinement.minutes and refinement.steps"),
        ("causal", {"refinement.fuse": True}, "the network causal sees the previous characters already"),
        ("fast", {"refinement.new": 1.5}, "refinement.new"),
    ],
)
def test_settings_that_cannot_be(base: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(recipe(base), changes)
