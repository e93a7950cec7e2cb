"""Every command that takes a run or a model takes those that earlier versions wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer.main

from cli.app import app
from tests.goldens import NAMES, TIES, Golden, golden

Call = Callable[..., CompletedProcess[str]]

COMMANDS: dict[str, Callable[[Path, Golden], list[str | Path]]] = {
    "generate": lambda run, _old: ["generate", run, "-n", "50", "--seed", "3"],
    "generate --best": lambda run, _old: ["generate", run, "-n", "5", "--best", "--scores"],
    "generate --mask": lambda run, _old: ["generate", run, "-n", "5", "--prefix", "a", "--unique"],
    "resume": lambda run, old: ["resume", run, "--steps", str(old.steps + 1)],
    "resume --from best": lambda run, old: ["resume", run, "--steps", str(old.steps + 1), "--from", "best"],
    "report": lambda run, _old: ["report", run],
    "evaluate": lambda run, _old: [
        *("evaluate", run, "--samples", "100", "--guesses", "100", "--orders", "3", "--c2st-steps", "0"),
        *("--baseline-seconds", "0"),
    ],
    "score": lambda run, _old: ["score", run, run.parent / "strings.txt"],
    "similar": lambda run, old: ["similar", run, old.strings[0], "-n", "3"],
    "interpolate": lambda run, _old: ["interpolate", run, "1", "2", "-n", "3"],
    "export": lambda run, _old: ["export", run, "-o", run.parent / "out.onnx"],
    "train --from": lambda run, _old: [
        *("train", run.parent / "strings.txt", "--from", run, "--steps", "2", "--out", run.parent / "tuned"),
        *("--device", "cpu", "--set", "training.threads=1"),
    ],
    "generate --continue": lambda run, _old: ["generate", run, "-n", "9", "--continue", run.parent / "on.txt"],
    "score --log-probability": lambda run, _old: ["score", run, run.parent / "one.txt", "--log-probability"],
    "export --slim": lambda run, _old: ["export", run, "--slim", "-o", run.parent / "slim.safetensors"],
    "refine": lambda run, _old: ["refine", run, "--steps", "2"],
    "fuse": lambda run, _old: ["fuse", run, "--new", "0", "--different", "0"],
}


@pytest.fixture(scope="module", params=NAMES)
def old(
    request: pytest.FixtureRequest, shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Golden:
    """Each golden run; read it only."""
    return golden(request.param, shared_data, tmp_path_factory.mktemp("golden"))


SLOW = ("fuse", 200)
"""What takes half a minute: to fuse the larger run."""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_an_old_run(name: str, old: Golden, tmp_path: Path, call: Call) -> None:
    if (name, old.steps) == SLOW:
        pytest.skip("takes half a minute; the smaller run of the same version is fused")
    run = old.copied(tmp_path)
    for file, strings in (("strings.txt", old.strings), ("one.txt", old.strings[:1])):
        (tmp_path / file).write_text("\n".join(strings) + "\n", encoding="utf-8")
    result = call(*COMMANDS[name](run, old))
    assert result.returncode == 0, result.stderr
    assert result.stdout or name == "generate --continue"
    if name == "generate":
        lines = result.stdout.splitlines()
        assert sum(one != other for one, other in zip(lines, old.strings, strict=True)) <= TIES


def test_all_commands_are_among_these() -> None:
    group = typer.main.get_command(app)
    takes_one = {
        name
        for name, command in group.commands.items()  # type: ignore[attr-defined]
        if {"run", "model"}
        & {parameter.name for parameter in command.params if parameter.param_type_name == "argument"}
    }
    assert takes_one | {"train"} == {name.split()[0] for name in COMMANDS}


def test_the_folder_of_another_program_is_refused(old: Golden, tmp_path: Path, call: Call) -> None:
    run = old.copied(tmp_path)
    (run / "config.json").write_text('{"model_type": "gpt2"}')
    for words in (["resume", run], ["report", run]):
        result = call(*words)
        assert result.returncode == 2
        assert "config.json" in result.stderr
