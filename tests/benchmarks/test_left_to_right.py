"""The baselines that draw from left to right, without and with a mask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from benchmarks import constrained
from benchmarks.gru import BLOCK, CharacterGru, fit
from benchmarks.left_to_right import LeftToRight, MarkovTable
from seqgan_wgp.config import Config
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.metrics.markov import MarkovChain
from seqgan_wgp.text.metrics.ngrams import NgramReference
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.vocabulary import PAD, mask_after_pad

ASKED = [
    Constraints(prefix="ba"),
    Constraints(suffix="no", length=(4, 6)),
    Constraints(contains=("el",)),
    Constraints(mask="?l?l?1", sets=("aeiou",)),
    Constraints(regex="(b|d)[a-z]{2,4}n"),
]


@pytest.fixture(scope="module")
def corpus(
    tiny_lines: list[str], tiny_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory
) -> Corpus:
    config = tiny_config(**{"corpus.length": 8})
    return prepare(scan(open_source(tiny_lines), config.corpus), tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module", params=["gru", "markov"])
def model(corpus: Corpus, request: pytest.FixtureRequest) -> LeftToRight:
    """Both baselines; the GRU is untrained."""
    if request.param == "markov":
        return MarkovTable(corpus.train.apart(), corpus.vocabulary.size, 2)
    return CharacterGru(corpus.vocabulary.size, corpus.facts.length)


def test_a_string_depends_on_its_seed_and_number_alone(model: LeftToRight) -> None:
    whole_NL = np.concatenate(list(model.samples(BLOCK + 100, seed=3)))
    assert (mask_after_pad(whole_NL) == whole_NL).all()
    part_NL = np.concatenate(list(model.samples(40, seed=3, start=BLOCK - 20)))
    assert (part_NL == whole_NL[BLOCK - 20 : BLOCK + 20]).all()
    assert (next(model.samples(BLOCK, seed=4)) != whole_NL[:BLOCK]).any()


@pytest.mark.parametrize("constraints", ASKED, ids=str)
def test_masked_strings_all_satisfy_and_are_various(
    model: LeftToRight, corpus: Corpus, constraints: Constraints
) -> None:
    rows_NL = next(constrained.masking(model, corpus, seed=0)(constraints))
    good_NL = constrained.satisfying(rows_NL, constraints, corpus)
    assert len(good_NL) == len(rows_NL) == BLOCK
    assert len(np.unique(rows_NL, axis=0)) > 10


def test_the_table_is_the_chain_of_the_package(corpus: Corpus) -> None:
    """Their strings are as near to each other as two samples of one model, and not as those of another order."""
    train_NL, size, length = corpus.train.apart(), corpus.vocabulary.size, corpus.facts.length
    chain = MarkovChain.fit([train_NL], size, 2)
    reference = NgramReference(chain.sample(8 * BLOCK, length, seed=0), size, 3)

    def divergence(rows_NL: np.ndarray) -> float:
        return reference.divergences(rows_NL)[-1]

    same, other = chain.sample(8 * BLOCK, length, seed=1), chain.of_order(1).sample(8 * BLOCK, length, seed=1)
    table_NL = np.concatenate(list(MarkovTable(train_NL, size, 2).samples(8 * BLOCK)))
    assert divergence(table_NL) == pytest.approx(divergence(same), rel=0.15)
    assert divergence(other) > 2 * divergence(same)


def test_the_probabilities_of_a_table_add_up(corpus: Corpus) -> None:
    table_CV = MarkovTable(corpus.train.apart(), corpus.vocabulary.size, 2).table_CV
    assert table_CV.sum(1) == pytest.approx(np.ones(len(table_CV)), abs=1e-5)


def test_the_loss_of_a_gru_is_that_of_the_characters_up_to_the_end() -> None:
    network = CharacterGru(5, 4)
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.2, 0.2]).log())
    rows_BL = torch.tensor([[2, 3, PAD, PAD], [4, PAD, PAD, PAD], [2, 2, 2, 2]])
    seen = [0.3, 0.2, 0.1, 0.2, 0.1, *[0.3] * 4]
    assert network.loss(rows_BL).item() == pytest.approx(-np.log(seen).mean(), rel=1e-5)


def test_training_makes_lines_likelier_and_keeps_what_validation_likes_best(corpus: Corpus) -> None:
    size, length, held_out_NL = corpus.vocabulary.size, corpus.facts.length, np.asarray(corpus.validation_NL)
    marks = fit(corpus.train, size, length, [1e-9, 1.0], 0, held_out_NL, validate_every=2)
    held_out = torch.from_numpy(held_out_NL.astype(np.int64))
    (first, zero), (later, step) = next(marks), next(marks)
    assert zero == 0 < step
    with torch.no_grad():
        assert later.loss(held_out) < first.loss(held_out) - 0.01


def test_a_row_counts_what_satisfies(corpus: Corpus, model: LeftToRight) -> None:
    constraints, limits = ASKED[0], constrained.Limits(strings=BLOCK, seconds=60.0)
    row = constrained.measure(constrained.masking(model, corpus, seed=0), constraints, corpus, limits)
    assert (row["share"], row["strings"]) == (1.0, BLOCK)
    assert row["js"] is None and row["test_lines"] < constrained.MIN_MEANT
    limits = constrained.Limits(strings=1, seconds=60.0)
    few = constrained.measure(constrained.rejecting(model, seed=0), constraints, corpus, limits)
    assert 0 < few["share"] < 1


def test_real_lines_are_at_their_floor(corpus: Corpus) -> None:
    everything = Constraints(length=(1, None))
    found = constrained.distance(corpus.train.apart()[: len(corpus.test_NL)], everything, corpus)
    assert found["test_lines"] == len(corpus.test_NL)
    assert found["js"] == pytest.approx(found["js_floor"], abs=0.1)
