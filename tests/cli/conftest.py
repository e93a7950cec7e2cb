"""The command line as a user meets it: called in this process or as a process of its own, and a tiny trained run."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app

ROOT = Path(__file__).parents[2]

# What would colour or fold the messages that tests read.
TERMINAL = ("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture(scope="session")
def call() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command in this process. An exception that the command lets through fails the test."""

    def run(*args: str | Path, stdin: bytes | str | None = None) -> subprocess.CompletedProcess[str]:
        words = [str(arg) for arg in args]
        environment: dict[str, str | None] = {"COLUMNS": "200", **dict.fromkeys(TERMINAL)}
        result = CliRunner().invoke(app, words, input=stdin, env=environment, catch_exceptions=False)
        return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def refused(
    call: Callable[..., subprocess.CompletedProcess[str]],
    contents: Callable[[Path], dict[str, bytes | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Give a check that a command says what is wrong and leaves a folder, with there.txt in it, as it was."""

    def check(says: Sequence[str], *args: str | Path) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "there.txt").write_text("mine")
        result = call(*args)
        assert (result.returncode, result.stdout) == (2, "")
        assert [words for words in says if words not in result.stderr] == [], result.stderr
        assert "Traceback" not in result.stderr
        assert contents(tmp_path) == {"there.txt": b"mine"}

    return check


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Return the environment of a process that runs `python -m cli` from any folder."""
    kept = {name: value for name, value in os.environ.items() if name not in TERMINAL}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


@pytest.fixture(scope="session")
def process(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a process of its own, from the root of the repository unless told otherwise."""

    def run(*args: str | Path, cwd: Path = ROOT, stdin: str = "") -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "cli", *map(str, args)]
        return subprocess.run(
            words, cwd=cwd, env=environment, input=stdin, capture_output=True, encoding="utf-8", check=False
        )

    return run


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Return options of `train` that make a run of six steps of the smallest networks."""
    settings = {
        "generator.width": 8,
        "generator.blocks": 1,
        "generator.latent": 4,
        "critic.width": 8,
        "critic.blocks": 1,
        "training.batch_size": 16,
        "training.critic_steps": 1,
        "evaluation.every": 3,
        "log.every": 2,
    }
    pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return [*pairs, "--steps", "6", "--device", "cpu"]


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a text file of 300 different short lines, with commas and quotes in some of them."""
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    marks = ("a", "be", ',"', "é", "x y")
    text = "".join(f"{marks[k % len(marks)]}{k * 7919 % 10007}\n" for k in range(300))
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    call: Callable[..., subprocess.CompletedProcess[str]],
    lines: Path,
    tiny: list[str],
) -> Path:
    """Return the folder of a finished run. Tests that would change it take a copy."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    result = call("train", lines, *tiny, "--out", folder)
    assert result.returncode == 0, result.stderr
    return folder
