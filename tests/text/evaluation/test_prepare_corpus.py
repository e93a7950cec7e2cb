"""Any text as rows of a model's own ids: the training text itself has the very rows and halves of its run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.evaluation.prepare_corpus import encode_for_model, settings_for, unknown_share
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.recognition.recognise import recognised
from seqgan_wgp.text.vocabulary import UNKNOWN

from ..corpora import prepared


def test_a_plain_list_is_read_for_a_model_of_a_field(tmp_path: Path) -> None:
    strings = [f"word{place}" for place in range(40)]
    (tmp_path / "list.txt").write_text("\n".join(strings))
    (tmp_path / "pot.txt").write_text("".join(f"{place:032x}:{string}\n" for place, string in enumerate(strings)))
    own = recipe("fast", {"corpus.field": "2", "corpus.separator": ":"}).corpus
    for name in ("list.txt", "pot.txt"):
        source = open_source(tmp_path / name)
        settings = settings_for(source, own, None)
        reader = Reader(recognised(source, settings), settings)
        assert [string for block in reader for string in block.strings()] == strings
    assert settings_for(source, own, None) == own


@pytest.fixture(params=["lines", "windows", "byte"])
def trained(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config], request: pytest.FixtureRequest
) -> tuple[Corpus, TextSpec, Config]:
    changes = {"corpus.unit": "byte"} if request.param == "byte" else {"corpus.layout": request.param}
    config = tiny_config(**changes)
    corpus = prepared(tiny_lines, config, tmp_path)
    return corpus, TextSpec(corpus.vocabulary, corpus.facts.length, dataclasses.asdict(corpus.facts)), config


def test_the_training_text_is_divided_as_it_was(
    trained: tuple[Corpus, TextSpec, Config], tiny_lines: list[str]
) -> None:
    corpus, spec, config = trained
    with encode_for_model(spec, config.corpus, open_source(tiny_lines)) as again:
        assert again.facts == corpus.facts
        assert np.array_equal(again.ids_NS, corpus.ids_NS)


def test_in_another_order_the_same_strings_are_held_out(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    config = tiny_config()
    corpus = prepared(tiny_lines, config, tmp_path)
    spec = TextSpec(corpus.vocabulary, 10, dataclasses.asdict(corpus.facts))
    with encode_for_model(spec, config.corpus, open_source(tiny_lines[::-1])) as again:
        show = corpus.vocabulary.decode
        assert sorted(show(again.test_NL)) == sorted(show(corpus.test_NL))
        assert again.facts.sha256 != corpus.facts.sha256


@pytest.fixture
def plain(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> Iterator[tuple[TextSpec, Config]]:
    config = tiny_config()
    corpus = prepared(tiny_lines, config, tmp_path)
    yield TextSpec(corpus.vocabulary, 10, dataclasses.asdict(corpus.facts)), config


def test_what_the_model_does_not_know_is_unknown(plain: tuple[TextSpec, Config], tiny_lines: list[str]) -> None:
    spec, config = plain
    others = [line.replace("a", "ж") for line in tiny_lines]
    with encode_for_model(spec, config.corpus, open_source(others)) as corpus:
        assert corpus.vocabulary.characters == spec.vocabulary.characters
        assert 0 < unknown_share(corpus) < 0.5
        strings = spec.vocabulary.decode(corpus.test_NL)
        assert set("".join(strings)) & set("aж") == set()
        assert (np.asarray(corpus.test_NL) == UNKNOWN).any()


def test_a_text_of_which_nothing_is_known_is_refused(plain: tuple[TextSpec, Config]) -> None:
    spec, config = plain
    with (
        pytest.raises(CorpusError, match="knows none of its characters") as caught,
        encode_for_model(spec, config.corpus, open_source([f"{k}" for k in range(500)])),
    ):
        raise AssertionError
    assert f"knows: {spec.vocabulary.characters}" in caught.value.remedy


def test_an_alphabet_of_any_size_is_read(plain: tuple[TextSpec, Config], tiny_lines: list[str]) -> None:
    spec, config = plain
    settings = dataclasses.replace(config.corpus, max_alphabet=len(spec.vocabulary.characters))
    others = [line + chr(0x4E00 + k) for k, line in enumerate(tiny_lines)]
    with encode_for_model(spec, settings, open_source(others)) as corpus:
        assert corpus.facts.length == 10
        assert unknown_share(corpus) > 0.05
