"""What the stock CPython library shows about words and names: how often each stands in prose, and in which company."""

from __future__ import annotations

import ast
import io
import re
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
SENTENCE_END = (".", ":", "!", "?", ")")


def word_set(text: str) -> frozenset[str]:
    """Cut a text at spaces."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    "the a an of to in is are be it that this for and or not with as by on from if when we you can has have was"
)


@dataclass(kw_only=True)
class ReportInputs:
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
    own_names: set[str] = field(default_factory=set)
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


def observe_line(tokens: list[str], evidence: ReportInputs) -> set[str]:
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


def observe_texts(texts: Iterable[str], evidence: ReportInputs) -> None:
    """Count the words in the texts of one file."""
    seen: set[str] = set()
    for text in texts:
        for tokens in prose_lines(text):
            seen |= observe_line(tokens, evidence)
    evidence.files.update(seen)


def observe_library(library: Path) -> ReportInputs:
    """Read every module and documentation file of the library."""
    evidence = ReportInputs()
    for path in library_files(library, (".py",)):
        evidence.modules.add(path.parent.name if path.stem == "__init__" else path.stem)
        module = read_module(path)
        if module is not None:
            tokens, tree = module
            in_test = not TEST_FOLDERS.isdisjoint(path.relative_to(library).parts)
            observe_texts([*comments(tokens), *strings(tree, in_test=in_test)], evidence)
            names = [token.string for token in tokens if token.type == tokenize.NAME]
            evidence.names.update(names)
            evidence.own_names.update(() if in_test else names)
    for path in library_files(library, (".txt", ".rst", ".html")):
        observe_texts([text_of_page(path)], evidence)
    return evidence
