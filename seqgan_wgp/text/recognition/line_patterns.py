"""Kinds of lines that hold more than a string, each told by a pattern: logs, chats, settings, dumps, escapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .sample import AS_LINES, MIN_LINES, NEARLY_ALL, Sample, Sighting, matching


@dataclass(frozen=True, kw_only=True)
class LinePattern:
    """A kind of lines. A group in its pattern must take in several strings, in half of the lines or more."""

    name: str
    does: Literal["refuse", "offer", "read"]
    """As in LineKind: lines that somebody may want to learn as they are, such as those of a log, are read."""

    what: str
    pattern: re.Pattern[str]
    remedy: str
    share: float = NEARLY_ALL
    """The least share of lines that match as a whole."""

    marks: str = ""
    """Characters one of which such a text must have; looked for first, since that is fast."""

    def tell(self, sample: Sample) -> Sighting | None:
        """Return what is said of a text that is of this kind."""
        lines = sample.lines
        if len(lines) < MIN_LINES or (self.marks and not any(mark in sample.text for mark in self.marks)):
            return None
        if self.share >= NEARLY_ALL:
            count = matching(lines, self.pattern)
        else:
            count = sum(self.pattern.fullmatch(line) is not None for line in lines)
        if count < self.share * len(lines) or (self.pattern.groups and not self._varies(sample)):
            return None
        return Sighting(self.what, f"{self.remedy}; {AS_LINES}")

    def _varies(self, sample: Sample) -> bool:
        """Say whether the group of the pattern takes in several strings, so that the lines are not all comments."""
        matches = (self.pattern.fullmatch(line) for line in sample.lines)
        found = [match[1] for match in matches if match is not None and match[1]]
        return 2 * len(found) >= len(sample.lines) and len(set(found)) > 1


_DATE_TIME = r"\d{4}[-/]\d\d[-/]\d\d[T ,]+\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?"

_CHAT_TIME = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"

_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*::[0-9a-fA-F:%.]*\w*)"

_PHONE = r"[A-Z]{1,3}[012]?"

_UNQUOTED = "import sys,urllib.parse as u;sys.stdout.writelines(map(u.unquote, sys.stdin))"

_UNESCAPED = "import html,sys;sys.stdout.writelines(map(html.unescape, sys.stdin))"

_UNCODED = (
    r'import json,re,sys;sys.stdout.write(re.sub(r"(\\u[0-9a-fA-F]{4})+", '
    r"lambda found: json.loads(chr(34) + found[0] + chr(34)), sys.stdin.read()))"
)


def _kind(
    name: str,
    does: Literal["refuse", "offer", "read"],
    what: str,
    pattern: str,
    remedy: str,
    *,
    share: float = NEARLY_ALL,
    marks: str = "",
) -> LinePattern:
    return LinePattern(
        name=name, does=does, what=what, pattern=re.compile(pattern), remedy=remedy, share=share, marks=marks
    )


LINE_PATTERNS: tuple[LinePattern, ...] = (
    _kind(
        "access-log",
        "offer",
        "the lines are the access log of a web server",
        r"\S+ \S+ .*\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \".*",
        "to learn the requests: cut -d'\"' -f2 FILE > NEW.txt",
        marks="[",
    ),
    _kind(
        "system-log",
        "offer",
        "the lines are a system log: date, machine, program and message",
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^:]+: .*",
        "to learn the messages: sed -E 's/^.{16}[^:]+: //' FILE > NEW.txt",
    ),
    _kind(
        "chat",
        "offer",
        "the lines are an exported chat: date, sender and message",
        rf"\u200e?\[?{_CHAT_TIME}\]?(?: [-\u2013])? [^:]+: .*",
        "to learn the messages: sed -nE 's/^[^A-Za-z]*([AaPp][Mm]\\]? *)?[^:]+: //p' FILE > NEW.txt",
        share=0.5,  # a message may have several lines
        marks=":",
    ),
    _kind(
        "chat-room",
        "offer",
        "the lines are the log of a chat room: time, <name> and message",
        rf"\[?(?:{_DATE_TIME}|\d\d:\d\d(?::\d\d)?)\]?\s+<[^>]+> .*",
        "to learn the messages: sed -nE 's/^[^<]*<[^>]+> //p' FILE > NEW.txt",
        share=0.5,
        marks="<",
    ),
    _kind(
        "log",
        "offer",
        "each line begins with a date and a time, as in a log",
        rf"\[?{_DATE_TIME}\]?\s.*",
        "to learn what stands behind them: sed -E 's/^\\[?[0-9TZ:.,+/ -]+\\]? *//' FILE > NEW.txt",
        marks=":",
    ),
    _kind(
        "lyrics",
        "refuse",
        "the lines are lyrics with times (LRC)",
        r"((?:\[\d+:\d\d[.:]\d+\])+).*|\[[a-z#]+:.*\]",
        "to learn the sung lines: sed -nE 's/^(\\[[0-9:.]+\\])+ *//p' FILE > NEW.txt",
        marks="[",
    ),
    _kind(
        "frames",
        "refuse",
        "the lines are subtitles by frames (MicroDVD)",
        r"\{\d+\}\{\d*\}.*",
        "to learn the spoken lines: sed -E 's/^(\\{[^}]*\\})+//' FILE > NEW.txt",
        marks="{",
    ),
    _kind(
        "string-table",
        "refuse",
        'the lines are a table of strings of a program: "key" = "text";',
        r'\s*"(?:[^"\\]|\\.)*"\s*=\s*"(?:[^"\\]|\\.)*";\s*',
        'to learn the texts: sed -nE \'s/^ *"[^"]*" *= *"(.*)"; *$/\\1/p\' FILE > NEW.txt',
        share=0.5,
        marks="=",
    ),
    _kind(
        "hex-dump",
        "refuse",
        "the lines are a dump of bytes in hexadecimal digits",
        r"[0-9a-fA-F]{6,16}:? +(?:[0-9a-fA-F]{2,4} +){4,}.*",
        "give the file that it shows",
    ),
    _kind(
        "hosts",
        "refuse",
        "the lines are addresses and names of machines, as in /etc/hosts",
        rf"{_ADDRESS}\s+([\w.-]+)(?:\s.*)?|#.*",
        "to learn the names: awk '!/^#/ {print $2}' FILE > NEW.txt",
        marks=".:",
    ),
    _kind(
        "grep",
        "offer",
        "each line begins with the name of a file, ':' and the number of a line, as of grep -n",
        r"[^:\s]*[./][^:\s]*:\d+:.*",
        "to learn what stands behind them: cut -d: -f3- FILE > NEW.txt",
        marks=":",
    ),
    _kind(
        "pronunciations",
        "refuse",
        "the lines are words and how they are spoken (ARPAbet, as in CMUdict)",
        rf"(\S+) {{1,2}}{_PHONE}(?: {_PHONE})*(?: #.*)?|;;;.*",
        "to learn the words: grep -av '^;;;' FILE | cut -d' ' -f1 > NEW.txt",
        marks="012",
    ),
    _kind(
        "number-columns",
        "refuse",
        "each line has a string, blanks and numbers, as in a printed table",
        r"(?=.*[^\W\d_]) *\S+(?: \S+)* {2,}-?\d[\d.,%]*(?: +-?\d[\d.,%]*)*\s*",
        "to learn the strings: sed -E 's/( +-?[0-9][0-9.,%]*)+ *$//; s/^ +//' FILE > NEW.txt",
    ),
    _kind(
        "quoted-columns",
        "refuse",
        "the lines are a table with blanks between its columns and quotes around its cells (R's write.table)",
        r'"[^"]*"(?: (?:"[^"]*"|NA|-?[\d.]+(?:e[+-]?\d+)?))+',
        "to learn the second column: cut -d'\"' -f4 FILE > NEW.txt",
        marks='"',
    ),
    _kind(
        "selfies",
        "read",
        "the lines are molecules (SELFIES)",
        r"(?:\[[^\[\]\s]+\]|\.)*\[[^\[\]\s]*[A-Z][^\[\]\s]*\](?:\[[^\[\]\s]+\]|\.)+",
        r"to learn each bracket as one symbol: --set 'corpus.unit_pattern=\[[^]]+\]|.'",
        marks="[",
    ),
    _kind(
        "settings",
        "offer",
        "each line has a name, '=' and a value",
        r"([\w.-]+(?:\[[\w@.-]+\])?)\s?=(?!=*$).*|[#;!].*|\[.*\]",
        "to learn the values: sed -nE 's/^[^#;=]+= *//p' FILE > NEW.txt",
        marks="=",
    ),
    _kind(
        "terminal-colours",
        "offer",
        "the lines have colours for a terminal",
        r".*\x1b\[[\d;]*[mK].*",
        "to remove them: sed -E \"s/$(printf '\\033')\\[[0-9;]*[mK]//g\" FILE > NEW.txt",
        share=0.05,
        marks="\x1b",
    ),
    _kind(
        "entities",
        "offer",
        "the lines have characters as HTML writes them, such as &amp;",
        r".*&(?:[A-Za-z]{2,8}|#\d{2,7}|#x[0-9a-fA-F]{2,6});.*",
        f"to turn them into characters: python3 -c '{_UNESCAPED}' < FILE > NEW.txt",
        share=0.05,
        marks="&",
    ),
    _kind(
        "percent-encoded",
        "offer",
        "the lines have characters as addresses of the web write them, such as %20",
        r".*%(?:20|2[1-9A-F]|3[A-F]|[4-7][0-9A-F]|[C-F][0-9A-F]%[89AB][0-9A-F]).*",
        f"to turn them into characters: python3 -c '{_UNQUOTED}' < FILE > NEW.txt",
        share=0.2,
        marks="%",
    ),
    _kind(
        "escapes",
        "offer",
        "the lines have characters as programs write them, such as \\u00e9",
        r".*\\u[0-9a-fA-F]{4}.*",
        f"to turn them into characters: python3 -c '{_UNCODED}' < FILE > NEW.txt",
        share=0.05,
        marks="\\",
    ),
)
"""In the order in which a text is tried for them."""
