"""Every option of every command refuses what nothing can be made of, with one line and before it does anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer

from cli.app import app
from seqgan_wgp import config as configs
from seqgan_wgp.config import Config
from seqgan_wgp.config.serialization import list_settings
from seqgan_wgp.errors import ConfigError

BAD = {
    "int": ["9" * 400, "9" * 5000],
    "float": ["x"],
    "str": ["a\0b"],
    "Path": ["\ud800"],
}
"""Kind of value -> words that are none of it, or none that can be used."""


def options() -> Iterator[tuple[str, list[str], str]]:
    """Yield each command with an option and a bad value of it, and the option's name."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        needed: list[str] = []
        for each in command.params:
            if each.required:
                needed += [each.opts[0], "none"] if each.opts[0].startswith("-") else ["none"]
        for each in command.params:
            option = each.opts[0]
            if not option.startswith("-") or each.is_flag:
                continue
            for value in BAD.get(each.bare_type().removeprefix("list[").rstrip("]"), []):
                yield name, [*needed, f"{option}={value}" if option.startswith("--") else option + value], option


CASES = list(options())


def test_options_of_every_kind_are_walked() -> None:
    assert len(CASES) > 100
    assert {name for name, *_ in CASES} >= {"train", "resume", "generate", "compare", "evaluate", "score", "report"}


def test_what_nothing_can_be_made_of_is_refused(
    call: Callable[..., CompletedProcess[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, words, option in CASES:
        result = call(name, *words)
        assert result.returncode == 2, (name, option, result.stderr)
        assert result.stdout == ""
        assert len(result.stderr) < 7_000
        assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


CONFIGS = {
    "lists in lists": "a = " + "[" * 20_000,
    "tables in tables": "a = " + "{a=" * 5_000,
    "5,000 digits": "[training]\nsteps = 1" + "0" * 5000,
    "400 digits": "[training]\nsteps = 1" + "0" * 400,
    "not a number": "[training]\nminutes = nan",
    "infinite": "[training]\nminutes = 1e400",
    "no number": "[training]\nsteps = true",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_a_config_that_cannot_be_is_refused(
    text: str, call: Callable[..., CompletedProcess[str]], tmp_path: Path, lines: Path
) -> None:
    (tmp_path / "c.toml").write_text(text)
    result = call("train", lines, "--config", tmp_path / "c.toml", "--dry-run")
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr) < 1_000


def test_no_setting_takes_a_number_that_cannot_be() -> None:
    for dotted, field in list_settings(Config).items():
        kind = str(field.type).removesuffix(" | None")
        for value in {"int": ["9" * 30, "9" * 400, "-" + "9" * 30], "float": ["1e400", "nan"]}.get(kind, []):
            with pytest.raises(ConfigError, match=dotted) as caught:
                configs.recipe("fast", {dotted: value})
            assert len(caught.value.message) < 300
