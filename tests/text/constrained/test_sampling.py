"""Strings drawn under constraints are drawn with their conditional probabilities."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.decoder import Decoder, compile_constraints
from seqgan_wgp.text.constrained.log_probs import score, table_of
from seqgan_wgp.text.vocabulary import PAD, Vocabulary

ABC = Vocabulary("abc")
LENGTH = 4
DRAWS = 20_000

EVERY_NL = np.array(
    [
        [*ids, *[PAD] * (LENGTH - len(ids))]
        for size in range(LENGTH + 1)
        for ids in itertools.product(range(1, ABC.size), repeat=size)
    ]
)


def table(seed: int) -> torch.Tensor:
    noise = np.random.default_rng(seed)
    return torch.from_numpy(noise.normal(0, 1.5, (1, LENGTH, ABC.size)).astype(np.float32)).softmax(dim=-1)


def conditional(constraints: Constraints, table_1LV: torch.Tensor, temperature: float) -> dict[tuple[int, ...], float]:
    """Return the conditional probability of each allowed string: the definition, written plainly."""
    tempered_1LV = table_1LV.double() ** (1 / temperature)
    tempered_1LV /= tempered_1LV.sum(dim=-1, keepdim=True)
    found = {}
    for ids, string in zip(EVERY_NL.tolist(), ABC.decode(EVERY_NL), strict=True):
        if not constraints or ("\N{REPLACEMENT CHARACTER}" not in string and constraints.satisfied_by(string)):
            ended = ids[: ids.index(PAD) + 1] if PAD in ids else ids
            found[tuple(ids)] = float(np.prod([tempered_1LV[0, place, one] for place, one in enumerate(ended)]))
    total = sum(found.values())
    return {ids: value / total for ids, value in found.items()}


def draw(decoder: Decoder, table_1LV: torch.Tensor, count: int, temperature: float = 1.0) -> npt.NDArray[np.integer]:
    uniform_NL = np.random.default_rng(1).random((count, LENGTH), np.float32)
    return decoder.sample(table_1LV.expand(count, -1, -1), uniform_NL, temperature).ids_NL


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"prefix": "b"},
        {"contains": ("ab",)},
        {"length": (2, 3), "suffix": "c"},
        {"regex": "(ab|c)+b?"},
        {"mask": "a?l"},
    ],
)
def test_frequencies_are_the_conditional_probabilities(given: dict[str, Any], temperature: float) -> None:
    """Each within five standard deviations and a count of what is to be expected."""
    constraints = Constraints(**given)
    table_1LV = table(2)
    ids_NL = draw(compile_constraints(constraints, ABC, LENGTH), table_1LV, DRAWS, temperature)
    counts = Counter(map(tuple, ids_NL.tolist()))
    expected = conditional(constraints, table_1LV, temperature)
    assert set(counts) <= set(expected)
    for ids, probability in expected.items():
        deviation = (DRAWS * probability * (1 - probability)) ** 0.5
        assert abs(counts[ids] - DRAWS * probability) <= 5 * deviation + 1


def test_a_known_answer() -> None:
    """One position of a, b and c with 0.1, 0.2, 0.3, the pad and the unknown left out: 1/6, 2/6, 3/6."""
    decoder = compile_constraints(Constraints(prefix=""), ABC, 1)
    table_NLV = torch.tensor([[[0.3, 0.1, 0.1, 0.2, 0.3]]]).expand(6, -1, -1)
    uniform_NL = (np.arange(6)[:, None] + 0.5) / 6
    assert ABC.decode(decoder.sample(table_NLV, uniform_NL).ids_NL) == ["a", "b", "b", "c", "c", "c"]


@given(st.sampled_from(["a.*", ".*bb.*", "(a|bc)*c?", "..?", ".{4}"]), st.integers(0, 2**32))
@settings(max_examples=50)
def test_any_noise_gives_an_allowed_string_with_its_log_probability(regex: str, seed: int) -> None:
    constraints = Constraints(regex=regex)
    noise = np.random.default_rng(seed)
    values = noise.choice([0.0, 1e-45, 1e-30, 0.5, 1.0], (9, LENGTH, ABC.size)).astype(np.float32)
    uniform_NL = noise.choice([0.0, 1e-12, 0.5, 1 - 2**-24], (9, LENGTH))
    decoder = compile_constraints(constraints, ABC, LENGTH)
    probabilities_NLV = torch.from_numpy(values)
    for temperature in (1e-6, 0.01, 1.0, 1e9):
        drawn = decoder.sample(probabilities_NLV, uniform_NL, temperature)
        assert all(map(constraints.satisfied_by, ABC.decode(drawn.ids_NL)))
        assert drawn.log_probability_N.tolist() == score(table_of(probabilities_NLV, logs=False), drawn.ids_NL).tolist()
        assert (drawn.given_up_N >= decoder.decode(probabilities_NLV).given_up_N).all()


def test_a_low_temperature_gives_the_best_string() -> None:
    decoder = compile_constraints(Constraints(contains=("ab",), length=(3, 3)), ABC, LENGTH)
    table_1LV = table(6)
    best = decoder.decode(table_1LV).ids_NL[0].tolist()
    assert draw(decoder, table_1LV, 200, temperature=0.001).tolist() == [best] * 200


def test_logs_are_as_good_as_probabilities() -> None:
    decoder = compile_constraints(Constraints(contains=("ab",)), ABC, LENGTH)
    table_NLV = table(7).expand(500, -1, -1)
    uniform_NL = np.random.default_rng(3).random((500, LENGTH))
    one = decoder.sample(table_NLV, uniform_NL)
    other = decoder.sample(table_NLV.double().log(), uniform_NL, logs=True)
    assert one.ids_NL.tolist() == other.ids_NL.tolist()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), 1e-9])
def test_a_temperature_that_is_too_low_is_refused(temperature: float) -> None:
    decoder = compile_constraints(Constraints(prefix="a"), ABC, LENGTH)
    with pytest.raises(ConfigError, match="the temperature is"):
        draw(decoder, table(0), 1, temperature)
