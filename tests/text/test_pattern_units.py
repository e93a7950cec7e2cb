"""Units that a pattern defines: graphemes, words, codons and a pattern of the user's, from the corpus to the model."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqgan_wgp import CheckpointError, ConfigError, CorpusError, Model, train
from seqgan_wgp.config import override, recipe
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.registry import UNITS
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.utf8 import automaton_of
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.evaluation.kept import corpus_key
from seqgan_wgp.text.evaluation.prepare_corpus import encode_for_model
from seqgan_wgp.text.inspection.inspect import inspect
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.units import tokens_for
from seqgan_wgp.text.vocabulary import UNKNOWN, Vocabulary
from seqgan_wgp.utils import token_symbols
from seqgan_wgp.utils.token_symbols import FIRST

FAMILY, FLAGS, WAVE = "👨‍👩‍👧", ("🇩🇪", "🇫🇷"), "👍🏽"

PIECES = {
    "grapheme": {
        f"a{FAMILY}b": ["a", FAMILY, "b"],
        "".join(FLAGS) + WAVE: [*FLAGS, WAVE],
        "क्षत्रिय": ["क्ष", "त्रि", "य"],
        "नमस्ते": ["न", "म", "स्ते"],
        "น้ำ": ["น้ำ"],
        "e\u0301te": ["e\u0301", "t", "e"],
        "한국": ["한", "국"],
        "plain": list("plain"),
    },
    "word": {
        "a cat, it's 42": ["a", " cat", ",", " it's", " 4", "2"],
        " well-known  x": [" well-known", " ", " x"],
        "Straße नमस्ते": ["Straße", " नमस्ते"],
        "a\tb": ["a", "\t", "b"],
        "l\u2019eau": ["l\u2019eau"],
    },
    "codon": {"ATGGCCTA": ["ATG", "GCC", "T", "A"], "atg---N": ["atg", "---", "N"], "A": ["A"]},
    "pattern": {"NaCl2": ["Na", "Cl", "2"], "xyNaz": ["xy", "Na", "z"]},
}

PATTERN = "[A-Z][a-z]?|[0-9]"


def settings(unit: str, **others: object) -> CorpusSettings:
    return CorpusSettings(unit=unit, unit_pattern=PATTERN if unit == "pattern" else "", **others)  # type: ignore[arg-type]


def pieces(unit: str, text: str) -> list[str]:
    tokens = tokens_for(settings(unit))
    assert tokens is not None
    return [tokens.decode(symbol) for symbol in tokens.encode(text)]


@pytest.mark.parametrize(("unit", "text"), [(unit, text) for unit, texts in PIECES.items() for text in texts])
def test_known_pieces(unit: str, text: str) -> None:
    assert pieces(unit, text) == PIECES[unit][text]


@given(st.sampled_from(sorted(PIECES)), st.text(st.characters(exclude_categories=["Cs", "Co", "Cn"]), max_size=12))
def test_every_text_comes_back(unit: str, text: str) -> None:
    assert "".join(pieces(unit, text)) == text


def lines_of(unit: str) -> list[str]:
    known = sorted({piece for found in PIECES[unit].values() for piece in found})
    draw = random.Random(0)
    return sorted({"".join(draw.choices(known, k=draw.randint(1, 5))) for _ in range(80)})


@pytest.mark.parametrize("unit", PIECES)
def test_ids_are_those_of_the_tokenizer_file_whose_text_alone_restores_the_vocabulary(
    unit: str, tmp_path: Path
) -> None:
    lines = lines_of(unit)
    found = scan(open_source(lines), settings(unit, length=16))
    corpus = prepare(found, tmp_path)
    assert sorted(corpus.vocabulary.decode(corpus.ids_NS)) == lines
    again = Vocabulary.from_json((tmp_path / "tokenizer.json").read_text(encoding="utf-8"), unit)
    assert again.texts == found.vocabulary.texts == corpus.vocabulary.texts
    ids_NL = again.encode([*lines, "Q☃qq zz"], 16)
    assert np.array_equal(ids_NL, found.vocabulary.encode([*lines, "Q☃qq zz"], 16))
    tokenizer = Tokenizer.from_str(found.vocabulary.to_json(16))
    assert [tokenizer.encode(line).ids for line in [*lines, "Q☃qq zz"]] == ids_NL.tolist()
    assert found.facts.unit == unit and f"{len(again.texts)} {UNITS[unit].plural}" in found.facts.summary()


def test_neither_the_order_of_lines_nor_other_lines_change_the_split(tmp_path: Path) -> None:
    lines = lines_of("word")
    backwards = ["zebra crossing", *reversed(lines)]

    def held_out(strings: list[str], folder: str) -> set[str]:
        (tmp_path / folder).mkdir()
        many = settings("word", length=16, held_out=0.5)
        found = scan(open_source(strings), many)
        # As of a corpus with many lines, of which a share of all hashes is held out.
        found = type(found)(**{**vars(found), "validation_below": 1 << 62, "test_below": 1 << 63})
        corpus = prepare(found, tmp_path / folder)
        return set(corpus.vocabulary.decode(corpus.test_NL)) | set(corpus.vocabulary.decode(corpus.validation_NL))

    first = held_out(lines, "first")
    assert 10 < len(first) < len(lines) - 10
    assert held_out(backwards, "second") - {"zebra crossing"} == first


def test_a_corpus_is_encoded_for_a_model_that_knows_other_words() -> None:
    lines = lines_of("word")
    found = scan(open_source(lines), settings("word", length=8))
    spec = TextSpec(found.vocabulary, 8, {"name": "words", "windows": 1})
    others = [f"zebra {line}"[:20] for line in lines] + lines
    with encode_for_model(spec, settings("word"), open_source(others)) as corpus:
        strings = corpus.vocabulary.decode(corpus.ids_NS)
    assert set(lines) - set(strings) == set()
    assert sum(string.startswith("\ufffd") for string in strings) >= len(lines) // 2


def test_kept_numbers_are_those_of_one_pattern(tmp_path: Path) -> None:
    lines = [f"{a}{b}{c}" for a in "ab" for b in "cdef" for c in "gh"] + [f"{a}{b}" for a in "ab" for b in "cdef"]
    keys = []
    for folder, pattern in (("one", "..?"), ("other", "[a-h]{1,2}")):
        (tmp_path / folder).mkdir()
        found = scan(open_source(lines), CorpusSettings(unit="pattern", unit_pattern=pattern, length=4))
        keys.append(corpus_key(prepare(found, tmp_path / folder)))
    assert keys[0]["corpus"] == keys[1]["corpus"] and keys[0] != keys[1]


def test_unknown_words_are_one_unknown_each() -> None:
    vocabulary = Vocabulary.of_texts(["a", " cat"], "word", UNITS["word"].pattern or "")
    ids_NL = vocabulary.encode(["a dog cat"], 4)
    assert (ids_NL[0] == UNKNOWN).tolist() == [False, True, False, False]
    assert vocabulary.decode(ids_NL) == ["a\ufffd cat"]


SMALL = {"generator.width": 8, "critic.width": 8, "training.batch_size": 8, "generator.relaxation": "softmax"}


def test_a_pattern_alone_chooses_its_unit_and_is_in_the_model(tmp_path: Path) -> None:
    changes = {**SMALL, "corpus.unit_pattern": PATTERN}
    model = train(lines_of("pattern"), steps=1, device="cpu", out=tmp_path / "run", settings=changes)
    assert model.config.corpus.unit == "pattern"
    again = Model.load(tmp_path / "run", device="cpu")
    assert again.generate(20) == model.generate(20)
    assert len(list(again.score(["NaCl2", "NaXx"]))) == 2


@pytest.mark.parametrize("wanted", [Constraints(prefix=" a"), Constraints(regex="a.*t"), Constraints(length=(2, 2))])
def test_constraints_are_about_the_text_of_units(wanted: Constraints) -> None:
    known = Vocabulary.of_texts(["a", " a", "cat", " cat"], "word", UNITS["word"].pattern or "")
    (expression,) = wanted.languages().values()
    automaton = automaton_of(expression, known, 3)
    rows = [row for size in (1, 2, 3) for row in product(range(2, known.size), repeat=size)]
    accepted = []
    for row in rows:
        state = 0
        for id_ in row:
            class_ = automaton.class_U[id_]
            state = automaton.target_SC[state, class_] if state >= 0 and class_ >= 0 else -1
        accepted.append(state >= 0 and bool(automaton.accepts_S[state]))
    texts = ["".join(known.texts[id_ - 2] for id_ in row) for row in rows]
    assert accepted == [wanted.satisfied_by(text, len(row)) for text, row in zip(texts, rows, strict=True)]
    assert any(accepted) and not all(accepted)


def test_settings_that_contradict_each_other_are_refused() -> None:
    fast = recipe("fast")
    for changes, words in (
        ({"corpus.unit": "pattern"}, "unit_pattern is empty"),
        ({"corpus.unit": "word", "corpus.unit_pattern": "x"}, "corpus.unit is 'word'"),
        ({"corpus.unit_pattern": "["}, "not a regular expression"),
    ):
        with pytest.raises(ConfigError, match=words):
            override(fast, changes)


def test_a_pattern_that_takes_too_many_steps_is_told() -> None:
    with pytest.raises(CorpusError, match="takes too many steps on 'aaaa"):
        scan(open_source(["a" * 40, *map(str, range(40))]), CorpusSettings(unit="pattern", unit_pattern="(a+)+b"))


def test_a_damaged_pattern_in_a_tokenizer_is_told() -> None:
    good = Vocabulary.of_texts(["a", "ab"], "pattern", "ab|a").to_json(3)
    assert good.count("ab|a") == 1
    with pytest.raises(CheckpointError, match="tokenizer cannot be read"):
        Vocabulary.from_json(good.replace("ab|a", "(ab"), "pattern")


def test_too_many_words_are_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"word{'abcdefghij'[place % 10] * place}" for place in range(1, 40)]
    with pytest.raises(CorpusError, match="39 distinct words") as error:
        scan(open_source(lines), settings("word", max_alphabet=20))
    assert "corpus.max_alphabet=39" in error.value.remedy
    assert scan(open_source(lines), settings("word", max_alphabet=39)).facts.alphabet == 39
    monkeypatch.setattr(token_symbols, "MAX_TOKENS", 20)
    told = f"{open_source(lines).label}: the text has more than 20 different units"
    with pytest.raises(CorpusError, match=told):
        scan(open_source(lines), settings("word"))
    with pytest.raises(CorpusError, match=told):
        inspect(open_source(lines), override(recipe("fast"), {"corpus.unit": "word"}))


def test_text_with_private_code_points_is_refused() -> None:
    with pytest.raises(CorpusError, match="private code points"):
        scan(open_source([chr(FIRST), *lines_of("word")]), settings("word"))


def test_inspect_proposes_graphemes_and_counts_units_and_characters(shared_data: Callable[[str], Path]) -> None:
    thai = open_source(shared_data("words_scripts/thai.txt"))
    found = inspect(thai, recipe("fast"))
    assert any("corpus.unit=grapheme" in finding.remedy for finding in found.findings)
    taken = inspect(thai, override(recipe("fast"), {"corpus.unit": "grapheme"}))
    assert not any("corpus.unit=grapheme" in finding.remedy for finding in taken.findings)
    assert taken.lengths and found.lengths and taken.lengths.unit == "graphemes"
    assert taken.lengths.mean < found.lengths.mean
    assert taken.characters.total == found.characters.total and taken.line_ends == found.line_ends
