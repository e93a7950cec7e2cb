"""When nothing more can be written, a run says so in a line and keeps what it had. A limit on the size of files, which
the system enforces, stands for the full disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="this system has no limits on the size of files")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def limited(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command where no file may be larger than so many bytes."""

    def run(most: int, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *map(str, args)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )

    return run


def test_a_run_that_cannot_be_prepared_leaves_nothing(
    limited: Callable[..., subprocess.CompletedProcess[str]], lines: Path, tiny: list[str], tmp_path: Path
) -> None:
    result = limited(1_000, "train", lines, *tiny, "--out", tmp_path / "deep" / "run")
    assert (result.returncode, result.stdout) == (1, "")
    assert "error:" in result.stderr
    assert "File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_save_keeps_its_last_checkpoint(
    limited: Callable[..., subprocess.CompletedProcess[str]],
    call: Callable[..., subprocess.CompletedProcess[str]],
    trained: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    kept = {name: (run / name).read_bytes() for name in ("checkpoint/state.safetensors", "model.safetensors")}
    result = limited(8_000, "resume", run, "--steps", "20")
    assert (result.returncode, result.stdout) == (1, "")
    assert "File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert {name: (run / name).read_bytes() for name in kept} == kept
    assert [path.name for path in run.rglob("*.new")] == []
    assert call("resume", run, "--steps", "20").returncode == 0


def test_strings_that_cannot_be_written_leave_no_file(
    limited: Callable[..., subprocess.CompletedProcess[str]], trained: Path, tmp_path: Path
) -> None:
    result = limited(1_000, "generate", trained, "-n", "100000", "-o", tmp_path / "strings.txt")
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert list(tmp_path.iterdir()) == []
