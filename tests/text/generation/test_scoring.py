"""Scores: of the string alone, none left out, flagged where the critic sees less than the string."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seqgan_wgp.config import Config
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.scoring import Scored, critic_scores, encoded_strings, log_probability, scored
from seqgan_wgp.text.vocabulary import PAD, Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic
from seqgan_wgp.training.latents import BLOCK

CPU = torch.device("cpu")


def form_of(vocabulary: Vocabulary, length: int = 10) -> TextSpec:
    return TextSpec(vocabulary, length, {})


@pytest.fixture
def spec() -> TextSpec:
    return form_of(Vocabulary("abcdé"))


@pytest.fixture
def critic(spec: TextSpec, tiny_config: Callable[..., Config]) -> nn.Module:
    return build_generator_and_critic(tiny_config(), spec)[1].eval().requires_grad_(False)


@pytest.fixture
def strings() -> list[str]:
    """Of 1 to 10 characters, all of them known."""
    chance = np.random.default_rng(5)
    return ["".join(chance.choice(list("abcdé"), chance.integers(1, 11))) for _ in range(700)]


def test_a_score_is_the_critics(spec: TextSpec, critic: nn.Module, strings: list[str]) -> None:
    found = list(scored(critic, spec, strings, CPU))
    ids_NL = torch.from_numpy(spec.vocabulary.encode(strings, 10))
    wanted_N = critic(spec.embed(ids_NL)).numpy()
    assert np.array([one.score for one in found]) == pytest.approx(wanted_N, rel=1e-5, abs=1e-6)
    assert [one.text for one in found] == strings
    assert {one.flag for one in found} == {""}


def test_a_score_does_not_depend_on_the_others(spec: TextSpec, critic: nn.Module, strings: list[str]) -> None:
    whole = [one.score for one in scored(critic, spec, strings, CPU)]
    for count in (1, 2, 511, 513):
        assert [one.score for one in scored(critic, spec, strings[:count], CPU)] == whole[:count]
    turned = [one.score for one in scored(critic, spec, strings[::-1], CPU)]
    assert turned[::-1] == pytest.approx(whole, rel=1e-5, abs=1e-6)
    assert list(scored(critic, spec, [], CPU)) == []


def test_strings_are_taken_a_block_at_a_time(spec: TextSpec, critic: nn.Module) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "abba"

    found = scored(critic, spec, endless(), CPU)
    assert taken == 0
    for _ in range(BLOCK + 1):
        next(found)
    assert taken == 2 * BLOCK


def test_what_is_behind_the_first_pad_does_not_count(spec: TextSpec, critic: nn.Module) -> None:
    ids_NL = np.random.default_rng(0).integers(0, spec.vocabulary.size, (600, 10)).astype(np.uint8)
    known = spec.vocabulary.encode([string.replace("�", "?") for string in spec.to_text(ids_NL)], 10)
    scores_N = critic_scores(critic, spec, ids_NL, CPU)
    assert (len(scores_N), scores_N.dtype.name) == (600, "float32")
    assert np.array_equal(scores_N, critic_scores(critic, spec, known, CPU))
    assert len(critic_scores(critic, spec, ids_NL[:0], CPU)) == 0


@pytest.mark.parametrize(
    ("text", "flag", "scored_as"),
    [
        ("abc", "", "abc"),
        ("abcdabcdab", "", "abcdabcdab"),
        ("abcdabcdabc", "too_long", "abcdabcdab"),
        ("abX", "unknown", "ab?"),
        ("ab�", "unknown", "ab?"),
        ("ab\ud800", "unknown", "ab?"),
        ("abcdabcdaX", "unknown", "abcdabcda?"),
        ("abcdabcdaXX", "too_long+unknown", "abcdabcda?"),
        ("abcdabcdabX", "too_long", "abcdabcdab"),
        ("", "empty", ""),
    ],
)
def test_what_is_not_seen_is_flagged(text: str, flag: str, scored_as: str, spec: TextSpec, critic: nn.Module) -> None:
    (found,) = scored(critic, spec, [text], CPU)
    (plain,) = scored(critic, spec, [scored_as], CPU)
    assert found == Scored(text=text, score=plain.score, flag=flag)


@given(strings=st.lists(st.text(max_size=12)))
def test_bytes_are_those_of_utf_8(strings: list[str]) -> None:
    vocabulary = Vocabulary.of_bytes()
    ids_NL, sizes_N = encoded_strings(vocabulary, strings, 6)
    assert np.array_equal(ids_NL, vocabulary.encode(strings, 6))
    assert ids_NL.dtype == vocabulary.dtype
    assert sizes_N.tolist() == [len(string.encode()) for string in strings]


def test_bytes_that_are_no_utf_8_are_themselves() -> None:
    raw = b"a\xff\xc3b\xc3\xa9"
    text = raw.decode("utf-8", "surrogateescape")
    vocabulary = Vocabulary.of_bytes()
    ids_NL, sizes_N = encoded_strings(vocabulary, [text, "\ud800"], 8)
    assert (ids_NL[0] - 2)[:6].tolist() == list(raw)
    assert ids_NL[0, 6:].tolist() == [PAD, PAD]
    assert sizes_N.tolist() == [6, 3]
    shown = Scored(text=text, score=0.0, flag="").shown
    assert shown == r"a\xff\xc3bé"
    assert shown == vocabulary.decode(ids_NL[:1])[0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int64])
def test_a_log_probability_by_hand(dtype: torch.dtype) -> None:
    table_NLV = torch.tensor([[[0.5, 0.25, 0.25], [0.125, 0.0, 0.875]]]).expand(5, 2, 3)
    ids_NL = torch.tensor([[0, 1], [0, 2], [1, 0], [2, 2], [2, 1]], dtype=dtype)
    wanted = [0.5, 0.5, 0.25 * 0.125, 0.25 * 0.875, 0.0]
    found_N = log_probability(table_NLV, ids_NL)
    assert found_N.dtype == torch.float64
    assert found_N.exp().tolist() == pytest.approx(wanted)
    assert found_N[4].item() == -math.inf


def test_the_probabilities_of_all_strings_sum_to_one() -> None:
    length, size = 3, 4
    table_1LV = torch.randn(1, length, size, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    rows = {
        (*row[: row.index(PAD)], *[PAD] * (length - row.index(PAD))) if PAD in row else row
        for row in itertools.product(range(size), repeat=length)
    }
    ids_NL = torch.tensor(sorted(rows))
    assert len(ids_NL) == 1 + 3 + 9 + 27
    total = log_probability(table_1LV.expand(len(ids_NL), -1, -1), ids_NL).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-6)
