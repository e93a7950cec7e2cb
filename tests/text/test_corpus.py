"""From lines to ids on disk: alphabet, length, parts and counts, against a plain model and on real files."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import math
import random
import shutil
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.config import Config, CorpusSettings
from seqgan_wgp.errors import CheckpointError, CorpusError
from seqgan_wgp.text.bundled import bundled, folder
from seqgan_wgp.text.corpus import FACTS, IDS, TOKENIZER, Corpus, open_corpus, prepare
from seqgan_wgp.text.lines import BLOCK_BYTES, Source, open_source
from seqgan_wgp.text.scan import DISTINCT_FEW, DISTINCT_LEAST, LENGTH_MOST, Facts, Scan, hash_strings, scan

Data = str | Path | list[str] | bytes


def source_of(data: Data) -> Source:
    if isinstance(data, bytes):
        return Source(name="test", label="test.txt", open=lambda: io.BytesIO(data))
    return open_source(data)


def scanned(data: Data, **changes: Any) -> Scan:
    return scan(source_of(data), CorpusSettings(**changes))


def prepared(data: Data, **changes: Any) -> Corpus:
    """Prepare in a folder that is gone at once: the map of the ids outlives it."""
    with tempfile.TemporaryDirectory() as where:
        corpus = prepare(scanned(data, **changes), Path(where))
        return dataclasses.replace(corpus, ids_NL=np.array(corpus.ids_NL))


def parts(corpus: Corpus) -> dict[str, list[str]]:
    decode = corpus.vocabulary.decode
    return {
        "train": decode(corpus.train_NL),
        "validation": decode(corpus.validation_NL),
        "test": decode(corpus.test_NL),
    }


def all_rows(corpus: Corpus) -> list[str]:
    return corpus.vocabulary.decode(corpus.ids_NL)


def counts_add_up(facts: Facts) -> bool:
    sums = facts.read - facts.empty - facts.bad - facts.dropped, facts.train + facts.validation + facts.test
    return facts.kept == sums[0] == sums[1] and facts.cropped <= facts.kept


def made_lines(number: int, alphabet: str = "abcdefghijklmnop") -> list[str]:
    """Different strings of 5 characters, always the same, in an order without pattern."""
    lines = ["".join(letters) for letters in itertools.islice(itertools.product(alphabet, repeat=5), number)]
    random.Random(number).shuffle(lines)
    return lines


strings = st.text(
    st.sampled_from("abcdé李👩[]\r\u2028\x85") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=9
)
enough_strings = st.lists(strings, min_size=1, max_size=60).map(lambda lines: lines + made_lines(DISTINCT_LEAST))


# What becomes of lines


@settings(max_examples=60)
@given(enough_strings, st.sampled_from(["crop", "drop"]), st.integers(5, 10))
def test_rows_are_those_of_the_plain_model(lines: list[str], long: str, length: int) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    plain = [line.removesuffix("\r") for line in lines]
    plain[0] = plain[0].removeprefix("\ufeff")
    longer = sum(len(line) > length for line in plain)
    kept = [line[:length] for line in plain if line and (long == "crop" or len(line) <= length)]
    corpus = prepared(data, length=length, long=long)
    facts = corpus.facts
    assert Counter(all_rows(corpus)) == Counter(kept)
    assert corpus.vocabulary.characters == "".join(sorted(set("".join(kept))))
    assert facts.alphabet == len(corpus.vocabulary.characters)
    assert (facts.cropped, facts.dropped) == ((longer, 0) if long == "crop" else (0, longer))
    assert (facts.read, facts.empty, facts.bad) == (len(lines), plain.count(""), 0)
    assert facts.distinct == len(set(kept))
    assert counts_add_up(facts)
    encoded = corpus.vocabulary.encode(kept, length)
    assert Counter(map(bytes, encoded)) == Counter(map(bytes, np.asarray(corpus.ids_NL)))
    assert corpus.ids_NL.dtype == corpus.vocabulary.dtype


def test_training_rows_are_in_the_order_of_the_file() -> None:
    lines = made_lines(3_000)
    training = set(parts(corpus := prepared(lines))["train"])
    assert parts(corpus)["train"] == [line for line in lines if line in training]


def test_blocks_leave_no_trace() -> None:
    """The same lines in one block and in many, with a bad one and an empty one here and there."""
    lines = [line.encode() for line in made_lines(20_000)]
    lines[5_000], lines[15_000] = b"", b"\xff\xff"
    data = b"\r\n".join(lines)
    filled = b"\n".join([data, b"z" * 3 * BLOCK_BYTES, data])
    one, many = prepared(data, errors="skip", length=5), prepared(filled, errors="skip", length=5)
    assert Counter(all_rows(many)) == Counter([*all_rows(one), *all_rows(one), "zzzzz"])
    assert (many.facts.read, many.facts.empty, many.facts.bad) == (2 * one.facts.read + 1, 2, 2)


def test_bytes_of_other_encodings() -> None:
    lines = [f"Año{line}" for line in made_lines(200)]
    data = "\n".join(lines).encode("latin-1")
    corpus = prepared(data, encoding="latin-1")
    assert sorted(all_rows(corpus)) == sorted(lines)
    with pytest.raises(CorpusError, match=r"^test\.txt: line 1: byte 0xf1 is not valid UTF-8\n"):
        scanned(data)
    replaced = prepared(data, errors="replace")
    assert sorted(all_rows(replaced)) == sorted(line.replace("ñ", "\N{REPLACEMENT CHARACTER}") for line in lines)
    assert replaced.facts.bad == 0
    with pytest.raises(CorpusError, match=r"^test\.txt: all 200 lines"):
        scanned(data, errors="skip")


def test_ids_are_mapped_from_disk_and_bytes_where_they_can_be(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    small = prepare(scanned(made_lines(100)), few)
    large = prepare(scanned([chr(0x4E00 + place) * 2 for place in range(400)]), many)
    assert isinstance(small.ids_NL, np.memmap)
    assert isinstance(small.train_NL, np.memmap)
    assert not small.ids_NL.flags.writeable
    assert [small.ids_NL.dtype.name, large.ids_NL.dtype.name] == ["uint8", "uint16"]
    assert large.ids_NL.max() == large.vocabulary.size - 1 == 401


# The parts


def test_no_string_is_on_two_sides() -> None:
    lines = made_lines(4_000) + made_lines(4_000)[::3] * 2 + [line + "xyz" for line in made_lines(4_000)]
    found = parts(prepared(lines, length=5))
    for one, other in itertools.combinations(found.values(), 2):
        assert not set(one) & set(other)
    assert sum(map(len, found.values())) == len(lines)


@pytest.mark.parametrize("number", [200, 5_000])
def test_the_order_and_the_number_of_lines_do_not_decide(number: int) -> None:
    lines = made_lines(number)
    first = prepared(lines)
    again = prepared(sorted(lines))
    assert again.vocabulary.characters == first.vocabulary.characters
    assert {part: sorted(rows) for part, rows in parts(again).items()} == {
        part: sorted(rows) for part, rows in parts(first).items()
    }
    doubled = parts(prepared(lines + lines[::-1]))
    assert {part: set(rows) for part, rows in doubled.items()} == {
        part: set(rows) for part, rows in parts(first).items()
    }


def test_more_lines_move_no_string_to_another_part() -> None:
    first, more = parts(prepared(made_lines(5_000))), parts(prepared(made_lines(9_000)))
    assert all(set(rows) <= set(more[part]) for part, rows in first.items())


def test_what_is_held_out_does_not_depend_on_the_run(tiny_config: Callable[..., Config]) -> None:
    """Nothing but the settings of the corpus is given to `scan`, and no seed is among them."""
    one, other = tiny_config(**{"training.seed": 1}), tiny_config(**{"training.seed": 2})
    assert one.corpus == other.corpus
    assert "seed" not in {field.name for field in dataclasses.fields(CorpusSettings)}


def test_the_hash_of_a_string_never_changes() -> None:
    """A string held out today must be held out for ever, whatever the rows it is laid out in."""
    rows = np.array([[ord(c) for c in "abcd"], [ord("a"), ord("b"), 7, 7], [9, 9, 9, 9]], np.uint32)
    filled = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], np.bool_)
    wide = np.concatenate([rows, rows], axis=1)
    wide_filled = np.concatenate([filled, np.zeros_like(filled)], axis=1)
    assert hash_strings(rows, filled).tolist() == HASHES
    assert hash_strings(wide, wide_filled).tolist() == HASHES
    assert hash_strings(rows[1:2, :2], filled[1:2, :2]).tolist() == HASHES[1:2]


def plain_string_hash(string: str) -> int:
    def mix(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    value = 0x5EED0F5E0A2D11E5
    for character in string:
        value = mix(value ^ (ord(character) + 1))
    return mix(value)


HASHES = [plain_string_hash(string) for string in ("abcd", "ab", "")]


@pytest.mark.parametrize("held_out", [0.02, 0.2, 0.5, 0.9])
def test_the_share_held_out_is_about_as_asked_in_equal_halves(held_out: float) -> None:
    """Binomial; within 5 standard deviations."""
    number = 20_000
    facts = prepared(made_lines(number), held_out=held_out).facts
    for half in (facts.validation, facts.test):
        expected = number * held_out / 2
        assert abs(half - expected) < 5 * math.sqrt(expected)


def test_no_more_is_held_out_than_the_most() -> None:
    facts = prepared(made_lines(20_000), held_out_most=400).facts
    assert abs(facts.validation + facts.test - 400) < 5 * math.sqrt(400)
    few = prepared(made_lines(800), held_out_most=20).facts
    assert (few.validation, few.test) == (10, 10)


@pytest.mark.parametrize("number", [DISTINCT_LEAST, 17, 30, 99, 500, DISTINCT_FEW - 1])
@pytest.mark.parametrize("held_out", [0.001, 0.2, 0.9])
def test_small_corpora_have_no_empty_part(number: int, held_out: float) -> None:
    corpus = prepared(made_lines(number), held_out=held_out)
    facts = corpus.facts
    assert facts.validation == facts.test == max(1, int(held_out * number / 2))
    assert facts.train == number - 2 * facts.validation > 0


def test_a_half_that_is_empty_is_refused() -> None:
    """One in ten million of 2,000 lines: nothing could be measured."""
    with pytest.raises(CorpusError, match=r"^the given lines: 2,000 lines would be trained on, 0 held out .*\nchange "):
        prepared(made_lines(2_000), held_out=1e-7)


# Length


@pytest.mark.parametrize(("longer", "expected"), [(9, 8), (10, 8), (11, 16)])
def test_the_length_holds_99_lines_of_100_and_is_rounded_up(longer: int, expected: int) -> None:
    lines = [line + "xyz" for line in made_lines(1_000 - longer)] + [line + "uvxyz" for line in made_lines(longer)]
    facts = scanned(lines).facts
    assert facts.length == expected
    assert facts.cropped == (longer if expected == 8 else 0)


@given(st.lists(st.integers(1, 80), min_size=16, max_size=300))
@settings(max_examples=40)
def test_the_length_is_the_least_that_holds_them(sizes: list[int]) -> None:
    lines = [f"{place:03d}".ljust(size, "x")[:size] for place, size in enumerate(sizes)] + made_lines(16)
    lengths = sorted(map(len, lines))
    holding = lengths[-(-len(lines) * 99 // 100) - 1]
    assert scanned(lines).facts.length == min(next(n for n in range(8, 200, 8) if n >= holding), LENGTH_MOST)


def test_the_length_is_at_most_64_unless_asked_for() -> None:
    lines = [line * 20 for line in made_lines(50)]
    assert scanned(lines).facts.length == LENGTH_MOST == 64
    assert scanned(lines, length=100).facts.length == 100
    assert scanned(lines, length=100).facts.cropped == 0


# What is refused, what is warned of


def test_every_problem_has_its_warning() -> None:
    lines = made_lines(2_000)
    assert scanned(lines).facts.warnings() == []
    assert scanned(lines[:300]).facts.warnings() == [
        "only 300 different lines: batches repeat them, and the model may learn them by heart"
    ]
    longer = [line + "x" for line in lines[:100]]
    assert scanned(lines + longer, length=5).facts.warnings() == [
        "100 of 2,100 lines (4.8%) are cropped to 5 characters"
    ]
    assert scanned(lines + longer, length=5, long="drop").facts.warnings() == [
        "100 lines (4.8%) are longer than 5 characters and were dropped"
    ]
    bad = "\n".join(lines).encode() + b"\n\xff"
    assert scanned(bad, errors="skip").facts.warnings() == ["1 of 2,001 lines have bad bytes and were left out"]


@pytest.mark.parametrize("number", [DISTINCT_FEW - 1, DISTINCT_FEW, DISTINCT_FEW + 1])
def test_few_is_counted_exactly(number: int) -> None:
    distinct = scanned(made_lines(number) * 2).facts.distinct
    assert distinct == (number if number < DISTINCT_FEW else None)


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (b"", {}, r"^test\.txt: the file is empty\ngive a text file"),
        (b"\xef\xbb\xbf", {}, r"^test\.txt: the file is empty\n"),
        (b"\n\r\n\n", {}, r"^test\.txt: all 3 lines are empty\n"),
        (b"a\n" * 5_000 + b"b\n", {}, r"^test\.txt: only 2 different lines to learn from\nat least 16 are needed"),
        ("\n".join(made_lines(15)).encode(), {}, r"only 15 different lines"),
        ("\n".join(made_lines(99)).encode(), {"length": 1}, r"only \d+ different lines"),
        (
            "\n".join(made_lines(99)).encode(),
            {"length": 4, "long": "drop"},
            r"^test\.txt: all 99 lines are longer than 4 characters\nraise corpus\.length, .* corpus\.long=crop",
        ),
        (
            "".join(f"{chr(0x4E00 + place)}\n" for place in range(8193)).encode(),
            {},
            r"8,193 different characters; corpus\.max_alphabet is 8,192\n.*--set corpus\.max_alphabet=8193",
        ),
        ("ab\n".encode("utf-16"), {}, r"^test\.txt: the file is UTF-16\nconvert"),
        ("ab\n".encode("utf-16"), {"encoding": "utf-16"}, r"in which a line feed is not one byte\nconvert"),
    ],
)
def test_a_corpus_that_cannot_be_learnt_from_is_refused(data: bytes, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        scanned(data, **changes)


def test_only_what_is_kept_counts_for_the_alphabet() -> None:
    lines = [*made_lines(50), "李" * 9]
    assert "李" not in scanned(lines, length=5, long="drop").vocabulary.characters
    assert "é" not in scanned([*made_lines(50), "abcdeé"], length=5).vocabulary.characters


def test_a_file_that_changes_between_the_passes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    lines = made_lines(100)
    for changed in (lines[:-1], [*lines, "more"]):
        file.write_text("\n".join(lines))
        found = scanned(file)
        file.write_text("\n".join(changed))
        with pytest.raises(CorpusError, match=r"lines\.txt: the file changed while it was read$"):
            prepare(found, tmp_path)


# On disk


def test_the_sha256_is_of_the_text_without_its_byte_order_mark(tmp_path: Path) -> None:
    """Packed or not, marked or not: the same text has the same sum, that of `sha256sum` on the plain file."""
    data = "\n".join(made_lines(60_000) * 5).encode() + b"\n\xc3\xa9"
    assert len(data) > BLOCK_BYTES
    plain, marked, packed = tmp_path / "plain.txt", tmp_path / "marked.txt", tmp_path / "packed.txt.gz"
    plain.write_bytes(data)
    marked.write_bytes(b"\xef\xbb\xbf" + data)
    packed.write_bytes(gzip.compress(data, 1))
    expected = hashlib.sha256(data).hexdigest()
    assert [scanned(file).facts.sha256 for file in (plain, marked, packed)] == [expected] * 3


def test_a_prepared_corpus_is_opened_equal(tiny_corpus: Path, tiny_lines: list[str], tmp_path: Path) -> None:
    corpus = prepare(scanned(tiny_corpus), tmp_path)
    again = open_corpus(tmp_path)
    assert again.facts == corpus.facts
    assert again.vocabulary.characters == corpus.vocabulary.characters
    assert np.array_equal(again.ids_NL, corpus.ids_NL)
    assert sorted(all_rows(again)) == sorted(tiny_lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([IDS, TOKENIZER, FACTS])
    assert corpus.facts.name == "tiny"


def archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, ids=np.zeros(3))
    return buffer.getvalue()


def damage() -> dict[str, Callable[[Path], object]]:
    def change_facts(**changes: object) -> Callable[[Path], object]:
        def change(where: Path) -> object:
            facts = json.loads((where / FACTS).read_text())
            return (where / FACTS).write_text(json.dumps(facts | changes))

        return change

    def cut(name: str, share: float) -> Callable[[Path], object]:
        return lambda where: (where / name).write_bytes(
            (where / name).read_bytes()[: int((where / name).stat().st_size * share)]
        )

    absent = {f"no {name}": (lambda where, name=name: (where / name).unlink()) for name in (IDS, TOKENIZER, FACTS)}
    return absent | {
        **{f"{name} cut to {share}": cut(name, share) for name in (IDS, TOKENIZER, FACTS) for share in (0, 0.01, 0.9)},
        "no folder": shutil.rmtree,
        "facts of another corpus": change_facts(train=3),
        "facts of another length": change_facts(length=3),
        "facts unknown": change_facts(more=1),
        "facts of text": change_facts(train="many"),
        "facts of null": change_facts(length=None),
        "facts are a list": lambda where: (where / FACTS).write_text("[]"),
        "ids of floats": lambda where: np.save(where / IDS, np.load(where / IDS).astype(np.float32)),
        "ids are objects": lambda where: np.save(where / IDS, np.array([{}], object)),
        "ids are an archive": lambda where: (where / IDS).write_bytes(archive()),
        "ids are text": lambda where: (where / IDS).write_text("1 2 3\n" * 100),
        "tokenizer of another form": lambda where: (where / TOKENIZER).write_text("{}"),
        "tokenizer not UTF-8": lambda where: (where / TOKENIZER).write_bytes(b"\xff"),
    }


@pytest.mark.parametrize("what", damage())
def test_a_damaged_folder_is_a_checkpoint_error(what: str, tiny_corpus: Path, tmp_path: Path) -> None:
    prepare(scanned(tiny_corpus), tmp_path)
    damage()[what](tmp_path)
    with pytest.raises(CheckpointError):
        open_corpus(tmp_path)


# Corpora that exist


@pytest.mark.parametrize("name", bundled())
def test_the_index_describes_the_bundled_corpora(name: str) -> None:
    entry = bundled()[name]
    data = entry.path.read_bytes()
    lines = data.decode().split("\n")
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    assert lines.pop() == ""
    assert len(lines) == entry.lines == len(set(lines))
    assert entry.licence
    assert entry.source
    assert entry.description
    facts = prepared(entry.path).facts
    assert facts.sha256 == entry.sha256
    assert facts.kept == facts.read == entry.lines
    assert facts.distinct is None
    assert counts_add_up(facts)


def test_the_index_and_the_folder_agree() -> None:
    index = tomllib.loads((folder() / "index.toml").read_text(encoding="utf-8"))
    assert list(bundled()) == sorted(index)
    assert {entry["file"] for entry in index.values()} == {path.name for path in folder().glob("*.txt")}
    assert {entry["kind"] for entry in index.values()} == {"text"}


def test_words_are_words_and_identifiers_are_identifiers() -> None:
    words = bundled()["words"].path.read_text(encoding="utf-8").split()
    identifiers = bundled()["identifiers"].path.read_text(encoding="utf-8").split()
    assert len(words) >= 6_000
    assert len(identifiers) >= 20_000
    assert not [word for word in words if not (word.isascii() and word.isalpha() and word.islower())]
    assert not [name for name in identifiers if not name.isidentifier()]


@pytest.mark.parametrize("name", ["first_names__all", "surnames__all", "surnames__de", "surnames__il"])
def test_dirty_files_load(name: str, shared_data: Callable[[str], Path]) -> None:
    file = shared_data(f"dirty/{name}.txt")
    lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode().split("\n")
    kept = [line for raw in lines if (line := raw.removesuffix("\r"))]
    corpus = prepared(file)
    assert Counter(all_rows(corpus)) == Counter(line[: corpus.facts.length] for line in kept)
    assert counts_add_up(corpus.facts)


def test_a_file_in_another_encoding_is_named_with_its_line(shared_data: Callable[[str], Path]) -> None:
    file = shared_data("dirty/first_names__es.txt")
    with pytest.raises(CorpusError, match=r"first_names__es\.txt: line 1: byte 0xf1 is not valid UTF-8\n"):
        scanned(file)
    corpus = prepared(file, encoding="latin-1")
    assert "Añes" in all_rows(corpus)
    skipped = scanned(file, errors="skip").facts
    expected = [line for line in file.read_bytes().split(b"\n") if not line.isascii()]
    assert skipped.bad == len(expected) > 0
    assert skipped.read == corpus.facts.read


@pytest.mark.parametrize("name", ["names/names.txt", "cities/world_cities.txt", "words_scripts/thai.txt"])
def test_real_corpora_come_through_whole(name: str, shared_data: Callable[[str], Path]) -> None:
    file = shared_data(name)
    corpus = prepared(file)
    lines = [line.removesuffix("\r") for line in file.read_bytes().decode().split("\n")]
    assert Counter(all_rows(corpus)) == Counter(line[: corpus.facts.length] for line in lines if line)
    assert counts_add_up(corpus.facts)
    found = parts(corpus)
    assert not set(found["train"]) & (set(found["validation"]) | set(found["test"]))
