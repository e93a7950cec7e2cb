"""Files of programs that are no lists of strings: each is told by its content, and its remedy makes a list of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seqgan_wgp.config import recipe
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.recognition.line_ends import LINE_ENDS
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
    strings_in,
)

NAMES = [word.title() for word in WORDS]
TEXTS = [f"{word} and {word[::-1]}" for word in WORDS]
RULE = "+--+--+\n"
PROTEINS = made(40, "ACDEFGHIKLMNPQRSTVWY")
STARTS = [dna[:4] for dna in DNA]
SHAPES = [f"{'a' * (n % 9 + 1)} {n}" for n, _ in enumerate(WORDS)]


def numbered(form: str, texts: list[str] = TEXTS) -> str:
    """Return a line for each text; {n} is its number, and {nn} that number in two digits."""
    return "".join(form.format(text=text, n=n, nn=f"{n % 60:02d}") + "\n" for n, text in enumerate(texts))


@dataclass(frozen=True)
class Told:
    """A file that is of a kind, and what the command of its remedy makes of it."""

    kind: str
    text: str
    strings: list[str] = field(default_factory=list)
    """Empty: the remedy is no command."""

    level: str = "problem"


FILES = [
    Told("access-log", numbered('10.0.0.{n} - ann [10/Oct/2000:13:55:{nn} -0700] "GET /{text} HTTP/1.0" 200 2{n}'),
         [f"GET /{text} HTTP/1.0" for text in TEXTS], "warning"),
    Told("system-log", numbered("Jan  3 10:00:{nn} host sshd[{n}]: {text}: {n}"),
         [f"{text}: {n}" for n, text in enumerate(TEXTS)], "warning"),
    Told("log", numbered("2021-01-01 10:00:{nn},{n} INFO, {text}"), [f"INFO, {text}" for text in TEXTS], "warning"),
    Told("log", numbered("[2021-01-01T10:00:{nn}.{n}+01:00] {text}"), TEXTS, "warning"),
    Told("chat", numbered("[12/{n}/21, 10:15:{nn} PM] Ana Lu: {text}\nand more"), TEXTS, "warning"),
    Told("chat", numbered("12.1.21, 22:{nn} - Ana: {text}"), TEXTS, "warning"),
    Told("chat", numbered("1/2/24, 9:{nn}\u202fAM - +1 555: {text}"), TEXTS, "warning"),
    Told("chat-room", numbered("[12:{nn}] <ana> {text}\n[12:{nn}] *** lu left"), TEXTS, "warning"),
    Told("chat-room", numbered("2021-01-01 12:00:{nn}\t<ana> {text}"), TEXTS, "warning"),
    Told("lyrics", "[ar:x]\n[ti:y]\n" + numbered("[00:{nn}.00]{text}"), TEXTS),
    Told("frames", numbered("{{{n}}}{{{n}9}}{text}"), TEXTS),
    Told("string-table", numbered('/* a note */\n"key.{n}" = "{text}";'), TEXTS),
    Told("hex-dump", numbered("{nn}{nn}{nn}{nn}: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............")),
    Told("hex-dump", numbered("{nn}{nn}{nn}{nn}  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF...|")),
    Told("hosts", "# hosts\n" + numbered("0.0.0.0 {text}.org", WORDS), [f"{word}.org" for word in WORDS]),
    Told("hosts", numbered("fe80::{n}\t{text} other", WORDS), WORDS),
    Told("grep", numbered("src/a.txt:{n}:{text}: x"), [f"{text}: x" for text in TEXTS], "warning"),
    Told("pronunciations", ";;; # a dictionary\n" + numbered("{text}  W ER1 D Z", WORDS), WORDS),
    Told("number-columns", numbered("{text:15} {n}.5  {n}.25   {n}", [f"{word} x" for word in WORDS]),
         [f"{word} x" for word in WORDS]),
    Told("number-columns", numbered("  {text:30}  1,{nn}7", SHAPES[1:]), [shape.split()[0] for shape in SHAPES[1:]]),
    Told("quoted-columns", '"x" "n"\n' + numbered('"{n}" "{text}" 5'), ["n", *TEXTS]),
    Told("settings", "# a note\n[part]\n" + numbered("key.{n} = {text}"), TEXTS, "warning"),
    Told("settings", numbered("KEY_{n}={text}"), TEXTS, "warning"),
    Told("entities", numbered("{text} &amp; &#39;x&eacute;"), [f"{text} & 'x\u00e9" for text in TEXTS], "warning"),
    Told("percent-encoded", numbered("{text}%20%C3%A9"), [f"{text} \u00e9" for text in TEXTS], "warning"),
    Told("escapes", numbered(r"{text}\u00e9\ud83d\ude00"), [f"{text}\u00e9\U0001f600" for text in TEXTS], "warning"),
    Told("terminal-colours", numbered("\x1b[1;31m{text}\x1b[0m\x1b[K"), TEXTS, "warning"),
    Told("yaml-records", "people:\n" + numbered("- name: {text}\n  age: 3"), TEXTS),
    Told("yaml-records", numbered("- name: {text}"), TEXTS),
    Told("json-rows", numbered('["{text}", {n}]'), TEXTS),
    Told("json-sequence", numbered('{{\n "name": "{text}"\n}}'), TEXTS),
    Told("json-sequence", numbered('\x1e{{"first name": "{text}"}}'), TEXTS),
    Told("printed-table", " id | name\n----+------\n" + numbered(" {text:30} | {n}", WORDS) + "(60 rows)\n", WORDS),
    Told("printed-table", RULE + "| t | n |\n" + RULE + numbered("| {text:30} | {n} |", WORDS) + RULE + "60 rows\n",
         ["t", *WORDS]),
    Told("one-line", ", ".join(WORDS), WORDS),
    Told("one-line", "[list]\nwords = [" + ", ".join(f'"{word}"' for word in WORDS) + "]\n", WORDS),
    Told("one-line", "\t".join(WORDS) + "\r\n", WORDS),
    Told("columns", "A report\n\nname,age,town\n" + numbered("{text},3,Rome", WORDS),
         ["name,age,town", *(f"{word},3,Rome" for word in WORDS)], "warning"),
    Told("genbank", numbered("LOCUS       X{n}\nORIGIN\n        1 {text} acgt\n//", STARTS),
         [f"{start}acgt" for start in STARTS]),
    Told("embl", numbered("ID   X{n}; SV 1;\nSQ   Sequence 8 BP;\n     {text} acgt        8\n//", STARTS),
         [f"{start}acgt" for start in STARTS]),
    Told("sam", "@HD\tVN:1.6\n" + numbered("r{n}\t0\tc\t1\t60\t30M\t*\t0\t0\t{text}\tIII", DNA), DNA),
    Told("alignment", "CLUSTAL W\n\n" + 2 * (numbered("s{n}   {text}", DNA) + "     ** * *\n\n"),
         [2 * dna for dna in DNA]),
    Told("alignment", "# STOCKHOLM 1.0\n#=GF ID x\n" + numbered("s{n}   {text}", DNA) + "//\n", DNA),
    Told("phylip", " 40 30\n" + numbered("s{n}   {text}", DNA), DNA),
    Told("pir", numbered(">P1;s{n}\na protein\n{text}*", PROTEINS), PROTEINS),
    Told("treebank", numbered("# sent_id = {n}\n# text = {text}\n1\t{text}\tx\tX\tX\t_\t0\tr\t_\t_\n", WORDS), WORDS),
    Told("bibliography", numbered("@article{{k{n},\n  title = {{{text}}},\n  author = {{x}}\n}}\n"), TEXTS),
    Told("references", numbered("TY  - JOUR\nTI  - {text}\nAU  - x\nER  - \n"), TEXTS),
    Told("references", numbered("PMID- {n}\nTI  - {text}\nAU  - x\n"), TEXTS),
    Told("styled-subtitles", "[Script Info]\n[Events]\n" + numbered("Dialogue: 0,1,2,D,,0,0,0,,{{\\i1}}{text}, so"),
         [f"{text}, so" for text in TEXTS]),
    Told("playlist", "#EXTM3U\n" + numbered("#EXTINF:123,{text}\n/music/{n}.mp3"), TEXTS),
    Told("tunes", numbered("X:{n}\nT:{text}\nK:G\nABcd\n"), TEXTS),
    Told("chess", numbered('[Event "{n}"]\n[Result "*"]\n\n1. e4 {text} *\n'), [f"1. e4 {text} *" for text in TEXTS]),
    Told("filters", "[Adblock Plus 2.0]\n! a list\n" + numbered("||{text}.org^$third-party", WORDS),
         [f"{word}.org" for word in WORDS]),
    Told("triples", numbered('<http://x/{n}> <http://y> "{text}"@en .'), TEXTS),
    Told("triples", "@prefix e: <http://x/> .\n" + numbered('e:n{n} e:label "{text}" .'), TEXTS),
    Told("book", HEADS["book"] + numbered("{text}.") + "*** END OF X\nThe licence\n",
         [f"{text}." for text in TEXTS], "warning"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FILES)), ids=lambda number: f"{number}: {FILES[number].kind}")
def test_a_file_is_told_and_its_remedy_makes_a_list(number: int, tmp_path: Path) -> None:
    one = FILES[number]
    (tmp_path / "file").write_text(one.text, encoding="utf-8", newline="")
    source = recognised(open_source(tmp_path / "file"), AUTO)
    told = source.told[-1]
    assert (source.format, told.level) == (one.kind, one.level)
    assert recognised(from_stream(one.text.encode()), AUTO).told[-1].what == told.what
    if one.level == "problem":
        with pytest.raises(CorpusError):
            strings_in(source)
    else:
        assert strings_in(source) == [line for line in re.split("\r?\n", one.text) if line]
    way, *others = re.split(r"; (?=to learn the lines as they are)", told.remedy)
    assert others == ["to learn the lines as they are: --set corpus.format=lines"]
    if not one.strings:
        assert ">" not in way
        return
    name = re.search(r"> (NEW\.?\w*)$", way)
    assert name is not None
    command = way.partition(": ")[2].replace("FILE", "file")
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not there")
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    (tmp_path / name[1]).rename(tmp_path / "new")
    again = recognised(open_source(tmp_path / "new"), AUTO)
    assert again.format != one.kind or one.kind == "columns"
    assert again.format in ("text", "fasta", "columns")
    assert strings_in(again) == one.strings


def test_every_pattern_and_command_has_a_file() -> None:
    shown = {one.kind for one in FILES}
    assert {kind.name for kind in LINE_PATTERNS} - shown == {"selfies"}
    for kind, head in HEADS.items():
        told = recognised(from_stream((head + lines(WORDS)).encode()), AUTO).told[-1]
        assert kind in shown or "> NEW" not in told.remedy or kind in OLDER, kind


OLDER = {"vcard", "calendar", "ldif", "subtitles", "translations", "latex"}
"""Kinds whose commands test_remedies runs, or that need a program that is seldom there."""


AS_THEY_ARE = {
    "molecules by InChI": numbered("InChI=1S/C{n}H4/c1-2/h1H"),
    "equations": numbered("{n} + {n} = {text}"),
    "hours": numbered("12:{nn} {text}"),
    "base64": numbered("aZS1VX8x21SoM6xvwGwyYSn6Y3x0mfUTYN7IN{nn}=="),
    "per cent": numbered("{n}% of {text}, 5%"),
    "ampersands": numbered("{text} & co. {n}"),
    "verses with a number": numbered("{text}  verse"),
    "plays": numbered("ANA: {text}"),
    "arrays of text": numbered("[{text}] {n}"),
    "hashtags": numbered("#{text}.{n}:", WORDS),
    "hashtags with a sign": numbered("#{text}=", WORDS),
    "words in brackets": numbered("[{text}=]", WORDS),
    "a word that a track has": lines(["track and field", "browser history", *WORDS]),
    "a word that an alignment has": lines(["pileup", *WORDS]),
    "a name and a number": lines(["X: 1", *WORDS]),
    "words of a document": lines(["1,2", *WORDS]),
    "one line of prose": ", ".join([f"{' '.join(WORDS[:9])}"] * 30),
    "one line of words": " ".join(WORDS),
}


@pytest.mark.parametrize("text", AS_THEY_ARE.values(), ids=AS_THEY_ARE.keys())
def test_what_only_looks_alike_is_read_as_it_is(text: str) -> None:
    told = recognised(from_stream(text.encode()), AUTO)
    assert (told.told, told.format) == ((), "text")


def test_a_log_that_begins_with_hours_in_brackets_is_no_array() -> None:
    long = numbered("[12:{nn}] {text}") * 60
    assert len(long) > 1 << 16
    assert recognised(from_stream(long.encode()), AUTO).told == ()


def test_what_stands_behind_an_array_is_not_left_out_without_a_word() -> None:
    with pytest.raises(CorpusError, match="something stands behind its end"):
        strings_in(from_stream(('["a", "b"]' + " " * (1 << 16) + "[]").encode()))


def test_selfies_are_read_and_have_brackets_as_units() -> None:
    molecules = [f"{'[C]' * (n % 7 + 1)}[=O][Branch{n}].[Na+]" for n, _ in enumerate(WORDS)]
    told = recognised(from_stream(lines(molecules).encode()), AUTO)
    assert [(one.kind, one.level) for one in told.told] == [("selfies", "note")]
    settings = remedied(told.told[0].remedy)
    assert strings_in(from_stream(lines(molecules).encode()), settings) == molecules
    from seqgan_wgp.utils.token_symbols import FoundTokens

    assert len(FoundTokens(settings.unit_pattern).encode("[C][=O][Branch1].[Na+]")) == 5


@pytest.mark.parametrize("end", LINE_ENDS, ids=lambda end: f"U+{ord(end):04X}")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_ends_of_lines_are_told_and_read(end: str, encoding: str) -> None:
    for text in (end.join(WORDS), "".join(f"{word}{end}" for word in WORDS)):
        told = recognised(from_stream(text.encode(encoding)), AUTO)
        assert LINE_ENDS[end] in told.told[-1].what
        assert strings_in(told) == WORDS


def test_kinds_are_told_whatever_lines_end_with() -> None:
    text = "\u2028".join(f"- {word}" for word in WORDS)
    assert strings_in(from_stream(text.encode())) == WORDS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_text_without_a_mark_does_not_end_its_lines_with_nul(encoding: str) -> None:
    for text in ("\n".join(WORDS), "".join(WORDS)):
        assert recognised(from_stream(text.encode(encoding)), AUTO).told == ()


COMMENTS = "#!comment: how the list was made\n" * 6

BELOW = [
    Row("bullets", COMMENTS + lines([f"- {word}" for word in WORDS]), WORDS),
    Row("numbered", COMMENTS + lines([f"{n}. {word}" for n, word in enumerate(WORDS, 1)]), WORDS),
    Row("counts", COMMENTS + "".join(f"{2:7d} {word}\n" for word in WORDS),
        [word for word in WORDS for _ in range(2)]),
]  # fmt: skip


@pytest.mark.parametrize("row", BELOW, ids=lambda row: row.kind)
def test_what_stands_below_comments_is_told_too(row: Row) -> None:
    told = recognised(from_stream(row.data), AUTO)
    assert [one.kind for one in told.told] == ["comments", row.kind]
    assert strings_in(told) == row.strings


LISTS = {
    "a list in Python": "WORDS = [\n" + lines([f'    "{word}",' for word in WORDS]) + "]\n",
    "a list in JavaScript": "export const words = [\n" + lines([f"  '{word}'," for word in WORDS]) + "];\n",
    "a list in TOML": "words = [\n" + lines([f'  "{word}",' for word in WORDS]) + "]\n",
    "a list in Markdown": "# Words\n\n" + lines([f"1. {word}" for word in WORDS]),
    "boxes": "## To do\n\n" + lines([f"- [{' x'[n % 2]}] {word}" for n, word in enumerate(WORDS)]),
    "JSON strings": lines(['"caf\\u00e9"', *(f'"{word}"' for word in WORDS)]),
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_a_heading_is_no_string(text: str) -> None:
    found = strings_in(from_stream(text.encode()))
    assert found == (["caf\u00e9"] if "caf\\u" in text else []) + WORDS


TABLES = {
    "ranks": (lines([f"{n},{word}" for n, word in enumerate(WORDS, 1)]), WORDS),
    "a table of R": (lines(['"","x"', *(f'"{n}","{word}"' for n, word in enumerate(WORDS))]), ["x", *WORDS]),
    "regions": (lines([f"chr{n % 2}\t{n}\t{n}\t{word}" for n, word in enumerate(WORDS)]), WORDS),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_column_that_is_proposed_holds_strings(name: str) -> None:
    text, strings = TABLES[name]
    told = recognised(from_stream(text.encode()), recipe("fast").corpus).told[-1]
    assert strings_in(from_stream(text.encode()), remedied(told.remedy)) == strings


def test_an_unnamed_column_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "frame.csv").write_text(",name\n" + lines([f"{n},{word}" for n, word in enumerate(WORDS)]))
    with pytest.raises(CorpusError) as error:
        strings_in(open_source(tmp_path / "frame.csv"))
    assert error.value.remedy.startswith(f"e.g. {tmp_path / 'frame.csv'}:name; ")
