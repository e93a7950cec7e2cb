"""The evaluation of text: what generators must get whose strings are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.corpus.stats import Facts
from seqgan_wgp.text.domain import TextDomain, TextSpec
from seqgan_wgp.text.evaluation.baselines import MARKOV_ORDERS, MAX_ROWS, Bench
from seqgan_wgp.text.evaluation.evaluate import TextEvaluation, evaluate_text
from seqgan_wgp.text.evaluation.options import LEGACY_SAMPLES, MAX_SAMPLES, TextEvalOptions
from seqgan_wgp.text.evaluation.verdicts import BASELINE_ORDER
from seqgan_wgp.text.metrics.markov import MarkovChain
from seqgan_wgp.text.metrics.ngrams import NgramReference
from seqgan_wgp.text.vocabulary import PAD

from ..corpora import prepared

Ids = npt.NDArray[np.integer]

REQUIRED = ["n", "js", "js_floor", "js_markov", "unique", "novel", "hits", "copies", "nearest", "lengths", "scores"]

SMALL = TextEvalOptions(guesses=(50, 200), orders=3)


class LengthCritic(nn.Module):
    """Scores a string by its length."""

    def forward(self, x_BLV: Tensor) -> Tensor:
        """Return the characters before the end, (B,)."""
        return x_BLV[:, :, PAD + 1 :].sum(dim=(1, 2))


class Rows:
    """A generator of given rows, over and over."""

    def __init__(self, corpus: Corpus, rows_NL: Ids) -> None:
        self.spec = TextSpec(corpus.vocabulary, corpus.facts.length, {})
        self.critic, self.device, self.rows_NL = LengthCritic(), torch.device("cpu"), rows_NL

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield them in blocks of seven."""
        del seed
        for first in range(start, start + n, 7):
            yield self.rows_NL[np.arange(first, min(first + 7, start + n)) % len(self.rows_NL)]


