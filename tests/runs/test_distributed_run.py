"""A run of several processes: one of them writes and speaks, and whatever happens to one, the run goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.runs.elastic import found_again, mark
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.utils import tensor_file

from ..launching import command, ended, launch
from ..stopping import stop_at

ROOT = Path(__file__).parents[2]
STEPS = 40

TINY: dict[str, object] = {
    "generator.width": 8,
    "critic.width": 8,
    "generator.blocks": 1,
    "critic.blocks": 1,
    "generator.latent": 8,
    "training.batch_size": 9,
    "training.critic_steps": 2,
    "training.device": "cpu",
    "evaluation.every": 7,
    "evaluation.samples": 64,
    "log.every": 3,
    "log.diagnostics": 20,
    # The last bias of a wgan critic has no gradient but rounding errors, which Adam would divide by their own size.
    "optimizer.critic.epsilon": 1e-4,
}


def train(corpus: Path | str, run: Path, **changes: object) -> list[str]:
    settings = [part for name, value in (TINY | changes).items() for part in ("--set", f"{name}={value}")]
    return ["train", str(corpus), "--out", str(run), "--steps", str(STEPS), *settings]


class Started:
    """The command in several processes, and what they print."""

    def __init__(
        self, count: int, arguments: list[str], folder: Path, seconds: float = 60, folders: list[str] | None = None
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.processes = launch(count, command, arguments, folder, seconds, folders)

    def ended(self) -> list[int | None]:
        return ended(self.processes)

    def printed(self, name: str) -> list[str]:
        return [(self.folder / f"{name}-{rank}").read_text() for rank in range(len(self.processes))]

    def signal(self, rank: int, number: signal.Signals) -> None:
        pid = self.processes[rank].pid
        assert pid is not None
        os.kill(pid, number)

    def wait_for(self, run: Path, step: int) -> None:
        wait_for(run, step, lambda: any(process.is_alive() for process in self.processes))


def wait_for(run: Path, step: int, alive: Callable[[], bool]) -> None:
    """Wait until the run's records have reached a step."""
    metrics = run / "metrics.jsonl"
    while alive():
        if metrics.exists() and any(record["step"] >= step for record in read_records(metrics)):
            return
        time.sleep(0.005)


def records(run: Path) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in record.items() if key != "seconds"}
        for record in read_records(run / "metrics.jsonl")
    ]


def tensors(run: Path, name: str = "checkpoint/state") -> dict[str, torch.Tensor]:
    return tensor_file.read_tensor_file(run / f"{name}.safetensors")[0]


def assert_same_bits(one: Path, two: Path) -> None:
    assert records(one) == records(two)
    for name in ("checkpoint/state", "model", "best"):
        left, right = tensors(one, name), tensors(two, name)
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left), name


def assert_close(one: Path, two: Path) -> None:
    """Hold what two runs have measured against each other; single precision rounds sums of other parts otherwise."""
    left, right = records(one), records(two)
    assert [record.keys() for record in left] == [record.keys() for record in right]
    for ours, theirs in zip(left, right, strict=True):
        assert ours["step"] == theirs["step"]
        for name in ("critic_loss", "wasserstein", "penalty", "slope_mean", "generator_loss", "critic_gradient"):
            assert ours[name] == pytest.approx(theirs[name], rel=2e-3, abs=2e-3), (ours["step"], name)
    ours_, theirs_ = tensors(one), tensors(two)
    assert ours_.keys() == theirs_.keys()
    assert all(torch.allclose(ours_[name], theirs_[name], atol=5e-3) for name in ours_ if "optimizer" not in name)


