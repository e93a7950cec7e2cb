"""Kinds of text that are no list of strings, each told by how it begins, and how a list is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .sample import AS_LINES, Sample, Sighting


@dataclass(frozen=True, kw_only=True)
class DocumentKind:
    """A kind of text that is refused."""

    name: str
    what: str
    """As in "the file is an HTML page"."""

    begins: re.Pattern[str]
    remedy: str


def _kind(name: str, what: str, begins: str, remedy: str) -> DocumentKind:
    return DocumentKind(name=name, what=what, begins=re.compile(begins, re.IGNORECASE), remedy=remedy)


_BIO = "write its sequences as FASTA"

DOCUMENTS: tuple[DocumentKind, ...] = (
    _kind("html", "an HTML page", r"\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html)\b", "save the page as plain text"),
    _kind("xml", "XML", r"\s*<\?xml\b", "write the wanted element to a text file, one per line"),
    _kind(
        "sql",
        "a dump of an SQL database",
        r"\s*(?:(?:--|/\*|#)[^\n]*\n\s*)*(?:CREATE\s+(?:TABLE|DATABASE)|INSERT\s+INTO|DROP\s+TABLE|SET\s+\S+\s*=|"
        r"PRAGMA\s|BEGIN\s+TRANSACTION|LOCK\s+TABLES)\b",
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
    _kind("genbank", "a GenBank file", r"LOCUS {7}", f"{_BIO}: seqret -sequence FILE -outseq NEW.fasta"),
    _kind("embl", "an EMBL or UniProt file", r"ID   \S+", f"{_BIO}: seqret -sequence FILE -outseq NEW.fasta"),
    _kind("vcf", "a VCF file of variants", r"##fileformat=VCF", "it holds no sequences: give FASTA or FASTQ"),
    _kind("gff", "a GFF file of annotations", r"##gff-version", "it holds no sequences: give FASTA or FASTQ"),
    _kind("sam", "a SAM file of alignments", r"@(?:HD|SQ|RG|PG)\t", f"{_BIO}: samtools fasta FILE > NEW.fasta"),
    _kind(
        "alignment",
        "an alignment (Clustal, Stockholm or NEXUS)",
        r"(?:CLUSTAL|MUSCLE \(|# STOCKHOLM|#NEXUS)",
        f"{_BIO}: seqret -sequence FILE -outseq NEW.fasta",
    ),
    _kind("pdb", "a PDB file of a structure", r"HEADER {4}[A-Z]|ATOM {2,}\d+ ", "give its sequence as FASTA"),
    _kind(
        "molfile",
        "a file of molecules with coordinates (MOL, SDF or MOL2)",
        r"[^\n]*\n[^\n]*\n[^\n]*\n[ \d]{6}.*V[23]000|(?:#[^\n]*\n)*@<TRIPOS>",
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
        r"(?:#[^\n]*\n)*SET [\w-]+\r?\n(?:TRY|LANG|FLAG|PFX|SFX|REP|WORDCHARS)\b",
        "give the file of words, which ends in .dic",
    ),
    _kind("lfs", "a Git LFS pointer, not the file itself", r"version https://git-lfs", "get the file: git lfs pull"),
    _kind("key", "a key or certificate", r"-----BEGIN [A-Z ]+-----", "give a text file with one string per line"),
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
