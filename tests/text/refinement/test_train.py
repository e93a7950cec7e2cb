"""Training of a refiner: strings get more like real ones, round by round, and it repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.refinement.classifier import BLOCK
from seqgan_wgp.text.refinement.refiner import AcceptanceConfig, Refiner
from seqgan_wgp.text.refinement.train import RefineOptions, train_refiner

Ids = npt.NDArray[np.integer]
CPU = torch.device("cpu")


LETTERS = "abcdef"


def flawed(n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
    """Yield strings of six independent letters, where real ones rarely begin with the first letter."""
    yield np.random.default_rng([seed, start]).integers(2, 2 + len(LETTERS), (n, 6)).astype(np.uint8)


@pytest.fixture
def corpus(tmp_path: Path, tiny_config: Callable[..., Config]) -> Corpus:
    """Strings of six letters; one in 31 begins with the first letter, where it would be one in six by chance."""
    rng = np.random.default_rng(0)
    strings = ["".join(LETTERS[letter] for letter in row) for row in rng.integers(0, len(LETTERS), (3_000, 6))]
    lines = [string for string in strings if string[0] != LETTERS[0] or rng.random() < 1 / 6]
    config = tiny_config(**{"corpus.length": 6, "corpus.held_out": 0.2})
    return prepare(scan(open_source(lines), config.corpus), tmp_path)


def beginning_share(refiner: Refiner | None) -> float:
    """Return the share of accepted strings that begin with the first letter."""
    (ids_NL,) = flawed(100 * BLOCK, seed=77)
    if refiner is not None:
        blocks = range(0, len(ids_NL), BLOCK)
        ids_NL = np.concatenate([ids_NL[k : k + BLOCK][refiner.accepts(0, k, ids_NL[k : k + BLOCK])] for k in blocks])
    return float((ids_NL[:, 0] == 2).mean())


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("rule", ["ratio", "mh"])
def test_accepted_strings_are_like_real_ones(rule: str, rounds: int, corpus: Corpus) -> None:
    options = RefineOptions(steps=100, rounds=rounds, acceptance=AcceptanceConfig(rule=rule, quantile=1.0))
    seen: list[tuple[int, int]] = []
    refiner = train_refiner(flawed, corpus, options, CPU, lambda place, at: seen.append((place, at.step)))
    assert beginning_share(None) == pytest.approx(1 / 6, abs=0.01)
    assert beginning_share(refiner) == pytest.approx(1 / 31, abs=0.04)
    assert [place for place, _ in seen] == sorted(place for place, _ in seen)
    assert len(refiner.stages) == rounds == seen[-1][0]


def test_the_same_seed_and_steps_give_the_same_refiner(corpus: Corpus) -> None:
    one, two = (train_refiner(flawed, corpus, RefineOptions(steps=15, rounds=2), CPU) for _ in range(2))
    assert one.to_facts() == two.to_facts()
    assert all(torch.equal(value, two.to_tensors()[name]) for name, value in one.to_tensors().items())
    other = train_refiner(flawed, corpus, RefineOptions(steps=15, rounds=2, seed=1), CPU)
    assert other.to_facts() != one.to_facts()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"minutes": 1.0, "steps": 5},
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"steps": 0},
        {"steps": 1, "rounds": 0},
        {"steps": 1, "rounds": 9},
        {"steps": 1, "seed": -1},
    ],
)
def test_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RefineOptions(**wrong)
