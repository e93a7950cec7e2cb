"""Make corpora/words.txt and corpora/identifiers.txt from the stock CPython library.

    python -m dev.extract_corpora --out corpora

Words come from prose (comments, docstrings, messages, help texts), names from NAME tokens. The same library gives
the same two files, byte for byte. CPython 3.11.7 with its test package made the committed ones; another version, or an
installation without the tests, gives other lists.
"""

from __future__ import annotations

import argparse
import hashlib
import keyword
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from dev.prose import ReportInputs, observe_library, word_set

# Four equal letters in a row, or a long run of hexadecimal digits, are filler.
FILLER_NAME = re.compile(r".*(?:([A-Za-z])\1{3}|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{10}).*")
VOWEL = re.compile(r"[aeiouy]")

SHORT_WORDS = word_set("ah am an as at be by do go he hi if in is it me my no of oh on or so to up us we")
COMPOUND_STARTS = ("after", "any", "back", "every", "fore", "out", "over", "some", "there", "under", "up", "with")
# What the rules let through, found by reading the whole list.
DROPPED = word_set((Path(__file__).parent / "dropped_words.txt").read_text(encoding="utf-8"))

# Suffix -> what may replace it to give a relative: stopping -> stop, making -> make, tried -> try, ably -> able.
SUFFIXES: dict[str, tuple[str, ...]] = {
    suffix: ("", "e", *extra)
    for suffix, *extra in (
        ("s",), ("es",), ("ed",), ("d",), ("ing",), ("er",), ("ers",), ("or",), ("ors",), ("est",), ("ness",), ("y",),
        ("able",), ("ment",), ("ments",), ("ion",), ("ions",), ("ation",), ("ations",), ("al",), ("ally",), ("ity",),
        ("ful",), ("less",), ("ist",), ("ism",), ("ize",), ("ive",), ("ish",), ("th",), ("ic",), ("ical",), ("ous",),
        ("ies", "y"), ("ied", "y"), ("ier", "y"), ("iest", "y"), ("ily", "y"), ("iness", "y"), ("ly", "le"),
        ("ably", "able"), ("ability", "able"), ("ility", "le"), ("ance", "ant", "ence"), ("ence", "ent", "ant"),
        ("ant", "ance"), ("ent", "ence"),
    )
}  # fmt: skip


def stems(word: str) -> set[str]:
    """Guess what the word may be an inflection of; itself included."""
    found: set[str] = {word}
    for suffix, endings in SUFFIXES.items():
        base = word.removesuffix(suffix)
        if base != word and len(base) >= 3:
            found |= {base + ending for ending in endings}
            if base[-1] == base[-2] and len(base) > 3:
                found.add(base[:-1])
    return found


def families(words: Iterable[str]) -> dict[str, set[str]]:
    """Find for each word the others that share a stem with it: a real word is rarely met in one form only."""
    by_stem: dict[str, set[str]] = {}
    for word in words:
        for stem in stems(word):
            by_stem.setdefault(stem, set()).add(word)
    return {word: set().union(*(by_stem[stem] for stem in stems(word))) - {word} for word in words}


