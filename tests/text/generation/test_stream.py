"""Strings by request: candidate k is the same whatever else is asked for, and nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.generation import request as requests
from seqgan_wgp.text.generation import stream as generating
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.request import (
    MAX_NUMBERS,
    Progress,
    Request,
    StringBlock,
    best,
    concatenate_blocks,
    parse_shard,
    request_options,
)
from seqgan_wgp.text.generation.scoring import critic_scores, log_probability
from seqgan_wgp.text.generation.stream import TextModel, is_exhausted, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.readers.lines import Lines
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.latents import BLOCK

from .making import LENGTH, text_model

Pairs = list[tuple[int, str]]


@pytest.fixture
def model(tiny_config: Callable[..., Config]) -> TextModel:
    return text_model(tiny_config(), Vocabulary("abcde"))


def joined(model: TextModel, request: Request, sieve: StringFilter | None = None) -> StringBlock:
    return concatenate_blocks([block for block, _at in stream(model, request, sieve)])


def shown(model: TextModel, blocks: Iterable[StringBlock]) -> Pairs:
    return [
        pair for block in blocks for pair in zip(block.index_N.tolist(), model.spec.to_text(block.ids_NL), strict=True)
    ]


def pairs(
    model: TextModel, request: Request, sieve: StringFilter | None = None, begun: Progress | None = None
) -> Pairs:
    return shown(model, (block for block, _at in stream(model, request, sieve, begun)))


def a_sieve(model: TextModel, *, unique: bool, excluded: tuple[str, ...] = ()) -> StringFilter:
    sieve = StringFilter(StringHashes(model.spec.vocabulary, LENGTH), unique=unique)
    sieve.exclude([Lines.of(excluded, as_bytes=False)])
    return sieve


def test_strings_are_the_likeliest_characters_of_the_model(model: TextModel) -> None:
    ids_NL = np.concatenate([model.spec.decode(table_BLV) for table_BLV in model.tables(700, seed=3, start=0)])
    assert pairs(model, Request(n=700, seed=3)) == list(enumerate(model.spec.to_text(ids_NL)))
    assert len(set(model.spec.to_text(ids_NL))) > 100, "a model without variety proves little"


WAYS: dict[str, dict[str, Any]] = {
    "argmax": {},
    "sample": {"decode": "sample", "temperature": 0.7},
    "constrained": {"constraints": Constraints(prefix="b", contains=("ad",))},
    "both": {"constraints": Constraints(length=(2, 4)), "decode": "sample"},
    "scored": {"scores": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n", "start"), [(1, 0), (1, 511), (3, 511), (600, 400), (512, 512)])
def test_a_string_depends_on_its_number_and_on_nothing_else_that_is_asked_for(
    way: str, n: int, start: int, model: TextModel
) -> None:
    whole = joined(model, Request(n=2 * BLOCK, seed=5, **WAYS[way]))
    part = joined(model, Request(n=n, start=start, seed=5, **WAYS[way]))
    expected = whole.select(slice(start, start + n))
    for name in ("index_N", "ids_NL", "score_N", "log_probability_N", "given_up_N"):
        one, other = getattr(part, name), getattr(expected, name)
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one, other)


@pytest.mark.parametrize("shards", [2, 3, 7])
@pytest.mark.parametrize(("n", "start"), [(2_000, 0), (1_500, 700), (40, 500)])
def test_shards_are_the_whole_each_string_in_one_of_them(shards: int, n: int, start: int, model: TextModel) -> None:
    whole = pairs(model, Request(n=n, start=start, scores=True))
    parts = [pairs(model, Request(n=n, start=start, shard=(mine, shards))) for mine in range(1, shards + 1)]
    assert sorted(pair for part in parts for pair in part) == whole
    for mine, part in enumerate(parts):
        assert part == sorted(part)
        assert {number // BLOCK % shards for number, _ in part} <= {mine}


def test_a_stream_without_end_goes_on(model: TextModel) -> None:
    found = stream(model, Request(n=None, start=MAX_NUMBERS // 2))
    blocks = [next(found)[0] for _ in range(3)]
    assert np.concatenate([block.index_N for block in blocks]).tolist() == list(
        range(MAX_NUMBERS // 2, MAX_NUMBERS // 2 + 3 * BLOCK)
    )


def test_constraints_are_met_and_their_price_is_told(model: TextModel) -> None:
    constraints = Constraints(suffix="e", charset="bde", length=(3, 5))
    block = joined(model, Request(n=300, constraints=constraints, scores=True))
    assert all(constraints.satisfied_by(string) for string in model.spec.to_text(block.ids_NL))
    assert block.given_up_N is not None and (block.given_up_N >= 0).all()
    assert joined(model, Request(n=300)).given_up_N is None
    with pytest.raises(ConfigError, match="alphabet"):
        stream(model, Request(n=1, constraints=Constraints(prefix="z")))


@pytest.mark.parametrize("size", [5, 300])
def test_scores_are_those_of_the_networks(size: int, tiny_config: Callable[..., Config]) -> None:
    model = text_model(tiny_config(), Vocabulary("".join(map(chr, range(0x61, 0x61 + size)))))
    block = joined(model, Request(n=2 * BLOCK, scores=True))
    assert block.score_N is not None and block.log_probability_N is not None
    expected_N = critic_scores(model.critic, model.spec, block.ids_NL, model.device)
    assert np.array_equal(block.score_N, expected_N)
    table_NLV = torch.cat(list(model.tables(2 * BLOCK, seed=0, start=0)))
    assert np.array_equal(
        block.log_probability_N, log_probability(table_NLV, torch.from_numpy(block.ids_NL.astype(int))).numpy()
    )


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("excluded", [(), ("a", "e", "ba", "eeeeee", "zz")])
@pytest.mark.parametrize("shard", [(1, 1), (2, 3)])
def test_filters_hold_back_what_a_loop_over_sets_does(
    unique: bool, excluded: tuple[str, ...], shard: tuple[int, int], model: TextModel
) -> None:
    if not unique and not excluded:
        return
    known, expected = set(excluded), []
    for number, string in pairs(model, Request(n=9 * BLOCK, shard=shard)):
        if string not in known:
            expected.append((number, string))
        if unique:
            known.add(string)
    sieve = a_sieve(model, unique=unique, excluded=excluded)
    count = len(expected) - 5
    assert pairs(model, Request(n=count, shard=shard), sieve) == expected[:count]


def test_a_stream_goes_on_from_wherever_it_stood(model: TextModel) -> None:
    for request, unique in ((Request(n=700, start=100), False), (Request(n=400, start=100, shard=(1, 2)), True)):
        sieve = a_sieve(model, unique=True) if unique else None
        steps = list(stream(model, request, sieve))
        whole = shown(model, (block for block, _at in steps))
        for place, (_block, at) in enumerate(steps):
            before = shown(model, (block for block, _at in steps[: place + 1]))
            known = tuple(string for _number, string in before)
            again = a_sieve(model, unique=True, excluded=known) if unique else None
            assert at.strings == len(before)
            assert before + pairs(model, request, again, at) == whole


def test_more_can_be_asked_for_later(model: TextModel) -> None:
    whole = pairs(model, Request(n=300), a_sieve(model, unique=True))
    *_, (_block, at) = stream(model, Request(n=123), a_sieve(model, unique=True))
    assert (at.strings, at.next, at.idle) == (123, whole[122][0] + 1, 0)
    sieve = a_sieve(model, unique=True, excluded=tuple(string for _number, string in whole[:123]))
    assert pairs(model, Request(n=300), sieve, at) == whole[123:]
    assert pairs(model, Request(n=100), sieve, at) == []


def test_an_exhausted_model_ends_the_stream(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "PATIENCE", 3_000)
    request = Request(n=100, constraints=Constraints(length=(1, 1), charset="abd"))
    steps = list(stream(model, request, a_sieve(model, unique=True)))
    found = [string for _number, string in shown(model, (block for block, _at in steps))]
    last = steps[-1][1]
    assert 1 <= len(found) <= 3 and len(set(found)) == len(found)
    assert is_exhausted(last) and last.idle >= 3_000 and last.strings == len(found)
    assert [is_exhausted(at) for _block, at in steps[:-1]] == [False] * (len(steps) - 1)


@pytest.mark.parametrize("count", [1, 10, 700, 5_000])
def test_the_best_are_those_that_sorting_finds(count: int, model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_GATHERED", 100)
    blocks = [block for block, _at in stream(model, Request(n=2_000, scores=True))]
    whole = concatenate_blocks(blocks)
    assert whole.score_N is not None
    order = sorted(range(2_000), key=lambda place: (-whole.score_N[place], place))[:count]  # type: ignore[index]
    chosen = best(iter(blocks), count)
    assert chosen is not None
    assert chosen.index_N.tolist() == order
    assert np.array_equal(chosen.ids_NL, whole.ids_NL[order])
    assert best(iter([]), count) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": (0, 2)}, "--shard is 0/2"),
        ({"shard": (3, 2)}, "numbered from 1 to 2"),
        ({"start": -1}, "--start is -1"),
        ({"seed": -1}, "--seed is -1"),
        ({"start": MAX_NUMBERS}, "is 1,152,921,504,606,846,9"),
        ({"decode": "smple"}, "did you mean 'sample'"),
        ({"decode": "sample", "temperature": 0}, "temperature is 0"),
        ({"temperature": 0.5}, "temperature is 0.5"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Request(**{"n": 10, **change})


def test_shards_are_read() -> None:
    assert parse_shard("2/8") == (2, 8)
    for text in ("", "2", "2/", "/8", "2/8/9", "a/b", "-1/2", "2 /8"):
        with pytest.raises(ConfigError, match="--shard is"):
            parse_shard(text)


def test_a_description_tells_requests_apart_but_for_n() -> None:
    changes: list[dict[str, Any]] = [
        {"seed": 1},
        {"start": 1},
        {"shard": (1, 2)},
        {"decode": "sample"},
        {"scores": True},
    ]
    constraints = Constraints(prefix="a"), Constraints(length=(1, 2)), Constraints(contains=("a",))
    changes += [{"constraints": each} for each in constraints]
    said = [request_options(Request(n=5, **change)) for change in changes]
    assert len({str(each) for each in [*said, request_options(Request(n=5))]}) == len(changes) + 1
    assert (
        request_options(Request(n=None))
        == request_options(Request(n=5))
        == request_options(Request(n=5, constraints=Constraints()))
    )


def test_models_are_told_apart(tiny_config: Callable[..., Config], model: TextModel) -> None:
    others = [
        text_model(tiny_config(), Vocabulary("abcdf")),
        text_model(tiny_config(), Vocabulary("abcde"), sharpness=41),
        text_model(tiny_config(**{"training.seed": 9}), Vocabulary("abcde")),
    ]
    assert len({each.sha256() for each in [model, *others]}) == 4
    assert text_model(tiny_config(), Vocabulary("abcde")).sha256() == model.sha256()
