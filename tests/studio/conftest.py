"""What tests of the studio share: a trained run of a tiny network, and a catalogue that has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.text.adapter import scan_data


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path, tiny_config: Callable[..., Config]) -> Path:
    """Return a folder of runs with one in it, `tiny`; it is not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    found, config = scan_data(tiny_corpus, tiny_config(**{"evaluation.orders": 4}))
    run_training(create(found, config, folder / "tiny"))
    return folder


@pytest.fixture
def catalogue(runs: Path, tiny_corpus: Path) -> Catalogue:
    """Return a catalogue of these runs and the tiny corpus."""
    return Catalogue(runs, corpus=str(tiny_corpus))
