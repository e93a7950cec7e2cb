"""Every way out that a message about a corpus names is taken on the corpus that caused it, and leads out."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from seqgan_wgp.config import recipe
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.corpus.scan import Scan, scan
from seqgan_wgp.text.inspection.inspect import inspect
from seqgan_wgp.text.inspection.report import Finding
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.recognition.recognise import recognised


def made(alphabet: str = "abcdefghijk", count: int = 80, size: int = 9) -> list[str]:
    chance = random.Random(1)
    return ["".join(chance.choices(alphabet, k=size)) for _ in range(count)]


WORDS, DNA = made(), made("ACGT", size=30)
MOLECULES = [f"C{'C' * (number % 5)}(=O)N{'O' * (number // 5)}Cl" for number in range(60)]


def lines(strings: list[str]) -> bytes:
    return "".join(f"{string}\n" for string in strings).encode()


def md5(string: str) -> str:
    return hashlib.md5(string.encode()).hexdigest()


@dataclass(frozen=True)
class Cause:
    """A corpus, and what the ways out of its findings lead to."""

    data: bytes
    learnt: dict[str, list[str] | None] = field(default_factory=dict)
    """Way out, in part -> the strings that are learnt then; None: any that can be trained on."""

    name: str = "corpus.txt"
    settings: dict[str, str] = field(default_factory=dict)


AS_THEY_ARE: dict[str, list[str] | None] = {"corpus.format=lines": None}
CASE: dict[str, list[str] | None] = {"corpus.case=lower": None}
FIELDS = [f"{word},{word[::-1]},{place}" for place, word in enumerate(WORDS)]

CAUSES: dict[str, Cause] = {
    "pot": Cause(lines([f"{md5(word)}:{word}" for word in WORDS]), {"corpus.field=2": WORDS, **AS_THEY_ARE}),
    "user hashes": Cause(lines([f"{word}:{md5(word)}" for word in WORDS]), {"corpus.field=1": WORDS, **AS_THEY_ARE}),
    "hashes": Cause(lines(list(map(md5, WORDS))), AS_THEY_ARE),
    "hash counts": Cause(lines([f"{md5(word)}:5" for word in WORDS]), AS_THEY_ARE),
    "checksums": Cause(
        lines([f"{md5(word)} *{word}" for word in WORDS]), {"to learn the names: cut": WORDS, **AS_THEY_ARE}
    ),
    "accounts of Windows": Cause(
        lines([f"{word}:500:{md5(word)}:{md5(word)}:::" for word in WORDS]), {"corpus.field=1": WORDS, **AS_THEY_ARE}
    ),
    "vectors": Cause(
        lines(["80 4", *(f"{word} 0.5 -1 2.25 3e-2" for word in WORDS)]), {"to learn the words:": WORDS, **AS_THEY_ARE}
    ),
    "vectors without a head": Cause(
        lines([f"{word} 0.5 -1 2.25 3e-2" for word in WORDS]), {"to learn the words:": WORDS, **AS_THEY_ARE}
    ),
    "Markdown": Cause(
        lines(["| name | n |", "|:-----|--:|", *(f"| {word} | 7 |" for word in WORDS)]),
        {"to learn the first column:": WORDS, **AS_THEY_ARE},
    ),
    "translations": Cause(
        lines(['msgid ""', 'msgstr ""', *(f'msgid "x"\nmsgstr "{word}"' for word in WORDS)]),
        {"to learn the translations:": WORDS, **AS_THEY_ARE},
    ),
    "spoken lines": Cause(
        lines([f"{place}\n00:00:01,000 --> 00:00:02,000\n{word}" for place, word in enumerate(WORDS, 1)]),
        {"to learn the spoken lines:": WORDS, **AS_THEY_ARE},
        "film.srt",
    ),
    "contacts": Cause(
        lines([f"BEGIN:VCARD\nFN:{word}\nEND:VCARD" for word in WORDS]),
        {"to learn the names: grep": WORDS, **AS_THEY_ARE, **CASE},
    ),
    "a calendar": Cause(
        lines(["BEGIN:VCALENDAR", *(f"SUMMARY:{word}" for word in WORDS)]),
        {"to learn the titles: grep": WORDS, **AS_THEY_ARE, **CASE},
    ),
    "a directory": Cause(
        lines([f"dn: cn={word}\ncn: {word}" for word in WORDS]), {"to learn one attribute: grep": WORDS, **AS_THEY_ARE}
    ),
    "logins": Cause(
        lines([f"{word[::-1]}@mail.example.org|{word}" for word in WORDS]), {"corpus.field=2": WORDS, **AS_THEY_ARE}
    ),
    "a table with a name of two words": Cause(
        lines(["First name;count", *(f"{word};{place}" for place, word in enumerate(WORDS))]),
        {
            "corpus.field=First name": WORDS,
            "corpus.weights=count": [word for place, word in enumerate(WORDS) for _ in range(place)],
            "corpus.format=lines": None,
        },
    ),
    "accounts": Cause(
        lines([f"{word}:x:1:1::/home/x:/bin/sh" for word in WORDS]), {"corpus.field=1": WORDS, **AS_THEY_ARE}
    ),
    "json lines": Cause(
        lines([json.dumps({"name": word, "n": 1}) for word in WORDS]), {"corpus.field=name": WORDS, **AS_THEY_ARE}
    ),
    "json array": Cause(
        json.dumps([{"name": word} for word in WORDS], indent=1).encode(), {"corpus.field=name": WORDS, **AS_THEY_ARE}
    ),
    "json numbers": Cause(json.dumps([[n] for n in range(99)], indent=1).encode(), AS_THEY_ARE),
    "json object": Cause(json.dumps({"list": WORDS}, indent=1).encode(), {"jq -r '.NAME[]'": None, **AS_THEY_ARE}),
    "tabs": Cause(
        lines(["name\tn", *(f"{word}\tx{place}" for place, word in enumerate(WORDS))]),
        {"corpus.field=name": WORDS, **AS_THEY_ARE},
    ),
    "tabs with counts": Cause(
        lines([f"{word}\t{word[::-1]}\t{1 + place % 2}" for place, word in enumerate(WORDS)]),
        {
            "corpus.field=1": WORDS,
            "corpus.weights=3": [word for place, word in enumerate(WORDS) for _ in range(1 + place % 2)],
            **AS_THEY_ARE,
        },
    ),
    "commas": Cause(
        lines(FIELDS),
        {
            "corpus.field=1": WORDS,
            "corpus.weights=3": [word for place, word in enumerate(WORDS) for _ in range(place)],
            "corpus.format=lines": FIELDS,
        },
    ),
    "a table named as plain lines": Cause(
        lines(["name,sex,n", *(f"{word},F,{place}" for place, word in enumerate(WORDS))]),
        {"corpus.field=COLUMN": WORDS},
        settings={"corpus.format": "lines"},
    ),
    "records named as plain lines": Cause(
        lines([json.dumps({"name": word}) for word in WORDS]),
        {"corpus.field=NAME": WORDS},
        settings={"corpus.format": "lines"},
    ),
    "sequences named as plain lines": Cause(
        lines([line for place, dna in enumerate(DNA) for line in (f">{place}", dna)]),
        {"corpus.format=auto": DNA},
        settings={"corpus.format": "lines"},
    ),
    "counts": Cause(
        lines([f"{2:7d} {word}" for word in WORDS]),
        {"corpus.weights=none": WORDS, "corpus.format=lines": [f"{2:7d} {word}" for word in WORDS]},
    ),
    "SMILES": Cause(lines(MOLECULES), {"corpus.unit=smiles": MOLECULES}),
    "masked FASTA": Cause(
        lines([line for dna in DNA for line in (">x", dna[:9].lower() + "-*" + dna[9:])]),
        {
            "corpus.case=upper": [f"{dna[:9]}-*{dna[9:]}" for dna in DNA],
            "corpus.drop_characters": [dna[:9].lower() + dna[9:] for dna in DNA],
        },
    ),
    "$HEX": Cause(
        lines([f"$HEX[{word.encode().hex()}]" for word in WORDS]),
        {"corpus.hex=keep": [f"$HEX[{word.encode().hex()}]" for word in WORDS]},
    ),
    "$HEX kept": Cause(
        lines([f"$HEX[{word.encode().hex()}]" for word in WORDS]),
        {"corpus.hex=decode": WORDS},
        settings={"corpus.hex": "keep"},
    ),
    "UTF-16 without a mark": Cause(lines(WORDS).decode().encode("utf-16-le"), {"corpus.encoding=utf-16-le": WORDS}),
    "Latin-1": Cause(
        "".join(f"{word}é\n" for word in WORDS).encode("latin-1"),
        {"corpus.encoding=": [f"{word}é" for word in WORDS]},
    ),
    "a few bad lines": Cause(
        lines([f"{word}é" for word in WORDS]) + b"\xe9x\n", {"corpus.errors=skip": [f"{word}é" for word in WORDS]}
    ),
    "returns within lines": Cause(
        lines([f"{word}\r{word}" for word in WORDS]), {"tr -d": [word * 2 for word in WORDS]}
    ),
    "returns as ends": Cause("\r".join(WORDS).encode(), {r"tr '\r' '\n'": WORDS}, settings={"corpus.format": "lines"}),
    "blanks around": Cause(lines([f"  {word} " for word in WORDS]), {"sed": WORDS}),
    "duplicates": Cause(lines([*WORDS, *WORDS, *WORDS]), {"sort -u": sorted(WORDS)}),
    "twice encoded": Cause(
        "".join(f"{word}é\n" for word in WORDS).encode().decode("cp1252").encode(),
        {"iconv": [f"{word}é" for word in WORDS]},
    ),
    "read as Latin-1": Cause(
        lines([f"{word}é" for word in WORDS]),
        {"corpus.encoding=utf-8": [f"{word}é" for word in WORDS]},
        settings={"corpus.encoding": "latin-1"},
    ),
    "decomposed": Cause(
        lines([f"{word}e\u0301" for word in WORDS]),
        {
            "corpus.normalize=nfc": [f"{word}é" for word in WORDS],
            "corpus.unit=grapheme": [f"{word}e\u0301" for word in WORDS],
        },
    ),
    "full width": Cause(
        lines([f"{word}\uff21" for word in WORDS]), {"corpus.normalize=nfkc": [f"{word}A" for word in WORDS]}
    ),
    "both cases": Cause(lines([*WORDS, *map(str.upper, WORDS)]), {"corpus.case=lower": [*WORDS, *WORDS]}),
    "long lines": Cause(
        lines([*WORDS, *(word * 20 for word in WORDS)]),
        {"corpus.length=": None, "corpus.overflow=drop": None, "corpus.overflow=chunk": None},
    ),
    "emoji": Cause(
        lines([f"{word}👨‍👩‍👧" for word in WORDS]), {"corpus.unit=grapheme": [f"{word}👨‍👩‍👧" for word in WORDS]}
    ),
    "many words": Cause(
        lines([f"{word} {word[::-1]}" for word in WORDS]),
        {"corpus.max_alphabet=160": None, "leave corpus.unit_pattern": None},
        settings={"corpus.unit": "word", "corpus.max_alphabet": "20"},
    ),
    "many characters": Cause(
        lines([f"{chr(0x4E00 + place)}{word}" for place, word in enumerate(WORDS)]),
        {"corpus.max_alphabet=91": None, "corpus.unit=byte": None},
        settings={"corpus.max_alphabet": "20"},
    ),
    "all too long": Cause(
        lines(WORDS), {"corpus.overflow=crop": None}, settings={"corpus.length": "4", "corpus.overflow": "drop"}
    ),
}

PROSE = (
    "give what the hashes were made of, one string per line",
    "give a text file with one password per line",
    "give one of strings",
    "give a text file with one string per line",
    "give a text file with one string per line; for UTF-16 without byte order mark",
    "white space is learned like any character",
    "frequent lines are generated more often",
    "raise corpus.length",
    "fields: ",
    "skip such lines with skip",
    "to learn each as often as another column says",
    "most non-ASCII lines are valid UTF-8: repair the bad ones",
    "otherwise",
)
"""What a remedy may say beside a way that is taken here: what only the user can do, or why."""


def changes(way: str) -> dict[str, str]:
    """Return the settings that a way out names, with the placeholder of a column filled in."""
    words = shlex.split(way)
    pairs = parse_assignments([after for before, after in pairwise(words) if before == "--set"])
    return {name: {"COLUMN": "name", "NAME": "name"}.get(value, value).rstrip(",;)") for name, value in pairs.items()}


def ways_of(remedy: str) -> list[str]:
    """Return the ways out: parts that set something or run a command; others must be prose that is known."""
    found = []
    for part in re.split(r"; (?![a-z]*/)| or (?=--set)|, or (?=crop|take|leave|skip|replace)| \(or |, add ", remedy):
        if "--set" in part or "> NEW" in part or part.startswith("leave "):
            found.append(part)
        else:
            assert not part or any(part.strip(")").startswith(words) for words in PROSE), part
    return found


def told(data: Path, settings: dict[str, str]) -> list[Finding]:
    found = inspect(open_source(data), recipe("fast", settings))
    last = Finding(level="problem", what=found.verdict.what, remedy=found.verdict.remedy)
    return [*(one for one in found.findings if one.level != "ok"), last]


@cache
def remedies(name: str, folder: Path) -> tuple[Finding, ...]:
    cause = CAUSES[name]
    (folder / cause.name).write_bytes(cause.data)
    return tuple(told(folder / cause.name, cause.settings))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("causes")


def learnt(found: Scan) -> list[str]:
    return [string for block in Reader(found.source, found.settings) for string in block.strings() if string]


def command_of(way: str) -> str:
    """Return the command of a way out, writing to new.txt."""
    _, command = re.split(r"(?=\b(?:tr|sed|sort|iconv|jq|grep|cut|tail) )", way, maxsplit=1)
    return re.sub(r"\bNEW(\.\w+)?", "new.txt", command)


@pytest.mark.parametrize("name", CAUSES)
def test_every_way_out_leads_out(name: str, folder: Path) -> None:
    own = folder / name.replace(" ", "-").replace("$", "")
    own.mkdir()
    cause, data = CAUSES[name], own / CAUSES[name].name
    taken = set()
    for finding in remedies(name, own):
        before: dict[str, str] = {}
        for way in ways_of(finding.remedy):
            key = next((key for key in cause.learnt if key in way), None)
            assert key is not None, f"{finding.what}: {way}"
            taken.add(key)
            settings, now = dict(cause.settings), data
            if "> NEW" in way:
                command = command_of(way).replace("FILE", shlex.quote(data.name)).replace(".NAME[]", ".list[]")
                if shutil.which(shlex.split(command)[0]) is None:
                    continue
                subprocess.run(command, shell=True, check=True, cwd=own)
                now = own / "new.txt"
            elif way.startswith("leave "):
                settings = {
                    name: value for name, value in settings.items() if name not in re.findall(r"corpus\.\w+", way)
                }
            else:
                if "corpus.weights" in way and "corpus.weights=none" not in way:
                    settings |= before  # the field, which was named before
                settings |= changes(way)
            before = settings
            if "corpus.case=lower" in way and cause.learnt[key] is None:
                continue  # of a file that is refused all the same
            config = recipe("fast", settings)
            found = scan(recognised(open_source(now), config.corpus), config.corpus)
            wanted = cause.learnt[key]
            assert wanted is None or learnt(found) == wanted, way
            if finding.level != "problem" or "train would reject" not in finding.what:
                again = [way_again for one in told(now, settings) for way_again in ways_of(one.remedy)]
                assert way not in again, f"{way} is proposed again"
    assert taken == set(cause.learnt)


@pytest.mark.parametrize("name", ["UTF-16 without a mark", "Latin-1", "many words", "all too long"])
def test_the_ways_out_of_training_lead_out_too(name: str, tmp_path: Path) -> None:
    cause = CAUSES[name]
    (tmp_path / cause.name).write_bytes(cause.data)
    config = recipe("fast", cause.settings)
    with pytest.raises(CorpusError) as error:
        scan(open_source(tmp_path / cause.name), config.corpus)
    ways = ways_of(error.value.remedy)
    assert ways
    for way in ways:
        settings = cause.settings | changes(way)
        if way.startswith(("leave ", "learn ")):
            settings = {}
        config = recipe("fast", settings)
        assert scan(open_source(tmp_path / cause.name), config.corpus).facts.rows


@pytest.mark.parametrize(("head", "column"), [("name,n\n", "name"), ("", "1")])
def test_a_table_whose_column_is_not_named_says_how(head: str, column: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(head + "".join(f"{word},{place}\n" for place, word in enumerate(WORDS)))
    settings = recipe("fast").corpus
    with pytest.raises(CorpusError) as error:
        scan(open_source(file), settings)
    named = error.value.remedy.removeprefix("e.g. ").partition(";")[0]
    assert named == f"{file}:{column}"
    assert learnt(scan(open_source(named), settings)) == WORDS
