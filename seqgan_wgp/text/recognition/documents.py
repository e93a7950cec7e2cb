"""Kinds of text that are no list of strings, each told by how it begins, and how a list is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .sample import AS_LINES, Sample, Sighting


@dataclass(frozen=True, kw_only=True)
class DocumentKind:
    """A kind of text."""

    name: str
    what: str
    """As in "the file is an HTML page"."""

    begins: re.Pattern[str]
    remedy: str
    does: Literal["refuse", "offer"] = "refuse"
    """As in LineKind."""


def _kind(name: str, what: str, begins: str, remedy: str, does: Literal["refuse", "offer"] = "refuse") -> DocumentKind:
    return DocumentKind(name=name, what=what, begins=re.compile(begins, re.IGNORECASE), remedy=remedy, does=does)


def _take(what: str, command: str) -> str:
    return f"to learn the {what}: {command} > NEW.txt"


_SEQUENCES = (
    'to learn its sequences: awk \'/^{}/ {{on=1;print ">" ++n;next}} /^[/][/]/ {{on=0}} '
    'on {{gsub(/[0-9 ]/, "");print}}\' FILE > NEW.fasta'
)
"""Sequences stand between a line that begins with a word and one of two slashes, with the places of letters."""

_ALIGNED = (
    "to learn its sequences: awk 'NR>1 && NF>1 && /^[^ #\\/]/ && $2 ~ /^[A-Za-z.~*-]+$/ "
    '{if (!($1 in s)) name[++n]=$1;s[$1]=s[$1] $2} END {for (i=1;i<=n;i++) print ">" name[i] "\\n" s[name[i]]}\' '
    "FILE > NEW.fasta"
)
"""Sequences of an alignment stand in blocks, a part of each sequence a line behind its name."""

DOCUMENTS: tuple[DocumentKind, ...] = (
    _kind(
        "html",
        "an HTML page",
        r"\s*(?:<!--.*?-->\s*)?<(?:!doctype (?:html|netscape)|html)\b",
        "save the page as plain text",
    ),
    _kind(
        "xml",
        "XML",
        r"\s*(?:<!--.*?-->\s*)?<(?:\?xml\b|(?:svg|gpx|kml|opml|rss|feed|tmx|xliff|mediawiki|plist|resources)[\s/>])",
        "write the wanted element to a text file, one per line",
    ),
    _kind(
        "sql",
        "a dump of an SQL database",
        r"\s*(?:(?:--|/\*|#)[^\n]*\n\s*)*(?:CREATE\s+(?:TABLE|DATABASE)|INSERT\s+INTO|DROP\s+TABLE|SET\s+\S+\s*=|"
        r"PRAGMA\s|COPY\s[^\n]+\sFROM\s+stdin|BEGIN\s+TRANSACTION|LOCK\s+TABLES)\b",
        "load it into a database and write the wanted column to a text file, one per line",
    ),
    _kind(
        "vcard",
        "a file of contacts (vCard)",
        r"BEGIN:VCARD",
        "to learn the names: grep -a '^FN' FILE | cut -d: -f2- > NEW",
    ),
    _kind(
        "calendar",
        "a calendar",
        r"BEGIN:VCALENDAR",
        "to learn the titles: grep -a '^SUMMARY' FILE | cut -d: -f2- > NEW",
    ),
    _kind(
        "ldif",
        "an LDIF directory export",
        r"(?:version: \d+\s+)?dn: ",
        "to learn one attribute: grep -a '^cn: ' FILE | cut -c5- > NEW",
    ),
    _kind(
        "mailbox",
        "a mailbox or e-mail message",
        r"(?:From \S+ \w{3} \w{3} +\d+ |(?:Return-Path|Received|Delivered-To|MIME-Version): )",
        "write the texts of the messages to a file, one string per line",
    ),
    _kind(
        "subtitles",
        "a file of subtitles",
        r"(?:WEBVTT\b|\d+\r?\n\d\d:\d\d:\d\d[,.]\d{3} --> )",
        "to learn the spoken lines: grep -avE '^[0-9]+\\r?$|-->|^WEBVTT' FILE > NEW",
    ),
    _kind("genbank", "a GenBank file", r"LOCUS {7}", _SEQUENCES.format("ORIGIN")),
    _kind("embl", "an EMBL or UniProt file", r"ID   \S+", _SEQUENCES.format("SQ")),
    _kind("vcf", "a VCF file of variants", r"##fileformat=VCF", "it holds no sequences: give FASTA or FASTQ"),
    _kind("gff", "a GFF file of annotations", r"##gff-version", "it holds no sequences: give FASTA or FASTQ"),
    _kind(
        "sam", "a SAM file of alignments", r"@(?:HD|SQ|RG|PG)\t", _take("sequences", "grep -av '^@' FILE | cut -f10")
    ),
    _kind("alignment", "an alignment (Clustal or Stockholm)", r"(?:CLUSTAL|MUSCLE \(|# STOCKHOLM)", _ALIGNED),
    _kind("nexus", "a NEXUS file of an alignment or trees", r"#NEXUS", "write its sequences as FASTA"),
    _kind("msf", "an alignment (MSF)", r"(?:!!(?:NA|AA)_MULTIPLE_ALIGNMENT)", "write its sequences as FASTA"),
    _kind(
        "pir",
        "a file of sequences (PIR)",
        r">(?:P1|F1|D[LC]|R[LC]|N[13]|XX);",
        'to learn its sequences: awk \'/^>/ {sub(/;/, " ");print;getline;next} '
        '{sub(/[*]$/, "");print}\' FILE > NEW.fasta',
    ),
    _kind(
        "phylip",
        "an alignment (PHYLIP)",
        r" *\d+ +\d+ *\r?\n\S+ +[ACGTUNacgtun-][A-Za-z.?* -]{7,}\r?\n",
        _take("sequences, where each has a line", "sed -E '1d; s/^[^ ]+ +//; s/ //g' FILE"),
    ),
    _kind("spectra", "a file of mass spectra (MGF)", r"(?:#[^\n]*\n)*BEGIN IONS\b", "give the peptides, one per line"),
    _kind(
        "track",
        "a track of a genome browser",
        r"(?:#[^\n]*\n)*(?:browser (?:position|hide|dense|pack|squish|full) |track \w+=|(?:fixed|variable)Step )",
        "it holds no sequences: give FASTA or FASTQ",
    ),
    _kind(
        "mmcif",
        "a file of a structure or crystal (CIF)",
        r"(?:#[^\n]*\n)*data_\S*\s+(?:#\s*)*(?:_|loop_)",
        "give its sequence as FASTA",
    ),
    _kind("pdb", "a PDB file of a structure", r"HEADER {4}[A-Z]|ATOM {2,}\d+ ", "give its sequence as FASTA"),
    _kind(
        "molfile",
        "a file of molecules with coordinates (MOL, SDF, MOL2 or XYZ)",
        r"[^\n]*\n[^\n]*\n[^\n]*\n[ \d]{6}.*V[23]000|\d+ *\r?\n[^\n]*\n[A-Z][a-z]?(?:\s+-?\d+\.\d+){3}|"
        r"(?:#[^\n]*\n)*@<TRIPOS>",
        "write it as SMILES: obabel FILE -osmi -O NEW.smi",
    ),
    _kind(
        "translations",
        "a catalogue of translations (gettext)",
        r"(?:#[^\n]*\n)*msgid ",
        "to learn the translations: sed -n 's/^msgstr \"\\(..*\\)\"$/\\1/p' FILE > NEW.txt",
    ),
    _kind("patch", "a patch", r"(?:diff --git |--- [^\n]*\n\+\+\+ )", "give the files that it changes"),
    _kind(
        "affixes",
        "the affix file of a dictionary (Hunspell)",
        r"(?:#[^\n]*\n)*SET [\w-]+\r?\n(?:TRY|LANG|FLAG|PFX|SFX|REP|WORDCHARS)\b|[PS]FX \S+ [YN] \d+\r?\n",
        "give the file of words, which ends in .dic",
    ),
    _kind("lfs", "a Git LFS pointer, not the file itself", r"version https://git-lfs", "get the file: git lfs pull"),
    _kind("key", "a key or certificate", r"-----BEGIN [A-Z ]+-----", "give a text file with one string per line"),
    _kind(
        "treebank",
        "a treebank (CoNLL)",
        r"(?:# (?:(?:sent_id|text|newdoc id|newpar id|global\.columns) ?=|newdoc\r?\n)|-DOCSTART-|"
        r"1\t[^\t\n]+(?:\t[^\t\n]*){8}\n)",
        _take("words", "awk -F'\\t' '/^[0-9]+\\t/ {print $2}' FILE"),
    ),
    _kind(
        "bibliography",
        "a bibliography (BibTeX)",
        r"\s*(?:%[^\n]*\n\s*)*@(?:comment|preamble|string|article|book|in\w+|misc|phdthesis|mastersthesis|techreport|"
        r"unpublished|online|manual|proceedings|software|dataset)\s*[{(]",
        _take("titles", "sed -nE 's/^ *[Tt](itle|ITLE) *= *[{\"]+(.*)[}\"]+,? *$/\\2/p' FILE"),
    ),
    _kind(
        "references",
        "a file of references (RIS or MEDLINE)",
        r"\s*(?:TY  - |PMID- )",
        _take("titles", "sed -nE 's/^(TI|T1) *- //p' FILE"),
    ),
    _kind(
        "styled-subtitles",
        "a file of subtitles (ASS)",
        r"\[Script Info\]",
        _take("spoken lines", "grep -a '^Dialogue' FILE | cut -d, -f10- | sed 's/{[^}]*}//g'"),
    ),
    _kind("playlist", "a playlist", r"#EXTM3U|\[playlist\]", _take("titles", "sed -nE 's/^#EXTINF:[^,]*,//p' FILE")),
    _kind(
        "tunes",
        "a file of tunes (ABC)",
        r"(?:%[^\n]*\n)*X: *\d+[^\n]*\n[A-Za-z]:",
        _take("titles", "sed -nE 's/^T: *//p' FILE"),
    ),
    _kind(
        "chess",
        "a file of chess games (PGN)",
        r"\s*\[Event \"",
        _take("moves", "grep -av '^\\[' FILE | grep -a '[^[:space:]]'"),
    ),
    _kind(
        "filters",
        "a list of filters (Adblock)",
        r"\[Adblock",
        _take("names", "sed -nE 's/^\\|\\|([^/^$*]+)\\^.*/\\1/p' FILE"),
    ),
    _kind(
        "registry",
        "an export of the Windows registry",
        r"Windows Registry Editor|REGEDIT4",
        "give a text file with one string per line",
    ),
    _kind(
        "triples",
        "a graph of triples (RDF)",
        r"\s*(?:#[^\n]*\n)*(?:@prefix|@base|PREFIX)\s|<[^>\s]+> <[^>\s]+> [<\"_]",
        _take("texts", 'sed -nE \'s/^[^"]*"([^"]*)".*/\\1/p\' FILE'),
    ),
    _kind(
        "listing",
        "a listing of a folder (ls -l)",
        r"(?:total \d+\w*\r?\n)?[-dlbcps](?:[-rwxsStT]{3}){3}[.+@]? +\d+ ",
        "list the names alone, with ls -1",
    ),
    _kind(
        "book",
        "a book of Project Gutenberg, with a licence around it",
        r"\s*(?:\ufeff)?(?:The |This is the )?Project Gutenberg(?:'s|\u2019s)? ",
        _take("book alone", "sed -n '/^\\*\\*\\* *START OF/,/^\\*\\*\\* *END OF/p' FILE | sed '1d; $d'"),
        does="offer",
    ),
    _kind(
        "latex", "a LaTeX document", r"(?:%[^\n]*\n)*\\documentclass\b", "write its text to a file: detex FILE > NEW"
    ),
)
"""Each by how it begins; none is a list of strings."""


def document(sample: Sample) -> tuple[str, Sighting] | None:
    """Return the name of the kind of document that a text is, and what is said of it."""
    found = next((kind for kind in DOCUMENTS if kind.begins.match(sample.text)), None)
    if found is None:
        return None
    return found.name, Sighting(f"the file is {found.what}", f"{found.remedy}; {AS_LINES}")
