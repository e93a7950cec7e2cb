"""Drawn strings: the right frequencies, the right limits, and string k a function of its table, the seed and k."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.generation.request import DECODERS, check_decoding
from seqgan_wgp.text.generation.sampling import decode_noise, sample, sampled
from seqgan_wgp.text.vocabulary import Vocabulary

LARGEST = 1 - 2**-24
"""The largest uniform."""

Tables = Callable[[int, int, int], Tensor]


@pytest.fixture
def tables() -> Tables:
    """`tables(N, L, V)`: probabilities, some near 0 and some near 1."""

    def make(count: int, length: int, size: int) -> Tensor:
        noise = torch.Generator().manual_seed(count + 100 * length + 10_000 * size)
        return (6 * torch.randn(count, length, size, generator=noise)).softmax(dim=-1)

    return make


def by_hand(
    probabilities_NLV: npt.NDArray[np.float32], uniform_NL: npt.NDArray[np.float32], temperature: float
) -> npt.NDArray[np.int64]:
    """The definition, in float64 and one position after another."""
    ids_NL = np.zeros(uniform_NL.shape, np.int64)
    for place in np.ndindex(*uniform_NL.shape):
        weight_V = probabilities_NLV[place].astype(np.float64) ** (1 / temperature)
        cumulative_V = np.cumsum(weight_V / weight_V.sum())
        ids_NL[place] = np.flatnonzero(cumulative_V > uniform_NL[place])[0]
    return ids_NL


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_ids_are_those_of_the_definition(tables: Tables, temperature: float) -> None:
    table_NLV, uniform_NL = tables(200, 7, 12), decode_noise(3, torch.arange(200), 7)
    ids_NL = sample(table_NLV, uniform_NL, temperature)
    assert (ids_NL.shape, ids_NL.dtype) == ((200, 7), torch.int64)
    assert np.array_equal(ids_NL.numpy(), by_hand(table_NLV.numpy(), uniform_NL.numpy(), temperature))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_are_the_tempered_probabilities(temperature: float) -> None:
    probabilities_V, count = torch.tensor([0.5, 0.0, 0.3, 0.15, 0.05]), 40_000
    ids_N = sample(probabilities_V.expand(count, 1, 5), decode_noise(0, torch.arange(count), 1), temperature)[:, 0]
    share_V = torch.bincount(ids_N, minlength=5) / count
    wanted_V = probabilities_V ** (1 / temperature)
    wanted_V /= wanted_V.sum()
    assert torch.all((share_V - wanted_V).abs() <= 4 * (wanted_V * (1 - wanted_V) / count).sqrt())


def test_without_warmth_the_likeliest_is_drawn(tables: Tables) -> None:
    table_NLV, uniform_NL = tables(300, 6, 9), decode_noise(1, torch.arange(300), 6)
    assert not torch.equal(sample(table_NLV, uniform_NL), table_NLV.argmax(dim=-1))
    for temperature in (1e-6, 1e-30, 1e-300, 5e-324):
        assert torch.equal(sample(table_NLV, uniform_NL, temperature), table_NLV.argmax(dim=-1))


def test_with_all_warmth_every_possible_id_is_as_likely() -> None:
    count = 9_000
    table_NLV = torch.tensor([0.98, 0.0, 0.01, 0.01]).expand(count, 1, 4)
    ids_N = sample(table_NLV, decode_noise(0, torch.arange(count), 1), 1e30)[:, 0]
    assert torch.bincount(ids_N, minlength=4) / count == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3], abs=0.02)


@given(
    weights=st.lists(st.integers(0, 2**20), min_size=2, max_size=40).filter(any),
    uniform=st.sampled_from([0.0, 2**-24, 0.5, LARGEST]),
    temperature=st.sampled_from([1e-9, 0.7, 1.0, 40.0]),
)
def test_an_id_of_no_probability_is_never_drawn(weights: list[int], uniform: float, temperature: float) -> None:
    weight_V = torch.tensor(weights, dtype=torch.float32)
    table_V = weight_V / weight_V.sum()
    drawn = sample(table_V[None, None], torch.tensor([[uniform]]), temperature).item()
    assert table_V[int(drawn)] > 0


def test_a_string_does_not_depend_on_how_the_tables_are_cut(tables: Tables) -> None:
    table_NLV, vocabulary = tables(100, 5, 8), Vocabulary("abcdef")
    whole_NL = np.concatenate(list(sampled([table_NLV], vocabulary, seed=4, start=0, temperature=0.8)))
    assert (whole_NL.shape, whole_NL.dtype) == ((100, 5), vocabulary.dtype)
    for cuts in ([1, 2, 97], [50, 50]):
        parts = sampled(torch.split(table_NLV, cuts), vocabulary, seed=4, start=0, temperature=0.8)
        assert np.array_equal(np.concatenate(list(parts)), whole_NL)
    for start in (1, 60):
        rest = sampled([table_NLV[start:]], vocabulary, seed=4, start=start, temperature=0.8)
        assert np.array_equal(next(rest), whole_NL[start:])


def test_noise_differs_by_seed_string_and_place() -> None:
    noise_NL = decode_noise(1, torch.arange(50), 20)
    assert len(set(noise_NL.flatten().tolist())) == noise_NL.numel()
    assert not torch.equal(noise_NL, decode_noise(2, torch.arange(50), 20))
    assert torch.equal(noise_NL[7:], decode_noise(1, torch.arange(7, 50), 20))
    assert torch.equal(noise_NL[:, :3], decode_noise(1, torch.arange(50), 3))


def test_ways_to_decode_that_there_are_pass() -> None:
    for decode in DECODERS:
        check_decoding(decode, 1.0)
    check_decoding("sample", 0.01)


@pytest.mark.parametrize(
    ("decode", "temperature", "message"),
    [
        ("sampel", 1.0, "decode is 'sampel'; did you mean 'sample'?\nchoose one of: auto, argmax, sample"),
        ("sample", 0.0, "temperature is 0, but it must be above 0"),
        ("sample", -1.0, "temperature is -1, but it must be above 0"),
        ("sample", float("nan"), "temperature is nan, but it must be above 0"),
        ("sample", float("inf"), "temperature is inf, but it must be above 0 and finite"),
        ("argmax", 0.5, "temperature is 0.5, but it has no effect on argmax decoding\nuse --decode sample"),
    ],
)
def test_others_are_refused(decode: str, temperature: float, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_decoding(decode, temperature)
    assert message in str(error.value)