class Chain(Rows):
    """A Markov model as a generator."""

    def __init__(self, corpus: Corpus, chain: MarkovChain) -> None:
        super().__init__(corpus, np.zeros((0, 0), np.uint8))
        self.chain = chain

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield its strings."""
        yield self.chain.sample(n, self.spec.length, seed=seed, start=start)


@pytest.fixture
def corpus(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Corpus:
    return prepared(tiny_lines, tiny_config(), tmp_path)


@pytest.fixture
def windows(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Corpus:
    """Of running text, taken as bytes."""
    config = tiny_config(**{"corpus.layout": "windows", "corpus.unit": "byte", "corpus.length": 9})
    return prepared([f"{one} é {two}" for one, two in zip(tiny_lines, tiny_lines[7:], strict=False)], config, tmp_path)


def found_of(corpus: Corpus, rows_NL: Ids, **changes: object) -> TextEvaluation:
    return evaluate_text(Rows(corpus, np.asarray(rows_NL)), corpus, replace(SMALL, **changes))  # type: ignore[arg-type]


def test_training_lines_are_copies_and_hit_nothing(corpus: Corpus) -> None:
    found = found_of(corpus, corpus.train.rows_NS)
    assert (found.profiles.model.novel, found.copies.share, found.copies.expected) == (0, 1, 0)
    assert set(found.hits.model.values()) == {0}
    assert "signs of memorisation" in found.summary[1]
    assert found.nearest.pairs == ()


def test_test_lines_are_perfect_and_all_hit(corpus: Corpus) -> None:
    test_RL = np.asarray(corpus.test_NL)
    found = found_of(corpus, test_RL, guesses=(len(test_RL) // 2, len(test_RL)))
    assert found.profiles.model.js == (0, 0, 0)
    assert found.profiles.model.novel == 1
    assert list(found.hits.model.values()) == pytest.approx([0.5, 1], abs=0.02)
    assert (found.makeup.length.generated, found.makeup.character.generated) == (0, 0)
    assert found.makeup.entropy_bits == found.makeup.entropy_bits_test
    assert found.nearest.margin == 0
    assert found.scores["generated"] == found.scores["test"]
    assert "as close to the reference as real lines are" in found.summary[0]
    assert "no sign of memorisation" in found.summary[1]


@pytest.mark.parametrize("order", MARKOV_ORDERS)
def test_a_markov_model_gets_what_stands_beside_others(corpus: Corpus, order: int) -> None:
    chain = MarkovChain.fit([corpus.train.apart()], corpus.vocabulary.size, max(MARKOV_ORDERS))
    found = evaluate_text(Chain(corpus, chain.of_order(order)), corpus, SMALL)
    assert found.profiles.model == found.profiles.markov[order]
    assert (found.hits.model == found.hits.markov) or order != BASELINE_ORDER


def test_one_string_is_a_collapse(corpus: Corpus) -> None:
    found = found_of(corpus, corpus.test_NL[:1])
    assert found.profiles.model.unique == 1 / found.protocol.n
    assert "mode collapse" in found.summary[0]
    assert set(found.hits.model.values()) == {1 / len(corpus.test_NL)}


def test_js_is_that_of_training(corpus: Corpus, tiny_config: Callable[..., Config]) -> None:
    """Rows as they are, what stands behind the first pad included; strings alone for all else."""
    config = tiny_config(**{"evaluation.samples": None, "evaluation.orders": 3})
    rows_NL = np.asarray(corpus.test_NL).copy()
    rows_NL[::3, -1] = 5
    found = found_of(corpus, rows_NL)
    scored = TextDomain(corpus, config, torch.device("cpu")).score(rows_NL, half="test")
    for n in (1, 2, 3):
        assert found.profiles.model.js[n - 1] == scored[f"js{n}"]
        assert found.profiles.floor.js[n - 1] == scored[f"js{n}_floor"]
    assert found.makeup.length.generated < 0.1
    assert (rows_NL[:, -1] == 5).mean() > 0.3


def test_the_published_protocol(corpus: Corpus) -> None:
    train_RL, test_RL = np.asarray(corpus.train.apart()), np.asarray(corpus.test_NL)
    found = found_of(corpus, test_RL, legacy=True)
    rows_NL = test_RL[np.arange(LEGACY_SAMPLES) % len(test_RL)]
    reference = NgramReference(train_RL, corpus.vocabulary.size, 3)
    assert (found.protocol.n, found.protocol.floor_n) == (LEGACY_SAMPLES, len(test_RL))
    assert list(found.profiles.model.js) == reference.divergences(rows_NL)
    assert found.profiles.floor.js == pytest.approx(reference.divergences(test_RL), abs=1e-12)
    assert f"against {len(train_RL)} training lines" in found.method


@pytest.mark.parametrize(("samples", "test", "n"), [(None, 7, 7), (None, 50_000, MAX_SAMPLES), (9, 7, 9), (1, 7, 1)])
def test_as_many_strings_as_the_test_half_has(samples: int | None, test: int, n: int) -> None:
    assert TextEvalOptions(samples=samples).count(test) == n
    assert TextEvalOptions(samples=samples, legacy=True).count(test) == LEGACY_SAMPLES


@pytest.mark.parametrize("samples", [1, 2, 3_000])
def test_any_number_of_strings(corpus: Corpus, samples: int) -> None:
    found = found_of(corpus, corpus.test_NL, samples=samples, guesses=(1,))
    assert found.protocol.n == samples
    assert found.protocol.floor_n == min(samples, len(corpus.train))
    assert all(np.isfinite(found.profiles.model.js))
    assert len(found.rows) >= 9


def test_short_rows_have_fewer_orders(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    corpus = prepared(tiny_lines, tiny_config(**{"corpus.length": 2}), tmp_path)
    found = found_of(corpus, corpus.test_NL, orders=6)
    assert len(found.profiles.model.js) == 2
    assert found.rows[0][0] == "JS-2"


def test_running_text_and_bytes(windows: Corpus) -> None:
    found = found_of(windows, windows.test_NL)
    assert found.text.layout == "windows"
    assert found.profiles.model.js == (0, 0, 0)
    assert found.makeup.words is not None and len(found.makeup.words) == 4
    assert found.makeup.words[0].generated == 1
    copied = found_of(windows, windows.train[np.arange(len(windows.train))])
    assert copied.profiles.model.novel == 0
    assert "windows" in copied.method


def test_text_without_spaces_has_no_words(corpus: Corpus) -> None:
    found = found_of(corpus, corpus.test_NL)
    assert found.makeup.words is None
    assert not [row for row in found.rows if row[0].startswith("in-test")]


def test_json_has_the_promised_keys_and_is_the_same_again(corpus: Corpus) -> None:
    one, two = (found_of(corpus, corpus.train.rows_NS[::2]).to_json() for _ in range(2))
    assert one == two
    tree = json.loads(json.dumps(one, allow_nan=False))
    assert set(REQUIRED) <= tree.keys()
    assert list(tree["js_markov"]) == [str(order) for order in MARKOV_ORDERS]
    assert tree["hits"].keys() == {"50", "200"}
    assert tree["corpus"]["sha256"] == corpus.facts.sha256


def test_every_key_is_documented(corpus: Corpus) -> None:
    document = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    tree = found_of(corpus, corpus.test_NL[:9]).to_json()
    names = list(tree)
    for part in ("corpus", "copies", "nearest", "lengths"):
        names += tree[part]
    names += tree["scores"]["train"]
    assert [name for name in names if f"`{name}`" not in document] == []


def test_every_key_of_the_baseline_is_documented(corpus: Corpus) -> None:
    document = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    plain = found_of(corpus, corpus.test_NL[:9]).to_json()
    tree = json.loads(json.dumps(found_of(corpus, corpus.test_NL[:9], baseline_seconds=0.05).to_json()))
    added = [name for name in tree if name not in plain]
    assert len(added) == 6
    names = [*added, *tree["autoregressive"], *tree["nll"]]
    assert [name for name in names if f"`{name}`" not in document] == []


def test_progress_is_told(corpus: Corpus) -> None:
    told: list[tuple[str, float]] = []
    evaluate_text(Rows(corpus, np.asarray(corpus.test_NL)), corpus, SMALL, on_step=lambda *step: told.append(step))
    assert all(0 <= share <= 1 for _, share in told)
    assert {"fitting Markov models", "looking for copies"} <= {what for what, _ in told}


def test_of_long_corpora_evenly_spaced_rows_are_counted() -> None:
    rows = MAX_ROWS + MAX_ROWS // 2
    ids_NS = np.arange(2 * (rows + 40), dtype=np.uint32).reshape(-1, 2)
    facts = Facts(
        name="long", sha256="", length=2, alphabet=0, read=0, empty=0, bad=0, cropped=0, dropped=0, rows=0,
        distinct=None, train=rows, validation=20, test=20,
    )  # fmt: skip
    corpus = Corpus(facts=facts, vocabulary=None, ids_NS=ids_NS)  # type: ignore[arg-type]
    bench = Bench(corpus=corpus, asked=TextEvalOptions(), on_step=lambda *_step: None)
    fitted_RL = bench.fitted_RL
    assert len(fitted_RL) == MAX_ROWS
    assert fitted_RL[:4, 0].tolist() == [0, 2, 6, 8]
    assert set(np.diff(fitted_RL[:, 0].astype(int)).tolist()) == {2, 4}
    assert fitted_RL[-1, 0] < 2 * rows
