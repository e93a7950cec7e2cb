"""What tests of recognition share: strings, files made of them, and what is read from a file."""

from __future__ import annotations

import io
import itertools
import random
import shlex
from dataclasses import dataclass, field

from seqgan_wgp.config import recipe
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.text.readers.reader import Reader
from seqgan_wgp.text.readers.source import Source
from seqgan_wgp.text.recognition.recognise import check_kind, recognised

AUTO = recipe("fast").corpus


def made(count: int, alphabet: str = "abcdefghijk", least: int = 4, most: int = 9, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(alphabet, k=chance.randint(least, most))) for _ in range(count)]


WORDS = made(60)
DNA = made(40, "ACGT", 30, 30)


def lines(strings: list[str]) -> str:
    return "".join(f"{string}\n" for string in strings)


def settings_of(**changes: object) -> CorpusSettings:
    return recipe("fast", {f"corpus.{name}": value for name, value in changes.items()}).corpus


def strings_in(source: Source, settings: CorpusSettings = AUTO) -> list[str]:
    told = recognised(source, settings)
    check_kind(told)
    return [string for block in Reader(told, settings) for string in block.strings() if string]


def remedied(remedy: str) -> CorpusSettings:
    """The settings of the first way out that a remedy names."""
    words = shlex.split(remedy.partition(";")[0])
    pairs = [after for before, after in itertools.pairwise(words) if before == "--set"]
    assert pairs, remedy
    return recipe("fast", dict(parse_assignments(pairs))).corpus


@dataclass(frozen=True)
class Row:
    kind: str
    text: str | bytes
    strings: list[str]
    """What is learnt: at once or, where the file is refused, with the settings of the remedy."""

    says: str = ""
    name: str = "corpus.txt"
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.text if isinstance(self.text, bytes) else self.text.encode()


def from_stream(data: bytes) -> Source:
    return Source(name="stdin", label="stdin", open=lambda: io.BytesIO(data))


HEADS: dict[str, str] = {
    "html": "<!DOCTYPE html>\n<html>",
    "xml": '<?xml version="1.0"?>\n<list/>',
    "sql": "-- MySQL dump 10.13\n--\n\nDROP TABLE IF EXISTS `t`;\n",
    "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Ana\nEND:VCARD\n",
    "calendar": "BEGIN:VCALENDAR\nSUMMARY:x\n",
    "ldif": "dn: cn=Ana,dc=example\ncn: Ana\n",
    "mailbox": "From ana@example.org Mon Jan  1 00:00:00 2024\nReceived: x\n",
    "translations": 'msgid ""\nmsgstr ""\n',
    "patch": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n",
    "affixes": "SET UTF-8\nTRY abc\n",
    "subtitles": "1\n00:00:01,000 --> 00:00:02,000\nHello\n",
    "genbank": "LOCUS       SCU49845     5028 bp    DNA\n",
    "embl": "ID   X56734; SV 1; linear; mRNA\n",
    "vcf": "##fileformat=VCFv4.2\n",
    "gff": "##gff-version 3\n",
    "sam": "@HD\tVN:1.6\n",
    "nexus": "#NEXUS\nbegin data;\n",
    "msf": "!!NA_MULTIPLE_ALIGNMENT 1.0\n",
    "phylip": " 40 12\nhuman     ACGTACGTACGT\n",
    "pir": ">P1;CRAB\nalpha crystallin\nMDITIH*\n",
    "spectra": "# peaks\nBEGIN IONS\nTITLE=x\n",
    "track": 'track type=bedGraph name="x"\n',
    "mmcif": "data_1ABC\n#\n_entry.id 1ABC\n",
    "treebank": "# sent_id = 1\n# text = x\n",
    "bibliography": "% mine\n@book{knuth,\n",
    "references": "TY  - JOUR\n",
    "styled-subtitles": "[Script Info]\nTitle: x\n",
    "playlist": "#EXTM3U\n",
    "tunes": "X:1\nT:Reel\n",
    "chess": '[Event "F/S Return Match"]\n',
    "filters": "[Adblock Plus 2.0]\n",
    "registry": "Windows Registry Editor Version 5.00\n",
    "triples": "@prefix ex: <http://x/> .\n",
    "listing": "total 60\n-rw-r--r-- 1 root root 5 Jan  1 10:00 x\n",
    "book": "The Project Gutenberg eBook of X\n\n*** START OF X ***\n",
    "alignment": "CLUSTAL W (1.82) multiple sequence alignment\n",
    "pdb": "HEADER    EXTRACELLULAR MATRIX\n",
    "molfile": "\n  RDKit\n\n  3  2  0  0  0  0  0  0  0  0999 V2000\n",
    "lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
    "key": "-----BEGIN CERTIFICATE-----\n",
    "latex": "% a comment\n\\documentclass{article}\n",
}
