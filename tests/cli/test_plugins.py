"""--plugin and --valid, and the note on a setting's former name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.registry import unload_plugin

Call = Callable[..., CompletedProcess[str]]

PLUGIN = """
import seqgan_wgp

@seqgan_wgp.register.loss("mine")
class Mine:
    critic = staticmethod(lambda real_B, fake_B: fake_B.mean() - real_B.mean())
    generator = staticmethod(lambda fake_B: -fake_B.mean())

@seqgan_wgp.register.validator("with-a")
def with_a(string):
    return "a" in string

@seqgan_wgp.register.validator("failing")
def failing(string):
    return string[1_000]

@seqgan_wgp.register.validator("nothing")
def nothing(string):
    return False
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    yield file
    unload_plugin(file.name)


def test_a_run_with_a_plugin_is_trained_resumed_and_generated_from(
    lines: Path, tmp_path: Path, plugin: Path, call: Call, tiny: list[str]
) -> None:
    out, setting = tmp_path / "run", ["--set", "objective.loss=mine"]
    trained = call("train", lines, *tiny, *setting, "--plugin", plugin, "--out", out)
    assert trained.returncode == 0
    next_steps = [line for line in trained.stderr.splitlines() if line.startswith(("generate ", "improve ", "resume "))]
    assert len(next_steps) >= 3
    for line in next_steps:
        given = Path(line.rpartition(" --plugin ")[2])
        assert (Path.cwd() / given).resolve() == plugin.resolve(), line
    unload_plugin(plugin.name)
    for command in (
        ["generate", out, "-n", 2],
        ["resume", out, "--steps", 8],
        ["evaluate", out, "--baseline-seconds", "0", "--c2st-steps", "0"],
        ["report", out],
    ):
        refused = call(*command)
        assert refused.returncode == 2
        assert "the settings need the plugin mine.py, which is not loaded" in refused.stderr
        assert "--plugin mine.py" in refused.stderr
    assert len(call("generate", out, "-n", 2, "--plugin", plugin).stdout.splitlines()) == 2
    assert call("resume", out, "--steps", 8, "--plugin", plugin).returncode == 0


def test_an_unknown_name_and_a_missing_file_are_told(lines: Path, tmp_path: Path, plugin: Path, call: Call) -> None:
    unknown = call("train", lines, "--plugin", plugin, "--set", "objective.loss=mime", "--dry-run")
    assert unknown.returncode == 2 and "did you mean 'mine'?" in unknown.stderr
    missing = call("train", lines, "--plugin", tmp_path / "none.py", "--dry-run")
    assert missing.returncode == 2 and "none.py: no such plugin file" in missing.stderr


def test_only_valid_strings_are_generated(trained: Path, plugin: Path, call: Call) -> None:
    command = ["generate", trained, "--plugin", plugin]
    plain = call(*command, "-n", 400).stdout.splitlines()
    expected = [string for string in plain if "a" in string]
    assert len(expected) >= 3
    assert call(*command, "-n", 3, "--valid", "with-a").stdout.splitlines() == expected[:3]
    unique = call(*command, "-n", 2, "--valid", "with-a", "--unique").stdout.splitlines()
    assert unique == list(dict.fromkeys(expected))[:2]


def test_a_validator_that_lets_nothing_through_fails_or_is_unknown_is_told(
    trained: Path, plugin: Path, call: Call
) -> None:
    command = ["generate", trained, "-n", 3, "--plugin", plugin, "--valid"]
    failing = call(*command, "failing")
    assert failing.returncode == 2 and "the validator 'failing' fails on" in failing.stderr
    unknown = call(*command, "with-b")
    assert unknown.returncode == 2 and "no validator 'with-b'; did you mean 'with-a'?" in unknown.stderr
    nothing = call(*command, "nothing")
    assert nothing.returncode == 1 and "candidates was valid" in nothing.stderr


def test_a_former_name_gets_one_note(lines: Path, tmp_path: Path, call: Call) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[corpus]\nlong = 'drop'\n")
    given = ["--set", "objective.weight=5", "--config", file]
    result = call("train", lines, *given, "--dry-run")
    assert result.returncode == 0 and "penalty_weight = 5.0" in result.stdout and 'overflow = "drop"' in result.stdout
    assert result.stderr.count("the setting objective.weight has been renamed to objective.penalty_weight") == 1
    assert result.stderr.count("the setting corpus.long has been renamed to corpus.overflow") == 1