def one_edit_away(word: str) -> set[str]:
    """List what one slip makes of a word: a letter lost, swapped with the next, changed or added."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    dropped = {head + tail[1:] for head, tail in cuts if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    changed = {head + letter + tail[1:] for head, tail in cuts if tail for letter in letters}
    added = {head + letter + tail for head, tail in cuts for letter in letters}
    return (dropped | swapped | changed | added) - {word}


def parts_of_names(names: Counter[str]) -> Counter[str]:
    """Count each run of letters inside names: maxLineLen and max_line_len both hold max, line and len."""
    parts: Counter[str] = Counter()
    for name, count in names.items():
        for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name):
            parts[part.lower()] += count
    return parts


class Judge:
    """Tell English words from names, acronyms, abbreviations and slips, by the evidence alone."""

    def __init__(self, evidence: ReportInputs) -> None:
        self.seen = evidence
        self.parts = parts_of_names(evidence.names)
        self.candidates = [word for word in evidence.plain if 3 <= len(word) <= 20 and VOWEL.search(word)]
        self.relatives = families(self.candidates)

    def support(self, word: str) -> int:
        """Count the files that use a relative of the word."""
        return sum(self.seen.files[relative] for relative in self.relatives[word])

    def codeness(self, word: str) -> float:
        """Divide sightings as code by sightings as prose."""
        seen = self.seen
        return (seen.marked[word] + seen.names[word] / 2 + self.parts[word] / 20) / seen.plain[word]

    def is_proper(self, word: str) -> bool:
        """Suspect a proper noun or an acronym."""
        return max(self.seen.titled[word], self.seen.upper[word]) > self.seen.plain[word]

    def is_module(self, word: str) -> bool:
        """Suspect the name of a module that is no noun (an email, a queue) and has no inflections."""
        return word in self.seen.modules and self.support(word) < 5 and not self.seen.nouns[word]

    def is_name(self, word: str) -> bool:
        """Suspect a name: much more frequent in code than in prose, with hardly any inflections."""
        files = self.seen.files[word]
        weak = self.support(word) < 3 + files / 2 and files < 30 and self.seen.nouns[word] < 2
        return weak and self.codeness(word) > 4

    def is_run_together(self, word: str) -> bool:
        """Suspect two common words without a space, in few files, unless it starts like overdue or withdrawn."""
        if self.seen.files[word] >= 5 or word.startswith(COMPOUND_STARTS):
            return False
        files = self.seen.files
        return any(files[word[:cut]] >= 5 and files[word[cut:]] >= 5 for cut in range(3, len(word) - 2))

    def is_slip(self, word: str) -> bool:
        """Suspect a typo: in one file only, one edit away from a common word that is no relative."""
        if self.seen.files[word] > 1 or len(word) < 6:
            return False
        return any(self.seen.files[other] >= 12 for other in one_edit_away(word) - self.relatives[word])

    def accepts(self, word: str) -> bool:
        """Ask for no doubt and enough files; a word met once or twice needs relatives, or never to occur in code."""
        doubts = (self.is_proper, self.is_module, self.is_name, self.is_run_together, self.is_slip)
        if word in DROPPED or any(doubt(word) for doubt in doubts):
            return False
        if self.seen.files[word] >= 3:
            return True
        if self.support(word) >= 2:
            return self.codeness(word) < 2
        return not self.seen.names[word] and self.seen.marked[word] <= self.seen.plain[word]


def choose_words(evidence: ReportInputs) -> list[str]:
    """Sort the words that the judge accepts, and the short ones."""
    judge = Judge(evidence)
    short = {word for word in SHORT_WORDS if evidence.plain[word]}
    return sorted(short | {word for word in judge.candidates if judge.accepts(word)})


def choose_identifiers(evidence: ReportInputs) -> list[str]:
    """Sort the ASCII names of the library by code point."""
    fitting = (name for name in evidence.own_names if name.isascii() and 2 <= len(name) <= 40)
    return sorted(name for name in fitting if not keyword.iskeyword(name) and not FILLER_NAME.fullmatch(name))


def write_lines(path: Path, lines: list[str]) -> None:
    """Write one entry a line, and print what index.toml says about the file."""
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(content)
    print(f'file = "{path.name}"\nlines = {len(lines)}\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n')


def main() -> None:
    """Read the library and write both lists."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for words.txt and identifiers.txt")
    parser.add_argument("--stdlib", type=Path, default=Path(sysconfig.get_path("stdlib")), help="the stock library")
    options = parser.parse_args()
    evidence = observe_library(options.stdlib)
    options.out.mkdir(parents=True, exist_ok=True)
    write_lines(options.out / "words.txt", choose_words(evidence))
    write_lines(options.out / "identifiers.txt", choose_identifiers(evidence))


if __name__ == "__main__":
    main()
