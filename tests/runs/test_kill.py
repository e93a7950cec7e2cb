"""Killed at random moments and resumed, a run ends bit for bit as if nobody had touched it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.utils import tensor_file

ROOT = Path(__file__).parents[2]
STEPS = 60

# Checkpoints far more often than in use, so that a kill also falls into the writing of one.
PROGRAM = """
import sys
from seqgan_wgp.runs import session
session.FIRST_CHECKPOINT_SECONDS = session.CHECKPOINT_SECONDS = float(sys.argv.pop(1))
from cli.app import main
main()
"""

TINY = [
    "generator.width=8", "critic.width=8", "generator.blocks=1", "critic.blocks=1", "generator.latent=8",
    "training.batch_size=8", "training.critic_steps=2", "evaluation.every=7", "evaluation.samples=64", "log.every=3",
]  # fmt: skip


def command(*arguments: str, checkpoint_seconds: float = 0.02) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", PROGRAM, str(checkpoint_seconds), *arguments]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def train(corpus: Path, run: Path) -> list[str]:
    settings = [part for assignment in TINY for part in ("--set", assignment)]
    return ["train", str(corpus), "--out", str(run), "--steps", str(STEPS), "--device", "cpu", *settings]


def kill_at(process: subprocess.Popen[str], run: Path, step: int, number: signal.Signals) -> None:
    """Send a signal once the run's records have reached a step (or the run has ended)."""
    metrics = run / "metrics.jsonl"
    while process.poll() is None:
        reached = [record["step"] for record in read_records(metrics)] if metrics.exists() else []
        if reached and reached[-1] >= step:
            process.send_signal(number)
            return
        time.sleep(0.002)


@pytest.fixture(scope="module")
def whole(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    process = command(*train(tiny_corpus, run), checkpoint_seconds=60)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert stdout.strip() == str(run)
    return run


@pytest.mark.parametrize(
    ("numbers", "seed"),
    [
        ((signal.SIGTERM, signal.SIGHUP), 0),
        ((signal.SIGINT, signal.SIGUSR1), 1),
        ((signal.SIGKILL, signal.SIGKILL), 2),
        ((signal.SIGKILL, signal.SIGKILL), 3),
    ],
)
def test_a_run_that_was_killed_and_resumed_is_the_run_that_was_not(
    whole: Path, tiny_corpus: Path, tmp_path: Path, numbers: tuple[signal.Signals, signal.Signals], seed: int
) -> None:
    run, kills = tmp_path / "run", 0
    choice = random.Random(seed)
    process = command(*train(tiny_corpus, run))
    for number, step in zip(numbers, sorted(choice.sample(range(1, STEPS - 5), 2)), strict=True):
        kill_at(process, run, step, number)
        _, stderr = process.communicate()
        kills += process.returncode != 0
        assert process.returncode in (0, 130 if number != signal.SIGKILL else -signal.SIGKILL), stderr
        if process.returncode == 130:
            assert f"seqgan-wgp resume {run}" in stderr
        process = command("resume", str(run))
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert kills > 0
    one, two = read_records(whole / "metrics.jsonl"), read_records(run / "metrics.jsonl")
    assert [record | {"seconds": 0} for record in one] == [record | {"seconds": 0} for record in two]
    for name in ("model.safetensors", "best.safetensors", "checkpoint/state.safetensors"):
        left, right = tensor_file.read_tensor_file(whole / name)[0], tensor_file.read_tensor_file(run / name)[0]
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left), name
