"""The evaluation of points: the domain's own measures of the test half, and what they are said to mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.toy.distributions import DISTRIBUTIONS, Points
from seqgan_wgp.toy.domain import SAMPLES, ToyDomain
from seqgan_wgp.toy.evaluation import ToyEvaluation, evaluate_points
from seqgan_wgp.toy.spec import ToyFacts
from seqgan_wgp.utils.counter_rng import Stream


def found_of(
    name: str, config: Config, generate: Callable[[int], Iterator[Points]], samples: int | None = 300
) -> ToyEvaluation:
    return evaluate_points(
        ToyDomain(ToyFacts(name=name, theta=0.0), config, torch.device("cpu")), generate, samples=samples
    )


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_real_points_are_as_near_as_real_points(name: str, toy_config: Callable[..., Config]) -> None:
    def real(count: int) -> Iterator[Points]:
        yield DISTRIBUTIONS[name].sample(3, Stream.TOY, np.arange(count))

    found = found_of(name, toy_config(), real, samples=None)
    assert found.n == SAMPLES
    assert found.summary[0] == "distance: as close to the distribution as real points are"
    assert len(found.rows) == (4 if DISTRIBUTIONS[name].centres else 1)
    if DISTRIBUTIONS[name].centres:
        assert found.summary[1] == f"modes: all {len(DISTRIBUTIONS[name].centres)} are covered"


def test_points_in_one_place_miss_modes(toy_config: Callable[..., Config]) -> None:
    centre = DISTRIBUTIONS["8-gaussians"].centres[0]

    def heap(count: int) -> Iterator[Points]:
        yield np.tile(np.array(centre, np.float32), (count, 1))

    found = found_of("8-gaussians", toy_config(), heap)
    assert found.summary[1] == "modes: 7 of 8 are missing"
    assert "times as far" in found.summary[0]
    tree = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (tree["domain"], tree["n"], tree["modes"]) == ("toy", 300, 1)


def test_every_key_is_documented(toy_config: Callable[..., Config]) -> None:
    def origin(count: int) -> Iterator[Points]:
        yield np.zeros((count, 2), np.float32)

    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    tree = found_of("two-gaussians", toy_config(), origin).to_json()
    assert [name for name in tree if f"`{name}`" not in document] == []
