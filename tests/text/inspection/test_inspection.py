"""What an inspection says: equal to a plain model, right on dirty files, bounded in memory, with keys that last."""

from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import networks
from seqgan_wgp.text.hashing.distinct_counter import DistinctCounter
from seqgan_wgp.text.inspection import timing as pace
from seqgan_wgp.text.inspection.characters import KINDS, kind, name, script
from seqgan_wgp.text.inspection.counter import Census
from seqgan_wgp.text.inspection.encodings import GUESSES, guess, wide
from seqgan_wgp.text.inspection.file_type import shape
from seqgan_wgp.text.inspection.findings import LEVELS, RULES
from seqgan_wgp.text.inspection.inspect import inspect
from seqgan_wgp.text.inspection.preview import ROWS, count_weights
from seqgan_wgp.text.inspection.report import Inspection
from seqgan_wgp.text.readers import file_reader
from seqgan_wgp.text.readers.open import Source, open_source
from seqgan_wgp.text.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]

FAST = recipe("fast")


def words(count: int, seed: int = 0) -> list[str]:
    """Return so many different pseudo-words of 4 to 9 letters."""
    noise = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(noise.choice("abcdefghijklmnop") for _ in range(noise.randint(4, 9)))] = None
    return list(found)


WORDS = words(2_000)


def of_bytes(data: bytes) -> Source:
    return Source(name="data", label="data.txt", open=lambda: io.BytesIO(data), size=len(data))


def inspected(data: bytes | str, **overrides: object) -> Inspection:
    data = data.encode() if isinstance(data, str) else data
    changes = {f"corpus.{key}": value for key, value in overrides.items()}
    return inspect(of_bytes(data), recipe("fast", changes))


def said(found: Inspection, level: str) -> str:
    return "\n".join(f"{one.what} ({one.remedy})" for one in found.findings if one.level == level)


# Equal to a model


