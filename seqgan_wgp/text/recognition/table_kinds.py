"""Kinds of tables and records, told by their lines: columns, and strings with counts."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Sequence

from ..readers.column_spec import listed
from ..readers.table_shapes import columns_of
from ..readers.weighted import Split, weighted_lines
from .remedies import assigned
from .sample import AS_LINES, MIN_LINES, NEARLY_ALL, Sample, Sighting, nearly_all

# Strings with counts

_COUNT_FIRST = re.compile(r" *(\d{1,12})[ \t](.*)")

_COUNT_LAST = re.compile(r"(.*\S)[\t ] *(\d{1,12})\s*")

_RANKED = re.compile(r"\s*(\d+)[.)]?[ \t]+(.*\S)[\t ]+(\d{1,12})\s*")

_PADDED = re.compile(r" +\d{1,12} .*")


def _split_first(line: str) -> tuple[str, str] | None:
    found = _COUNT_FIRST.fullmatch(line)
    return (found[2], found[1]) if found else None


def _split_last(line: str) -> tuple[str, str] | None:
    found = _COUNT_LAST.fullmatch(line)
    return (found[1], found[2]) if found else None


def _split_ranked(line: str) -> tuple[str, str] | None:
    found = _RANKED.fullmatch(line)
    return (found[2], found[3]) if found else None


def _is_ranked(lines: Sequence[str]) -> bool:
    """Say whether nearly all lines have a rank, a string and a count, and ranks go up by one."""
    if not nearly_all(lines, _RANKED):
        return False
    ranks = [int(found[1]) for line in lines if (found := _RANKED.fullmatch(line))]
    return ranks[0] < 2 and ranks == list(range(ranks[0], ranks[0] + len(ranks))) and _falls(lines, _split_ranked)


def counts(sample: Sample, *, once: bool) -> Sighting | None:
    """Each string with a number that says how often it was there, in front of it or behind.

    `uniq -c` sets the numbers to the right of a column. Else they are counts where they fall from line to line, as in a
    list with the most frequent first, or stand alone behind a TAB.
    """
    lines = sample.lines
    if nearly_all(lines, _COUNT_FIRST) and (_is_padded(lines) or _falls(lines, _split_first)):
        split, where = _split_first, "before"
    elif nearly_all(lines, _COUNT_LAST) and (_is_behind_tab(lines) or _falls(lines, _split_last)):
        split, where = _split_last, "behind"
    else:
        return None
    if split(lines[0]) is None and not _heads_counts(lines[0], where):
        return None
    return _counted(f"each line has a count {where} its string, as of uniq -c", split, once=once)


def ranked_counts(sample: Sample, *, once: bool) -> Sighting | None:
    """Each string between its rank and a number that says how often it was there."""
    if not _is_ranked(sample.lines):
        return None
    return _counted("each line has a rank, which is left out, a string and its count", _split_ranked, once=once)


def _counted(what: str, split: Split, *, once: bool) -> Sighting:
    if once:
        return Sighting(f"{what}; the counts are left out", fields=weighted_lines(split, once=True))
    return Sighting(
        f"{what}; each string is learnt as often as its count says",
        f"to learn each string once: --set corpus.weights=none; {AS_LINES}",
        fields=weighted_lines(split, once=False),
    )


def _heads_counts(head: str, where: str) -> bool:
    """Say whether a first line without a number calls the numbers below counts, as `name TAB age` does not."""
    cells = head.split("\t")
    return len(cells) != 2 or _COUNTS.fullmatch(cells[-1 if where == "behind" else 0].strip()) is not None


def _is_padded(lines: Sequence[str]) -> bool:
    """Say whether numbers end in one column, with blanks in front of nearly all: as `uniq -c` writes them."""
    if not nearly_all(lines, _PADDED):
        return False
    ends = {len(line) - len(line.lstrip()) + len(line.split()[0]) for line in lines if _PADDED.fullmatch(line)}
    return len(ends) == 1


def _is_behind_tab(lines: Sequence[str]) -> bool:
    """Say whether each line is a string, a TAB and a number, and the numbers are not those of lines."""
    if not all(line.count("\t") == 1 for line in lines):
        return False
    numbers = [int(pair[1]) for line in lines if (pair := _split_last(line))]
    return numbers != list(range(numbers[0], numbers[0] + len(numbers))) and not all(
        re.search(r"[^\W\d_]", line.partition("\t")[0]) is None for line in lines
    )


def _falls(lines: Sequence[str], split: Split) -> bool:
    """Say whether numbers fall or stay from nearly each line to the next, and fall at all."""
    numbers = [int(pair[1]) for line in lines if (pair := split(line))]
    stays = sum(after <= before for before, after in itertools.pairwise(numbers))
    return numbers[0] > numbers[-1] and len(numbers) >= 2 * MIN_LINES and stays >= NEARLY_ALL * (len(numbers) - 1)


# Vectors and tables of Markdown

_VECTOR = re.compile(r"(?=\S*[^\W\d_])(?=(?:.*\.\d){2})\S+(?: -?\d+(?:\.\d+)?(?:e[+-]?\d+)?){4,}\s*", re.IGNORECASE)


def vectors(sample: Sample) -> Sighting | None:
    """Word vectors: a word and its numbers a line, perhaps behind a line with their count and size."""
    has_head = bool(sample.lines) and re.fullmatch(r"\d+ \d+\s*", sample.lines[0]) is not None
    body = sample.lines[1:] if has_head else sample.lines
    if not nearly_all(body, _VECTOR) or len({line.count(" ") for line in body}) > 2:
        return None
    words = "tail -n +2 FILE | cut -d' ' -f1 > NEW.txt" if has_head else "cut -d' ' -f1 FILE > NEW.txt"
    return Sighting("the lines are word vectors: words with numbers", f"to learn the words: {words}; {AS_LINES}")


_MARKDOWN_RULE = re.compile(r"\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?\|?\s*")


def markdown_table(sample: Sample) -> Sighting | None:
    """A table of Markdown: a line of names, a line of dashes, and rows with bars around their cells."""
    lines = sample.lines
    if len(lines) < MIN_LINES or not lines[0].startswith("|") or not _MARKDOWN_RULE.fullmatch(lines[1]):
        return None
    first = "sed '1,2d; s/^| *//; s/ *|.*//' FILE > NEW.txt"
    return Sighting("the lines are a table of Markdown", f"to learn the first column: {first}; {AS_LINES}")


_RULES = (
    (
        re.compile(r"\+(?:[-=]+\+)+"),
        "to learn the first column: sed -nE 's/^\\| *([^|]*[^| ]) *\\|.*/\\1/p' FILE > NEW.txt",
    ),
    (
        re.compile(r" ?-+(?:\+-+)+"),
        "to learn the first column: grep -a '|' FILE | sed -E '1d; s/^ +//; s/ *\\|.*//' > NEW.txt",
    ),
)
"""Lines that part a table which a database printed, of MySQL and of PostgreSQL, and how a column is taken out of it."""


def printed_table(sample: Sample) -> Sighting | None:
    """A table as a database's program prints it, with bars and dashes between its cells."""
    lines = sample.lines
    if sum("|" in line for line in lines) < MIN_LINES:
        return None
    for rule, remedy in _RULES:
        if any(rule.fullmatch(line.rstrip()) for line in lines[:3]):
            return Sighting("the lines are a table as the program of a database prints it", f"{remedy}; {AS_LINES}")
    return None


