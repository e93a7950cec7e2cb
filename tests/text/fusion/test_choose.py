"""The choice of a fusion: nearer to validation lines than argmax, as new and as different as asked, or none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.fusion import choose
from seqgan_wgp.text.fusion.choose import FusionOptions, Measured, choose_fusion
from seqgan_wgp.text.vocabulary import PAD
from seqgan_wgp.utils.counter_rng import Stream, shuffled


@pytest.fixture(scope="module")
def corpus(tiny_corpus: Path, tiny_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    from seqgan_wgp.runs.prepare import create
    from seqgan_wgp.text.corpus.dataset import open_corpus

    found, config = scan_data(tiny_corpus, tiny_config())
    return open_corpus(create(found, config, tmp_path_factory.mktemp("choosing") / "run").path)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try few pairs: it is the same code."""
    for name, values in (("ORDERS", (3, 4)), ("GENERATOR_POWERS", (0.8,)), ("NGRAM_POWERS", (0.35, 0.7))):
        monkeypatch.setattr(choose, name, values)


def blurred(corpus: Corpus, share: float) -> Callable[..., Iterator[Tensor]]:
    """Return tables of a training line each, of whose probability a share is spread over all ids."""

    def tables(n: int, *, seed: int, start: int = 0, logs: bool = True) -> Iterator[Tensor]:
        assert logs
        noise = np.random.default_rng(seed)
        drawn_N = shuffled(seed, Stream.FLOOR, np.arange(start, start + n), len(corpus.train))
        ids_NL = corpus.train[drawn_N].astype(np.int64)
        swapped = noise.random(ids_NL.shape) < share
        ids_NL = np.where(swapped & (ids_NL != PAD), noise.integers(2, corpus.vocabulary.size, ids_NL.shape), ids_NL)
        table_NLV = np.full((*ids_NL.shape, corpus.vocabulary.size), 0.3 / corpus.vocabulary.size)
        np.put_along_axis(table_NLV, ids_NL[..., None], 0.7, axis=2)
        table_NLV /= table_NLV.sum(axis=2, keepdims=True)
        yield torch.from_numpy(np.log(table_NLV).astype(np.float32))

    return tables


def test_a_blurred_generator_gets_one_that_brings_it_nearer(corpus: Corpus) -> None:
    options = FusionOptions(new=0.3, different=0.8)
    told: list[float] = []
    found, before = choose_fusion(blurred(corpus, 0.3), corpus, options, told.append)
    assert found is not None
    measured = found.facts["validation"]
    assert measured["divergence"] < 0.7 * before.divergence
    assert measured["new"] >= min(0.3, before.new) and measured["different"] >= min(0.8, before.different)
    assert found.facts["order"] in choose.ORDERS and found.ngrams.order == found.facts["order"]
    assert told == sorted(told) and told[-1] == 1
    again, _ = choose_fusion(blurred(corpus, 0.3), corpus, options)
    assert again is not None and again.to_facts() == found.to_facts()


def test_of_those_about_as_near_the_one_with_the_fewest_new_strings_is_taken(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    argmax = Measured(divergence=0.1, different=1, new=1)
    pairs = ((0.0500, 0.90), (0.0510, 0.85), (0.0524, 0.82), (0.0530, 0.81))  # two orders, two powers
    told = iter([argmax, *(Measured(divergence=far, different=1, new=new) for far, new in pairs)])
    monkeypatch.setattr(choose.ValidationBench, "measure", lambda _self, _ids_NL: next(told))
    found, before = choose_fusion(blurred(corpus, 0.3), corpus, FusionOptions(new=0.8, different=0.8))
    assert before == argmax and found is not None
    assert found.facts["validation"] == {"divergence": 0.0524, "different": 1, "new": 0.82}
    assert (found.ngrams.order, found.powers.ngram) == (4, 0.35)


def test_what_is_asked_is_kept_or_there_is_none(corpus: Corpus) -> None:
    free, before = choose_fusion(blurred(corpus, 0.1), corpus, FusionOptions(new=0.0, different=0.0))
    assert free is not None and before.new < 0.6
    bound, _ = choose_fusion(blurred(corpus, 0.1), corpus, FusionOptions(new=1.0, different=1.0))
    assert bound is None or bound.facts["validation"]["new"] >= before.new
    # The lines that the floor is measured by cannot be brought nearer.
    assert choose_fusion(blurred(corpus, 0.0), corpus, FusionOptions(new=0.0, different=0.0))[0] is None


def test_the_order_can_be_limited(corpus: Corpus) -> None:
    found, _before = choose_fusion(blurred(corpus, 0.3), corpus, FusionOptions(new=0.3, different=0.8, order_most=3))
    assert found is not None and found.ngrams.order == 3


def test_the_test_half_is_not_looked_at(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Corpus, "test_NL", property(lambda _self: pytest.fail("the test half was read")))
    choose_fusion(blurred(corpus, 0.2), corpus, FusionOptions())


def test_n_grams_too_many_for_a_file_are_left_out(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    models = choose.candidate_models(corpus)
    assert [model.order for model in models] == [3, 4]
    monkeypatch.setattr(choose, "MAX_NGRAMS", len(models[0].key_N))
    assert [model.order for model in choose.candidate_models(corpus)] == [3]
    monkeypatch.setattr(choose, "MAX_CELLS", 10)
    with pytest.raises(ConfigError, match="too large"):
        choose.candidate_models(corpus)


@pytest.mark.parametrize("how", [{"new": 1.5}, {"different": -0.1}, {"seed": -1}, {"order_most": 2}])
def test_what_cannot_be(how: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"--{next(iter(how))}".replace("_", "-")):
        FusionOptions(**how)  # type: ignore[arg-type]
