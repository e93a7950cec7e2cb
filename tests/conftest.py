"""Fixtures for all tests: the shared data, a tiny corpus, a tiny config.

Hypothesis draws the same examples in every run, so that a green tree stays green; other examples are tried with
`pytest --hypothesis-profile=explore`, and fewer of the same by `--hypothesis-profile=fast`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from seqgan_wgp.config import Config, recipe

from .slow import slow_tests

# Before torch is loaded, and for every process that a test starts: networks this small gain nothing from a second
# thread, and lose minutes to it on a machine that does something else too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests leave nothing in the user's cache folder.
os.environ["SEQGAN_WGP_CACHE"] = ""

settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("fast", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile("tests")

_TESTS = Path(__file__).parent
_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

_ONSETS, _VOWELS, _CODAS = ("b", "d", "k", "l", "m", "s", "tr"), ("a", "e", "i", "o", "u"), ("", "n", "r", "st")

_TINY: dict[str, object] = {
    "corpus.length": 10,
    "generator.latent": 8,
    "generator.width": 8,
    "generator.blocks": 1,
    "critic.width": 8,
    "critic.ngrams": 2,
    "critic.blocks": 1,
    "training.batch_size": 8,
    "training.critic_steps": 2,
    "training.steps": 6,
    "training.device": "cpu",
    "evaluation.every": 2,
    "evaluation.samples": 32,
    "evaluation.orders": 2,
    "evaluation.patience": None,
    "log.every": 1,
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out, before `-m` chooses."""
    places = {item: item.nodeid.removeprefix(f"{_TESTS.name}/") for item in items}
    slow = slow_tests((place, getattr(item, "fixturenames", ())) for item, place in places.items())
    for item, place in places.items():
        if place in slow:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("names/names.txt")`: that file or folder of the shared data; the test is skipped without it."""

    def find(name: str) -> Path:
        path = _SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"the shared data has no {name} on this machine")
        return path

    return find


@pytest.fixture(scope="session")
def tiny_lines() -> list[str]:
    """Seven hundred different pseudo-words of 3 to 8 letters, always the same, in an order without pattern."""
    syllables = ["".join(parts) for parts in itertools.product(_ONSETS, _VOWELS, _CODAS)]
    pairs = [first + second for first, second in itertools.product(syllables, syllables)]
    words = list(dict.fromkeys(word for word in pairs if 3 <= len(word) <= 8))
    return [words[place * 7919 % len(words)] for place in range(700)]


@pytest.fixture(scope="session")
def tiny_corpus(tiny_lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file of `tiny_lines`; read it only."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.txt"
    path.write_bytes("".join(f"{line}\n" for line in tiny_lines).encode())
    return path


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., Config]:
    """`tiny_config(**{"training.steps": 3})`: the recipe `fast` made so small that a step takes milliseconds."""

    def make(**overrides: object) -> Config:
        return recipe("fast", _TINY | overrides)

    return make


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes | None]]:
    """Give a function that lists all below a folder, hidden or not: path -> bytes, None for a folder."""

    def everything(folder: Path) -> dict[str, bytes | None]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))
        }

    return everything
