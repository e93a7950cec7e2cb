"""Likelihood against variety over temperature, and the share of valid strings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.evaluation.autoregressive import baseline
from seqgan_wgp.text.evaluation.baselines import Bench
from seqgan_wgp.text.evaluation.frontier import FrontierPoint
from seqgan_wgp.text.evaluation.options import TextEvalOptions
from seqgan_wgp.utils.progress import ignore_step

from ..corpora import prepared

Ids = npt.NDArray[np.integer]


class Coin:
    """Draws the training lines; at a temperature below 1 the fewer of them the colder it is."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self.spec, self.device = (
            corpus,
            TextSpec(corpus.vocabulary, corpus.facts.length, {}),
            torch.device("cpu"),
        )

    def samples(
        self, n: int, *, seed: int = 0, start: int = 0, decode: str = "argmax", temperature: float = 1.0
    ) -> Iterator[Ids]:
        """Yield lines."""
        assert (seed, decode) == (0, "sample")
        few = max(1, int(temperature * len(self.corpus.train)))
        yield self.corpus.train[np.arange(start, start + n) % few]


@pytest.fixture
def corpus(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Corpus:
    return prepared(tiny_lines, tiny_config(), tmp_path)


@pytest.fixture
def bench(corpus: Corpus) -> Callable[..., Bench]:
    """`bench(valid="json")`: with a baseline of a moment."""

    def make(**asked: object) -> Bench:
        options = TextEvalOptions(baseline_seconds=1e-9, **asked)  # type: ignore[arg-type]
        return Bench(corpus=corpus, asked=options, on_step=ignore_step)

    return make


def test_a_point_of_one_string_has_its_likelihood_and_no_variety(corpus: Corpus) -> None:
    model = baseline(corpus, 1e-9)
    row_NL = corpus.train[np.arange(1)]
    point = FrontierPoint.of(np.repeat(row_NL, 40, axis=0), model, corpus.vocabulary.size, 0.5)
    assert point.nll == pytest.approx(model.nll(row_NL))
    assert (point.temperature, point.unique) == (0.5, 1 / 40)
    assert point.entropy_bits <= math.log2(row_NL.shape[1] - 3)


def test_temperatures_are_sorted_and_beside_real_lines(bench: Callable[..., Bench], corpus: Corpus) -> None:
    one = bench(temperatures=(1.0, 0.01, 0.3, 1.0))
    strings_NL = np.asarray(corpus.test_NL)
    found = one.frontier(Coin(corpus), strings_NL)
    assert found is not None
    assert [point.temperature for point in found.drawn] == [0.01, 0.3, 1.0]
    entropies = [point.entropy_bits for point in found.drawn]
    assert entropies == sorted(entropies)
    assert found.test.entropy_bits == pytest.approx(found.in_use.entropy_bits)
    assert found.test.nll == pytest.approx(found.in_use.nll, rel=1e-5)


def test_without_temperatures_there_is_no_frontier(bench: Callable[..., Bench], corpus: Corpus) -> None:
    assert bench().frontier(Coin(corpus), np.asarray(corpus.test_NL)) is None


def test_the_share_of_valid_strings_stands_beside_that_of_test_lines(
    bench: Callable[..., Bench], corpus: Corpus
) -> None:
    test_NL = np.asarray(corpus.test_NL)
    found = bench(valid="brackets").validity(test_NL)
    assert found is not None and (found.validator, found.generated, found.test) == ("brackets", 1.0, 1.0)
    assert bench(valid="json").validity(test_NL).test == 0.0  # type: ignore[union-attr]
    assert bench().validity(test_NL) is None
