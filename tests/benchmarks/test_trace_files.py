"""A critic step is read in few files, and the two that hold the algorithm are among them."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.trace_files import entered, of_critic_step, of_generate
from seqgan_wgp.training.penalties import gp

TRAINING = "seqgan_wgp/training/"


def test_only_files_whose_functions_are_called_count() -> None:
    with entered() as files:
        pass
    assert files == set()
    with entered() as files:
        gp(torch.ones(2))
    assert files == {f"{TRAINING}penalties.py"}


def test_a_critic_step_enters_few_files(tmp_path: Path) -> None:
    fast = of_critic_step(tmp_path)
    assert {f"{TRAINING}loop.py", f"{TRAINING}steps.py", f"{TRAINING}losses.py", f"{TRAINING}penalties.py"} <= fast
    assert len(fast) <= 10
    assert len([file for file in fast if file.startswith(TRAINING)]) <= 6


def test_a_generate_enters_few_files(tmp_path: Path) -> None:
    files = of_generate(tmp_path)
    assert {"cli/commands/generate.py", "seqgan_wgp/model.py", "seqgan_wgp/text/generation/stream.py"} <= files
    assert len(files) <= 20
