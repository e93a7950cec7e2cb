"""Fused strings: decided string by string, whatever else is asked for, with scores, constraints and a refiner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.fusion.decode import Powers
from seqgan_wgp.text.fusion.fusion import Fusion
from seqgan_wgp.text.fusion.ngram_model import NgramModel
from seqgan_wgp.text.generation.request import Progress, Request, StringBlock
from seqgan_wgp.text.generation.stream import TextModel, candidates, stream
from seqgan_wgp.text.refinement.refiner import AcceptanceConfig
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.latents import BLOCK

from .making import LENGTH, a_refiner, text_model

Pairs = list[tuple[int, str]]


@pytest.fixture
def model(tiny_config: Callable[..., Config]) -> TextModel:
    vocabulary = Vocabulary("abcde")
    noise = np.random.default_rng(0)
    lines = ["".join(noise.choice([*"abcde"], 1 + k % LENGTH)) for k in range(400)]
    ngrams = NgramModel.fit([vocabulary.encode(lines, LENGTH)], vocabulary.size, 3)
    fusion = Fusion(ngrams=ngrams, powers=Powers(generator=0.5, ngram=1.0), facts={})
    return replace(text_model(tiny_config(), vocabulary, sharpness=10.0), fusion=fusion)


def request(n: int, *, seed: int = 4, **more: Any) -> Request:
    return Request(n=n, seed=seed, decode="fusion", **more)


def pairs(model: TextModel, asked: Request, begun: Progress | None = None) -> Pairs:
    return [
        pair
        for block, _at in stream(model, asked, None, begun)
        for pair in zip(block.index_N.tolist(), model.spec.to_text(block.ids_NL), strict=True)
    ]


def test_a_fused_string_depends_on_its_number_alone(model: TextModel) -> None:
    whole = pairs(model, request(1_100))
    assert pairs(model, request(70, start=500)) == whole[500:570]
    assert sorted(pair for mine in (1, 2) for pair in pairs(model, request(1_100, shard=(mine, 2)))) == whole
    assert pairs(model, request(300)) + pairs(model, request(1_100), Progress(strings=300, next=300)) == whole
    assert pairs(model, request(1_100, seed=5)) != whole
    assert pairs(model, Request(n=1_100, seed=4)) != whole
    assert pairs(model, request(1_100, temperature=0.3)) != whole


def test_scores_do_not_change_strings_and_are_those_of_the_strings(model: TextModel) -> None:
    plain = pairs(model, request(40))
    (block,) = candidates(model, request(40, scores=True), range(40))
    assert model.spec.to_text(block.ids_NL) == [text for _, text in plain]
    assert block.score_N is not None and np.isfinite(block.score_N).all()
    (table_BLV,) = model.tables(BLOCK, seed=4, start=0, logs=True)
    table_NLV = table_BLV.numpy()[: len(block)]
    chosen = np.take_along_axis(table_NLV, block.ids_NL.astype(np.int64)[:, :, None], axis=2)[:, :, 0]
    counted = np.cumsum(block.ids_NL == 0, axis=1) <= 1
    assert block.log_probability_N is not None
    np.testing.assert_allclose(block.log_probability_N, np.where(counted, chosen, 0).sum(axis=1), rtol=1e-5)


def test_constraints_hold_with_and_without_scores(model: TextModel) -> None:
    constraints = Constraints(prefix="b", contains=("a",), length=(3, 5))

    def blocks(**more: Any) -> list[StringBlock]:
        return [*candidates(model, request(600, constraints=constraints, **more), range(600))]

    strings = [text for block in blocks() for text in model.spec.to_text(block.ids_NL)]
    assert len(strings) == 600 and len(set(strings)) > 50
    assert all(constraints.satisfied_by(string) for string in strings)
    scored = blocks(scores=True)
    assert [text for block in scored for text in model.spec.to_text(block.ids_NL)] == strings
    assert all(block.given_up_N is not None and (block.given_up_N >= 0).all() for block in scored)


def test_a_refiner_judges_only_strings_decoded_as_those_it_learnt_from(model: TextModel) -> None:
    plain_refiner = a_refiner(model, AcceptanceConfig())
    with pytest.raises(ConfigError, match=r"learnt from strings of decode argmax"):
        stream(replace(model, refiner=plain_refiner), request(5, refine=True))
    judged = replace(model, refiner=replace(plain_refiner, decode="fusion"))
    found = pairs(judged, request(200, refine=True))
    assert len(found) == 200 and set(found) < set(pairs(model, request(found[-1][0] + 1)))
    with pytest.raises(ConfigError, match="argmax"):
        stream(judged, Request(n=5, refine=True))
    with pytest.raises(ConfigError, match="temperature"):
        request(5, refine=True, temperature=0.5)


def test_a_model_without_a_fusion_is_refused_and_it_is_part_of_the_model(model: TextModel) -> None:
    with pytest.raises(ConfigError, match="no fusion"):
        stream(replace(model, fusion=None), request(3))
    assert model.fusion is not None
    other = replace(model.fusion, powers=Powers(generator=0.5, ngram=0.9))
    assert len({one.sha256() for one in (model, replace(model, fusion=None), replace(model, fusion=other))}) == 3
