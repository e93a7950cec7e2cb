"""The bounds of what is installed: each is one lower bound, and `make test-lowest` runs with exactly these versions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TORCH = "torch"
"""Its lowest version cannot be installed without gigabytes of CUDA; constraints-lowest.txt says so."""


def requirements() -> Iterator[Requirement]:
    """Every requirement of pyproject.toml: of the build, of the package and of its extras."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"].values()
    for group in (settings["build-system"]["requires"], settings["project"]["dependencies"], *extras):
        yield from map(Requirement, group)


def lower_bounds() -> dict[str, Version]:
    found: dict[str, Version] = {}
    for requirement in requirements():
        (bound,) = requirement.specifier
        assert bound.operator == ">="
        version = Version(bound.version)
        assert found.setdefault(requirement.name, version) == version, f"{requirement.name} has two bounds"
    return found


def pinned(name: str) -> dict[str, Version]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert [pin.name for pin in pins] == sorted(pin.name for pin in pins)
    return {pin.name: Version(str(pin.specifier).removeprefix("==")) for pin in pins}


def test_the_lowest_versions_that_are_tested_are_the_bounds() -> None:
    bounds = lower_bounds()
    del bounds[TORCH]
    assert pinned("constraints-lowest.txt") == bounds


def test_the_versions_that_the_tests_run_with_are_within_the_bounds() -> None:
    bounds, tested = lower_bounds(), pinned("constraints.txt")
    assert tested.keys() <= bounds.keys()
    assert [name for name, version in tested.items() if version < bounds[name]] == []
    assert TORCH in tested


def test_what_the_lowest_versions_leave_out_is_there_and_they_are_tried_before_a_change_lands() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = (line for line in makefile.splitlines() if line.startswith("LOWEST_LEAVES"))
    places = line.partition(":=")[2].replace("--ignore", "").split()
    assert places and [place for place in places if not (ROOT / place).exists()] == []
    assert "tests/cli/test_surface.py" not in places  # --help, which an old Typer broke
    assert "make test-lowest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_newest_versions_are_tried_before_a_change_lands_by_tests_that_are_there() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("make test-newest"))
    places = line.partition("NEWEST_TESTS=")[2].strip('"').split()
    assert "tests/cli" in places and [place for place in places if not (ROOT / place).is_dir()] == []
