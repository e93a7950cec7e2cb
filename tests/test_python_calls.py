"""The table of docs/python.md: every call exists with the arguments shown, and takes the options of its command."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import seqgan_wgp
from cli.app import app

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
ROWS = re.findall(r"^\| `([\w-]+)`[^|]* \| (.+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
CALLS = [(command, call) for command, cell in ROWS for call in re.findall(r"`([^`]+\))`", cell)]

WITH_ALL_OPTIONS = ("evaluate", "compare", "inspect", "resume", "score", "export")
"""Commands whose functions take every option."""

NO_CALL = {"report", "theory", "corpora", "models", "info", "studio"}
"""Commands that only show or write what a person looks at."""

RENAMED = {"set": "settings", "plugin": "plugins", "from": "from_best", "no_timing": "timed", "file": "strings"}
"""Options whose values have another form in Python."""

OF_THE_TERMINAL = {("score", "format"), ("score", "csv_safe"), ("score", "output"), ("score", "overwrite")}
"""Options that say only how a command writes what its function returns."""


def function_of(call: str) -> tuple[Callable[..., Any], ast.Call]:
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    owner, _, name = ast.unparse(tree.func).rpartition(".")
    holder: Any = seqgan_wgp.Model if owner == "model" else importlib.import_module(owner)
    function: Callable[..., Any] = getattr(holder, name)
    return function, tree


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    names = set()
    for parameter in group.commands[command].params:
        words = [word.strip("-") for word in parameter.opts if word.startswith("--")]
        names.add((words[0] if words else str(parameter.name)).replace("-", "_"))
    return names - {"help", "json"}


@pytest.mark.parametrize(("command", "call"), CALLS)
def test_a_call_of_the_table_fits_its_function(command: str, call: str) -> None:
    del command
    function, tree = function_of(call)
    values = [*([None] if call.startswith("model.") else []), *tree.args]
    inspect.signature(function).bind(*values, **{str(word.arg): None for word in tree.keywords})


def test_the_table_has_every_command() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    listed = {command.split()[0] for command, _cell in ROWS if command.split()[0] in group.commands}
    assert set(group.commands) - listed <= NO_CALL
    assert not listed & NO_CALL


@pytest.mark.parametrize("command", WITH_ALL_OPTIONS)
def test_a_function_takes_the_options_of_its_command(command: str) -> None:
    assert command in seqgan_wgp.__all__
    parameters = inspect.signature(getattr(seqgan_wgp, command)).parameters
    given = {RENAMED.get(name, name) for name in options_of(command) if (command, name) not in OF_THE_TERMINAL}
    assert given - set(parameters) == set()
