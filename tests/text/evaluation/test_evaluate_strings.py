"""The evaluation of files of strings: what a model gets for the same strings, and what is said of each file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError, CorpusError
from seqgan_wgp.text.corpus.dataset import Corpus
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.evaluation.evaluate import evaluate_text
from seqgan_wgp.text.evaluation.evaluate_strings import StringsEvaluation, evaluate_strings
from seqgan_wgp.text.evaluation.options import TextEvalOptions
from seqgan_wgp.text.evaluation.strings_file import StringsFile, read_strings
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN

from ..corpora import made_text, prepared

Ids = npt.NDArray[np.integer]

SMALL = TextEvalOptions(guesses=(50, 200), orders=3)


class Rows:
    """A generator of given rows, with a critic that thinks nothing of any."""

    def __init__(self, corpus: Corpus, rows_NL: Ids) -> None:
        self.spec = TextSpec(corpus.vocabulary, corpus.facts.length, {})
        self.critic, self.device, self.rows_NL = Flat(), torch.device("cpu"), rows_NL

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Ids]:
        """Yield n of them from number `start` on."""
        del seed
        yield self.rows_NL[np.arange(start, start + n) % len(self.rows_NL)]


class Flat(nn.Module):
    """Scores all strings alike."""

    def forward(self, x_BLV: torch.Tensor) -> torch.Tensor:
        """Return zeros."""
        return torch.zeros(len(x_BLV))


@pytest.fixture
def corpus(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Corpus:
    return prepared(tiny_lines, tiny_config(), tmp_path)


@pytest.fixture
def judged(tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Callable[..., StringsEvaluation]:
    """Evaluate lists of strings, each by its name, against the tiny lines."""

    def call(files: dict[str, list[str]], reference: list[str] | None = None, **changes: object) -> StringsEvaluation:
        sources = {name: open_source(strings) for name, strings in files.items()}
        asked = replace(SMALL, **changes)  # type: ignore[arg-type]
        settings, device = tiny_config().corpus, torch.device("cpu")
        return evaluate_strings(sources, open_source(reference or tiny_lines), settings, asked, device=device)

    return call


def made(corpus: Corpus) -> list[str]:
    """As many strings as the test half has, some of them training lines and some empty."""
    lines = corpus.vocabulary.decode(np.asarray(corpus.train.rows_NS[: len(corpus.test_NL)]))
    return [line[::-1] if k % 3 else line if k % 7 else "" for k, line in enumerate(lines)]


def test_a_file_gets_what_a_model_of_its_strings_gets(corpus: Corpus, judged: Callable[..., StringsEvaluation]) -> None:
    strings = made(corpus)
    asked = {"guesses": (50, len(strings))}
    from_file = judged({"made": strings}, **asked).found["made"]
    rows_NL = corpus.vocabulary.encode(strings, corpus.facts.length)
    of_model = evaluate_text(Rows(corpus, rows_NL), corpus, replace(SMALL, guesses=asked["guesses"]))
    assert of_model.copies.share > 0 and of_model.hits.model[50] >= 0
    assert from_file.scores == {}
    same = replace(from_file, scores=of_model.scores, subject=of_model.subject)
    assert replace(same, text=of_model.text) == of_model
    assert (from_file.text.sha256, from_file.text.test) == (corpus.facts.sha256, len(corpus.test_NL))


def test_files_stand_side_by_side_by_the_same_number(corpus: Corpus, judged: Callable[..., StringsEvaluation]) -> None:
    strings = made(corpus)
    few, many = strings[: len(strings) // 2], strings * 9
    found = judged({"few": few, "many": many})
    assert {one.protocol.n for one in found.found.values()} == {len(few)}
    assert found.found["few"].hits.model.keys() == {min(50, len(few))}
    assert found.found["many"].hits.model.keys() == {len(few), 50, 200}
    alone = judged({"few": few})
    assert found.found["few"].profiles == alone.found["few"].profiles
    measures, ngrams = found.tables
    assert measures.head == ("measure", "few", "many", "compare with")
    assert [row[1] for row in measures.rows if row[0] == "hits in 200"] == [""]
    assert [row[0] for row in ngrams.rows][:4] == ["floor", "few", "many", "Markov order 1"]
    assert found.rows == [] and alone.rows[0][0] == "JS-3"
    assert {sentence.split(":")[0] for sentence in found.summary} == {"few", "many"}
    tree = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert tree["strings"]["few"] == json.loads(json.dumps(alone.to_json()["strings"]["few"]))


def test_real_lines_are_better_than_reversed_ones(corpus: Corpus, judged: Callable[..., StringsEvaluation]) -> None:
    real = corpus.vocabulary.decode(np.asarray(corpus.train.rows_NS))
    found = judged({"real": real, "reversed": [line[::-1] for line in real]}, c2st_steps=25).found
    assert found["real"].profiles.model.js[2] < found["reversed"].profiles.model.js[2]
    assert found["real"].copies.share == 1
    tests = [found[name].c2st for name in ("real", "reversed")]
    assert tests[0] is not None and tests[1] is not None
    assert tests[1].generated.auc > 0.65 > tests[0].generated.auc + 0.1
    assert tests[0].floor == tests[1].floor


def test_a_classifier_is_tested_on_strings_that_it_never_saw() -> None:
    ids_ML = np.arange(300).reshape(-1, 1)
    tested_NL, others = StringsFile(label="x", ids_ML=ids_ML, too_long=0).split(60, 5, torch.device("cpu"))
    drawn = np.concatenate(list(others.samples(700)))[:, 0]
    first = drawn[:80]
    assert set(drawn.tolist()) == set(range(300)) - set(tested_NL[:, 0].tolist())
    assert len(set(first.tolist())) == 80 and not set(first.tolist()) & set(drawn[80:].tolist())
    later = np.concatenate(list(others.samples(300, start=400)))[:, 0]
    assert (later == drawn[400:]).all()


def test_of_a_sorted_file_strings_are_drawn_from_everywhere() -> None:
    file = StringsFile(label="x", ids_ML=np.arange(10_000).reshape(-1, 1), too_long=0)
    sample_N = file.sample(500, seed=3)[:, 0]
    assert (np.diff(sample_N) > 0).all()
    assert abs(sample_N.mean() - 5_000) < 600
    assert (file.sample(10_000, seed=3) == file.ids_ML).all()


def test_long_and_unknown_strings_are_told(
    corpus: Corpus, judged: Callable[..., StringsEvaluation], tiny_config: Callable[..., Config]
) -> None:
    strings = ["b" * 11, "ba", "Ωa", "", "1,2"]
    file = read_strings(open_source(strings), tiny_config().corpus, corpus, "odd")
    assert corpus.vocabulary.decode(file.ids_ML) == ["b" * 10, "ba", "\ufffda", "", "\ufffd\ufffd\ufffd"]
    assert (file.ids_ML[3] == PAD).all() and file.ids_ML[2, 0] == UNKNOWN
    long, unknown = judged({"odd": strings}).summary[2:]
    assert long == (
        "odd: 1 of 5 strings are longer than 10, the length of a row of the reference, and are cropped to it"
    )
    assert unknown == f"odd: {4 / 17:.2%} of the characters do not occur in the reference"


@pytest.mark.parametrize("samples", [{"samples": 6}, {"legacy": True}])
def test_more_strings_than_a_file_has(
    judged: Callable[..., StringsEvaluation], samples: dict[str, object], tiny_lines: list[str]
) -> None:
    with pytest.raises(ConfigError, match=r"few has 5 strings, but --(samples asks for 6|legacy measures 640)"):
        judged({"few": tiny_lines[:5], "more": tiny_lines}, **samples)
    assert judged({"few": tiny_lines[:5]}, samples=5).found["few"].protocol.n == 5


def test_running_text_and_an_empty_file_are_refused(
    judged: Callable[..., StringsEvaluation], tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    text = made_text(400_000)
    with pytest.raises(ConfigError, match="is running text, whose windows are not lines of a file"):
        judged({"a": ["b"]}, reference=[text[k : k + 2_000] for k in range(0, len(text), 2_000)])
    (tmp_path / "empty.txt").write_bytes(b"")
    sources = {"a": open_source(tmp_path / "empty.txt")}
    with pytest.raises(CorpusError, match="the file is empty"):
        evaluate_strings(sources, open_source(tiny_lines), tiny_config().corpus, SMALL, device=torch.device("cpu"))
