"""Text as the trainer sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.text.corpus import prepare
from seqgan_wgp.text.domain import TextDomain, TextForm
from seqgan_wgp.text.lines import open_source
from seqgan_wgp.text.scan import scan


@pytest.fixture
def domain(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> TextDomain:
    config = tiny_config(**{"evaluation.samples": None})
    return TextDomain(prepare(scan(open_source(tiny_lines), config.corpus), tmp_path), config, torch.device("cpu"))


def test_real_items_are_one_hot_and_decode_to_themselves(domain: TextDomain, tiny_lines: list[str]) -> None:
    ids_BL = domain.ids(np.array([0, 5, 3, 3]))
    x_BLV = domain.form.embed(ids_BL)
    assert x_BLV.shape == (4, *domain.form.event_shape)
    assert x_BLV.dtype == torch.float32
    assert (x_BLV.sum(dim=-1) == 1).all()
    assert ((x_BLV == 0) | (x_BLV == 1)).all()
    assert np.array_equal(domain.form.decode(x_BLV), ids_BL.numpy())
    assert set(domain.form.show(domain.form.decode(x_BLV))) <= set(tiny_lines)


def test_decoding_takes_the_likeliest_character(domain: TextDomain) -> None:
    x_BLV = torch.rand(6, *domain.form.event_shape).softmax(dim=-1)
    ids_BL = domain.form.decode(x_BLV)
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
    rows = np.asarray(domain.corpus.train_NL[: domain.samples])
    real = domain.score(rows)
    assert real["novel"] == 0
    assert real["js2"] == pytest.approx(real["js2_floor"], abs=0.1)
    noise = np.random.default_rng(0).integers(0, domain.form.vocabulary.size, rows.shape).astype(rows.dtype)
    assert domain.score(noise)["js2"] > real["js2_floor"] + 0.2


def test_one_string_again_and_again_is_seen(domain: TextDomain) -> None:
    rows = np.repeat(domain.corpus.train_NL[:1], 50, axis=0)
    assert domain.score(rows)["unique"] == 1 / 50


def test_as_many_samples_as_validation_lines_unless_told(domain: TextDomain) -> None:
    assert domain.samples == domain.corpus.facts.validation


def test_orders_are_no_longer_than_rows(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    config = tiny_config(**{"corpus.length": 2, "evaluation.orders": 4})
    corpus = prepare(scan(open_source(tiny_lines), config.corpus), tmp_path)
    numbers = TextDomain(corpus, config, torch.device("cpu")).score(np.asarray(corpus.train_NL))
    assert "js2" in numbers
    assert "js3" not in numbers


def test_a_form_comes_back_from_its_facts(domain: TextDomain) -> None:
    form = TextForm.from_facts(domain.form.to_facts())
    assert form.event_shape == domain.form.event_shape
    assert form.vocabulary.characters == domain.form.vocabulary.characters
    with pytest.raises(CheckpointError, match="lacks"):
        TextForm.from_facts({})
