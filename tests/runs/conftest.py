"""What tests of runs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path, tiny_config: Callable[..., Config]
) -> RunFolder:
    """Return a run of a tiny network that has been trained to its end, to be copied and not changed."""
    found, config = scan_data(tiny_corpus, tiny_config())
    folder = create(found, config, tmp_path_factory.mktemp("trained") / "run")
    run_training(folder)
    return folder
