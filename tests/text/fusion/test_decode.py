"""Strings of a fusion are drawn with the probabilities of the product, and constraints hold."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import chisquare  # type: ignore[import-untyped]

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.decoder import compile_constraints
from seqgan_wgp.text.constrained.sampling import sampled_strings
from seqgan_wgp.text.constrained.trellis import everything
from seqgan_wgp.text.fusion.decode import Powers, fused_allowed_strings, fused_strings
from seqgan_wgp.text.fusion.fusion import Fusion
from seqgan_wgp.text.fusion.ngram_model import NgramModel
from seqgan_wgp.text.generation.sampling import sample
from seqgan_wgp.text.vocabulary import PAD, Vocabulary

ABC = Vocabulary("abc")
SIZE, LENGTH = ABC.size, 3
DRAWS = 40_000
TOO_UNLIKELY = 1e-4

EVERY_NL = np.array(
    [
        [*ids, *[PAD] * (LENGTH - len(ids))]
        for size in range(LENGTH + 1)
        for ids in itertools.product(range(1, SIZE), repeat=size)
    ]
)


def logs(seed: int, count: int = 1) -> npt.NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(0, 1, (count, LENGTH, SIZE))
    log_NLV: npt.NDArray[np.float64] = noise - np.log(np.exp(noise).sum(axis=2, keepdims=True))
    return log_NLV


def ngrams(order: int = 3) -> NgramModel:
    noise = np.random.default_rng(3)
    return NgramModel.fit(
        [ABC.encode(["".join(noise.choice([*"aaabc"], 2)) + "b"[: k % 2] for k in range(90)], LENGTH)], SIZE, order
    )


def uniforms(count: int = DRAWS, seed: int = 1) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, LENGTH), np.float32)


def product(log_LV: npt.NDArray[np.float64], model: NgramModel, powers: Powers) -> npt.NDArray[np.float64]:
    """Return the probability of each row of EVERY_NL: position by position, normalised at each."""
    chances = []
    for row in EVERY_NL.tolist():
        chance, state = 1.0, model.table.start
        for place, one in enumerate(row):
            weight_V = np.exp(powers.generator * log_LV[place] + powers.ngram * model.table.log_probability_SV[state])
            chance *= weight_V[one] / weight_V.sum()
            if one == PAD:
                break
            state = model.table.next_SV[state, one]
        chances.append(chance)
    return np.array(chances)


def counted(ids_NL: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    place = {tuple(row): k for k, row in enumerate(EVERY_NL.tolist())}
    return np.bincount([place[tuple(row)] for row in ids_NL.tolist()], minlength=len(EVERY_NL))


@pytest.mark.parametrize("powers", [(1.0, 1.0), (0.6, 0.85), (1.0, 0.0), (0.0, 1.0)])
def test_strings_are_drawn_by_the_product(powers: tuple[float, float]) -> None:
    asked, model, log_1LV = Powers(generator=powers[0], ngram=powers[1]), ngrams(), logs(0)
    expected = product(log_1LV[0], model, asked)
    assert expected.sum() == pytest.approx(1)
    found = counted(fused_strings(np.repeat(log_1LV, DRAWS, axis=0), model.table, asked, uniforms()))
    assert chisquare(found, expected * DRAWS).pvalue > TOO_UNLIKELY
    other = product(log_1LV[0], model, Powers(generator=1.0, ngram=0.5))
    assert chisquare(found, other * DRAWS).pvalue < TOO_UNLIKELY, "the test could not tell them apart"


def test_without_n_grams_it_is_plain_sampling() -> None:
    log_NLV, uniform_NL = logs(5, 500), uniforms(500)
    found = fused_strings(log_NLV, ngrams().table, Powers(generator=1.0, ngram=0.0), uniform_NL)
    plain = sample(torch.from_numpy(np.exp(log_NLV)).float(), torch.from_numpy(uniform_NL)).numpy()
    assert ABC.decode(found) == ABC.decode(plain)


def test_the_temperature_divides_both_powers() -> None:
    fusion = Fusion(ngrams=ngrams(), powers=Powers(generator=0.8, ngram=0.6), facts={})
    other = Fusion(ngrams=ngrams(), powers=Powers(generator=1.6, ngram=1.2), facts={})
    log_NLV, uniform_NL = logs(6, 300), uniforms(300)
    assert (fusion.strings(log_NLV, uniform_NL, 0.5) == other.strings(log_NLV, uniform_NL)).all()
    cold = fusion.strings(log_NLV, uniform_NL, 1e-5)
    assert (cold == fusion.strings(log_NLV, uniforms(300, seed=2), 1e-5)).all()


def test_under_constraints_all_strings_are_allowed_and_drawn_by_the_product_and_the_ends_they_leave() -> None:
    decoder = compile_constraints(Constraints(regex="(a|b)[abc]?c?", contains=("b",)), ABC, LENGTH)
    powers, log_1LV = Powers(generator=0.7, ngram=0.9), logs(1)
    found = fused_allowed_strings(
        decoder.trellis, np.repeat(log_1LV, 4_000, axis=0), ngrams().table, powers, uniforms(4_000)
    )
    strings = set(ABC.decode(found))
    allowed = {string for string in ABC.decode(EVERY_NL) if string and decoder.constraints.satisfied_by(string)}
    assert strings == allowed


def test_without_n_grams_constrained_strings_are_those_of_exact_sampling() -> None:
    decoder = compile_constraints(Constraints(contains=("ca",)), ABC, LENGTH)
    log_NLV, uniform_NL = logs(2, 400), uniforms(400)
    found = fused_allowed_strings(
        decoder.trellis, log_NLV, ngrams().table, Powers(generator=1.0, ngram=0.0), uniform_NL
    )
    assert (found == sampled_strings(decoder.trellis, log_NLV, uniform_NL)).all()


def test_a_constraint_that_allows_all_changes_nothing() -> None:
    log_NLV, uniform_NL, powers = logs(7, 400), uniforms(400), Powers(generator=0.8, ngram=0.7)
    found = fused_allowed_strings(everything(SIZE, LENGTH), log_NLV, ngrams().table, powers, uniform_NL)
    assert (found == fused_strings(log_NLV, ngrams().table, powers, uniform_NL)).all()


@pytest.mark.parametrize("powers", [(-1.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0), (0.0, 0.0)])
def test_powers_that_cannot_be(powers: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="power"):
        Powers(generator=powers[0], ngram=powers[1])
