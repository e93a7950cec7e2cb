"""The settings that a corpus decides: what each rule gives, and that nothing but what was left open is decided."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config import Config, override, recipe, recipe_names
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.config.serialization import list_settings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.registry import CRITICS
from seqgan_wgp.text.corpus.auto_settings import (
    ALPHABET_LARGE,
    NGRAMS,
    NGRAMS_ALPHABET,
    RULES,
    WIDTH,
    WIDTH_LARGE,
    Sizes,
    batch_size,
    by_rule,
    evaluation_every,
    ngrams,
    relaxation,
    sizes,
    width,
)
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.corpus.stats import Facts
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.schedule import penalty_every

from ...training.registering import replace_entry
from ..corpora import made_lines, made_text, source_of

TEXT_RECIPES = [name for name in recipe_names() if recipe(name).domain == "text"]
SIZES = Sizes(length=16, alphabet=30, train=10_000, held_out=1_000)

any_sizes = st.builds(
    Sizes,
    length=st.integers(1, 4_096),
    alphabet=st.integers(1, 65_000),
    train=st.integers(1, 10**10),
    held_out=st.integers(1, 10**6),
)


# Each rule


@pytest.mark.parametrize(("alphabet", "expected"), [(1, "sampled"), (499, "sampled"), (500, "straight-through")])
def test_characters_are_sampled_of_small_alphabets(alphabet: int, expected: str) -> None:
    assert relaxation(replace(SIZES, alphabet=alphabet)) == expected


@pytest.mark.parametrize(
    ("alphabet", "expected"),
    [(1, WIDTH), (256, WIDTH), (ALPHABET_LARGE - 1, WIDTH), (ALPHABET_LARGE, WIDTH_LARGE), (65_000, WIDTH_LARGE)],
)
def test_large_alphabets_have_narrow_networks(alphabet: int, expected: int) -> None:
    assert width(replace(SIZES, alphabet=alphabet)) == expected


@pytest.mark.parametrize(
    ("alphabet", "expected"), [(4, 1), (NGRAMS_ALPHABET - 1, 1), (NGRAMS_ALPHABET, NGRAMS), (499, NGRAMS), (500, 1)]
)
def test_short_strings_of_a_languages_alphabet_have_ngrams(alphabet: int, expected: int) -> None:
    assert ngrams(replace(SIZES, alphabet=alphabet)) == expected
    assert ngrams(replace(SIZES, alphabet=alphabet, length=24)) == expected
    assert ngrams(replace(SIZES, alphabet=alphabet, length=25)) == 1


@pytest.mark.parametrize(
    ("train", "expected"), [(1, 1), (2, 1), (3, 1), (4, 2), (14, 7), (127, 63), (128, 64), (129, 64), (10**9, 64)]
)
def test_a_batch_is_64_but_no_more_than_half_of_what_there_is(train: int, expected: int) -> None:
    assert batch_size(replace(SIZES, train=train)) == expected


@pytest.mark.parametrize(
    ("held_out", "expected"), [(1, 100), (3_199, 100), (4_001, 150), (5_601, 200), (9_999, 300), (10**6, 300)]
)
def test_evaluations_are_as_far_apart_as_they_cost(held_out: int, expected: int) -> None:
    assert evaluation_every(replace(SIZES, held_out=held_out)) == expected


@given(any_sizes, any_sizes)
def test_rules_are_bounded_and_never_turn(one: Sizes, other: Sizes) -> None:
    """Wider never for a larger alphabet; no smaller batch for more lines; no more evaluations for more to evaluate."""
    assert width(one) in (WIDTH_LARGE, WIDTH)
    assert 1 <= batch_size(one) <= max(1, min(64, one.train / 2))
    assert 100 <= evaluation_every(one) <= 300
    assert evaluation_every(one) % 50 == 0
    if one.alphabet <= other.alphabet:
        assert width(one) >= width(other)
    if one.train <= other.train:
        assert batch_size(one) <= batch_size(other)
    if one.held_out <= other.held_out:
        assert evaluation_every(one) <= evaluation_every(other)


@given(any_sizes, any_sizes)
def test_each_rule_looks_at_one_size(one: Sizes, other: Sizes) -> None:
    assert width(one) == width(replace(other, alphabet=one.alphabet))
    assert batch_size(one) == batch_size(replace(other, train=one.train))
    assert evaluation_every(one) == evaluation_every(replace(other, held_out=one.held_out))


# Sizes


facts_of_any_size = st.builds(
    Facts,
    name=st.just("test"),
    sha256=st.just(""),
    length=st.integers(1, 64),
    windows=st.integers(1, 1_000),
    alphabet=st.integers(1, 9_000),
    read=st.just(0),
    empty=st.just(0),
    bad=st.just(0),
    cropped=st.just(0),
    dropped=st.just(0),
    rows=st.integers(16, 10**9),
    distinct=st.none(),
)


@given(facts_of_any_size, st.floats(1e-6, 0.9), st.integers(1, 10**6))
def test_sizes_share_out_all_items(facts: Facts, held_out: float, most: int) -> None:
    size = sizes(facts, CorpusSettings(held_out=held_out, held_out_max=most))
    items = facts.items(facts.rows)
    assert abs(size.train + 2 * size.held_out - items) <= 2
    assert 0 <= 2 * size.held_out <= min(held_out * items, most) + 1
    assert (size.length, size.alphabet) == (facts.length, facts.alphabet)


@pytest.mark.parametrize("changes", [{}, {"corpus.held_out": 0.5}, {"corpus.held_out_max": 500}], ids=str)
@pytest.mark.parametrize("layout", ["lines", "windows"])
def test_sizes_are_about_those_of_the_parts(
    layout: str, changes: dict[str, object], tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    """The split is binomial; within 5 standard deviations, of windows in whole stretches."""
    settings = tiny_config(**changes, **{"corpus.layout": layout}).corpus
    found = scan(source_of(made_lines(9_000) if layout == "lines" else made_text(400_000).encode()), settings)
    size = sizes(found.facts, settings)
    corpus = prepare(found, tmp_path)
    stretch = corpus.facts.span // corpus.facts.length
    slack = 5 * math.sqrt(size.held_out * stretch)
    assert abs(len(corpus.train.apart()) - size.train) <= 2 * slack
    assert abs(len(corpus.validation_NL) - size.held_out) <= slack
    assert abs(len(corpus.test_NL) - size.held_out) <= slack


# What is decided


def test_every_setting_that_may_be_left_open_has_its_rule() -> None:
    auto = {name for name, field in list_settings(Config).items() if field.metadata["auto"]}
    by_other_settings, named = {"objective.penalty_every"}, {"generator.relaxation"}
    where_used = {"corpus.length", "evaluation.samples", "images.columns", "images.rows", "training.threads"}
    assert {*RULES} | by_other_settings | where_used == auto | named


OPEN: dict[str, object] = {
    "corpus.layout": "auto",
    "corpus.length": None,
    "generator.latent": "auto",
    "generator.relaxation": "auto",
    "generator.width": "auto",
    "critic.width": "auto",
    "critic.ngrams": "auto",
    "objective.penalty_every": "auto",
    "training.batch_size": "auto",
    "evaluation.every": "auto",
}

SET: dict[str, object] = {
    "corpus.layout": "lines",
    "corpus.length": 5,
    "generator.latent": 8,
    "generator.relaxation": "softmax",
    "generator.width": 7,
    "critic.width": 9,
    "critic.ngrams": 2,
    "objective.penalty_every": 1,
    "training.batch_size": 3,
    "evaluation.every": 11,
}


def looked_at(config: Config) -> Facts:
    return scan(open_source(made_lines(3_000)), config.corpus).facts


@pytest.mark.parametrize("name", TEXT_RECIPES)
@pytest.mark.parametrize("left", [*OPEN, "all", "none"])
def test_only_what_was_left_open_is_decided(name: str, left: str) -> None:
    open_settings = {dotted: value for dotted, value in OPEN.items() if left in (dotted, "all")}
    config = recipe(name, SET | open_settings)
    facts = looked_at(config)
    decided = by_rule(config, facts)
    assert decided.keys() == open_settings.keys()
    size = sizes(facts, config.corpus)
    expected = {dotted: rule(size) for dotted, rule in RULES.items()} | {"corpus.layout": "lines", "corpus.length": 8}
    expected["objective.penalty_every"] = penalty_every(config.objective, batch_size(size))
    assert decided == {dotted: expected[dotted] for dotted in open_settings}
    whole = override(config, decided)
    for dotted in SET:
        assert attrgetter(dotted)(whole) == decided.get(dotted, SET[dotted])
    assert by_rule(whole, facts) == {}
    assert override(whole, open_settings) == config


SPECTRAL = {"objective.constraint": "spectral", "objective.penalty_weight": 0, "objective.penalty_every": 1}


@pytest.mark.parametrize(("changes", "chooses"), [(SPECTRAL, True), ({}, False)], ids=str)
def test_no_ngrams_are_chosen_where_they_would_be_refused(
    changes: dict[str, object], chooses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, critics = replace(looked_at(recipe("fast")), alphabet=NGRAMS_ALPHABET), CRITICS["text"]
    assert by_rule(recipe("fast"), facts)["critic.ngrams"] == NGRAMS
    replace_entry(monkeypatch, critics, "residual", replace(critics["residual"], chooses_ngrams=chooses))
    config = recipe("fast", changes)
    decided = by_rule(config, facts)
    assert decided["critic.ngrams"] == 1
    override(config, decided)
    with pytest.raises(ConfigError, match=r"set critic\.ngrams=1"):
        override(config, decided | {"critic.ngrams": 2})


def test_what_is_decided_of_running_text() -> None:
    config = recipe("fast")
    text = "\n\n".join("\n".join([made_text(40 + place)] * 3) for place in range(100))
    facts = scan(source_of(text.encode()), config.corpus).facts
    decided = by_rule(config, facts)
    assert (decided["corpus.layout"], decided["corpus.length"]) == ("windows", 64)
    again = scan(source_of(text.encode()), override(config, decided).corpus).facts
    assert again == facts


def test_what_was_decided_gives_the_same_corpus_when_it_is_set() -> None:
    config = recipe("fast")
    lines = made_lines(3_000)
    left_open = scan(source_of(lines), config.corpus)
    found = scan(source_of(lines), override(config, by_rule(config, left_open.facts)).corpus)
    assert found.facts == left_open.facts
    assert found.vocabulary.characters == left_open.vocabulary.characters
    assert (found.validation_below, found.test_below) == (left_open.validation_below, left_open.test_below)
