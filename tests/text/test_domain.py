"""Text as the trainer sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain, TextSpec
from seqgan_wgp.training.trainer import Trainer

from .corpora import made_text, prepared, source_of


@pytest.fixture
def domain(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> TextDomain:
    config = tiny_config(**{"evaluation.samples": None})
    return TextDomain(prepared(tiny_lines, config, tmp_path), config, torch.device("cpu"))


@pytest.fixture(params=["char", "byte"])
def windows(tmp_path: Path, tiny_config: Callable[..., Config], request: pytest.FixtureRequest) -> TextDomain:
    """Of running text: windows of 10."""
    changes = {"corpus.layout": "windows", "corpus.unit": request.param, "evaluation.samples": None}
    config = tiny_config(**changes)
    text = "\n\n".join(made_text(200 + number) for number in range(100))
    return TextDomain(prepare(scan(source_of(text.encode()), config.corpus), tmp_path), config, torch.device("cpu"))


def test_ids_are_the_items_of_the_corpus(domain: TextDomain, windows: TextDomain) -> None:
    for one in (domain, windows):
        index_B = np.array([0, one.size - 1, 5, 5, *np.random.default_rng(0).integers(0, one.size, 100)])
        ids_BL = one.batch(index_B)
        assert ids_BL.shape == (104, one.spec.length)
        assert ids_BL.dtype == torch.int64
        assert np.array_equal(ids_BL.numpy(), one.corpus.train[index_B])


def test_held_out_ids_are_those_of_the_validation_half(domain: TextDomain, windows: TextDomain) -> None:
    for one in (domain, windows):
        rows_NL = np.asarray(one.corpus.validation_NL)
        index_B = np.array([0, one.held_out_size - 1, 3, 3])
        assert one.held_out_size == len(rows_NL)
        assert np.array_equal(one.held_out(index_B).numpy(), rows_NL[index_B])
        assert one.held_out(index_B).dtype == one.batch(index_B).dtype


def test_windows_are_learnt_from_every_place(windows: TextDomain) -> None:
    facts = windows.corpus.facts
    assert (facts.length, facts.span, facts.windows) == (10, 160, 151)
    assert windows.size == facts.train * 151
    assert windows.samples == len(windows.corpus.validation_NL) == facts.validation * 16
    index_B = np.arange(windows.size)
    shown = windows.spec.to_text(windows.batch(index_B).numpy())
    rows = windows.spec.to_text(np.asarray(windows.corpus.train.rows_NS))
    assert shown == [row[at : at + 10] for row in rows for at in range(151)]
    x_BLV = windows.spec.embed(windows.batch(index_B[::999]))
    assert x_BLV.shape[1:] == windows.spec.event_shape
    assert np.array_equal(windows.spec.decode(x_BLV), windows.batch(index_B[::999]).numpy())


def test_windows_are_scored_against_the_held_out_text(windows: TextDomain) -> None:
    """A training window is novel at no place; text held out scores zero, and noise far from its floor."""
    corpus = windows.corpus
    held_out = windows.score(np.asarray(corpus.validation_NL))
    assert held_out["js1"] == held_out["js2"] == 0
    assert held_out["novel"] > 0.9
    rows = corpus.train[np.arange(windows.samples) * 37 % windows.size]
    real = windows.score(rows)
    assert real["novel"] == 0
    assert real["js2"] == pytest.approx(real["js2_floor"], abs=0.1)
    noise = np.random.default_rng(0).integers(0, windows.spec.vocabulary.size, rows.shape).astype(rows.dtype)
    assert windows.score(noise)["js2"] > real["js2_floor"] + 0.2


def test_real_items_are_one_hot_and_decode_to_themselves(domain: TextDomain, tiny_lines: list[str]) -> None:
    ids_BL = domain.batch(np.array([0, 5, 3, 3]))
    x_BLV = domain.spec.embed(ids_BL)
    assert x_BLV.shape == (4, *domain.spec.event_shape)
    assert x_BLV.dtype == torch.float32
    assert (x_BLV.sum(dim=-1) == 1).all()
    assert ((x_BLV == 0) | (x_BLV == 1)).all()
    assert np.array_equal(domain.spec.decode(x_BLV), ids_BL.numpy())
    assert set(domain.spec.to_text(domain.spec.decode(x_BLV))) <= set(tiny_lines)


def test_decoding_takes_the_likeliest_character(domain: TextDomain) -> None:
    x_BLV = torch.rand(6, *domain.spec.event_shape).softmax(dim=-1)
    ids_BL = domain.spec.decode(x_BLV)
    assert ids_BL.dtype == np.uint8
    assert np.array_equal(ids_BL, x_BLV.numpy().argmax(axis=-1))


def test_the_held_out_lines_themselves_score_zero(domain: TextDomain) -> None:
    corpus = domain.corpus
    for half, rows in (("validation", corpus.validation_NL), ("test", corpus.test_NL)):
        numbers = domain.score(np.asarray(rows), half=half)
        assert numbers["js1"] == numbers["js2"] == 0
        assert numbers["novel"] == 1
        assert numbers["unique"] == 1


def test_training_lines_score_near_their_floor_and_noise_far_from_it(domain: TextDomain) -> None:
    rows = domain.corpus.train[np.arange(domain.samples)]
    real = domain.score(rows)
    assert real["novel"] == 0
    assert real["js2"] == pytest.approx(real["js2_floor"], abs=0.1)
    noise = np.random.default_rng(0).integers(0, domain.spec.vocabulary.size, rows.shape).astype(rows.dtype)
    assert domain.score(noise)["js2"] > real["js2_floor"] + 0.2


def test_one_string_again_and_again_is_seen(domain: TextDomain) -> None:
    rows = np.repeat(domain.corpus.train[np.arange(1)], 50, axis=0)
    numbers = domain.score(rows)
    assert numbers["unique"] == 1 / 50
    assert numbers["unique_floor"] == 1
    assert numbers["ngram_entropy"] <= math.log2(rows.shape[1] - 3) < numbers["ngram_entropy_floor"] - 2


def assert_floor_is_that_of_training_lines(one: TextDomain) -> None:
    held_out = one.score(np.asarray(one.corpus.validation_NL))
    assert held_out["ngram_entropy"] == pytest.approx(held_out["ngram_entropy_floor"], abs=0.3)
    every = one.score(one.corpus.train[np.arange(one.size)])
    assert every["ngram_entropy"] == pytest.approx(every["ngram_entropy_floor"], rel=1e-12)
    assert every["unique"] == every["unique_floor"]
    assert held_out["ngram_entropy_floor"] < every["ngram_entropy_floor"]


def test_the_floor_of_the_variety_of_lines(domain: TextDomain) -> None:
    assert_floor_is_that_of_training_lines(domain)


def test_the_floor_of_the_variety_of_windows(windows: TextDomain) -> None:
    assert_floor_is_that_of_training_lines(windows)


def test_as_many_samples_as_validation_lines_unless_told(domain: TextDomain) -> None:
    assert domain.samples == domain.corpus.facts.validation


def test_orders_are_no_longer_than_rows(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    config = tiny_config(**{"corpus.length": 2, "evaluation.orders": 4})
    corpus = prepared(tiny_lines, config, tmp_path)
    numbers = TextDomain(corpus, config, torch.device("cpu")).score(np.asarray(corpus.train.rows_NS))
    assert "js2" in numbers
    assert "js3" not in numbers
    # Of n-grams as long as the rows are, those that differ are the rows that differ.
    assert 0 < numbers["ngram_entropy"] <= math.log2(len(corpus.train.rows_NS))


def test_a_form_comes_back_from_its_facts(domain: TextDomain, windows: TextDomain) -> None:
    for one in (domain, windows):
        spec = TextSpec.from_facts(one.spec.to_facts())
        assert spec.event_shape == one.spec.event_shape
        assert spec.vocabulary.characters == one.spec.vocabulary.characters
        assert spec.vocabulary.unit == one.spec.vocabulary.unit
    with pytest.raises(CheckpointError, match="lacks"):
        TextSpec.from_facts({})


def test_training_never_makes_real_text_one_hot(
    tiny_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 5,000 characters a batch of one-hot rows would be most of what a step moves."""
    lines = [chr(0x4E00 + place) + chr(0x4E00 + place * 7 % 5_000) for place in range(5_000)]
    config = tiny_config(**{"corpus.length": 4})
    corpus = prepared(lines, config, tmp_path)
    assert corpus.vocabulary.size == 5_002
    trainer = Trainer.from_config(TextDomain(corpus, config, torch.device("cpu")), config, torch.device("cpu"))

    def refuse(_form: TextSpec, _ids: torch.Tensor) -> torch.Tensor:
        raise AssertionError("real text was made one-hot")

    monkeypatch.setattr(TextSpec, "embed", refuse)
    assert all(math.isfinite(value) for value in trainer.round().values())
