"""Refined strings: decided string by string, whatever else is asked for, with every filter on top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.request import Progress, Request, request_options
from seqgan_wgp.text.generation.stream import TextModel, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.refinement.refiner import AcceptanceConfig
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.latents import BLOCK

from .making import LENGTH, a_refiner, text_model

Pairs = list[tuple[int, str]]


@pytest.fixture(params=[{"rule": "ratio"}, {"rule": "drs"}, {"rule": "mh", "proposals": 8}], ids=["ratio", "drs", "mh"])
def model(request: pytest.FixtureRequest, tiny_config: Callable[..., Config]) -> TextModel:
    plain = text_model(tiny_config(), Vocabulary("abcde"))
    return replace(plain, refiner=a_refiner(plain, AcceptanceConfig(**request.param)))


def pairs(
    model: TextModel, request: Request, sieve: StringFilter | None = None, begun: Progress | None = None
) -> Pairs:
    return [
        pair
        for block, _at in stream(model, request, sieve, begun)
        for pair in zip(block.index_N.tolist(), model.spec.to_text(block.ids_NL), strict=True)
    ]


def unique(model: TextModel) -> StringFilter:
    return StringFilter(StringHashes(model.spec.vocabulary, LENGTH), unique=True)


def test_accepted_strings_are_some_of_the_models_own(model: TextModel) -> None:
    found = pairs(model, Request(n=200, seed=3, refine=True))
    assert len(found) == 200
    end = found[-1][0] + 1
    assert end > 1.2 * 200
    assert set(found) <= set(pairs(model, Request(n=end, seed=3)))


@pytest.mark.parametrize(("n", "start"), [(1, 0), (50, 511), (120, 700)])
def test_an_accepted_string_depends_on_its_number_and_on_nothing_else(n: int, start: int, model: TextModel) -> None:
    whole = [pair for pair in pairs(model, Request(n=900, seed=5, refine=True)) if pair[0] >= start]
    assert pairs(model, Request(n=n, start=start, seed=5, refine=True)) == whole[:n]


@pytest.mark.parametrize("extra", [{}, {"constraints": Constraints(prefix="b")}, {"scores": True}])
def test_interrupted_and_continued_equals_one_run(extra: dict[str, Any], model: TextModel) -> None:
    request = Request(n=300, seed=2, refine=True, **extra)
    whole, sieve = pairs(model, request, unique(model)), unique(model)
    first: Pairs = []
    at = Progress(next=0)
    for block, at in stream(model, request, sieve):
        first += zip(block.index_N.tolist(), model.spec.to_text(block.ids_NL), strict=True)
        if at.next >= BLOCK:
            break
    assert 0 < len(first) < 300
    again = unique(model)
    again.exclude([])
    again.passes(model.spec.vocabulary.encode([text for _, text in first], LENGTH))
    assert first + pairs(model, request, again, at) == whole
    # and so does one that was asked for fewer strings first, which stops within a block
    few = replace(request, n=77)
    *_, (_, at) = stream(model, few)
    assert pairs(model, few) + pairs(model, replace(request, n=154), None, at) == pairs(model, replace(request, n=154))


def test_shards_share_the_accepted_strings_out(model: TextModel) -> None:
    whole = pairs(model, Request(n=900, refine=True))
    parts = [pairs(model, Request(n=200, shard=(mine, 3), refine=True)) for mine in (1, 2, 3)]
    end = min(part[-1][0] for part in parts)
    joined = sorted(pair for part in parts for pair in part if pair[0] < end)
    assert joined == [pair for pair in whole if pair[0] < end]
    assert len(joined) > 100


def test_filters_come_on_top(model: TextModel) -> None:
    sieve = unique(model)
    refused = pairs(model, Request(n=5, refine=True))
    sieve.passes(model.spec.vocabulary.encode([text for _, text in refused], LENGTH))
    found = [text for _, text in pairs(model, Request(n=250, refine=True), sieve)]
    assert len(set(found)) == 250
    assert not set(found) & {text for _, text in refused}


def test_the_acceptance_is_told(model: TextModel) -> None:
    assert model.refiner is not None
    told: list[tuple[int, int]] = []
    found = stream(model, Request(n=2_000, refine=True), on_refined=lambda all_, kept: told.append((all_, kept)))
    assert sum(len(block) for block, _ in found) == 2_000
    candidates, kept = np.array(told).sum(axis=0)
    assert kept / candidates == pytest.approx(model.refiner.expected_acceptance, abs=0.06)


def test_what_cannot_be(model: TextModel) -> None:
    with pytest.raises(ConfigError, match="no refiner"):
        stream(replace(model, refiner=None), Request(n=1, refine=True))
    with pytest.raises(ConfigError, match="decoded otherwise"):
        Request(n=1, refine=True, decode="sample")


def test_an_index_of_before_has_no_key_of_it_and_the_refiner_is_part_of_the_model(model: TextModel) -> None:
    assert "--refine" not in request_options(Request(n=1))
    assert request_options(Request(n=1, refine=True))["--refine"] is True
    assert model.refiner is not None
    other = replace(model.refiner, config=AcceptanceConfig(quantile=0.5))
    assert len({one.sha256() for one in (model, replace(model, refiner=None), replace(model, refiner=other))}) == 3
