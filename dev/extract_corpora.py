"""Make corpora/words.txt and corpora/identifiers.txt from the stock CPython library.

    python dev/extract_corpora.py --out corpora

Words come from prose (comments, docstrings, messages, help texts), names from NAME tokens. The same library gives
the same two files, byte for byte. CPython 3.11.7 with its test package made the committed ones; another version, or an
installation without the tests, gives other lists.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import keyword
import re
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

# Installed packages, caches and build settings are not the stock library, and differ from machine to machine.
SKIPPED_FOLDERS = re.compile(r"site-packages|__pycache__|config-.*|(?!pydoc_data).*data|cjkencodings")
SKIPPED_FILES = re.compile(r"_sysconfigdata.*|.*testcases\.txt|floating_points\.txt|ieee754\.txt|.*expect\.html|bad.*")

# Tests describe themselves in prose like any module, but their strings are samples of everything, and their names
# (more than a third of them start with test_) would drown those of the library.
TEST_FOLDERS = {"test", "tests", "idle_test"}

# A word of prose stands free: space around it, or plain punctuation and then space.
PLAIN_TOKEN = re.compile(r"\(?([A-Za-z]+)[.,;:!?)]{0,2}")
ANY_NAME = re.compile(r"[A-Za-z]+")
# Four equal letters in a row, or a long run of hexadecimal digits, are filler.
FILLER_NAME = re.compile(r".*(?:([A-Za-z])\1{3}|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{10}).*")
SENTENCE_END = (".", ":", "!", "?", ")")
VOWEL = re.compile(r"[aeiouy]")


def word_set(text: str) -> frozenset[str]:
    """Cut a text at spaces."""
    return frozenset(text.split())


SHORT_WORDS = word_set("ah am an as at be by do go he hi if in is it me my no of oh on or so to up us we")
COMPOUND_STARTS = ("after", "any", "back", "every", "fore", "out", "over", "some", "there", "under", "up", "with")
FUNCTION_WORDS = word_set(
    "the a an of to in is are be it that this for and or not with as by on from if when we you can has have was"
)

# What the rules let through, found by reading the whole list.
DROPPED = word_set((Path(__file__).parent / "dropped_words.txt").read_text(encoding="utf-8"))


@dataclass(kw_only=True)
class Evidence:
    """What the library shows about each lower-case word: how often, and in which company."""

    plain: Counter[str] = field(default_factory=Counter)
    """times in prose, lower case, standing free"""
    files: Counter[str] = field(default_factory=Counter)
    """files with such a sighting"""
    marked: Counter[str] = field(default_factory=Counter)
    """times in prose next to code characters: quotes, dots, brackets, underscores"""
    titled: Counter[str] = field(default_factory=Counter)
    """times capitalised inside a sentence, as proper nouns are"""
    opened: Counter[str] = field(default_factory=Counter)
    """times capitalised at the start of a line or sentence"""
    upper: Counter[str] = field(default_factory=Counter)
    """times in capitals, as acronyms are"""
    nouns: Counter[str] = field(default_factory=Counter)
    """times in prose right after the articles a and an"""
    names: Counter[str] = field(default_factory=Counter)
    """times as a NAME token, in its own spelling"""
    library_names: set[str] = field(default_factory=set)
    """the NAME tokens outside tests"""
    modules: set[str] = field(default_factory=set)
    """names of modules and packages"""


def library_files(library: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Walk the files of the stock library with one of these suffixes, in a fixed order."""
    for path in sorted(library.rglob("*")):
        folders = path.relative_to(library).parts[:-1]
        if path.suffix not in suffixes or SKIPPED_FILES.fullmatch(path.name):
            continue
        if not any(SKIPPED_FOLDERS.fullmatch(folder) for folder in folders):
            yield path


class _TextOfPage(HTMLParser):
    """Collect the text of a page; <code> and <pre> leave a marker, so what they hold never looks free."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.depth += tag in {"code", "pre", "script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in {"code", "pre", "script", "style"}

    def handle_data(self, data: str) -> None:
        self.parts.append("`" if self.depth else data)


def read_module(path: Path) -> tuple[list[tokenize.TokenInfo], ast.Module] | None:
    """Give the tokens and the tree of a module; None for files that the library keeps broken to test its errors."""
    try:
        with tokenize.open(path) as file:
            source = file.read()
        return list(tokenize.generate_tokens(io.StringIO(source).readline)), ast.parse(source)
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return None


def comments(tokens: list[tokenize.TokenInfo]) -> Iterator[str]:
    """Join comment lines that follow each other."""
    run: list[str] = []
    for token in tokens:
        if token.type == tokenize.COMMENT:
            run.append(token.string.lstrip("#!: "))
        elif token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}:
            yield "\n".join(run)
            run = []
    yield "\n".join(run)


def strings(tree: ast.Module, *, in_test: bool) -> Iterator[str]:
    """Pick the docstrings of a test, every string of any other module: docstrings, messages and help texts."""
    for node in ast.walk(tree):
        if not in_test and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif in_test and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def text_of_page(path: Path) -> str:
    """Read a documentation file, without its tags if it has any."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix != ".html":
        return text
    page = _TextOfPage()
    page.feed(text)
    return "".join(page.parts)


