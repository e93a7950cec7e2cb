"""Summarize counts of a corpus: lines, lengths, characters and normal forms.

Shape suffixes: N lines, C code points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...config.schema import CorpusSettings
from ...utils.token_symbols import pattern_split
from ..hashing.distinct_counter import line_hashes
from ..readers.lines import Places
from ..readers.open import Source
from ..readers.reader import Reader
from ..units import GRAPHEME
from .characters import Character, Script, Suspect, kind, name, script, written, written_byte
from .counter import Census, text
from .report import Bucket, CharactersReport, FormsReport, LengthsReport, LinesReport, Repeated

FREQUENT, COMMON, RARE, SUSPECTS, BUCKETS = 5, 10, 20, 50, 10
"""Largest number of listed lines, characters of each kind, and buckets."""

MAX_TEXT = 100
"""Largest number of shown characters of a line."""

_BMP = 0x10000


def lines_report(
    census: Census, source: Source, settings: CorpusSettings, *, missing: int, hex_strings: int
) -> LinesReport:
    """Summarize the lines; reads the text of repeated lines again."""
    distinct, filled = census.distinct.count(), int(census.sizes[1:].sum())
    return LinesReport(
        read=census.read + missing,
        missing=missing,
        hex_decoded=hex_strings if settings.hex == "decode" else 0,
        hex_kept=hex_strings if settings.hex == "keep" else 0,
        empty=int(census.sizes[0]),
        blank=census.blank,
        leading_blanks=census.leading,
        trailing_blanks=census.trailing,
        filled=filled,
        distinct=distinct,
        distinct_is_exact=census.distinct.exact,
        repeated=max(0, filled - distinct),
        most_frequent=_repeated(census, source, settings),
    )


def _repeated(census: Census, source: Source, settings: CorpusSettings) -> tuple[Repeated, ...]:
    counts = census.distinct.frequent(FREQUENT)
    texts: dict[int, str] = {}
    for lines in Reader(source, settings) if counts else ():
        whole = lines.select(slice(int(lines.continued), len(lines.sizes_N) - int(lines.goes_on)))
        whole = whole.select(whole.sizes_N > 0)
        hash_N = line_hashes(whole)
        for value in counts.keys() - texts.keys():
            (at,) = np.nonzero(hash_N == np.uint64(value))
            if len(at):
                start, size = int(whole.starts_N[at[0]]), int(whole.sizes_N[at[0]])
                texts[value] = text(whole.units_M[start : start + min(size, MAX_TEXT)])
        if len(texts) == len(counts):
            break
    return tuple(Repeated(text=texts[value], count=count) for value, count in counts.items() if value in texts)


def lengths_report(census: Census, units: str) -> LengthsReport | None:
    """Summarize the lengths of non-empty lines, in `units`; None without such lines."""
    size_N = np.flatnonzero(census.sizes[1:-1]) + 1
    longer, longer_N = np.unique(np.array(census.longer, np.int64), return_counts=True)
    size_N, count_N = np.concatenate([size_N, longer]), np.concatenate([census.sizes[size_N], longer_N])
    if not len(size_N):
        return None
    up_to_N = np.cumsum(count_N)
    total = int(up_to_N[-1])

    def least(thousandths: int) -> int:
        """Return the quantile of the length for a number of thousandths."""
        return int(size_N[np.searchsorted(up_to_N, -(-thousandths * total // 1000))])

    return LengthsReport(
        unit=units,
        min=int(size_N[0]),
        median=least(500),
        mean=int((size_N * count_N).sum()) / total,
        p90=least(900),
        p99=least(990),
        p99_9=least(999),
        max=int(size_N[-1]),
        histogram=_histogram(size_N, count_N, least(999)),
    )


def _histogram(size_N: npt.NDArray[np.int64], count_N: npt.NDArray[np.int64], most: int) -> tuple[Bucket, ...]:
    """Return buckets of equal width that cover nearly all lines, and one for longer lines."""
    first, last = int(size_N[0]), int(size_N[-1])
    width = -(-(most - first + 1) // BUCKETS)
    starts = list(range(first, most + 1, width))
    ends = [start + width - 1 for start in starts]
    if last > ends[-1]:
        starts, ends = [*starts, ends[-1] + 1], [*ends, last]
    place_N = np.searchsorted(starts, size_N, side="right") - 1
    lines = np.bincount(place_N, count_N, minlength=len(starts)).astype(np.int64).tolist()
    buckets = zip(starts, ends, lines, strict=True)
    return tuple(Bucket(least=least, most=most, lines=count) for least, most, count in buckets)


def characters_report(census: Census, unit: str) -> CharactersReport:
    """Summarize the characters of a corpus, to be learnt in `unit`; for bytes, only ASCII ones have names."""
    unit_C = np.flatnonzero(census.count_C)
    count_C = census.count_C[unit_C]
    common = unit_C[np.argsort(-count_C, kind="stable")[:COMMON]].tolist()
    few = unit_C[count_C < 3][:RARE].tolist()
    suspects = sorted(census.first_line)
    beyond = unit_C >= _BMP
    upper, lower, both = _cases(census, unit_C)
    clusters = _clusters(census.sample) if unit == "char" and not census.as_bytes else []
    return CharactersReport(
        total=int(count_C.sum()),
        alphabet=len(unit_C),
        scripts=_scripts(census, unit_C),
        most_common=tuple(_character(census, unit) for unit in common),
        rare=tuple(_character(census, unit) for unit in few),
        once=int((count_C == 1).sum()),
        under_three=int((count_C < 3).sum()),
        upper=upper,
        lower=lower,
        both_cases=both,
        beyond_bmp=Script(characters=int(beyond.sum()), count=int(count_C[beyond].sum())),
        suspects=tuple(_suspect(census, unit) for unit in suspects[:SUSPECTS]),
        suspects_in_all=len(suspects),
        twice_encoded=dict(census.twice_encoded),
        clusters=len(clusters),
        cluster=clusters[0] if clusters else None,
    )


def _clusters(lines: Sequence[str]) -> list[str]:
    """Return the different graphemes of several code points in some lines, most frequent first."""
    wide = [line for line in lines if not line.isascii()]
    if not wide:
        return []
    split = pattern_split(GRAPHEME)
    counts = Counter(piece for line in wide for piece in split(line) if len(piece) > 1)
    return [piece for piece, _count in counts.most_common()]


def forms_report(census: Census) -> FormsReport | None:
    """Summarize normal forms; None for bytes."""
    return None if census.as_bytes else FormsReport(not_nfc=census.odd["NFC"], not_nfkc=census.odd["NFKC"])


def _is_byte(census: Census, unit: int) -> bool:
    return census.as_bytes and unit >= 0x80


def _scripts(census: Census, units: Places) -> dict[str, Script]:
    found: dict[str, Script] = {}
    for unit, count in zip(units.tolist(), census.count_C[units].tolist(), strict=True):
        own = "Bytes" if _is_byte(census, unit) else script(unit)
        before = found.get(own, Script(characters=0, count=0))
        found[own] = Script(characters=before.characters + 1, count=before.count + count)
    return dict(sorted(found.items(), key=lambda item: -item[1].count))


def _character(census: Census, unit: int) -> Character:
    code_point = written_byte(unit) if census.as_bytes else written(unit)
    own_name = "BYTE" if _is_byte(census, unit) else name(unit)
    return Character(code_point=code_point, name=own_name, count=int(census.count_C[unit]))


def _suspect(census: Census, unit: int) -> Suspect:
    known = _character(census, unit)
    return Suspect(
        code_point=known.code_point,
        name=known.name,
        count=known.count,
        kind=kind(unit) or "",
        first_line=census.first_line[unit],
    )


def _cases(census: Census, units: Places) -> tuple[int, int, int]:
    """Return the number of capital and of small letters, and the number of letters that occur as both."""
    counts = {chr(unit): int(census.count_C[unit]) for unit in units.tolist() if not _is_byte(census, unit)}
    upper = sum(count for letter, count in counts.items() if letter.isupper())
    lower = sum(count for letter, count in counts.items() if letter.islower())
    both = sum(letter.isupper() and letter.lower() != letter and letter.lower() in counts for letter in counts)
    return upper, lower, both