@pytest.fixture(scope="module")
def alone(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    started = Started(1, train(tiny_corpus, folder / "run"), folder)
    assert started.ended() == [0], started.printed("err")
    return folder / "run"


@pytest.fixture(scope="module")
def pair(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two, in a folder with what they printed."""
    folder = tmp_path_factory.mktemp("pair")
    started = Started(2, train(tiny_corpus, folder / "run"), folder)
    assert started.ended() == [0, 0], started.printed("err")
    return folder / "run"


def test_two_processes_write_one_run_which_is_that_of_one(alone: Path, pair: Path) -> None:
    assert_close(alone, pair)
    names = {path.name for path in alone.iterdir()}
    assert {path.name for path in pair.iterdir()} == names
    assert json.loads((alone / "config.json").read_text()) == json.loads((pair / "config.json").read_text())
    assert sorted(file.name for file in (pair / "samples").iterdir()) == sorted(
        file.name for file in (alone / "samples").iterdir()
    )


def test_the_first_process_alone_prints(pair: Path) -> None:
    out, err = ([(pair.parent / f"{name}-{rank}").read_text() for rank in (0, 1)] for name in ("out", "err"))
    assert out == [f"{pair}\n", ""]
    assert f"done at step {STEPS}" in err[0]
    assert err[1] == ""


def test_a_run_goes_on_in_another_number_of_processes(pair: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    started = Started(2, train(tiny_corpus, run), tmp_path / "two")
    started.wait_for(run, 6)
    started.signal(1, signal.SIGTERM)  # not the first one, which writes: it is told
    codes = started.ended()
    assert codes == [130, 0]
    assert "saved at step" in started.printed("err")[0]
    assert run_training(RunFolder(run), should_stop=stop_at(5)).reason == "interrupted"
    last = Started(2, ["resume", str(run)], tmp_path / "resumed")
    assert last.ended() == [0, 0], last.printed("err")
    assert last.printed("out") == [f"{run}\n", ""]
    assert_close(pair, run)


def test_a_dead_process_ends_the_others_with_one_message_and_the_run_goes_on(
    pair: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    started = Started(2, train(tiny_corpus, run), tmp_path / "two", seconds=0.02)
    started.wait_for(run, 9)
    started.signal(1, signal.SIGKILL)
    assert started.ended() == [1, -signal.SIGKILL]
    assert started.printed("err")[0].count("error:") == 1
    assert "error: another process of the run has ended" in started.printed("err")[0]
    assert tensor_file.read_facts(run / "checkpoint/state.safetensors")["step"] > 0
    again = Started(2, ["resume", str(run)], tmp_path / "again")
    assert again.ended() == [0, 0], again.printed("err")
    assert_same_bits(pair, run)


def test_a_bad_corpus_ends_all_with_one_message(tmp_path: Path) -> None:
    started = Started(2, train(tmp_path / "nothing.txt", tmp_path / "run"), tmp_path / "printed")
    assert started.ended() == [2, 2]
    assert sum(text.count("error:") for text in started.printed("err")) == 1
    assert "nothing.txt" in started.printed("err")[0]
    assert not (tmp_path / "run").exists()


def test_a_batch_that_cannot_be_divided_is_refused_before_anything_is_made(tiny_corpus: Path, tmp_path: Path) -> None:
    arguments = train(tiny_corpus, tmp_path / "run", **{"objective.constraint": "gp-difference"})
    started = Started(2, arguments, tmp_path / "printed")
    assert started.ended() == [2, 2]
    assert "gp-difference" in "".join(started.printed("err"))
    assert not (tmp_path / "run").exists()


def test_divergence_is_told_once_and_by_the_first(tiny_corpus: Path, tmp_path: Path) -> None:
    wild = {"optimizer.critic.learning_rate": 10.0, "objective.penalty_weight": 1e30}
    started = Started(2, train(tiny_corpus, tmp_path / "run", **wild), tmp_path / "printed")
    assert started.ended() == [1, 1]
    assert started.printed("err")[0].count("error:") == 1
    assert "at step" in started.printed("err")[0]
    assert "error:" not in started.printed("err")[1]


def test_a_missing_run_is_told_of_once(tmp_path: Path) -> None:
    started = Started(2, ["resume", str(tmp_path / "run")], tmp_path / "printed")
    assert started.ended() == [2, 2]
    told = "".join(started.printed("err"))
    assert told.count("error:") == 1
    assert "no such run folder" in told


def test_trouble_in_another_process_is_told_with_its_number(pair: Path, tmp_path: Path) -> None:
    # Of the second process alone the working folder is another one, as on a machine that does not share the run.
    shutil.copytree(pair, tmp_path / "seen" / "run")
    started = Started(2, ["resume", "run"], tmp_path / "printed", folders=[str(tmp_path / "seen"), str(tmp_path)])
    codes = started.ended()
    assert 0 not in codes
    told = "".join(started.printed("err"))
    assert told.count("error:") == 1
    assert "process 1: " in told


# Started again by torchrun

PROGRAM = """
import os, sys
from pathlib import Path
from seqgan_wgp.runs import session
session.FIRST_CHECKPOINT_SECONDS = session.CHECKPOINT_SECONDS = 0.02
name = "pid-{RANK}-{TORCHELASTIC_RESTART_COUNT}".format(**os.environ)
Path(sys.argv.pop(1), name).write_text(str(os.getpid()))
from cli.app import main
main()
"""


def test_a_killed_worker_that_torchrun_restarts_ends_where_an_undisturbed_run_does(
    pair: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    # It is the first, which writes; the other notices, and tells.
    run, program = tmp_path / "run", tmp_path / "program.py"
    program.write_text(PROGRAM)
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--max-restarts=1", str(program), str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, *launcher, *train(tiny_corpus, run)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(run, 12, lambda: process.poll() is None)
    os.kill(int((tmp_path / "pid-0-0").read_text()), signal.SIGKILL)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert stdout == f"{run}\n"
    assert (tmp_path / "pid-0-1").exists()
    assert stderr.count("error:") <= 1  # torchrun may interrupt the other one before it can tell
    assert_same_bits(pair, run)


def test_only_the_launch_that_began_a_run_finds_it_again(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, settings = scan_data(tiny_lines, tiny_config())
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "launch")
    run = create(found, settings, tmp_path / "run")
    assert found_again(run.path) == run
    assert found_again(tmp_path / "other") is None
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "another")
    assert found_again(run.path) is None
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "launch")
    monkeypatch.setattr(os, "getppid", lambda: 1)  # a later torchrun that was given the same id
    assert found_again(run.path) is None


def test_a_run_without_a_launch_is_found_by_none(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    found, settings = scan_data(tiny_lines, tiny_config())
    run = create(found, settings, tmp_path / "run")
    mark(run)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "launch")
    assert found_again(run.path) is None


def test_a_launch_that_may_be_restarted_must_name_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_again(None) is None
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with pytest.raises(ConfigError, match="only if it knows the run folder") as caught:
        found_again(None)
    assert "--out" in caught.value.remedy
