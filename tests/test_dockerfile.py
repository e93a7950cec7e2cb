"""The Dockerfile, read as text, since tests have no container engine: its stages, its sources, and what it installs."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
KNOWN = {"ARG", "COPY", "ENTRYPOINT", "ENV", "FROM", "RUN", "USER", "WORKDIR"}


class Instruction(NamedTuple):
    """An instruction, and the name of the stage that it is in."""

    stage: str
    name: str
    words: str


def instructions() -> list[Instruction]:
    """Return the instructions of the Dockerfile in order, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    found, stage = [], ""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, words = line.partition(" ")
            if name == "FROM":
                stage = words.partition(" AS ")[2]
            found.append(Instruction(stage, name, words))
    return found


def test_every_stage_is_built_on_one_before_it_or_on_python() -> None:
    stages: list[str] = []
    for stage, name, words in instructions():
        assert name in KNOWN
        if name == "FROM":
            assert stage and stage not in stages
            assert words.split()[0] in [*stages, "python:${PYTHON}-slim"]
            stages.append(stage)
        used = re.findall(r"--mount=from=(\w+)|--from=(\w+)", words)
        assert all((one or other) in stages for one, other in used)
    assert {"cpu", "cuda"} <= set(stages)


def test_what_it_copies_is_there_and_makes_a_wheel() -> None:
    copied = [words.split() for _, name, words in instructions() if name == "COPY"]
    assert copied == [[".", "."]]
    for file in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "cli", "corpora", "seqgan_wgp"):
        assert (ROOT / file).exists()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"cli", "corpora", "seqgan_wgp", "pyproject.toml", "README.md", "LICENSE"} & set(ignored)


def test_any_user_has_a_home_folder_and_no_cache_is_kept() -> None:
    set_by_name = [
        dict(word.split("=", 1) for word in words.split()) for _, name, words in instructions() if name == "ENV"
    ]
    assert {name: value for found in set_by_name for name, value in found.items()} == {
        "HOME": "/tmp",
        "PYTHONUNBUFFERED": "1",
        "SEQGAN_WGP_CACHE": "",
    }
    mounting = [line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if "$PWD:/data" in line]
    assert mounting and all('--user "$(id -u):$(id -g)"' in line for line in mounting)


def test_it_starts_the_command_as_a_user_on_a_python_that_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for stage in ("cpu", "cuda"):
        own = [(name, words) for where, name, words in instructions() if where == stage]
        (start,) = (json.loads(words) for name, words in own if name == "ENTRYPOINT")
        assert start[0] in project["scripts"]
        assert own.index(("USER", "user")) < [name for name, _ in own].index("ENTRYPOINT")
        installed = [words for name, words in own if name == "RUN" and "pip install" in words]
        assert installed[-1].endswith("/dist/*.whl")
    (version,) = (words.partition("=")[2] for _, name, words in instructions() if words.startswith("PYTHON="))
    lowest = project["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, lowest.split(".")))
