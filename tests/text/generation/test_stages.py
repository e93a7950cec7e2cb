"""All of a small space is found, stage after stage; and strings in the order of their probability."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.causal_generator import CausalGenerator
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.log_probs import score, table_of
from seqgan_wgp.text.generation import by_probability as ordering
from seqgan_wgp.text.generation import stages
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.request import Progress, Request
from seqgan_wgp.text.generation.stages import OrderedStream, StagedStream, has_stages, stage_name
from seqgan_wgp.text.generation.stream import Limits, TextModel, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.readers.lines import Lines
from seqgan_wgp.text.vocabulary import Vocabulary

from .making import LENGTH, text_model

CONSTRAINTS = Constraints(charset="abc", length=(1, 4), at_least=("a:1",), without=("bb",))
SPACE = {
    string
    for size in range(1, 5)
    for string in map("".join, itertools.product("abc", repeat=size))
    if "a" in string and "bb" not in string
}


@pytest.fixture
def model(tiny_config: Callable[..., Config]) -> TextModel:
    return text_model(tiny_config(), Vocabulary("abcde"), sharpness=120.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages end soon, so that all of them have their turn."""
    monkeypatch.setattr(stages, "MAX_IDLE", 600)
    monkeypatch.setattr(ordering, "LATENTS", 512)


def a_sieve(model: TextModel, known: tuple[str, ...] = ()) -> StringFilter:
    sieve = StringFilter(StringHashes(model.spec.vocabulary, LENGTH), unique=True)
    sieve.exclude([Lines.of(known, as_bytes=False)])
    return sieve


def followed(model: TextModel, found: StagedStream | OrderedStream) -> tuple[list[str], list[Progress]]:
    """Return the strings, and the progress after each."""
    strings, after = [], []
    for block, at in found:
        texts = model.spec.to_text(block.ids_NL)
        strings += texts
        after += [at] * len(texts)
    return strings, after


def test_the_whole_space_is_found_each_string_once_by_several_stages(model: TextModel) -> None:
    found = StagedStream(model, Request(n=None, constraints=CONSTRAINTS), a_sieve(model))
    strings, after = followed(model, found)
    assert len(strings) == len(set(strings)) == found.size
    assert set(strings) == SPACE
    assert found.complete
    reached = {at.stage for at in after}
    assert 0 in reached and len(reached) >= 3, "a space that one stage finds proves little"
    plain = [
        string
        for block, _at in stream(model, Request(n=10_000, constraints=CONSTRAINTS))
        for string in model.spec.to_text(block.ids_NL)
    ]
    first = sum(at.stage == 0 for at in after)
    assert strings[:first] == list(dict.fromkeys(plain))[:first]


@pytest.mark.parametrize("stop", [1, 30, 60, 70, 74])
def test_stopping_and_going_on_is_the_same_as_never_stopping(stop: int, model: TextModel) -> None:
    request = Request(n=len(SPACE), constraints=CONSTRAINTS)
    whole, _ = followed(model, StagedStream(model, request, a_sieve(model)))
    part, after = followed(model, StagedStream(model, replace(request, n=stop), a_sieve(model)))
    assert part == whole[:stop]
    rest, _ = followed(model, StagedStream(model, request, a_sieve(model, tuple(part)), after[-1]))
    assert part + rest == whole


def test_files_and_tries_limit_all_stages_together(model: TextModel) -> None:
    known = tuple(sorted(SPACE)[:20])
    strings, _ = followed(model, StagedStream(model, Request(n=None, constraints=CONSTRAINTS), a_sieve(model, known)))
    assert set(strings) == SPACE - set(known)
    found = StagedStream(model, Request(n=None, constraints=CONSTRAINTS), a_sieve(model), limits=Limits(tries=900))
    strings, after = followed(model, found)
    assert after[-1].tries == 900 and 0 < len(strings) < len(SPACE)
    assert not found.complete


def test_which_requests_have_stages() -> None:
    request = Request(n=5, constraints=CONSTRAINTS)
    assert has_stages(request, unique=True)
    assert not has_stages(request, unique=False)
    assert not has_stages(replace(request, constraints=None), unique=True)
    assert not has_stages(replace(request, shard=(1, 2)), unique=True)
    warm = replace(request, decode="sample", temperature=2.0)
    assert [stage_name(warm, stage) for stage in range(4)] == [
        "sample at temperature 2",
        "sample at temperature 4",
        "sample at temperature 8",
        "enumeration",
    ]
    assert stage_name(request, 0) == "argmax"


def test_the_order_of_probability_is_that_of_brute_force(model: TextModel) -> None:
    """The mean over the latents of the probability of each string, computed string by string."""
    request = Request(n=None, seed=3, scores=True, constraints=CONSTRAINTS)
    rows = model.spec.vocabulary.encode(sorted(SPACE), LENGTH)
    totals = np.zeros(len(rows))
    for table_BLV in model.tables(512, seed=3, start=0, logs=True):
        for table_LV in table_of(table_BLV, logs=True):
            totals += np.exp(score(np.repeat(table_LV[None], len(rows), axis=0), rows))
    expected = dict(zip(sorted(SPACE), (totals / 512).tolist(), strict=True))
    found = OrderedStream(model, request, None)
    blocks = [block for block, _at in found]
    strings = [text for block in blocks for text in model.spec.to_text(block.ids_NL)]
    log_N = np.concatenate([block.log_probability_N for block in blocks if block.log_probability_N is not None])
    assert set(strings) == SPACE and len(strings) == len(SPACE) and found.complete
    assert np.exp(log_N) == pytest.approx([expected[text] for text in strings])
    assert (np.diff(log_N) <= 0).all()
    assert all(block.score_N is not None and np.isfinite(block.score_N).all() for block in blocks)
    tail, _ = followed(model, OrderedStream(model, replace(request, n=5, start=7), None))
    assert tail == strings[7:12]


def test_a_causal_model_lists_all_of_a_space_by_its_exact_probability(model: TextModel) -> None:
    settings = replace(recipe("causal").generator, width=8, blocks=1, latent=LENGTH)
    generator = CausalGenerator(settings, LENGTH, model.spec.vocabulary.size).eval()
    causal = replace(model, generator=generator)
    request = Request(n=None, scores=True, constraints=CONSTRAINTS)
    strings, _ = followed(causal, OrderedStream(causal, request, None))
    ids_NL = torch.from_numpy(model.spec.vocabulary.encode(strings, LENGTH).astype(np.int64))
    with torch.inference_mode():
        log_N = generator.network.log_likelihood(ids_NL)[0].numpy()
    assert set(strings) == SPACE and len(strings) == len(SPACE)
    assert (np.diff(log_N) <= 1e-6).all() and log_N[0] > log_N[-1]
    found = StagedStream(causal, Request(n=None, constraints=CONSTRAINTS), a_sieve(causal))
    strings, _ = followed(causal, found)
    assert set(strings) == SPACE and len(strings) == len(SPACE) and found.complete


def test_more_strings_than_can_be_listed_are_refused(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MAX_ENUMERABLE", 50)
    with pytest.raises(ConfigError, match=f"50 strings at most .* but {len(SPACE)} satisfy"):
        OrderedStream(model, Request(n=3, constraints=CONSTRAINTS), None)
