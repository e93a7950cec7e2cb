"""Labels of lines: read beside them, kept with them through every treatment, and refused where they cannot be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CheckpointError, CorpusError
from seqgan_wgp.text.corpus.dataset import LABELS, Corpus, open_corpus, prepare
from seqgan_wgp.text.corpus.scan import check_labels, scan
from seqgan_wgp.text.readers.open import open_inputs

WORDS = [f"{letter}{number:03}x{number % 7}" for number in range(120) for letter in "abc"]


def label_of(word: str) -> str:
    """The label that a word has in these tests."""
    return {"a": "one, of", "b": "zwei", "c": "three"}[word[0]]


def table(path: Path, rows: list[tuple[str, str]], *, head: str = "word,label") -> Path:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_text("\n".join([head, *quoted, ""]), encoding="utf-8")
    return path


def prepared(folder: Path, *inputs: str, **changes: Any) -> Corpus:
    folder.mkdir(exist_ok=True)
    settings = CorpusSettings(**{"format": "auto", "label": "label", **changes})
    found = scan(open_inputs(inputs), settings)
    check_labels(found)
    return prepare(found, folder)


def pairs(corpus: Corpus) -> list[tuple[str, str]]:
    """Strings of all parts with their labels."""
    names = corpus.facts.label_names
    rows = {"train": corpus.train.apart(), "validation": corpus.validation_NL, "test": corpus.test_NL}
    return [
        (string, names[number])
        for part, ids_NL in rows.items()
        for string, number in zip(corpus.vocabulary.decode(ids_NL), corpus.label_parts[part].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "changes",
    [{}, {"overflow": "drop", "length": 6}, {"overflow": "chunk", "length": 3}, {"limit": 200}, {"unit": "byte"},
     {"normalize": "nfc"}, {"case": "upper"}, {"unit": "grapheme"}, {"held_out": 0.5}],
    ids=str,
)  # fmt: skip
def test_every_row_keeps_the_label_of_its_line(changes: dict[str, Any], tmp_path: Path) -> None:
    longer = [(word + ("yyy" if number % 5 == 0 else ""), label_of(word)) for number, word in enumerate(WORDS)]
    corpus = prepared(tmp_path / "run", f"{table(tmp_path / 'a.csv', longer)}:word", **changes)
    found = pairs(corpus)
    assert len(found) == corpus.facts.rows > 100
    if changes.get("overflow") != "chunk":
        assert all(label == label_of(string.lower()) for string, label in found)
    else:  # a chunk has the label of the line that it is cut from
        chunks = {(line[at : at + 3], label) for line, label in longer for at in range(0, len(line), 3)}
        assert set(found) == chunks
    train = [label for _, label in found[: corpus.facts.train]]
    assert corpus.facts.labels == {name: train.count(name) for name in sorted(set(train))}
    assert len(corpus.facts.labels) == 3
    assert open_corpus(tmp_path / "run").facts == corpus.facts


def test_the_rows_are_those_without_labels(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(word, label_of(word)) for word in WORDS])
    with_labels = prepared(tmp_path / "one", f"{path}:word")
    without = prepared(tmp_path / "two", f"{path}:word", label="")
    assert np.array_equal(with_labels.ids_NS, without.ids_NS)
    assert with_labels.facts.sha256 == without.facts.sha256
    assert not (tmp_path / "two" / LABELS).exists()
    assert (without.labels_N, without.label_parts, without.facts.labels) == (None, {}, {})


def test_one_string_with_two_labels_is_on_one_side_of_the_split(tmp_path: Path) -> None:
    rows = [(word, label) for word in WORDS for label in ("left", "right")]
    corpus = prepared(tmp_path / "run", f"{table(tmp_path / 'a.csv', rows)}:word")
    found = pairs(corpus)
    held_out = {string for string, _ in found[corpus.facts.train :]}
    assert held_out.isdisjoint(string for string, _ in found[: corpus.facts.train])
    assert sorted(found) == sorted(rows)


@pytest.mark.parametrize("ending", ["tsv", "jsonl"])
def test_other_tables_have_columns_of_labels_too(ending: str, tmp_path: Path) -> None:
    rows = [(word, label_of(word)) for word in WORDS]
    path = tmp_path / f"a.{ending}"
    if ending == "tsv":
        path.write_text("".join(f"{word}\t{label}\n" for word, label in [("word", "label"), *rows]))
    else:
        path.write_text("".join(json.dumps({"word": word, "label": label}) + "\n" for word, label in rows))
    assert sorted(pairs(prepared(tmp_path / "run", f"{path}:word"))) == sorted(rows)


def test_the_name_of_a_file_is_the_label_of_its_lines(tmp_path: Path) -> None:
    for letter in "abc":
        lines = [word for word in WORDS if word[0] == letter]
        (tmp_path / f"{label_of(letter)}.txt").write_text("\n".join(lines) + "\n")
    corpus = prepared(tmp_path / "run", f"{tmp_path}/*.txt", label="file")
    assert sorted(pairs(corpus)) == sorted((word, label_of(word)) for word in WORDS)


def test_strings_without_label_are_refused_or_left_out(tmp_path: Path) -> None:
    rows = [(word, "" if word == "b007x0" else label_of(word)) for word in WORDS]
    path = f"{table(tmp_path / 'a.csv', rows)}:word"
    with pytest.raises(CorpusError, match="string 23 has no label"):
        prepared(tmp_path / "run", path)
    corpus = prepared(tmp_path / "run", path, errors="skip")
    assert sorted(pairs(corpus)) == sorted(row for row in rows if row[1])
    assert corpus.facts.bad == 1


@pytest.mark.parametrize(
    ("rows", "changes", "says"),
    [
        ([(word, "same") for word in WORDS], {}, "all lines have the label 'same'"),
        ([(word, word[0]) for word in [*WORDS, "zz"]], {}, "the label 'z' has only 1 line"),
        ([(word, word) for word in WORDS], {}, "has only 1 line, and 359 other labels have too few"),
        ([(f"{k}", f"{k}") for k in range(1_001)], {}, "more than 1,000 different labels: 0, 1, 2, ..."),
        ([(word, word[0]) for word in WORDS], {"label": "lable"}, "no column 'lable'; did you mean 'label'?"),
        ([(word, word[0]) for word in WORDS], {"layout": "windows", "length": 9}, "windows have no labels"),
    ],
)
def test_labels_that_cannot_be_learnt_by_are_refused(
    rows: list[tuple[str, str]], changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", rows)
    with pytest.raises(CorpusError, match=says):
        prepared(tmp_path / "run", f"{path}:word", **changes)


def test_a_list_without_columns_has_no_column_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(WORDS))
    with pytest.raises(CorpusError, match="corpus.label is 'label', but the lines are no table"):
        prepared(tmp_path / "run", str(path))
    rows = table(tmp_path / "a.csv", [(word, "3") for word in WORDS])
    with pytest.raises(CorpusError, match="repeated by their counts, and such have no labels"):
        prepared(tmp_path / "run", f"{rows}:word*label")


@pytest.mark.parametrize("damage", ["missing", "short", "large", "another type"])
def test_labels_that_are_damaged_are_refused(damage: str, tmp_path: Path) -> None:
    rows = [(word, label_of(word)) for word in WORDS]
    prepared(tmp_path / "run", f"{table(tmp_path / 'a.csv', rows)}:word")
    path = tmp_path / "run" / LABELS
    label_N = np.load(path)
    if damage == "missing":
        path.unlink()
    elif damage == "large":
        label_N[5] = 3
        np.save(path, label_N)
    else:
        np.save(path, label_N[:-1] if damage == "short" else label_N.astype(np.int64))
    with pytest.raises(CheckpointError, match=LABELS):
        open_corpus(tmp_path / "run")


@pytest.mark.parametrize("ending", [".fa", ".txt"])
@pytest.mark.parametrize("part", ["description", "name"])
def test_heads_of_fasta_are_labels(part: str, ending: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = {"s1 kinase": "ACGT", "s2\tzinc finger": "GGCC"}
    records, expected = [], {}
    for number in range(160):
        head, letters = list(kinds.items())[number % 2]
        sequence = "".join(rng.choice(list(letters), 24))
        records.append(f">{head}\n; a comment\n{sequence[:10]}\r\n {sequence[10:]}\n")
        name, label = re.split("[ \t]", head, maxsplit=1)
        expected[sequence] = name if part == "name" else label
    (tmp_path / f"a{ending}").write_text("".join(records) + ">s1 empty\n", newline="")
    found = pairs(prepared(tmp_path / "run", str(tmp_path / f"a{ending}"), label=part))
    assert dict(found) == expected
    assert len(found) == len(records)


def test_another_part_of_a_head_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a b\nACGT\n" * 20)
    with pytest.raises(CorpusError, match="the head of a FASTA record has description and name"):
        prepared(tmp_path / "run", str(tmp_path / "a.fa"), label="organism")


def test_a_record_without_description_is_named_or_left_out(tmp_path: Path) -> None:
    heads = ["a one", "b two", "c"]
    rng = np.random.default_rng(0)
    text = "".join(f">{heads[number % 3]}\n{''.join(rng.choice(list('ACGT'), 20))}\n" for number in range(150))
    (tmp_path / "a.fa").write_text(text)
    with pytest.raises(CorpusError, match="string 3 has no label"):
        prepared(tmp_path / "run", str(tmp_path / "a.fa"), label="description")
    kept = pairs(prepared(tmp_path / "kept", str(tmp_path / "a.fa"), label="description", errors="skip"))
    assert len(kept) == 100
