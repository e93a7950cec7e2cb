"""Small runs for drills: their settings, how they are made, and whether two are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.runs import session
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.utils.tensor_file import read_tensor_file

STEPS = 30
TINY = {
    "generator.width": 8,
    "generator.blocks": 1,
    "generator.latent": 4,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 16,
    "training.critic_steps": 1,
    "training.device": "cpu",
    "training.steps": STEPS,
    "evaluation.every": 10,
    "log.every": 2,
}


def small_config(steps: int = STEPS) -> Config:
    """Return the settings of a run whose steps take milliseconds."""
    return recipe("fast", {**TINY, "training.steps": steps})


def made(folder: Path, steps: int = STEPS) -> RunFolder:
    """Prepare a small run and return it."""
    lines = [f"line{k * 7919 % 10007}" for k in range(300)]
    found, config = scan_data(lines, small_config(steps))
    return create(found, config, folder)


def finished(folder: Path) -> RunFolder:
    """Train a small run to its end, saved after every step."""
    run = made(folder)
    with saving_always():
        run_training(run)
    return run


@contextlib.contextmanager
def saving_always() -> Iterator[None]:
    """Save runs after every step."""
    former = session.FIRST_CHECKPOINT_SECONDS, session.CHECKPOINT_SECONDS
    session.FIRST_CHECKPOINT_SECONDS = session.CHECKPOINT_SECONDS = 0.0
    try:
        yield
    finally:
        session.FIRST_CHECKPOINT_SECONDS, session.CHECKPOINT_SECONDS = former


def same_run(one: RunFolder, two: RunFolder) -> bool:
    """Say whether two runs have the same weights, bit for bit, and the same records but for seconds."""
    for left, right in ((one.checkpoint, two.checkpoint), (one.model, two.model), (one.best, two.best)):
        a, b = read_tensor_file(left)[0], read_tensor_file(right)[0]
        if a.keys() != b.keys() or not all(torch.equal(a[name], b[name]) for name in a):
            return False
    records = [[{**record, "seconds": 0} for record in read_records(run.metrics)] for run in (one, two)]
    return records[0] == records[1]