def prose_lines(text: str) -> Iterator[list[str]]:
    """Keep the lines that read like sentences, cut at spaces. Doctest sessions run to the next empty line."""
    in_session = False
    for line in text.splitlines():
        stripped = line.strip()
        in_session = stripped.startswith((">>>", "...")) or (in_session and bool(stripped))
        tokens = stripped.split()
        plain = [token for token in tokens if PLAIN_TOKEN.fullmatch(token)]
        lower = {token.strip("(.,;:!?)") for token in plain if not token.isupper()}
        # Names of characters and disclaimers are shouted; a line mostly in capitals tells nothing about acronyms.
        quiet = 2 * sum(not token.isupper() for token in plain) > len(plain)
        if not in_session and len(plain) >= 3 and 2 * len(plain) > len(tokens) and quiet and lower & FUNCTION_WORDS:
            yield tokens


def observe_line(tokens: list[str], evidence: Evidence) -> set[str]:
    """Count the words of one line; returns the lower-case words that stood free in it."""
    seen: set[str] = set()
    starts = True
    before = ""
    for token in tokens:
        match = PLAIN_TOKEN.fullmatch(token)
        if match is None:
            for name in ANY_NAME.findall(token):
                evidence.marked[name.lower()] += 1
        else:
            word = match[1]
            if word.islower():
                evidence.plain[word] += 1
                evidence.nouns[word] += before in {"a", "an"}
                seen.add(word)
            elif word.isupper():
                evidence.upper[word.lower()] += 1
            elif starts and word.istitle():
                evidence.opened[word.lower()] += 1
            else:
                evidence.titled[word.lower()] += 1
        starts = token.endswith(SENTENCE_END)
        before = token
    return seen


def observe_texts(texts: Iterable[str], evidence: Evidence) -> None:
    """Count the words in the texts of one file."""
    seen: set[str] = set()
    for text in texts:
        for tokens in prose_lines(text):
            seen |= observe_line(tokens, evidence)
    evidence.files.update(seen)


def observe_library(library: Path) -> Evidence:
    """Read every module and documentation file of the library."""
    evidence = Evidence()
    for path in library_files(library, (".py",)):
        evidence.modules.add(path.parent.name if path.stem == "__init__" else path.stem)
        module = read_module(path)
        if module is not None:
            tokens, tree = module
            in_test = not TEST_FOLDERS.isdisjoint(path.relative_to(library).parts)
            observe_texts([*comments(tokens), *strings(tree, in_test=in_test)], evidence)
            names = [token.string for token in tokens if token.type == tokenize.NAME]
            evidence.names.update(names)
            evidence.library_names.update(() if in_test else names)
    for path in library_files(library, (".txt", ".rst", ".html")):
        observe_texts([text_of_page(path)], evidence)
    return evidence


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

    def __init__(self, evidence: Evidence) -> None:
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


def choose_words(evidence: Evidence) -> list[str]:
    """Sort the words that the judge accepts, and the short ones."""
    judge = Judge(evidence)
    short = {word for word in SHORT_WORDS if evidence.plain[word]}
    return sorted(short | {word for word in judge.candidates if judge.accepts(word)})


def choose_identifiers(evidence: Evidence) -> list[str]:
    """Sort the ASCII names of the library by code point."""
    fitting = (name for name in evidence.library_names if name.isascii() and 2 <= len(name) <= 40)
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
    parser.add_argument("--library", type=Path, default=Path(sysconfig.get_path("stdlib")), help="the stock library")
    options = parser.parse_args()
    evidence = observe_library(options.library)
    options.out.mkdir(parents=True, exist_ok=True)
    write_lines(options.out / "words.txt", choose_words(evidence))
    write_lines(options.out / "identifiers.txt", choose_identifiers(evidence))


if __name__ == "__main__":
    main()
