"""Kinds of files that chemists and geneticists have: FASTA, FASTQ, and SMILES with titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .line_changes import LineChange, replaced, second_of_four, without_head
from .sample import MIN_LINES, NEARLY_ALL, Sample, Sighting, matching

_LETTERS = re.compile(r"[A-Za-z*.~-]+")

_DNA, _RNA = frozenset("ACGT"), frozenset("ACGU")

_AMBIGUITY = frozenset("RYSWKMBDHV")

_AMINO = frozenset("ACDEFGHIKLMNPQRSTVWY")


def fastq(sample: Sample) -> Sighting | None:
    """Records of four lines: a head that begins with @, a sequence, a line that begins with +, and its qualities."""
    lines = sample.text.replace("\r", "").split("\n")
    if not sample.is_whole:
        lines.pop()
    records = [lines[first : first + 4] for first in range(0, len(lines) - 3, 4)]
    for head, letters, plus, quality in records:
        if not (head[:1] == "@" and plus[:1] == "+" and len(letters) == len(quality) and _LETTERS.fullmatch(letters)):
            return None
    if not records:
        return None
    return Sighting(
        "the lines are FASTQ: of every four the second is read, a sequence; names and quality letters are left out. "
        + composition([letters for _, letters, *_ in records]),
        change=second_of_four("FASTQ"),
    )


def fasta_head(lines: Sequence[str]) -> bool:
    """Say whether lines begin like FASTA: with a line that begins with >, or with comments before one."""
    first = next((line for line in lines if line.strip() and not line.startswith(";")), "")
    return first.startswith(">")


def is_fasta(lines: Sequence[str]) -> bool:
    """Say whether lines are FASTA: heads that begin with >, and lines of letters."""
    if not fasta_head(lines):
        return False
    heads = sum(line.startswith((">", ";")) for line in lines)
    letters = sum(_LETTERS.fullmatch(line.strip()) is not None for line in lines)
    return letters > 0 and heads + letters >= NEARLY_ALL * len(lines)


def fasta_sighting(lines: Sequence[str]) -> Sighting:
    """Return what is to be said of FASTA, given its first lines."""
    letters = [line for line in lines if not line.startswith((">", ";"))]
    joined = "".join(letters)
    remedies = []
    if any(map(str.islower, joined)) and any(map(str.isupper, joined)):
        remedies.append("to make all letters capitals: --set corpus.case=upper")
    if odd := "".join(sorted(set(joined) & set("-.*~"))):
        remedies.append(f'to remove gaps and stops: --set "corpus.drop_characters={odd}"')
    return Sighting(
        "the file is FASTA: header lines are left out, and the lines of a sequence are joined. " + composition(letters),
        "; ".join(remedies),
    )


def fasta(sample: Sample) -> Sighting | None:
    """FASTA under any name; how it is read is known already."""
    return fasta_sighting(sample.lines) if is_fasta(sample.lines) else None


def composition(sequences: Sequence[str]) -> str:
    """Return what kind of sequences these are, with the shares of letters that are not one of its alphabet."""
    joined = "".join(sequences)
    counts = Counter(joined.upper())
    total = sum(counts.values())
    if not total:
        return "The first lines have no letters"
    kind, own = _alphabet(counts, total)
    said = [f"The first {total:,} letters look like {kind}"]
    nucleic = kind in ("DNA", "RNA")
    groups = {
        "N": {"N"} if nucleic else set(),
        "other ambiguity letters": set(_AMBIGUITY) if nucleic else set("BJZX"),
        "gaps": set("-.~"),
        "stops": {"*"},
    }
    for name, letters in groups.items():
        if count := sum(counts[letter] for letter in letters):
            said.append(f"{name} {count / total:.2%}")
    known = own.union(*groups.values())
    if others := sum(count for letter, count in counts.items() if letter not in known):
        said.append(f"others {others / total:.2%}")
    small = sum(map(str.islower, joined))
    if 0 < small < sum(map(str.isalpha, joined)):
        said.append(f"small letters {small / total:.2%}, as of masked repeats")
    return said[0] + (": " + ", ".join(said[1:]) if said[1:] else "")


def _alphabet(counts: Counter[str], total: int) -> tuple[str, frozenset[str]]:
    share = {letters: sum(counts[letter] for letter in letters) / total for letters in (_DNA | {"N"}, _RNA | {"N"})}
    for kind, letters in {"DNA": _DNA, "RNA": _RNA}.items():
        rest = sum(counts[letter] for letter in letters | _AMBIGUITY | frozenset("N-.~*"))
        if share[letters | {"N"}] >= 0.5 and rest >= 0.98 * total:
            return kind, letters
    if sum(counts[letter] for letter in _AMINO | frozenset("BJZXUO*-.~")) >= 0.98 * total:
        return "protein", _AMINO | frozenset("UO")
    return "neither DNA, RNA nor protein", frozenset()


# SMILES

_ATOM = (
    r"(?:\[\d{0,3}(?:[A-Z][a-z]?|[bcnops]|se|as|te|\*)(?:@{1,2}(?:[A-Z]{2}\d{1,2})?)?(?:H\d?)?[+-]{0,4}\d{0,2}(?::\d+)?\]"
    r"|Br|Cl|[BCNOPSFIbcnops*])"
)

SMILES = re.compile(rf"{_ATOM}(?:{_ATOM}|[=#$:/\\.()~-]|%\d\d|%\(\d+\)|\d)*")
"""Atoms, and between them bonds, branches and ring digits; OpenSMILES 1.0."""

_WITH_TITLE = re.compile(rf"({SMILES.pattern})(?:[ \t]+.*)?")

_MARKED = re.compile(r"[()\[\]=#\d@]")

_HEADER = re.compile(r"(?:canonical|isomeric)?[ _]?smiles\b.*", re.IGNORECASE)


def smiles(sample: Sample) -> Sighting | None:
    """SMILES, with or without titles behind them and a first line that is none."""
    lines = list(sample.lines)
    has_header = (
        len(lines) > 1
        and not is_molecule(_first_field(lines[0]))
        and (sample.ending in (".smi", ".smiles") or _HEADER.fullmatch(lines[0].strip()) is not None)
    )
    body = lines[1:] if has_header else lines
    if len(body) < MIN_LINES or matching(body, _WITH_TITLE) < NEARLY_ALL * len(body):
        return None
    first = [_first_field(line) for line in body]
    if sum(map(is_molecule, first)) < NEARLY_ALL * len(first):
        return None
    marked = sum(_MARKED.search(field) is not None for field in first)
    if marked < 0.3 * len(first):
        return None
    titled = sum(len(line.split()) > 1 for line in body)
    change: LineChange | None = replaced(rb"[ \t][^\n]*") if titled else None
    if has_header:
        before = next(place for place, line in enumerate(sample.text.split("\n"), 1) if line.strip())
        change = without_head(before, change)
    done = ["the lines are SMILES"]
    done += ["the first line is a header and is left out"] * has_header
    done += ["what stands behind the first field (titles) is left out"] * bool(titled)
    remedy = "to learn atoms and brackets as one symbol each: --set corpus.unit=smiles"
    return Sighting("; ".join(done), remedy, change=change)


def _first_field(line: str) -> str:
    return (line.split() or [""])[0]


def is_molecule(string: str) -> bool:
    """Say whether a string may be SMILES: its symbols, brackets in pairs, and ring digits in pairs."""
    if not SMILES.fullmatch(string):
        return False
    plain = re.sub(r"\[[^\]]*\]", "A", string)
    rings = Counter(re.findall(r"%\d\d|%\(\d+\)|\d", plain))
    return all(count % 2 == 0 for count in rings.values()) and all(depth >= 0 for depth in _depths(plain))


def _depths(plain: str) -> Iterator[int]:
    depth = 0
    for character in plain:
        depth += (character == "(") - (character == ")")
        yield depth
    yield -abs(depth)
