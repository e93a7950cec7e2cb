"""The classifier two-sample test: it finds a difference, it finds none in real lines, and it repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from seqgan_wgp.config import Config
from seqgan_wgp.text.corpus.dataset import Corpus, CorpusItems, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.evaluation.two_sample_test import TrainingSplit, TwoSampleTest, two_sample_test
from seqgan_wgp.text.readers.open import open_source

Ids = npt.NDArray[np.integer]


class Noise:
    """A generator of the corpus's own lines, of which some characters are drawn anew; and of which rows were asked."""

    def __init__(self, corpus: Corpus, share: float) -> None:
        self.spec = TextSpec(corpus.vocabulary, corpus.facts.length, {})
        self.critic, self.device = nn.Identity(), torch.device("cpu")
        self.corpus, self.share = corpus, share
        self.seeds: set[int] = set()

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield n rows."""
        self.seeds.add(seed)
        rng = np.random.default_rng([seed, start])
        rows_NL = np.array(self.corpus.train[rng.integers(0, len(self.corpus.train), n)])
        other_NL = rng.integers(2, self.corpus.vocabulary.size, rows_NL.shape).astype(rows_NL.dtype)
        yield np.where((rng.random(rows_NL.shape) < self.share) & (rows_NL > 1), other_NL, rows_NL)


@pytest.fixture
def corpus(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Corpus:
    return prepare(scan(open_source(tiny_lines), tiny_config(**{"corpus.held_out": 0.3}).corpus), tmp_path)


def found_of(corpus: Corpus, share: float, steps: int = 120, seed: int = 0) -> TwoSampleTest:
    model = Noise(corpus, share)
    (strings_NL,) = model.samples(len(corpus.test_NL), seed=seed)
    return two_sample_test(model, corpus, strings_NL, steps=steps, seed=seed, on_step=lambda _what, _share: None)


def test_a_difference_is_found_and_real_lines_have_none(corpus: Corpus) -> None:
    found = found_of(corpus, 0.5)
    assert found.generated.accuracy > 0.75 and found.generated.auc > 0.8
    assert abs(found.floor.accuracy - 0.5) < 5 * found.error
    assert found.tested == len(corpus.test_NL)
    assert found.error == pytest.approx(0.5 / (2 * found.tested) ** 0.5)


def test_it_repeats_and_learns_from_strings_of_another_seed(corpus: Corpus) -> None:
    assert found_of(corpus, 0.5, steps=20) == found_of(corpus, 0.5, steps=20)
    model = Noise(corpus, 0.1)
    (strings_NL,) = model.samples(50, seed=0)
    assert model.seeds == {0}
    found = two_sample_test(model, corpus, strings_NL, steps=5, seed=0, on_step=lambda _what, _share: None)
    assert found.tested == 50
    assert len(model.seeds) == 2


def test_the_floor_is_kept_in_the_cache(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQGAN_WGP_CACHE", str(tmp_path / "cache"))
    told: list[str] = []

    def found(steps: int = 4) -> TwoSampleTest:
        told.clear()
        model = Noise(corpus, 0.5)
        (strings_NL,) = model.samples(len(corpus.test_NL), seed=0)
        on_step = lambda what, _share: told.append(what.rpartition(", ")[2])  # noqa: E731
        return two_sample_test(model, corpus, strings_NL, steps=steps, seed=0, on_step=on_step)

    first = found()
    assert set(told) == {"generated strings", "real lines"}
    assert found() == first
    assert set(told) == {"generated strings"}
    (file,) = (tmp_path / "cache" / "two-sample-floors").iterdir()
    file.write_text("{", encoding="utf-8")
    assert found() == first
    assert "real lines" in told
    found(steps=3)
    assert "real lines" in told


def test_lines_of_a_floor_have_one_part_each() -> None:
    train = CorpusItems(rows_NS=np.arange(1_000)[:, None], length=1)
    split = TrainingSplit.of(train, 100, 50, seed=3)
    posing = split.repeated()
    shown = np.concatenate([next(posing) for _ in range(4)])[:, 0].tolist()
    real = split.real[np.arange(len(split.real))][:, 0].tolist()
    parts = [set(split.asked_NL[:, 0].tolist()), set(real), set(shown)]
    assert [len(part) for part in parts] == [50, 100, 100]
    assert len(set.union(*parts)) == 250
    validating = len(split.posing) // 3
    assert not set(shown[:validating]) & set(shown[validating:]), "strings that validate are not learnt from"


def test_few_lines_are_shared_out() -> None:
    split = TrainingSplit.of(CorpusItems(rows_NS=np.arange(12)[:, None], length=1), 10_000, 500, seed=0)
    assert (len(split.asked_NL), len(split.real), len(split.posing)) == (4, 4, 4)
