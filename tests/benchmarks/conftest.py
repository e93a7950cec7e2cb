"""A data folder of the tiny corpus, and trials so small that a round takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recipes, variations
from benchmarks.plans import CORPORA, Trial
from seqgan_wgp.registry import unload_plugin
from seqgan_wgp.training.trainer import Trainer

TINY: dict[str, object] = {
    "generator.latent": 8,
    "generator.width": 8,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 8,
    "evaluation.samples": 32,
    "corpus.length": 10,
}


@pytest.fixture(scope="session")
def data(tiny_lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose names are the tiny corpus."""
    folder = tmp_path_factory.mktemp("data")
    names = folder / CORPORA["names"][0]
    names.parent.mkdir()
    names.write_text("".join(f"{line}\n" for line in tiny_lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Trial]:
    """`tiny(seed=1)`: a trial on names of milliseconds."""

    def make(**facts: Any) -> Trial:
        whole: dict[str, Any] = {"corpus": "names", "name": "tiny", "settings": TINY, "minutes": 0.002} | facts
        return Trial(**whole)

    return make


@pytest.fixture
def build(data: Path, tmp_path: Path) -> Iterator[Callable[..., Trainer]]:
    """`build(trial, share)`: its trainer; `share` says how much of its time has passed."""
    yield lambda trial, share=lambda: 0.0: recipes.trainer_of(trial, data / CORPORA["names"][0], tmp_path, share)
    unload_plugin(Path(variations.__file__).name)  # what variations have registered, which no other test shall see
