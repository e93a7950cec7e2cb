"""The files that people have: each is read or refused by what is in it, and every remedy is one that works."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers.containers import BINARY_KINDS
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.recognition import line_changes
from seqgan_wgp.text.recognition.documents import DOCUMENTS
from seqgan_wgp.text.recognition.line_kinds import line_kinds
from seqgan_wgp.text.recognition.line_patterns import LINE_PATTERNS
from seqgan_wgp.text.recognition.recognise import recognised
from tests.text.recognition.told_files import (
    AUTO,
    DNA,
    HEADS,
    WORDS,
    Row,
    from_stream,
    lines,
    made,
    remedied,
    settings_of,
    strings_in,
)

MOLECULES = [f"C{'C' * (number % 5)}(=O)N{'O' * (number // 5)}Cl" for number in range(40)]


def md5(string: str) -> str:
    return hashlib.md5(string.encode()).hexdigest()


TWICE = [word for word in WORDS for _ in range(2)]
SHA1 = [hashlib.sha1(word.encode()).hexdigest().upper() for word in WORDS]
TURNED = [word[::-1] for word in WORDS]
NUMBERS = [str(n) for n, _ in enumerate(WORDS)]

READ = [
    Row("fastq", "".join(f"@r{n}\n{dna}\n+\n{'I' * 30}\n" for n, dna in enumerate(DNA)), DNA, "second is read"),
    Row("fastq", "".join(f"@r{n}\r\n{dna}\r\n+r\r\n{'@' * 30}\r\n" for n, dna in enumerate(DNA)), DNA, "DNA"),
    Row("fasta", "".join(f">r{n}\n{dna[:9]}\n{dna[9:]}\n" for n, dna in enumerate(DNA)), DNA, "look like DNA"),
    Row("fasta", "".join(f">r{n}\n{dna.replace('T', 'U')}\n" for n, dna in enumerate(DNA)),
        [dna.replace("T", "U") for dna in DNA], "look like RNA"),
    Row("fasta", lines([f">{n}\n{word}" for n, word in enumerate(made(40, "ACDEFGHIKLMNPQRSTVWY"))]),
        made(40, "ACDEFGHIKLMNPQRSTVWY"), "look like protein"),
    Row("text", lines(DNA), DNA, "no line begins with '>': each line is a sequence", "genes.fa"),
    Row("tab-columns", lines([f"{dna}\t{n % 2}" for n, dna in enumerate(DNA)]), DNA, "line is a sequence", "g.fasta"),
    Row("smiles", lines(MOLECULES), MOLECULES, "SMILES"),
    Row("smiles", lines([f"{one} title {n}" for n, one in enumerate(MOLECULES)]), MOLECULES, "titles", "m.smi"),
    Row("smiles", lines(["smiles\tname", *(f"{one}\tm{n}" for n, one in enumerate(MOLECULES))]), MOLECULES, "header"),
    Row("json-strings", json.dumps(WORDS, indent=1), WORDS, "JSON array of strings", "w.json"),
    Row("json-strings", json.dumps(["007", *WORDS]), ["007", *WORDS], "JSON array of strings"),
    Row("text", ("\ufeff" + "\r\n".join(WORDS)).encode("utf-16-le"), WORDS, "UTF-16"),
    Row("text", ("\ufeff" + "\r\n".join(WORDS)).encode("utf-16-be"), WORDS, "UTF-16"),
    Row("text", ("\ufeff" + "\n".join(WORDS)).encode("utf-32-le"), WORDS, "UTF-32"),
    Row("text", "\r".join(WORDS), WORDS, "carriage return alone"),
    Row("text", ("\ufeff" + "\r".join(WORDS)).encode("utf-16-le"), WORDS, "carriage return alone"),
    Row("bullets", ("\ufeff" + lines([f"- {word}" for word in WORDS])).encode("utf-16-le"), WORDS, "bullet '-'"),
    Row("comments", "#!comment: a list\n#!comment: of words\n" + lines(WORDS), WORDS, "comment of 2 lines"),
    Row("comments", "# Title of the list\n# made by hand\n\n" + lines(WORDS), WORDS, "left out"),
    Row("numbered", lines([f"{n}. {word}" for n, word in enumerate(WORDS, 1)]), WORDS, "numbered"),
    Row("numbered", lines([f"{n}\t{word}" for n, word in enumerate(WORDS, 1)]), WORDS, "numbered"),
    Row("bullets", lines([f"* {word}" for word in WORDS]), WORDS, "bullet '*'"),
    Row("bullets", lines(["---", "words:", *(f"  - {word}" for word in WORDS)]), WORDS, "before the first", "w.yaml"),
    Row("jsonl", lines([json.dumps(word) for word in WORDS]), WORDS, "", "w.jsonl"),
    Row("quoted", lines([f"    '{word}'," for word in WORDS]), WORDS, "quotes"),
    Row("quoted", lines([f'"{word}"' for word in WORDS]), WORDS, "quotes"),
    Row("quoted", "[\n" + lines([f"  '{word}'," for word in WORDS]) + "];\n", WORDS, "quotes"),
    Row("dictionary", "60\n" + lines([word + "/AB" * (n % 2) for n, word in enumerate(WORDS)]), WORDS, "Hunspell"),
    Row("counts", "".join(f"{2:7d} {word}\n" for word in WORDS), TWICE, "as its count"),
    Row("counts", lines([f"{60 - n} {word}" for n, word in enumerate(WORDS)]),
        [word for n, word in enumerate(WORDS) for _ in range(60 - n)], "count before"),
    Row("counts", lines([f"{word} {60 - n}" for n, word in enumerate(WORDS)]),
        [word for n, word in enumerate(WORDS) for _ in range(60 - n)], "count behind"),
    Row("counts", lines([f"{word}\t{1 + n % 3}" for n, word in enumerate(WORDS)]),
        [word for n, word in enumerate(WORDS) for _ in range(1 + n % 3)], "count behind"),
    Row("counts", lines([f"{n}. {word} {99 - n}" for n, word in enumerate(WORDS, 1)]),
        [word for n, word in enumerate(WORDS, 1) for _ in range(99 - n)], "a rank, which is left out"),
    Row("counts", "".join(f"{n + 1:7d} {word}\n" for n, word in enumerate(WORDS)), WORDS, "left out",
        settings={"weights": "none"}),
]  # fmt: skip

REFUSED = [
    Row("pot", lines([f"{md5(word)}:{word}" for word in WORDS]), WORDS, "32-digit hash, ':' and text"),
    Row("pot", lines([f"{md5(word)}:{word}:x" if n < 9 else f"{md5(word)}:{word}" for n, word in enumerate(WORDS)]),
        [f"{word}:x" if n < 9 else word for n, word in enumerate(WORDS)], "32-digit hash"),
    Row("pot", lines([f"{md5(word)}:salt:{word}" for word in WORDS]), WORDS, "2 more fields"),
    Row("pot", lines([f"$dynamic_0${md5(word)}:{word}" for word in WORDS]), WORDS, "a hash, ':'"),
    Row("pot", lines([f"$2y$10${md5(word)[:22]}:{word}" for word in WORDS]), WORDS, "a hash, ':'"),
    Row("pot", lines([f"{sha1};{word}" for sha1, word in zip(SHA1, WORDS, strict=True)]), WORDS, "hash, ';' and text"),
    Row("pot", lines([f"{md5(word)}\t{word}" for word in WORDS]), WORDS, "hash, a TAB and text"),
    Row("hashes", lines(list(map(md5, WORDS))), list(map(md5, WORDS)), "hashes"),
    Row("hashes", lines([f"WPA*02*{md5(word)}*x" for word in WORDS]),
        [f"WPA*02*{md5(word)}*x" for word in WORDS], "hashes"),
    Row("dumped-accounts", lines([f"{word}:500:{md5(word)}:{md5(word)}:::" for word in WORDS]), WORDS, "pwdump"),
    Row("hash-counts", lines([f"{sha1}:5" for sha1 in SHA1]), [f"{sha1}:5" for sha1 in SHA1], "with counts"),
    Row("user-hashes", lines([f"{word}:{md5(word)}" for word in WORDS]), WORDS, "a name, ':' and a hash"),
    Row("logins", lines([f"{word}@mail.example.org:{word[::-1]}" for word in WORDS]), TURNED, "mail"),
    Row("logins", lines([f"{word}@mail.example.org;{word[::-1]}" for word in WORDS]), TURNED, "';'"),
    Row("accounts", lines([f"{word}:x:100:100::/home/{word}:/bin/sh" for word in WORDS]), WORDS, "/etc/passwd"),
    Row("accounts", lines([f"{word}:*:19000:0:99999:7:::" for word in WORDS]), WORDS, "/etc/shadow"),
    Row("json-lines", lines([json.dumps({"name": word, "n": 1}) for word in WORDS]), WORDS, "JSON objects"),
    Row("json-lines", lines([json.dumps({"id": n, "n": 1.5}) for n, _ in enumerate(WORDS)]),
        NUMBERS, "fields: id, n", "w.json"),
    Row("json-array", json.dumps([{"name": word, "n": n} for n, word in enumerate(WORDS)]), WORDS, "array of objects"),
    Row("json-array", json.dumps([{"n": int(n)} for n in NUMBERS], indent=2), NUMBERS, "array of objects", "w.json"),
    Row("tab-columns", lines([f"{word}\t{word[::-1]}" for word in WORDS]), WORDS, "2 columns with TABs"),
    Row("tab-columns", lines(["name\tage\ttown", *(f"{word}\t20\tRiga" for word in WORDS)]), WORDS, "name, age"),
]  # fmt: skip

OFFERED = [
    Row("columns", lines(["name,sex,count", *(f"{word},F,{n}" for n, word in enumerate(WORDS))]), WORDS, "3 columns"),
    Row(
        "columns",
        "sep=;\n" + lines(["name;age", *(f"{word};{n}" for n, word in enumerate(WORDS))]),
        WORDS,
        "semicolons",
    ),
    Row("columns", lines([f"{word}|{word[::-1]}|x" for word in WORDS]), WORDS, "bars"),
]

AS_IT_IS = {
    "words": lines(WORDS),
    "a few lines": "a:1\nb:2\n",
    "names with a comma": lines(
        [f"{word.title()}, {word[::-1].title()} {'Jr., ' * (n % 2)}" for n, word in enumerate(WORDS)]
    ),
    "names": lines([f"{word.title()}, {word[::-1].title()}" for word in WORDS]),
    "numbers": lines([str(n * n) for n in range(60)]),
    "streets": lines([f"{(n * 7919) % 300} {word.title()} Street" for n, word in enumerate(WORDS)]),
    "sequences of numbers": lines(
        [" ".join(word.translate(str.maketrans("abcdefghijk", "01234567890"))) for word in WORDS]
    ),
    "chords": lines([f"{word[0].upper()} 1 2 3 4 5" for word in WORDS]),
    "dates": lines([f"20{n:02d}-01-0{1 + n % 9} {word}" for n, word in enumerate(WORDS)]),
    "passwords that begin with a hash sign": lines(["#1", *("#" * (n % 2) + word for n, word in enumerate(WORDS))]),
    "one hash sign": lines(["#lucky", *WORDS]),
    "words with an at sign": lines([f"{word}@{n}" for n, word in enumerate(WORDS)]),
    "capital letters": lines([word.upper() for word in WORDS]),
    "prose": "\n".join(f"The {word}, then {', '.join(WORDS[: n % 5])}. It was so." for n, word in enumerate(WORDS)),
    "no text": "",
    "brackets": lines([f"[{word}] {n}" for n, word in enumerate(WORDS)]),
    "times": lines([f"{n % 24:02d}:{n % 60:02d} {word}" for n, word in enumerate(WORDS)]),
    "quotations": lines([f'"{word}" said {word[::-1]}' for word in WORDS]),
    "dashes": lines([f"- {word}" if n % 2 else word for n, word in enumerate(WORDS)]),
    "Cyrillic": lines(made(60, "абвгд")),
}


def written(row: Row, folder: Path) -> Path:
    file = folder / row.name
    file.write_bytes(row.data)
    return file


@pytest.mark.parametrize("row", READ, ids=lambda row: f"{row.kind}: {row.says}")
def test_kinds_that_are_read(row: Row, tmp_path: Path) -> None:
    settings = settings_of(**row.settings)
    told = recognised(open_source(written(row, tmp_path)), settings)
    if row.kind == "tab-columns":  # behind what is told of the name
        assert row.says in told.told[0].what
        assert strings_in(open_source(tmp_path / row.name), remedied(told.told[-1].remedy)) == row.strings
        return
    assert row.says in " ".join(one.what for one in told.told)
    assert [one.level for one in told.told] == ["note"] * len(told.told)
    assert (told.format, strings_in(told, settings)) == (row.kind, row.strings)
    if row.name == "corpus.txt":
        assert strings_in(from_stream(row.data), settings) == row.strings


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.kind}: {row.says}")
def test_kinds_that_are_refused_with_a_remedy_that_works(row: Row, tmp_path: Path) -> None:
    for source in (open_source(written(row, tmp_path)), from_stream(row.data)):
        with pytest.raises(CorpusError) as error:
            strings_in(source)
        assert row.says in f"{error.value.message} {error.value.remedy}"
        assert recognised(source, AUTO).format == row.kind
        if row.strings != row.text.split() if isinstance(row.text, str) else True:
            assert strings_in(source, remedied(error.value.remedy)) == row.strings
        plain = strings_in(source, settings_of(format="lines"))
        assert plain == [line for line in row.data.decode().split("\n") if line]
        assert "--set corpus.format=lines" in error.value.remedy


@pytest.mark.parametrize("row", OFFERED, ids=lambda row: row.says)
def test_kinds_that_are_read_as_they_are_with_a_warning(row: Row) -> None:
    told = recognised(from_stream(row.data), AUTO)
    assert (told.format, [one.level for one in told.told]) == (row.kind, ["warning"])
    assert row.says in told.told[0].what
    assert strings_in(told) == [line for line in row.data.decode().split("\n") if line]
    assert strings_in(from_stream(row.data), remedied(told.told[0].remedy)) == row.strings


@pytest.mark.parametrize("text", AS_IT_IS.values(), ids=AS_IT_IS.keys())
def test_lists_of_strings_are_read_as_they_are(text: str) -> None:
    told = recognised(from_stream(text.encode()), AUTO)
    assert (told.told, told.format) == ((), "text")


@pytest.mark.parametrize("row", [*READ, *REFUSED], ids=lambda row: f"{row.kind}: {row.says}")
def test_without_being_asked_nothing_is_told(row: Row) -> None:
    """The settings of models from before kinds were told say nothing of them, and so read as they did."""
    told = recognised(from_stream(row.data), CorpusSettings())
    assert (told.told, told.format, told.fields, told.encoding) == ((), "text", None, None)


def test_every_document_kind_has_an_example() -> None:
    assert HEADS.keys() == {kind.name for kind in DOCUMENTS}


@pytest.mark.parametrize(("kind", "head"), HEADS.items(), ids=HEADS.keys())
def test_documents_are_refused(kind: str, head: str) -> None:
    source = from_stream((head + lines(WORDS)).encode())
    told = recognised(source, AUTO)
    assert told.format == kind
    if kind == "book":  # which may be learnt with its licence
        assert told.told[0].level == "warning"
    else:
        with pytest.raises(CorpusError, match="^stdin: the file is ") as error:
            strings_in(source)
        assert "--set corpus.format=lines" in error.value.remedy
    assert strings_in(source, settings_of(format="lines"))


MAGIC = {kind.name: b"\0" * kind.place + kind.magic[0] + b"\0\1\2 some bytes" for kind in BINARY_KINDS}
MAGIC["safetensors"] = (64).to_bytes(8, "little") + b'{"a": 1}'


@pytest.mark.parametrize("data", MAGIC.values(), ids=MAGIC.keys())
def test_binary_files_are_refused_by_name_unless_bytes_are_asked_for(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(data)
    with pytest.raises(CorpusError, match=r"list\.txt: the file is .*, not text\n") as error:
        strings_in(open_source(file))
    assert error.value.remedy and "corpus.unit=byte" not in error.value.remedy
    found = "".join(strings_in(open_source(file), settings_of(unit="byte"))).encode("latin-1")
    assert found == data.replace(b"\r\n", b"").replace(b"\n", b"")


def test_a_real_array_and_model_are_known_by_their_beginning(tmp_path: Path) -> None:
    np.save(tmp_path / "list.npy", np.arange(3))
    with pytest.raises(CorpusError, match="is a NumPy array"):
        strings_in(open_source(tmp_path / "list.npy"))


def test_every_line_kind_has_a_row() -> None:
    shown = {row.kind for row in (*READ, *REFUSED, *OFFERED)} | HEADS.keys()
    others = {"json-object", "checksums", "markdown", "vectors"}  # test_remedies has them
    others |= {
        "json-rows",
        "json-sequence",
        "printed-table",
        "one-line",
        "yaml-records",
    }  # test_line_patterns has these
    others |= {kind.name for kind in LINE_PATTERNS}
    assert {kind.name for kind in line_kinds(once=False)} - shown == others
    assert recognised(from_stream(json.dumps({"a": WORDS}, indent=1).encode()), AUTO).format == "json-object"


def test_levels_say_what_is_done() -> None:
    does = {kind.name: kind.does for kind in line_kinds(once=False)}
    assert {row.kind for row in READ if row.kind in does and does[row.kind] != "read"} == {"tab-columns"}
    assert {does[row.kind] for row in REFUSED} == {"refuse"}
    assert {does[row.kind] for row in OFFERED} == {"offer"}


# FASTA's own finding


def test_soft_masks_ambiguity_gaps_and_stops_are_told_and_can_be_removed() -> None:
    data = "".join(f">r{n}\n{dna[:10]}{dna[10:20].lower()}NNRY--*\n" for n, dna in enumerate(DNA)).encode()
    told = recognised(from_stream(data), AUTO).told[-1]
    for words in (
        "DNA",
        "N 7.41%",
        "other ambiguity letters 7.41%",
        "gaps 7.41%",
        "stops 3.70%",
        "small letters 37.04%",
    ):
        assert words in told.what
    assert re.findall("corpus.[a-z_]+", told.remedy) == ["corpus.case", "corpus.drop_characters"]
    clean = strings_in(from_stream(data), settings_of(case="upper", drop_characters="-*"))
    assert clean == [dna[:20] + "NNRY" for dna in DNA]


def test_a_cut_off_fastq_is_refused() -> None:
    data = "".join(f"@r{n}\n{dna}\n+\n{'I' * 30}\n" for n, dna in enumerate(DNA))
    with pytest.raises(CorpusError, match="cut off"):
        strings_in(from_stream(data[:-40].encode()))


def test_wrapped_fastq_far_behind_is_refused_with_its_line() -> None:
    record = f"@r\n{DNA[0]}\n+\n{'I' * 30}\n"
    with pytest.raises(CorpusError, match="line 40005 does not begin a FASTQ record"):
        strings_in(from_stream((record * 10_001 + "AC\nAC\nAC\nAC\n" + record).encode()))


# Hexadecimal strings


def test_hex_strings_are_counted_and_decoded_once() -> None:
    data = lines([*WORDS, "$HEX[6b61e9]", "$HEX[c3a9]", "$HEX[244845585b36315d]", "$HEX[zz]", "$HEX[610a]"]).encode()
    source = from_stream(data)
    assert strings_in(source) == [*WORDS, "kaé", "é", "$HEX[61]", "$HEX[zz]", "$HEX[610a]"]
    for hex_, expected in (("decode", 3), ("keep", 3)):
        reader = Reader(source, settings_of(hex=hex_))
        kept = [string for block in reader for string in block.strings()]
        assert reader.hex == expected
        assert ("$HEX[6b61e9]" in kept) == (hex_ == "keep")


@pytest.mark.parametrize("size", [4, 9, 32, 200])
def test_hex_strings_are_decoded_wherever_blocks_end(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqgan_wgp.text.readers import file_reader

    monkeypatch.setattr(file_reader, "BLOCK_BYTES", size)
    assert strings_in(from_stream(b"ab\r\n$HEX[6162]\r\n$HEX[63]\n\nd")) == ["ab", "ab", "c", "d"]


def test_hex_strings_in_columns_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("password,n\n$HEX[6b61e9],1\nabc,2\n")
    assert strings_in(open_source(f"{tmp_path}/p.csv:password")) == ["kaé", "abc"]


# Case and characters


@pytest.mark.parametrize("unit", ["char", "byte"])
def test_case_and_characters_of_a_text(unit: str) -> None:
    settings = settings_of(case="lower", drop_characters="-é", unit=unit)
    found = strings_in(from_stream("AB-c\nDéF\n".encode()), settings)
    assert found == ["abc", "df"]


# Fields


def test_the_last_field_keeps_what_looks_like_a_separator() -> None:
    data = lines([f"a:b:{word}" for word in WORDS] + ["a:b:c:d", "a"]).encode()
    assert strings_in(from_stream(data), settings_of(field="3", separator=":")) == [*WORDS, "c:d"]
    with pytest.raises(CorpusError, match="most lines have 3 fields") as error:
        strings_in(from_stream(data), settings_of(field="4", separator=":"))
    assert error.value.remedy.endswith("--set corpus.field=3")


@pytest.mark.parametrize("written_as", ["tab", "\\t", "\t"])
def test_a_separator_may_be_written_as_a_word(written_as: str) -> None:
    data = lines([f"{word}\tx" for word in WORDS]).encode()
    assert strings_in(from_stream(data), settings_of(field="1", separator=written_as)) == WORDS


@pytest.mark.parametrize("encoding", ["punycode", "rot13", "utf9", "idna", "base64"])
def test_an_encoding_that_cannot_be_read_is_told_as_ever(encoding: str) -> None:
    with pytest.raises(CorpusError, match=f"corpus.encoding is '{encoding}'"):
        strings_in(from_stream(lines(WORDS).encode()), settings_of(encoding=encoding))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030", "utf-16-le", "utf-8-sig", "iso2022_jp"])
def test_kinds_are_told_in_other_encodings(encoding: str) -> None:
    data = lines([f"- {word}" for word in WORDS]).encode(encoding)
    assert strings_in(from_stream(data), settings_of(encoding=encoding)) == WORDS


@pytest.mark.parametrize("setting", ["field", "weights"])
def test_a_field_of_no_table_is_refused(setting: str) -> None:
    with pytest.raises(CorpusError, match=f"corpus.{setting} is 'name', but the lines are no table"):
        strings_in(from_stream(lines(WORDS).encode()), settings_of(**{setting: "name"}))


# Weights


Make = Callable[[Path], str]


def test_a_column_of_counts_weighs_another(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("name,n\nana,3\neva,0\nlu,1\n")
    (tmp_path / "w.jsonl").write_text('{"name": "ana", "n": 3}\n{"name": "eva", "n": 0}\n{"name": "lu", "n": 1}\n')
    (tmp_path / "w.txt").write_text((tmp_path / "w.csv").read_text() + "x,1\n")
    assert strings_in(open_source(f"{tmp_path}/w.csv:name*n")) == ["ana", "ana", "ana", "lu"]
    assert strings_in(open_source(f"{tmp_path}/w.jsonl:name*n")) == ["ana", "ana", "ana", "lu"]
    settings = settings_of(field="name", weights="n")
    assert strings_in(open_source(tmp_path / "w.txt"), settings) == ["ana", "ana", "ana", "lu", "x"]
    assert strings_in(open_source(f"{tmp_path}/w.csv:name"), settings_of(weights="n")) == ["ana", "ana", "ana", "lu"]


@pytest.mark.parametrize("count", ["-1", "x", "nan"])
def test_a_count_that_is_none_is_refused(count: str, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(f"name,n\nana,3\neva,{count}\n")
    with pytest.raises(CorpusError, match=f"string 2 has the count '{count}'"):
        strings_in(open_source(f"{tmp_path}/w.csv:name*n"))


def test_large_counts_are_scaled_in_proportion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqgan_wgp.text.readers import weighted

    monkeypatch.setattr(weighted, "MAX_COPIES", 3_000)
    names = made(1_000, seed=3)
    (tmp_path / "w.csv").write_text(lines(["name,n", "most,20000", *(f"{name},10" for name in names)]))
    found = strings_in(open_source(f"{tmp_path}/w.csv:name*n"))
    assert found == strings_in(open_source(f"{tmp_path}/w.csv:name*n"))
    assert found.count("most") == 2_000  # of 30,000 in all a tenth is read
    assert len(found) - 2_000 == len(set(names)) + (len(names) - len(set(names)))
    (tmp_path / "r.csv").write_text(lines(["name,n", "most,27000", *(f"{name},3" for name in names)]))
    rare = strings_in(open_source(f"{tmp_path}/r.csv:name*n"))
    assert rare.count("most") == 2_700
    assert 240 < len(rare) - 2_700 < 360  # three in ten of 1,000 by chance: 300, and four deviations of 14.5


@pytest.mark.parametrize("row", [row for row in READ if isinstance(row.text, str)], ids=lambda row: row.says)
def test_a_byte_order_mark_changes_nothing(row: Row) -> None:
    if row.name == "corpus.txt":
        assert strings_in(from_stream(b"\xef\xbb\xbf" + row.data), settings_of(**row.settings)) == row.strings


@given(st.lists(st.sampled_from([b"a", b"bc", b"\r", b"\n", b"\r\n"])).map(b"".join), st.integers(1, 5))
def test_carriage_returns_become_line_feeds_wherever_blocks_end(data: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_changes, "BLOCK", size)
        with line_changes.returns_as_feeds(lambda: io.BytesIO(data))() as stream:
            assert stream.read() == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@given(st.lists(st.sampled_from([b"a", b"- ", b"bc", b"\n"])).map(b"".join), st.integers(1, 9))
def test_changes_are_the_same_wherever_blocks_end(data: bytes, size: int) -> None:
    change = line_changes.without_head(1, line_changes.replaced(rb"^- "))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_changes, "BLOCK", size)
        with line_changes.changed(lambda: io.BytesIO(data), change, "x")() as stream:
            found = stream.read()
    ended = data if data.endswith(b"\n") or not data else data + b"\n"
    assert found == b"".join(line.removeprefix(b"- ") for line in ended.splitlines(keepends=True)[1:])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_wide_text_becomes_utf_8_wherever_blocks_end(encoding: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_changes, "BLOCK", size)
    text = "añ李👩\n" * 9
    with line_changes.as_utf8(lambda: io.BytesIO(text.encode(encoding)), encoding, "x")() as stream:
        assert stream.read().decode() == text
