"""The fast set of tests is what it is said to be: nothing is named that is gone, and cases are counted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .slow import CASES, FIRST_CASE, FIXTURES, KEPT, SLOW, slow_tests

TESTS = Path(__file__).parent


def functions_of(file: Path) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if hasattr(node, "name")]


@pytest.mark.parametrize("place", [*SLOW, *KEPT, *FIRST_CASE])
def test_what_is_named_is_there(place: str) -> None:
    file, _, start = place.partition("::")
    assert (TESTS / file).exists()
    begins = start.partition("[")[0].rpartition("::")[2]
    assert not start or any(name.startswith(begins) for name in functions_of(TESTS / file))


def test_every_fixture_that_makes_a_test_slow_is_there() -> None:
    assert {name for file in TESTS.rglob("*.py") for name in functions_of(file)} >= FIXTURES


@pytest.mark.parametrize("place", [place for place in KEPT if "[" not in place])
def test_what_is_kept_would_be_slow(place: str) -> None:
    assert place.startswith(SLOW) or any(name in (TESTS / place.partition("::")[0]).read_text() for name in FIXTURES)


def test_rules_by_hand() -> None:
    first, slow, kept = FIRST_CASE[0], f"{SLOW[0]}::test_any", KEPT[0]
    other, wheel = [f"utils/test_any.py::test_any[{k}]" for k in range(CASES + 2)], "test_any.py::test_other"
    asked: list[tuple[str, list[str]]] = [(f"{first}[a]", []), (slow, []), (kept, []), (f"{first}[b]", [])]
    found = slow_tests([*asked, *((one, ["tmp_path"]) for one in other), (wheel, ["tmp_path", "wheel"])])
    assert found == {f"{first}[b]", slow, wheel, *other[CASES:]}
