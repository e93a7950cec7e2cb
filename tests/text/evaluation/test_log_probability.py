"""The log probability of test lines: means of what the model says, exact where p is known, and lines it cannot draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.evaluation import log_probability
from seqgan_wgp.text.evaluation.log_probability import log_probability_of_lines
from seqgan_wgp.text.generation.probabilities import StringProbability
from seqgan_wgp.text.readers.open import open_source

LENGTH, LETTERS = 6, "abcd"


class Uniform:
    """A model that draws each symbol of a string, and its end, with probability 1/5; none with a "d"."""

    def log_probability(self, strings: Iterable[str], *, seed: int = 0) -> Iterator[StringProbability]:
        del seed
        for text in strings:
            log_p = -math.inf if "d" in text else -math.log(5) * (len(text) + (len(text) < LENGTH))
            yield StringProbability(
                text=text,
                log_probability=log_p,
                error=0.25,
                bits_per_character=math.log2(5),
                flag="",
                guess_number=None,
            )


@pytest.fixture
def corpus(tmp_path: Path, tiny_config: Callable[..., Config]) -> Corpus:
    rng = np.random.default_rng(0)
    lines = ["".join(rng.choice(list(LETTERS), rng.integers(1, LENGTH + 1))) for _ in range(3_000)]
    config = tiny_config(**{"corpus.length": LENGTH, "corpus.held_out": 0.2})
    return prepare(scan(open_source(lines), config.corpus), tmp_path)


def test_a_uniform_model_has_log2_of_its_symbols_as_bits(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_probability, "LINES", 10_000)
    test_RL = np.asarray(corpus.test_NL)
    found = log_probability_of_lines(Uniform(), corpus, test_RL, 0)
    lines = corpus.vocabulary.decode(test_RL)
    possible = [line for line in lines if "d" not in line]
    assert found.bits_per_character == pytest.approx(math.log2(5))
    symbols = [len(line) + (len(line) < LENGTH) for line in possible]
    assert found.test == pytest.approx(-math.log(5) * sum(symbols) / len(symbols))
    assert (found.lines, found.error) == (len(possible), 0.25)
    assert found.impossible == pytest.approx(1 - len(possible) / len(lines))
    train = [line for line in corpus.vocabulary.decode(np.asarray(corpus.train.apart())) if "d" not in line]
    expected = [-math.log(5) * (len(line) + (len(line) < LENGTH)) for line in train]
    assert found.train == pytest.approx(sum(expected) / len(expected))


def test_few_lines_are_drawn_at_random_by_the_seed(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_probability, "LINES", 20)
    test_RL = np.asarray(corpus.test_NL)
    one, again, other = (log_probability_of_lines(Uniform(), corpus, test_RL, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert one.lines <= 20


def test_a_model_that_can_draw_no_test_line_is_told(corpus: Corpus) -> None:
    test_RL = np.asarray(corpus.test_NL)
    with_d = [row for row, line in zip(test_RL, corpus.vocabulary.decode(test_RL), strict=True) if "d" in line]
    with pytest.raises(ConfigError, match="no test line a probability above 0"):
        log_probability_of_lines(Uniform(), corpus, np.stack(with_d), 0)
