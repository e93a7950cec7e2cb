"""A plugin's unit of text: lines come back, ids are the tokenizer file's, constraints speak of characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqgan_wgp import ConfigError, Model, PluginError, load_plugins, register, train
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.registry import UNITS, unload_plugin
from seqgan_wgp.testing import check_unit
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.utf8 import automaton_of
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.readers.lines import Lines
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.strings import strings_of
from seqgan_wgp.text.vocabulary import UNKNOWN, Vocabulary
from seqgan_wgp.utils.token_symbols import FIRST

PLUGIN = """
import re
import seqgan_wgp

@seqgan_wgp.register.unit("pair", tokens=["ab", "abc", "ca", "cb"], plural="pairs")
def pairs(line):
    return re.findall("abc|ab|ca|cb|.", line)
"""

LINES = [f"{head}{tail}{end}" for head in ("ab", "ca", "c") for tail in ("abc", "b", "a", "cb") for end in ("", "b")]


@pytest.fixture(autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("plugin") / "pairs.py"
    file.write_text(PLUGIN)
    load_plugins([file])
    yield file
    unload_plugin(file.name)


def vocabulary() -> Vocabulary:
    tokens = UNITS["pair"].tokens
    assert tokens is not None
    return Vocabulary("abc" + "".join(tokens.symbols.values()), "pair")


strings = st.text("abc", max_size=9)


def test_strings_come_back_and_ids_are_those_of_the_tokenizer_file() -> None:
    @given(st.lists(strings, min_size=1, max_size=5))
    def check(lines: list[str]) -> None:
        ids_NL = vocabulary().encode(lines, 9)
        assert vocabulary().decode(ids_NL) == lines
        tokenizer = Tokenizer.from_str(vocabulary().to_json(9))
        assert [tokenizer.encode(line).ids for line in lines] == ids_NL.tolist()

    check()


def test_known_ids() -> None:
    # 0 pads, 1 is unknown; a, b, c; then the tokens in their order: ab, abc, ca, cb.
    assert vocabulary().encode(["abcab", "cax", ""], 3).tolist() == [[6, 5, 0], [7, UNKNOWN, 0], [0, 0, 0]]


def test_a_vocabulary_is_read_back_with_the_plugin_only(plugin: Path) -> None:
    written = vocabulary().to_json(4)
    again = Vocabulary.from_json(written, "pair")
    assert (again.characters, again.unit, again.texts) == (vocabulary().characters, "pair", vocabulary().texts)
    unload_plugin(plugin.name)
    with pytest.raises(ConfigError, match="no unit of text 'pair'"):
        Vocabulary.from_json(written, "pair")


def test_a_corpus_is_read_in_units(tmp_path: Path) -> None:
    found = scan(open_source(LINES), CorpusSettings(unit="pair", length=3))
    corpus = prepare(found, tmp_path)
    assert sorted(corpus.vocabulary.decode(corpus.ids_NS)) == sorted(LINES)
    assert "7 pairs, rows of 3" in found.facts.summary()
    assert set(corpus.vocabulary.texts) == {"a", "b", "c", "ab", "abc", "ca", "cb"}


def test_lines_of_a_file_come_as_text(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("abcab\r\n\ncab\n")
    assert list(strings_of(str(file), CorpusSettings(unit="pair"))) == ["abcab", "", "cab"]


def test_strings_that_are_shown_alike_have_one_hash() -> None:
    hashes, known = StringHashes(vocabulary(), 5), vocabulary()
    split = known.encode_symbols(["abc", "ab" + "c"], 5)  # three characters each, none a token
    tokens = known.encode(["abc", "cab"], 5)
    assert known.decode(split) == ["abc", "abc"]
    one, other = hashes.of_ids(split), hashes.of_ids(tokens)
    assert one[0] == one[1] == other[0] != other[1]
    in_file = Lines.of(["abc", "cab"], as_bytes=False)
    assert np.array_equal(hashes.of_lines(in_file), other)


@pytest.mark.parametrize("constraints", [{"regex": "a(bc?|c)*"}, {"prefix": "ca"}, {"length": (2, 3)}])
def test_automata_accept_what_the_text_of_tokens_fulfils(constraints: dict[str, object]) -> None:
    wanted, known = Constraints(**constraints), vocabulary()  # type: ignore[arg-type]
    (language,) = wanted.languages().values()
    automaton = automaton_of(language, known, 3)
    rows = [[a, b, c] for a in range(2, known.size) for b in range(2, known.size) for c in range(known.size) if c != 1]
    for row, text in zip(rows, known.decode(np.array(rows)), strict=True):
        state = 0
        for id_ in filter(None, row):
            class_ = automaton.class_U[id_]
            state = automaton.target_SC[state, class_] if state >= 0 and class_ >= 0 else -1
        assert (state >= 0 and bool(automaton.accepts_S[state])) == wanted.satisfied_by(text, sum(map(bool, row))), text


def test_a_run_is_trained_and_generates_text_with_the_plugin_only(tmp_path: Path, plugin: Path) -> None:
    small = {"generator.width": 8, "critic.width": 8, "training.batch_size": 8, "corpus.unit": "pair"}
    result = train(LINES, steps=1, device="cpu", out=tmp_path / "run", settings=small)
    assert result.config.plugins == (plugin.name,)
    strings = result.generate(20)
    assert all(re.fullmatch("[abc\ufffd]*", string) for string in strings)
    unload_plugin(plugin.name)
    with pytest.raises(PluginError, match="pairs.py"):
        Model.load(tmp_path / "run")
    assert Model.load(tmp_path / "run", plugins=[plugin], device="cpu").generate(20) == strings


def test_the_contract_helper_takes_a_good_unit_and_refuses_bad_ones() -> None:
    check_unit("pair", LINES)
    with pytest.raises(AssertionError, match="none of its tokens"):
        check_unit("pair", ["ccc"])
    try:
        register.unit("whole", tokens=["ab"])(lambda line: list(line))
        with pytest.raises(AssertionError, match="does not take the token 'ab' alone"):
            check_unit("whole", LINES)
    finally:
        UNITS.remove_from(Path(__file__).name)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (lambda line: [line.strip("a")], "pieces that give"),
        (lambda line: line[1_000], "fails to split 'abc': IndexError"),
    ],
)
def test_a_split_that_loses_text_or_fails_is_told(split: object, words: str) -> None:
    try:
        register.unit("lossy", tokens=["ab"])(split)  # type: ignore[type-var]
        with pytest.raises(ConfigError, match=words):
            Vocabulary("abc", "lossy").encode(["abc"], 3)
    finally:
        UNITS.remove_from(Path(__file__).name)


@pytest.mark.parametrize("tokens", [[], ["a", "b"], ["a\nb"]])
def test_tokens_that_make_no_unit_are_refused(tokens: list[str]) -> None:
    with pytest.raises(ConfigError):
        register.unit("bad", tokens=tokens)(lambda line: list(line))


def test_text_with_the_code_points_of_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="private code points"):
        vocabulary().encode([chr(FIRST)], 3)
