"""Thinning of training lines: the factor by known answers, accepted strings by their distribution, the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.hashing.short_hashes import ShortHashes
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.refinement.classifier import BLOCK, ClassifierConfig, StringClassifier
from seqgan_wgp.text.refinement.refiner import LINES, AcceptanceConfig, Refiner, Stage, from_tensors
from seqgan_wgp.text.refinement.thinning import Thinning, factor_for
from seqgan_wgp.text.refinement.train import RefineOptions, with_new_share
from seqgan_wgp.utils.half_precision import halved

Ids = npt.NDArray[np.integer[Any]]
SIZE, LENGTH = 8, 5
LETTERS = "abcdef"
SIZES = ClassifierConfig(width=8, blocks=())


def constant_refiner(rule: str = "ratio") -> Refiner:
    """Return a refiner whose classifier finds all strings alike, and that accepts one in two by "ratio"."""
    stage = Stage(
        classifier=StringClassifier(SIZE, LENGTH, SIZES).eval().requires_grad_(False),
        temperature=1.0,
        log_bound=float(np.log(2)),
        gamma=0.0,
        facts={"acceptance": 0.5},
    )
    return Refiner(stages=(stage,), config=AcceptanceConfig(rule=rule, proposals=16))


def draw(n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
    """Yield strings of two kinds: one in two is a training line of `corpus`, which has no second letter b."""
    rng = np.random.default_rng([seed, start])
    ids_NL = rng.integers(2, SIZE, (n, LENGTH)).astype(np.uint8)
    ids_NL[:, 0] = rng.integers(0, 2, n) + 2  # a or b: all lines begin with a
    yield ids_NL


def words() -> list[str]:
    """Return all strings of five letters that begin with a, the training lines among them."""
    return ["a" + "".join(LETTERS[k // 6**place % 6] for place in range(LENGTH - 1)) for k in range(6 ** (LENGTH - 1))]


@pytest.fixture
def corpus(tmp_path: Path, tiny_config: Callable[..., Config]) -> Corpus:
    config = tiny_config(**{"corpus.length": LENGTH, "corpus.held_out": 0.1})
    return prepare(scan(open_source(words()), config.corpus), tmp_path)


def new_share(refiner: Refiner, corpus: Corpus, blocks: int = 100) -> float:
    """Return the share of accepted strings that are not training lines."""
    (ids_NL,) = draw(blocks * BLOCK, seed=99)
    kept_NL = np.concatenate(
        [
            ids_NL[at : at + BLOCK][refiner.accepts(3, at, ids_NL[at : at + BLOCK])]
            for at in range(0, len(ids_NL), BLOCK)
        ]
    )
    return corpus.novel(kept_NL)


def test_a_factor_by_hand() -> None:
    # 100,000 strings of equal weight, half of them training lines: 3 new ones in 4 need a factor of 1/3.
    trained_N = np.arange(100_000) % 2 == 0
    factor = factor_for(0.75, np.ones(100_000), trained_N)
    assert factor == pytest.approx(1 / 3, abs=0.01)
    assert factor < 1 / 3  # with a margin


@given(st.floats(0, 1), st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), min_size=1, max_size=50))
def test_a_factor_brings_the_share_and_never_raises(new: float, rows: list[tuple[float, bool]]) -> None:
    weight_N, trained_N = (np.array(column) for column in zip(*rows, strict=True))
    factor = factor_for(new, weight_N, trained_N)
    assert 0 <= factor <= 1
    thin_N = np.where(trained_N, factor * weight_N, weight_N)
    if not trained_N.all():
        assert thin_N[~trained_N].sum() / thin_N.sum() >= new - 1e-9


@pytest.mark.parametrize("rule", ["ratio", "drs", "mh"])
def test_accepted_strings_are_as_new_as_wanted(rule: str, corpus: Corpus) -> None:
    # Without a refiner, more than half of the strings are new; 4 in 5 lines that begin with a are training lines.
    plain = constant_refiner(rule)
    before = new_share(plain, corpus)
    assert 0.5 < before < 0.7
    favoured = replace(plain, stages=(replace(plain.stages[0], classifier=likes_lines_with_a()),))
    copied = new_share(favoured, corpus)
    assert copied < before - 0.1
    refiner = with_new_share(favoured, draw, corpus, RefineOptions(steps=1, new=before - 0.05))
    assert refiner.thinning is not None
    assert new_share(refiner, corpus) == pytest.approx(before - 0.05, abs=0.03)
    assert refiner.thinning.facts["new"] == pytest.approx(before - 0.05, abs=0.02)


def likes_lines_with_a() -> StringClassifier:
    """Return a classifier that takes strings with a first letter a for more typical of real ones."""
    classifier = StringClassifier(SIZE, LENGTH, SIZES).eval().requires_grad_(False)
    middle = classifier.config.taps // 2
    classifier.windows.weight.zero_()
    classifier.windows.weight[middle * (SIZE + 1) + 2, 0] = 4.0
    classifier.head.weight[0, 0] = 0.4
    return classifier


def test_among_training_lines_and_among_others_nothing_changes(corpus: Corpus) -> None:
    plain = constant_refiner()
    lines = ShortHashes.of(corpus.train.read())
    thinning = Thinning(lines=lines, factor=0.25, facts={"acceptance": 0.6})
    refiner = replace(plain, thinning=thinning)
    (ids_NL,) = draw(BLOCK, seed=5)
    before_N, after_N, trained_N = plain.accepts(1, 0, ids_NL), refiner.accepts(1, 0, ids_NL), lines.has(ids_NL)
    assert (before_N[~trained_N] == after_N[~trained_N]).all()
    assert not (after_N & ~before_N).any()  # what is accepted was accepted before
    assert after_N[trained_N].sum() < before_N[trained_N].sum()
    assert refiner.log_weights(ids_NL) == pytest.approx(plain.log_weights(ids_NL))
    assert refiner.expected_acceptance == pytest.approx(0.3)


@pytest.mark.parametrize("new", [0.0, 0.3])
def test_what_is_new_enough_is_left_as_it_is(new: float, corpus: Corpus) -> None:
    refiner = constant_refiner()
    assert with_new_share(refiner, draw, corpus, RefineOptions(steps=1, new=new)) is refiner


def test_where_real_lines_repeat_generated_ones_may(tmp_path: Path, tiny_config: Callable[..., Config]) -> None:
    lines = [word for word in words()[:400] for _ in range(3)]  # a further real line is hardly ever new
    config = tiny_config(**{"corpus.length": LENGTH, "corpus.held_out": 0.2})
    corpus = prepare(scan(open_source(lines), config.corpus), tmp_path)
    refiner = constant_refiner()
    assert with_new_share(refiner, draw, corpus, RefineOptions(steps=1, new=0.9)) is refiner


def test_running_text_is_left_as_it_is(tmp_path: Path, tiny_config: Callable[..., Config]) -> None:
    config = tiny_config(**{"corpus.length": LENGTH, "corpus.layout": "windows", "corpus.held_out": 0.2})
    corpus = prepare(scan(open_source(["".join(words())] * 2), config.corpus), tmp_path)
    refiner = constant_refiner()
    assert with_new_share(refiner, draw, corpus, RefineOptions(steps=1, new=1.0)) is refiner


def test_a_file_gives_the_same_thinning(corpus: Corpus) -> None:
    thinning = Thinning(lines=ShortHashes.of(corpus.train.read()), factor=0.1, facts={"acceptance": 0.6, "wanted": 0.8})
    refiner = replace(constant_refiner(), thinning=thinning)
    again = from_tensors(json.loads(json.dumps(refiner.to_facts())), refiner.to_tensors(), SIZE, LENGTH)
    (ids_NL,) = draw(BLOCK)
    assert (again.accepts(0, 0, ids_NL) == refiner.accepts(0, 0, ids_NL)).all()
    assert again.to_facts() == refiner.to_facts()


@pytest.mark.parametrize("damage", ["factor", "type", "shape", "gone"])
def test_a_damaged_thinning_is_named(damage: str, corpus: Corpus) -> None:
    thinning = Thinning(lines=ShortHashes.of(corpus.train.read()), factor=0.1, facts={"acceptance": 0.6})
    refiner = replace(constant_refiner(), thinning=thinning)
    facts, tensors = refiner.to_facts(), refiner.to_tensors()
    if damage == "factor":
        facts["thinning"]["factor"] = 1.5
    elif damage == "type":
        tensors[LINES] = tensors[LINES].float()
    elif damage == "shape":
        tensors[LINES] = tensors[LINES][None]
    else:
        del tensors[LINES]
    with pytest.raises(CheckpointError, match="refiner"):
        from_tensors(facts, tensors, SIZE, LENGTH)


@pytest.mark.parametrize("new", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none(new: float) -> None:
    with pytest.raises(ConfigError, match="--new"):
        RefineOptions(steps=1, new=new)


def test_nothing_new_at_all_is_kept() -> None:
    assert factor_for(0.8, np.ones(10), np.ones(10, np.bool_)) == 1
    assert factor_for(0.8, np.zeros(10), np.ones(10, np.bool_)) == 1


def test_half_precision_leaves_the_hashes(corpus: Corpus) -> None:
    thinning = Thinning(lines=ShortHashes.of(corpus.train.read()), factor=0.1, facts={})
    assert torch.equal(halved({LINES: thinning.to_tensor()})[LINES], thinning.to_tensor())
    assert len(thinning.lines) == len(np.unique(np.asarray(corpus.train.apart()), axis=0))
