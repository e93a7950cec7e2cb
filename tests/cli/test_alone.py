"""Commands that one process does refuse to be started by torchrun: in one place, and before they do anything."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cli.app import app
from cli.torchrun import COMMANDS

Call = Callable[..., CompletedProcess[str]]

NAMES = [command.callback.__name__ for command in app.registered_commands if command.callback]
ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "3", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the environment of the first of three processes."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("command", [name for name in NAMES if name not in COMMANDS])
def test_all_but_training_are_refused(command: str, call: Call) -> None:
    result = call(command, "whatever")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(
        f"error: torchrun has started 3 processes of {command}, which runs in one process only\n"
    )
    assert "generate MODEL -n N --shard I/3" in result.stderr


@pytest.mark.usefixtures("started")
def test_the_first_process_speaks_for_all(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others fail in nothing, since torchrun ends all as soon as one has failed."""
    monkeypatch.setenv("RANK", "2")
    result = call("generate", "whatever")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_commands_that_train_are_commands() -> None:
    assert set(COMMANDS) < set(NAMES)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("change", [("WORLD_SIZE", "1"), ("MASTER_PORT", None)])
def test_without_torchrun_or_with_one_process_all_is_as_ever(
    change: tuple[str, str | None], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value = change
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert call("corpora").returncode == 0