def percentile(sizes: list[int], thousandths: int) -> int:
    return sorted(sizes)[-(-thousandths * len(sizes) // 1000) - 1]


def model(data: bytes) -> dict[str, Any]:
    """Return the counts in plain Python, a line and a character at a time."""
    text = data.decode().removeprefix("\ufeff")
    pieces = text.split("\n")
    lines = [piece.removesuffix("\r") for piece in (pieces if pieces[-1] else pieces[:-1])]
    filled = [line for line in lines if line]
    solid = [line for line in filled if line.strip()]
    sizes = list(map(len, filled))
    counts = Counter("".join(lines))
    first = {
        character: next(number for number, line in enumerate(lines, 1) if character in line) for character in counts
    }
    pairs = text.count("\r\n")
    repeated = Counter(filled)
    return {
        "ends": (text.count("\n") - pairs, pairs, text.count("\r") - pairs),
        "lines": (len(lines), len(lines) - len(filled), len(filled) - len(solid)),
        "around": (sum(line[0].isspace() for line in solid), sum(line[-1].isspace() for line in solid)),
        "distinct": (len(repeated), len(filled) - len(repeated)),
        "most": max(repeated.values(), default=0),
        "sizes": (sum(sizes), min(sizes), max(sizes)) if sizes else None,
        "percentiles": [percentile(sizes, part) for part in (500, 900, 990, 999)] if sizes else None,
        "characters": (counts.total(), len(counts)),
        "rare": (sum(count == 1 for count in counts.values()), sum(count < 3 for count in counts.values())),
        "beyond": sum(count for character, count in counts.items() if ord(character) > 0xFFFF),
        "suspects": {ord(one): (counts[one], first[one]) for one in counts if kind(ord(one))},
        "forms": [sum(unicodedata.normalize(form, line) != line for line in lines) for form in ("NFC", "NFKC")],
    }


def counted(found: Inspection) -> dict[str, Any]:
    lines, lengths, characters, form = found.lines, found.lengths, found.characters, found.normal_form
    assert found.line_ends is not None and form is not None
    assert sum(one.count for one in characters.scripts.values()) == characters.total
    assert sum(one.characters for one in characters.scripts.values()) == characters.alphabet
    if lengths:
        assert sum(bucket.lines for bucket in lengths.histogram) == lines.filled
        assert (lengths.histogram[0].least, lengths.histogram[-1].most >= lengths.max) == (lengths.min, True)
    return {
        "ends": (found.line_ends.lf, found.line_ends.crlf, found.line_ends.lone_cr),
        "lines": (lines.read, lines.empty, lines.blank),
        "around": (lines.leading_blanks, lines.trailing_blanks),
        "distinct": (lines.distinct, lines.repeated),
        "most": lines.most_frequent[0].count if lines.most_frequent else min(1, lines.filled),
        "sizes": (round(lengths.mean * lines.filled), lengths.min, lengths.max) if lengths else None,
        "percentiles": [lengths.median, lengths.p90, lengths.p99, lengths.p99_9] if lengths else None,
        "characters": (characters.total, characters.alphabet),
        "rare": (characters.once, characters.under_three),
        "beyond": characters.beyond_bmp.count,
        "suspects": {int(one.code_point[2:], 16): (one.count, one.first_line) for one in characters.suspects},
        "forms": [form.not_nfc, form.not_nfkc],
    }


ODD = "\r\t \x85\xa0\xad\u0301\u200b\u2028\ufeff\ufffd\U0001f600\U000e0100\ue000\uff41ﬁé한ㅎabAB"
LINE = st.text(st.sampled_from(ODD), max_size=6) | st.sampled_from(["a", "b", "", " ", "e\u0301"])
TEXTS = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"])), max_size=20).map(
    lambda pairs: "".join(map("".join, pairs))
)


@settings(max_examples=60)
@given(text=TEXTS, rest=LINE)
def test_counts_are_those_of_a_plain_model(text: str, rest: str) -> None:
    data = (text + rest).encode()
    assert counted(inspected(data)) == model(data)


@settings(max_examples=20)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
def test_counts_are_those_of_a_plain_model_on_any_characters(text: str) -> None:
    found = counted(inspected(text))
    expected = model(text.encode())
    if len(expected["suspects"]) > len(found["suspects"]):  # only so many are listed
        expected["suspects"] = {unit: expected["suspects"][unit] for unit in found["suspects"]}
    assert found == expected


def mixed_text() -> str:
    noise = random.Random(1)
    kinds = ["plain", "", " ", "é", "e\u0301", "Ã©", "x\u200b", "\U0001f600", "한국", "tab\t", "a\rb", "cr\r"]
    return "".join(noise.choice(kinds) * noise.choice((1, 1, 1, 3)) + noise.choice(("\n", "\r\n")) for _ in range(900))


@pytest.mark.parametrize("block", [3, 64, 1000])
def test_where_blocks_end_leaves_no_trace(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mixed_text().encode() + b"no line feed"
    expected = inspected(data).to_json()
    monkeypatch.setattr(file_reader, "BLOCK_BYTES", block)
    assert inspected(data).to_json() == expected


@pytest.mark.parametrize("block", [50, 1000])
def test_lines_in_parts_are_counted_like_whole_ones(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = ["é" * 900, " " * 4000, "x\r" * 1500, "\u2028Ã©" * 700 + " ", "Ã©e\u0301" * 800]
    data = "\n".join([*WORDS[:20], *pieces, "", "short", *pieces, " last"]).encode()
    expected = inspected(data).to_json()
    monkeypatch.setattr(file_reader, "BLOCK_BYTES", block)
    monkeypatch.setattr(file_reader, "LINE_BYTES", 1100)
    found = inspected(data).to_json()
    # The text of a line in parts is not read again, and how it is laid out in rows is the scan's affair.
    for one in (expected, found):
        del one["outlook"], one["verdict"], one["lines"]["most_frequent"]
    assert found == expected


def test_a_limit_is_heeded() -> None:
    data = ("\n".join(["a\x07", "", "b", "c\u200b", "d\ufffd"]) + "\n").encode()
    found = inspected(data, limit=2)
    assert (found.lines.read, found.lines.empty, found.characters.alphabet) == (3, 1, 3)
    assert found.line_ends and found.line_ends.lf == 3
    assert [one.name for one in found.characters.suspects] == ["BELL"]


def test_many_different_lines_are_estimated() -> None:
    noise = np.random.default_rng(0)
    hash_N = noise.integers(0, 2**64, 60_000, np.uint64)
    for kept, is_exact in ((60_000, True), (5_000, False)):
        distinct = DistinctCounter(kept)
        for some_N in np.array_split(np.concatenate([hash_N, hash_N[::-1], hash_N[:7]]), 50):
            distinct.add(some_N)
            if len(some_N) % 3 == 0:
                distinct.count()
        assert distinct.exact == is_exact
        assert distinct.count() == pytest.approx(60_000, rel=0 if is_exact else 0.05)
        frequent = distinct.frequent(7)
        assert frequent == ({int(value): 3 for value in hash_N[:7]} if is_exact else {})


def test_the_most_frequent_lines_are_named() -> None:
    lines = [*WORDS, *["often"] * 50, "x" * 1000, *["twice \x1b"] * 2, "x" * 1000, *["often"] * 7]
    found = inspected("\n".join(lines)).lines
    assert (found.most_frequent[0].text, found.most_frequent[0].count) == ("often", 57)
    assert {(line.text, line.count) for line in found.most_frequent[1:]} == {("twice \x1b", 2), ("x" * 100, 2)}
    assert (found.distinct, found.repeated, found.distinct_is_exact) == (2_003, 58, True)


# Dirty files


@pytest.mark.parametrize(
    ("file", "verdict", "level", "what"),
    [
        ("first_names__es", "train would reject this corpus: ", "problem", "--set corpus.encoding=cp1252"),
        ("first_names__all", "ready to train", "ok", "byte order mark, which is removed"),
        (
            "surnames__all",
            "can be trained on, but see the warnings",
            "warning",
            "REPLACEMENT CHARACTER U+FFFD (1); first in line 14,696",
        ),
        ("surnames__de", "ready to train", "ok", "LF (27,593) or CRLF (2,044), which is harmless"),
        ("surnames__il", "ready to train", "ok", "LF (51) or CRLF (2,999), which is harmless"),
    ],
)
def test_verdicts_on_dirty_files(
    file: str, verdict: str, level: str, what: str, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data(f"dirty/{file}.txt")
    found = inspect(open_source(path), FAST)
    assert found.verdict.what.startswith(verdict)
    assert what in said(found, level)
    assert found.verdict.trains == (found.outlook is not None)


def test_where_bad_bytes_are(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("dirty/first_names__es.txt")
    found = inspect(open_source(path), FAST)
    lines = path.read_bytes().split(b"\n")
    bad = [number for number, line in enumerate(lines, 1) if not line.isascii()]
    assert (found.encoding.bad_lines, found.encoding.first_bad_line) == (len(bad), bad[0])
    assert (found.encoding.first_bad_byte, found.encoding.guess) == ("0xF1", "cp1252")
    assert "corpus.encoding=cp1252" in found.verdict.remedy
    mended = inspect(open_source(path), recipe("fast", {"corpus.encoding": "cp1252"}))
    assert (mended.verdict.what, mended.encoding.bad_lines) == ("ready to train", 0)


NFD = unicodedata.normalize("NFD", "\n".join(f"{word}é" for word in WORDS))

CASES: dict[str, tuple[bytes | str, str, str, str]] = {
    # What is in it -> bytes, verdict, level and words of a finding.
    "nothing odd": ("\n".join(WORDS), "ready to train", "ok", "no control or invisible characters"),
    "NUL": ("\n".join(WORDS) + "\0", "train would reject this corpus: ", "problem", "NUL bytes"),
    "line ends of old Macs": ("\r".join(WORDS), "ready to train", "note", "carriage return alone"),
    "carriage returns": ("\n".join(WORDS).replace("ab", "a\rb"), "can be trained on, but", "warning", "within lines"),
    "U+2028": ("\n".join(WORDS).replace("a", "\u2028"), "can be trained on, but", "warning", "LINE SEPARATOR U+2028"),
    "U+0085": ("\n".join(WORDS).replace("a", "\x85"), "can be trained on, but", "warning", "NEXT LINE U+0085"),
    "escape": ("\n".join(WORDS).replace("a", "\x1b[m"), "can be trained on, but", "warning", "ESCAPE U+001B"),
    "zero-width space": (
        "\n".join(WORDS).replace("ab", "a\u200bb"),
        "can be trained on, but",
        "warning",
        "ZERO WIDTH SPACE",
    ),
    "joiners": ("\n".join(WORDS).replace("ab", "a\u200db"), "ready to train", "note", "ZERO WIDTH JOINER"),
    "marks inside": ("\n".join(WORDS).replace("ab", "a\ufeffb"), "can be trained on, but", "warning", "U+FEFF"),
    "no-break spaces": ("\n".join(WORDS).replace("ab", "a\xa0b"), "ready to train", "note", "NO-BREAK SPACE U+00A0"),
    "nothing": ("", "train would reject this corpus: ", "ok", "valid UTF-8"),
    "line feeds": ("\n\n\n", "train would reject this corpus: ", "note", "empty lines (skipped): 3"),
    "blanks": (" \n\t\n\u3000\n" * 9, "train would reject this corpus: ", "warning", "white space only: 27"),
    "blanks around": (
        "\n".join(f" {word} " for word in WORDS),
        "can be trained on, but",
        "warning",
        "leading white space: 2,000",
    ),
    "few lines": ("\n".join(WORDS[:99]), "can be trained on, but", "warning", "only 99 distinct lines"),
    "too few lines": ("a\nb", "train would reject this corpus: ", "warning", "only 2 distinct lines:"),
    "repeats": ("\n".join(WORDS * 3), "can be trained on, but", "warning", "duplicate lines: 4,000 of 6,000"),
    "NFD": (NFD, "can be trained on, but", "warning", "--set corpus.normalize=nfc"),
    "full width": ("\n".join(WORDS).replace("a", "\uff41"), "ready to train", "note", "corpus.normalize=nfkc"),
    "long lines": (
        "\n".join(word * 20 for word in WORDS),
        "can be trained on, but",
        "warning",
        "--set corpus.length=184",
    ),
    "UTF-16": (
        "\n".join(WORDS).encode("utf-16"),
        "ready to train",
        "note",
        "the text is UTF-16 by its byte order mark",
    ),
    "UTF-16 without mark": (
        *(
            "\n".join(WORDS).encode("utf-16-be"),
            "train would reject this corpus: ",
            "problem",
            "corpus.encoding=utf-16-be)",
        ),
    ),
    "UTF-32": (
        "\n".join(WORDS).encode("utf-32"),
        "ready to train",
        "note",
        "the text is UTF-32 by its byte order mark",
    ),
    "UTF-8 twice": (
        "\n".join(f"{word}é" for word in WORDS).encode().decode("latin-1"),
        *("can be trained on, but", "warning", "2,000 pairs such as 'Ã©' (to repair it: iconv"),
    ),
    "few bad bytes": (
        "\n".join(f"{word}é" for word in WORDS).encode() + b"\nna\xefve",
        *("train would reject this corpus: ", "problem", "--set corpus.errors=skip"),
    ),
    "both cases": ("\n".join(map(str.title, WORDS)), "ready to train", "note", "in both upper and lower case: 16"),
    "rare characters": (
        "\n".join([*WORDS, *map(chr, range(0x4E00, 0x4E20))]),
        *("ready to train", "note", "too rare to learn: 32 of 48"),
    ),
    "a table": ("\n".join(f"{word},{word[::-1]}" for word in WORDS), "can be trained on, but", "warning", "2 columns"),
    "JSON": (
        "\n".join(json.dumps({"n": 1, "word": word}) for word in WORDS),
        "train would reject this corpus: ",
        "problem",
        "fields: word, n",
    ),
    "FASTA": (
        "\n".join(f">{word}\nACGT{word.upper()}" for word in WORDS),
        "ready to train",
        "note",
        "the file is FASTA",
    ),
    "CRLF": ("\r\n".join(WORDS), "ready to train", "ok", "lines end with CRLF, which is harmless"),
}


@pytest.mark.parametrize("case", CASES)
def test_verdicts_on_made_files(case: str) -> None:
    data, verdict, level, what = CASES[case]
    found = inspected(data)
    assert found.verdict.what.startswith(verdict)
    assert what in said(found, level)
    levels = [one.level for one in found.findings]
    assert levels == sorted(levels, key=LEVELS.index)
    assert found.verdict.trains or found.verdict.remedy


def test_every_rule_has_something_to_say_about_a_made_file() -> None:
    found = [inspected(data) for data, *_ in CASES.values()]
    large = inspected("\n".join(WORDS), length=4096)
    assert large.outlook
    found.append(inspected("\n".join(f"{word},{word[::-1]}" for word in WORDS), format="lines"))
    found.append(replace(large, outlook=replace(large.outlook, batch_bytes=1 << 31)))
    assert [rule.__name__ for rule in RULES if not any(list(rule(one)) for one in found)] == []


def test_what_would_be_refused_is_what_scan_refuses() -> None:
    for data, *_ in CASES.values():
        data = data.encode() if isinstance(data, str) else data
        try:
            scan(of_bytes(data), FAST.corpus)
        except CorpusError as error:
            assert inspected(data).verdict.what == f"train would reject this corpus: {error.message}"
        else:
            assert inspected(data).verdict.trains


def test_text_in_other_encodings_is_counted_as_text() -> None:
    expected = inspected("\n".join(WORDS)).characters
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        found = inspected("\n".join(WORDS).encode(encoding))
        is_marked = encoding in ("utf-16", "utf-32")
        assert (found.source.fallback, found.characters) == ("" if is_marked else "encoding", expected)
        asked = inspected("\n".join(WORDS).encode(encoding), encoding=encoding)
        assert (asked.source.fallback, asked.characters, asked.verdict.trains) == ("", expected, True)


def test_bytes_are_counted_where_they_are_asked_for() -> None:
    found = inspected("é\n" * 40 + "\n".join(WORDS), unit="byte")
    assert found.lengths and found.lengths.unit == "bytes"
    assert (found.characters.scripts["Bytes"].characters, found.normal_form) == (2, None)
    assert (found.source.fallback, found.verdict.trains) == ("", True)
    assert {one.code_point for one in found.characters.most_common} >= {"0x61"}


# Encodings

JAPANESE = [
    "こんにちは",
    "東京タワー",
    "日本語",
    "カタカナ",
    "私は学生です",
    "新幹線",
    "ありがとう",
    "さくら",
]
RUSSIAN = ["Александр", "Мария", "Ольга", "Дмитрий", "Наталья", "Сергей", "Елена", "Андрей", "Татьяна", "Алексей"]
CHINESE = ["我们是中国的学生", "这是一个有用的例子", "他在北京大学学习", "今天天气很好", "你好世界"]
KOREAN = ["안녕하세요", "대한민국", "서울특별시", "감사합니다", "오늘은 날씨가 좋다"]
WESTERN = ["café", "naïve", "Ñandú", "Müller", "garçon", "L\u2019été"]
GREEK = ["Αθήνα", "Θεσσαλονίκη", "καλημέρα", "ελληνικά"]


@pytest.mark.parametrize(
    ("lines", "encoding", "expected"),
    [
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (CHINESE, "gb18030", "gb18030"),
        (KOREAN, "cp949", "cp949"),
        (WESTERN, "cp1252", "cp1252"),
        (GREEK, "cp1253", None),
        (RUSSIAN, "cp866", None),
        (["中文"], "gb18030", None),
    ],
)
def test_encodings_are_guessed(lines: list[str], encoding: str, expected: str | None) -> None:
    data = b"\n".join(line.encode(encoding) for line in lines)
    assert guess(data) == expected
    assert inspected(data).encoding.guess == expected
    assert expected is None or expected in GUESSES


@pytest.mark.parametrize(
    ("file", "encoding"),
    [
        ("words_scripts/russian.txt", "cp1251"),
        ("words_scripts/chinese.txt", "gb18030"),
        ("words_scripts/chinese.txt", "big5"),
        ("words_scripts/korean.txt", "cp949"),
        ("cities/world_cities.txt", "cp1252"),
    ],
)
def test_encodings_of_real_words_are_guessed(file: str, encoding: str, shared_data: Callable[[str], Path]) -> None:
    lines = shared_data(file).read_text(encoding="utf-8").split("\n")
    data = b"\n".join(line.encode(encoding, "ignore") for line in lines)
    assert inspected(data).encoding.guess == encoding


def test_noise_is_in_no_encoding() -> None:
    noise = random.Random(0).randbytes(5_000)
    assert guess(noise) is None
    assert wide(noise) is None
    assert wide(b"a stray \0 in text\nand more text\n") is None
    found = inspected(noise)
    assert not found.verdict.trains
    assert json.dumps(found.to_json())


# Characters


def test_scripts() -> None:
    scripts = {
        "aé\xaa\uff21Ⅳ\u02b0\U0001d400": "Latin",
        "яЁ": "Cyrillic",
        "中々〇〆": "Han",
        "한ㅎ": "Hangul",
        "ع٣\u064e": "Arabic",
        "हि": "Devanagari",
        "ไ": "Thai",
        "Ω\xb5": "Greek",
        "א": "Hebrew",
        "あ": "Hiragana",
        "カｶーｰ": "Katakana",
        "ᐁ": "Canadian Aboriginal",
        "7²½\uff17①": "Digits",
        ".!。،": "Punctuation",
        "+€㎏": "Symbols",
        "\u02b9": "Other letters",
        "😀☂": "Emoji",
        " \xa0": "Blanks",
        "\u0301\u3099": "Combining marks",
        "\t": "Controls",
        "\u200b\u2028\ufe0f": "Invisible",
        "\ue000": "Private use",
        "\uffff": "Unassigned",
    }
    assert {character: script(ord(character)) for one in scripts for character in one} == {
        character: expected for one, expected in scripts.items() for character in one
    }


def test_every_character_has_a_name_and_a_script() -> None:
    for unit in [*range(0x3000), *range(0xD7A0, 0xD7FF), 0xFEFF, 0xFFFD, 0xFFFF, 0x10FFFF, 0x20000]:
        assert name(unit) and script(unit)
        assert (unicodedata.category(chr(unit)) in KINDS and unit != 0x20) <= (kind(unit) is not None)


# What becomes of it


@pytest.mark.parametrize("long", ["crop", "drop", "chunk"])
def test_the_outlook_says_what_scan_does_in_each_way(long: str) -> None:
    data = "\n".join(word * (number % 5) for number, word in enumerate(WORDS))
    outlook = inspected(data, length=10).outlook
    assert outlook and outlook.long and set(outlook.long) == set(ROWS)
    facts = scan(of_bytes(data.encode()), recipe("fast", {"corpus.length": 10, "corpus.overflow": long}).corpus).facts
    assert (outlook.long[long].rows, outlook.long[long].lines) == (
        facts.rows,
        facts.cropped + facts.dropped + facts.chunked,
    )


@pytest.mark.parametrize("normalization", ["none", "layer", "layer-channels"])
@pytest.mark.parametrize("blocks", [0, 3])
def test_weights_are_counted_as_the_networks_have_them(
    normalization: str, blocks: int, tiny_config: Callable[..., Config]
) -> None:
    parts = [f"{part}.{key}" for part in ("generator", "critic") for key in ("normalization", "blocks", "kernel")]
    config = tiny_config(**dict(zip(parts, [normalization, blocks, 5] * 2, strict=True)))
    counts = [sum(weight.numel() for weight in one.parameters()) for one in networks(config, 12, 31)]
    assert tuple(counts) == count_weights(config, 12, 31)


def test_running_text_is_told() -> None:
    verses = [[" ".join(words(6, seed)) for seed in range(4 * number, 4 * number + 4)] for number in range(400)]
    verse = "\n\n".join(map("\n".join, verses))
    outlook = inspected(verse).outlook
    assert outlook and (outlook.layout, outlook.long) == ("windows", None)
    assert "paragraphs" in outlook.why
    forced = inspected(verse, layout="lines").outlook
    assert forced and (forced.layout, forced.why) == ("lines", "corpus.layout is set")


def test_the_pace_is_measured(tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.02)

    def measure(config: Config, vocabulary: Vocabulary, length: int) -> pace.Pace | None:
        return pace.measure(config, vocabulary, length, torch.device("cpu"))

    source = of_bytes("\n".join(WORDS).encode())
    outlook = inspect(source, tiny_config(), measure=measure).outlook
    assert outlook and outlook.timing
    timing = outlook.timing
    assert (timing.device, timing.rounds) == ("cpu", 6)
    assert timing.minutes == pytest.approx(6 * timing.milliseconds / 60_000)
    limited = inspect(source, tiny_config(**{"training.steps": None, "training.minutes": 0.5}), measure=measure).outlook
    assert limited and limited.timing and limited.timing.minutes == pytest.approx(0.5, rel=0.1)
    wild = tiny_config(**{"optimizer.critic.learning_rate": 10.0, "optimizer.critic.epsilon": 0.0})
    assert inspect(source, wild, measure=measure).verdict.trains


# Other sources


def test_a_column_is_inspected(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    rows = "".join(f"{number},{word}\n" for number, word in enumerate(WORDS))
    table.write_bytes(b"id,name\n" + rows.encode() + b"7\n" + "8,Ñ\n9,Ü\n".encode("latin-1"))
    found = inspect(open_source(f"{table}:name"), FAST)
    assert (found.source.kind, found.source.column, found.line_ends) == ("csv", "name", None)
    assert (found.lines.read, found.lines.missing, found.lines.filled) == (2_003, 1, 2_002)
    assert (found.encoding.bad_lines, found.encoding.first_bad_line) == (2, None)
    assert not found.verdict.trains


def test_a_table_without_a_column_is_told_as_text(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("id,name\n" + "".join(f"{number},{word}\n" for number, word in enumerate(WORDS)))
    found = inspect(open_source(table), FAST)
    assert (found.source.fallback, found.lines.read) == ("lines", 2_001)
    assert (found.verdict.trains, "columns: id, name" in found.verdict.remedy) == (False, True)


def test_other_sources(tmp_path: Path) -> None:
    expected = inspected("\n".join(WORDS) + "\n")
    packed = tmp_path / "words.txt.gz"
    packed.write_bytes(gzip.compress(("\n".join(WORDS) + "\n").encode()))
    found = inspect(open_source(packed), FAST)
    assert (found.source.kind, found.source.compression, found.source.name) == ("text", "gz", "words")
    assert (found.source.sha256, found.lines) == (expected.source.sha256, expected.lines)
    strings = inspect(open_source(WORDS), FAST)
    assert (strings.source.kind, strings.lines, strings.line_ends) == ("strings", expected.lines, None)
    sequences = tmp_path / "dna.fasta"
    sequences.write_text("".join(f">{word}\nACGT\n{word.upper()}\n" for word in WORDS))
    fasta = inspect(open_source(sequences), FAST)
    assert (fasta.source.kind, fasta.lines.read, fasta.verdict.what) == ("fasta", 2_000, "ready to train")


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    damaged = tmp_path / "words.txt.gz"
    damaged.write_bytes(gzip.compress("\n".join(WORDS).encode())[:-200])
    with pytest.raises(CorpusError, match="damaged"):
        inspect(open_source(damaged), FAST)
    with pytest.raises(CorpusError, match="no such encoding"):
        inspected("a\n", encoding="klingon")
    binary = tmp_path / "table.parquet"
    binary.write_bytes(b"PAR1\0\0\0\0")
    with pytest.raises(CorpusError, match="table.parquet"):
        inspect(open_source(f"{binary}:name"), FAST)


def test_shapes() -> None:
    assert shape(["a,b"] * 4) is None
    assert shape(["hello, world", "no", "a, b, c", "x", "y", "z"]) is None
    assert shape(["{not json}"] * 9) is None
    table = shape(["name;n", '"a;b";1', "c;2", "d;3", "e;4"])
    assert table and (table.kind, table.columns) == ("csv", ("name", "n"))


# Memory and keys


def test_a_line_of_100_megabytes_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        for seed in range(100):
            file.write(random.Random(seed).randbytes(500_000).hex().encode())
    program = f"""
import re, resource
from pathlib import Path
from seqgan_wgp.config import recipe
from seqgan_wgp.text.inspection.inspect import inspect
from seqgan_wgp.text.readers.open import open_source
found = inspect(open_source({str(path)!r}), recipe("fast"))
status = Path("/proc/self/status")  # getrusage says, at least, what the process had that started this one
peak = re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1] if status.exists() else 0
print(found.lengths.max, found.outlook.layout, peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    length, layout, kilobytes = done.stdout.split()
    assert (length, layout) == ("100000000", "windows")
    unit = 1 if sys.platform == "darwin" else 1024  # of getrusage
    assert int(kilobytes) * unit < 500 * 2**20


def keys(value: object, prefix: str = "") -> set[str]:
    """Return the dotted names of all keys, but not of those that are data themselves."""
    if isinstance(value, list | tuple):
        return set().union(*(keys(one, f"{prefix.removesuffix('.')}[].") for one in value))
    if not isinstance(value, dict):
        return {prefix.removesuffix(".")}
    if prefix in ("outlook.settings.", "characters.twice_encoded."):
        return {prefix.removesuffix(".")}
    named = prefix in ("characters.scripts.", "outlook.long.")
    return set().union(*(keys(one, f"{prefix}{'*' if named else key}.") for key, one in value.items()))


KEYS = """
source.label source.name source.files[].label source.files[].lines source.kind source.column
source.compression source.fallback source.bytes
source.sha256 encoding.asked encoding.used encoding.byte_order_mark encoding.errors encoding.bad_lines
encoding.first_bad_line encoding.first_bad_byte encoding.guess encoding.sound_lines line_ends.lf
line_ends.crlf line_ends.lone_cr line_ends.last_line_ended lines.read lines.missing lines.empty lines.blank
lines.hex_decoded lines.hex_kept
lines.leading_blanks lines.trailing_blanks lines.filled lines.distinct lines.distinct_is_exact lines.repeated
lines.most_frequent[].text lines.most_frequent[].count lengths.unit lengths.min lengths.median lengths.mean
lengths.p90 lengths.p99 lengths.p99_9 lengths.max lengths.histogram[].least lengths.histogram[].most
lengths.histogram[].lines characters.total characters.alphabet characters.scripts.*.characters
characters.scripts.*.count characters.most_common[].code_point characters.most_common[].name
characters.most_common[].count characters.rare[].code_point characters.rare[].name characters.rare[].count
characters.once characters.under_three characters.upper characters.lower characters.both_cases
characters.beyond_bmp.characters characters.beyond_bmp.count characters.suspects[].code_point
characters.suspects[].name characters.suspects[].count characters.suspects[].kind
characters.suspects[].first_line characters.suspects_in_all characters.twice_encoded characters.clusters
characters.cluster normal_form.not_nfc normal_form.not_nfkc
outlook.layout outlook.why outlook.length outlook.rule outlook.rows outlook.way
outlook.long.*.lines outlook.long.*.rows outlook.train outlook.validation outlook.test outlook.settings
outlook.vocabulary outlook.ids_bytes outlook.batch_bytes outlook.generator_weights outlook.critic_weights
outlook.timing.device outlook.timing.milliseconds outlook.timing.rounds outlook.timing.minutes
findings[].level findings[].what findings[].remedy verdict.trains verdict.what verdict.remedy
"""


def test_the_keys_of_the_json_are_stable() -> None:
    text = "\n".join([*WORDS, "\x07", WORDS[0], *(f"{word},Ã©" for word in WORDS)])
    found = inspect(of_bytes(text.encode()), FAST, measure=lambda *_: pace.Pace(device="cpu", seconds=0.01))
    tree = json.loads(json.dumps(found.to_json()))
    del tree["shape"]
    assert keys(tree) == set(KEYS.split())
    # What there is not to say is null, and the keys are there.
    empty = inspected("").to_json()
    assert {key for key, value in empty.items() if value is None} == {"lengths", "shape", "outlook"}
    assert set(empty) == set(found.to_json())


def test_a_census_of_nothing() -> None:
    census = Census()
    census.finish()
    assert (census.read, census.distinct.count(), census.distinct.frequent(5)) == (0, 0, {})


def remedies(source: Source) -> str:
    return "\n".join(finding.remedy for finding in inspect(source, FAST).findings)


def test_commands_on_the_file_are_named_only_where_they_change_what_is_learned(tmp_path: Path) -> None:
    words = [f" {word}" for word in WORDS[:200]] * 3
    plain = "\n".join(words)
    assert "sort -u" in remedies(of_bytes(plain.encode())) and "sed " in remedies(of_bytes(plain.encode()))
    (tmp_path / "w").write_bytes(gzip.compress(plain.encode()))
    (tmp_path / "w.csv").write_text("name\n" + plain)
    (tmp_path / "u.txt").write_text("".join(f"{3:7d} {word}\n" for word in WORDS[:200]))
    for source in (f"{tmp_path}/w", f"{tmp_path}/w.csv:name", f"{tmp_path}/u.txt"):
        assert "sort -u" not in remedies(open_source(source))
        assert "sed " not in remedies(open_source(source))
    assert "duplicate" not in said(inspect(open_source(tmp_path / "u.txt"), FAST), "warning")
