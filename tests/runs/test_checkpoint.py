"""Checkpoints: a damaged one is not the end of a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.runs import session
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.training.record import Record
from seqgan_wgp.utils.tensor_file import read_tensor_file, write_tensor_file

STEPS = 5


@pytest.fixture(scope="module")
def saved(tiny_corpus: Path, tiny_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run with a checkpoint of its last step and one of the step before. Tests take a copy."""
    config = tiny_config(**{"training.steps": STEPS, "evaluation.every": 2, "log.every": 1})
    found, config = scan_data(tiny_corpus, config)
    run = create(found, config, tmp_path_factory.mktemp("runs") / "saved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "FIRST_CHECKPOINT_SECONDS", 0.0)
        patch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
        run_training(run)
    return run


@pytest.fixture
def run(saved: RunFolder, tmp_path: Path) -> RunFolder:
    """Return a copy of the saved run."""
    return RunFolder(Path(shutil.copytree(saved.path, tmp_path / "run")))


def flip(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 0x10
    path.write_bytes(data)


def resumed(run: RunFolder, *, from_best: bool = False, steps: int = STEPS) -> list[str]:
    """Go on with a run to its end and return what the user was told."""
    notes: list[str] = []

    def note(record: Record, _domain: object) -> None:
        notes.extend(record.notes)

    assert run_training(run, {"training.steps": steps}, on_record=note, from_best=from_best).step == steps
    return notes


def same_state(one: RunFolder, two: RunFolder) -> bool:
    left, right = read_tensor_file(one.checkpoint)[0], read_tensor_file(two.checkpoint)[0]
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.999])
def test_the_one_before_is_taken_and_the_run_ends_the_same(run: RunFolder, saved: RunFolder, share: float) -> None:
    """Flipped bits in the header, in the facts and in the tensors."""
    flip(run.checkpoint, share)
    notes = resumed(run)
    assert any("state.safetensors: " in note and f"at step {STEPS - 1}" in note for note in notes)
    assert same_state(run, saved)
    times = ({"seconds": 0, "final": True} for _ in range(2))
    one, two = (
        [record | time for record in read_records(each.metrics)] for each, time in zip((run, saved), times, strict=True)
    )
    assert one == two


def test_a_missing_one_is_as_good_as_damaged(run: RunFolder, saved: RunFolder) -> None:
    run.checkpoint.unlink()
    resumed(run)
    assert same_state(run, saved)


def test_where_both_are_damaged_the_best_model_is_proposed_and_can_be_taken(run: RunFolder) -> None:
    flip(run.checkpoint, 0.5)
    run.previous.write_bytes(b"")
    with pytest.raises(CheckpointError, match="--from best"):
        resumed(run)
    notes = resumed(run, from_best=True, steps=STEPS + 1)
    assert any("the optimizers begin anew" in note for note in notes)
    steps = [record["step"] for record in read_records(run.metrics)]
    assert steps[: STEPS + 1] == list(range(1, STEPS + 2))
    assert resumed(run, steps=STEPS + 2) == []


def test_a_checkpoint_of_a_far_smaller_network_is_refused_before_memory_is_taken(run: RunFolder) -> None:
    config = run.config.read_text()
    run.config.write_text(config.replace('"width": 8', '"width": 16384').replace('"blocks": 1', '"blocks": 200'))
    assert run.config.read_text() != config
    with pytest.raises(CheckpointError, match="make no networks that fit"):
        resumed(run)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("exp_avg", torch.zeros(3), r"\(3,\) of float32, not"),
        ("exp_avg_sq", None, "is missing"),
        ("step", torch.zeros((), dtype=torch.int64), "of int64, not"),
    ],
)
def test_optimizer_state_that_does_not_fit_is_refused_before_it_is_used(
    run: RunFolder, key: str, value: torch.Tensor | None, says: str
) -> None:
    tensors, facts = read_tensor_file(run.checkpoint)
    name = next(name for name in sorted(tensors) if name.startswith("critic.optimizer.") and name.endswith(f".{key}"))
    del tensors[name]
    write_tensor_file(run.checkpoint, tensors | ({} if value is None else {name: value}), facts)
    shutil.copyfile(run.checkpoint, run.previous)
    kept = run.checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=says):
        resumed(run, steps=STEPS + 1)
    assert run.checkpoint.read_bytes() == kept
    assert resumed(run, from_best=True) != []


def test_a_run_that_was_moved_goes_on_as_where_it_was(run: RunFolder, saved: RunFolder, tmp_path: Path) -> None:
    stayed = RunFolder(Path(shutil.copytree(saved.path, tmp_path / "stayed")))
    (tmp_path / "other place").mkdir()
    moved = RunFolder(run.path.rename(tmp_path / "other place" / "named anew"))
    for each in (stayed, moved):
        resumed(each, steps=STEPS + 2)
    assert same_state(stayed, moved)


def test_without_locks_a_run_goes_on_with_a_warning(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(*_args: object, **_options: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    resumed(run, steps=STEPS + 1)
    assert "this file system has no locks" in caplog.text


def test_a_clock_that_is_set_back_changes_nothing(
    run: RunFolder, saved: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stayed = RunFolder(Path(shutil.copytree(saved.path, tmp_path / "stayed")))
    resumed(stayed, steps=STEPS + 2)
    monkeypatch.setattr("time.time", lambda: 0.0)
    resumed(run, steps=STEPS + 2)
    assert same_state(stayed, run)