# Columns


def columns(sample: Sample, delimiters: str) -> Sighting | None:
    """A table whose lines have as many columns each."""
    if len(sample.lines) < MIN_LINES:
        return None
    table = columns_of(sample.lines, delimiters)
    if table is None:
        return None
    delimiter, rows = table
    if delimiter == "," and _is_language(sample.lines):
        return None
    (cells, _), *_ = Counter(map(len, rows)).most_common(1)
    above = next(place for place, row in enumerate(rows) if len(row) == cells)
    if above:
        return _with_title(sample, cells, above)
    name = {"\t": "TABs", ",": "commas", ";": "semicolons", "|": "bars"}.get(delimiter, f"{delimiter!r}")
    first = rows[0]
    has_names = _has_names(rows)
    shown = listed([cell.strip()[:20] for cell in first[:8]])
    place = _strings_column(rows, has_names=has_names)
    field = first[place] if has_names else str(place + 1)
    weights = ""
    if counted := [place for place in range(1, len(first)) if _are_counts(rows, place, has_names=has_names)]:
        place = counted[-1]
        named = first[place] if has_names else str(place + 1)
        weights = f"; to learn each as often as another column says, add {assigned('weights', named)}"
    # A number that is a cell of the first line too would be taken for the name of its column.
    plain = f" --set corpus.separator={_SEPARATORS[delimiter]}" if field in first and not has_names else ""
    return Sighting(
        f"the lines are a table of {len(first)} columns with {name} between them; the first line is: {shown}",
        f"to learn one column: {assigned('field', field)}{plain}{weights}; {AS_LINES}",
    )


