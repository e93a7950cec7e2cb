"""The README tells the truth: its tree is the tree, and its commands and recipes are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.app import app
from seqgan_wgp.config import recipe_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tree() -> dict[str, str]:
    """Return the paths of the README's tree with the words behind each."""
    block = README.split("## The tree")[1].split("```")[1]
    paths: dict[str, str] = {}
    folders: list[str] = []
    for line in block.strip("\n").split("\n"):
        name, words = re.split(r"\s{2,}", line.strip(), maxsplit=1)
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name]
        paths["".join(folders)] = words
    return paths


@pytest.mark.parametrize("path", tree())
def test_what_the_tree_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_file_of_the_library_is_in_the_tree() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "seqgan_wgp").rglob("*.py")}
    assert {file for file in files if not file.endswith("__init__.py")} - tree().keys() == set()


@pytest.mark.parametrize("folder", ["seqgan_wgp/recipes/", "corpora/", "benchmarks/", "dev/"])
def test_files_of_small_folders_are_named_beside_them(folder: str) -> None:
    kinds = {".py", ".toml", ".txt"}
    files = {path.name for path in (ROOT / folder).iterdir() if path.suffix in kinds} - {"__init__.py", "index.toml"}
    assert {name for name in files if name not in tree()[folder]} == set()


def test_every_command_and_recipe_is_in_its_table() -> None:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback is not None}
    assert commands == set(re.findall(r"^\| `(\w+)(?: [^`]*)?` \|", README.split("## Commands")[1], re.M)) - set(
        recipe_names()
    )
    assert set(recipe_names()) <= set(re.findall(r"^\| `(\w+)` \|", README, re.M))


def test_the_first_screen_has_the_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in "\n".join(README.split("\n")[:15])
        assert re.search(rf"^{target}:", makefile, re.M)


def test_python_examples_name_what_is_public() -> None:
    import seqgan_wgp

    for name in re.findall(r"seqgan_wgp\.(\w+)\(?", "".join(re.findall(r"```python\n(.*?)```", README, re.S))):
        assert name in seqgan_wgp.__all__