def _with_title(sample: Sample, cells: int, above: int) -> Sighting:
    """Return what is said of a table below lines that are no part of it, such as the title of a spreadsheet."""
    filled = [place for place, line in enumerate(sample.text.split("\n"), 1) if line.strip("\r")]
    first = filled[above]
    lines = "a line that is" if above == 1 else f"{above} lines that are"
    return Sighting(
        f"the lines are a table of {cells} columns below {lines} no part of it",
        f"to leave them out, which brings the columns next: tail -n +{first} FILE > NEW.csv; {AS_LINES}",
    )


def _strings_column(rows: Sequence[Sequence[str]], *, has_names: bool) -> int:
    """Return the first column with strings that differ, rather than numbers, names of groups or nothing."""
    body, width = rows[int(has_names) :], len(rows[0])
    texts = [[row[place] for row in body if place < len(row)] for place in range(width)]
    words = [place for place in range(width) if sum(map(_is_word, texts[place])) > 0.5 * len(body)]
    varied = [place for place in words if len(set(texts[place])) > 0.5 * len(body)]
    return next(iter(varied or words), 0)


def _is_word(cell: str) -> bool:
    return bool(cell.strip()) and not _is_number(cell)


_SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
"""Words for delimiters, as corpus.separator takes them."""


_NAMES = re.compile(
    r"(?:(?:first|last|user|full)[_ ]?)?names?|surname|words?|terms?|text|strings?|title|labels?|id|key|value|user|"
    r"login|e?-?mail|password|pass|url|domain|counts?|freq|frequency|rank|n|number|total|smiles|sequences?|seq|peptide|sex|"
    r"gender|year|age|country|city|state|lang|language|date|type|class|category|description",
    re.IGNORECASE,
)
"""What columns are called."""


def _has_names(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the first row names the columns: two usual names, or words above columns of numbers."""
    first = [cell.strip() for cell in rows[0]]
    if not all(first) or len(set(first)) < len(first) or any(map(_is_number, first)):
        return False
    below = [row for row in rows[1:] if len(row) == len(first)]
    above_numbers = any(
        sum(_is_number(row[place]) for row in below) >= NEARLY_ALL * len(below) for place in range(len(first))
    )
    return (bool(below) and above_numbers) or sum(_NAMES.fullmatch(cell) is not None for cell in first) >= min(
        2, len(first)
    )


def _is_language(lines: Sequence[str]) -> bool:
    """Return whether nearly all commas are followed by a space, as in the name `Smith, Ann` but not in tables."""
    joined = "\n".join(lines)
    return joined.count(", ") >= NEARLY_ALL * joined.count(",")


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+([.,]\d+)*\s*%?\s*", cell) is not None


_COUNTS = re.compile(
    r"n|(?:#|no|num(?:ber)?)?_?(?:of_?)?(?:counts?|freq(?:uency)?|occurrences?|total|weight|hits)", re.IGNORECASE
)
"""What columns of counts are called."""


def _are_counts(rows: Sequence[Sequence[str]], place: int, *, has_names: bool) -> bool:
    """Say whether a column holds whole numbers that are not all alike, and is called a count where it has a name."""
    cells = [row[place] for row in rows[1:] if place < len(row)]
    numbers = [cell for cell in cells if re.fullmatch(r"\d{1,12}", cell.strip())]
    are_whole = bool(cells) and len(numbers) >= NEARLY_ALL * len(cells) and len(set(numbers)) > 1
    return are_whole and (not has_names or _COUNTS.fullmatch(rows[0][place].strip()) is not None)


tab_columns = functools.partial(columns, delimiters="\t")
other_columns = functools.partial(columns, delimiters=";,|")
