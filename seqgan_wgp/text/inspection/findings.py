"""Findings of `inspect`: one rule for each kind of problem in a corpus, a pure function of the inspection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from ...errors import CorpusError
from ..corpus.stats import DISTINCT_FEW, few_lines, hex_finding
from .characters import Suspect
from .report import Finding, Inspection, Verdict

LEVELS = ("problem", "warning", "note", "ok")

LONG_MUCH, REPEATED_MUCH, BLANKS_MUCH, TWICE_ENCODED_MUCH = 0.05, 0.5, 0.05, 0.001
"""Share of the lines from which a finding is a warning."""

RARE_MUCH, MIN_RARE = 0.2, 10
"""Least share and number of rare characters for a note."""

BATCH_LARGE = 1 << 30

MIN_CASES = 5


def findings(found: Inspection) -> tuple[Finding, ...]:
    """Return all findings, most severe first."""
    said = [finding for rule in RULES for finding in rule(found)]
    return tuple(sorted(said, key=lambda finding: LEVELS.index(finding.level)))


def verdict(said: tuple[Finding, ...], refusal: CorpusError | None) -> Verdict:
    """Return the verdict, given the findings and the error of the scan."""
    problem = next((finding for finding in said if finding.level == "problem"), None)
    if refusal is not None:
        # The inspection has read the whole file, so its remedy is better than that for the first bad byte.
        remedy = problem.remedy if problem else ""
        return Verdict(
            trains=False, what=f"train would reject this corpus: {refusal.message}", remedy=remedy or refusal.remedy
        )
    is_ready = problem is None and not any(finding.level == "warning" for finding in said)
    return Verdict(trains=True, what="ready to train" if is_ready else "can be trained on, but see the warnings")


def _level(much: bool) -> str:
    return "warning" if much else "note"


def _is_plain(found: Inspection) -> bool:
    """Return whether commands such as sed, given the file, change the strings that are learned."""
    return found.source.kind in ("text", "smiles") and not found.source.compression


def _kinds(found: Inspection) -> Iterator[Finding]:
    for told in found.source.told:
        yield Finding(level=told.level, what=told.what, remedy=told.remedy)
    if found.lines.hex_decoded:
        yield _hex(found.lines.hex_decoded, "note", decoded=True)
    if found.lines.hex_kept:
        yield _hex(found.lines.hex_kept, "warning", decoded=False)


def _hex(count: int, level: str, *, decoded: bool) -> Finding:
    what, remedy = hex_finding(count, decoded=decoded)
    return Finding(level=level, what=what, remedy=remedy)


def _fallback(found: Inspection) -> Iterator[Finding]:
    asked, used = found.encoding.asked.upper(), found.encoding.used
    said = {
        "bytes": "the file contains NUL bytes, so it looks binary; this inspection treats it as bytes",
        "lines": f"the file cannot be read as {found.source.kind}; this inspection treats it as lines of text",
        "encoding": f"the file is encoded in {used.upper()}, not {asked}; this inspection reads it as {used.upper()}",
    }
    remedies = {
        "bytes": "give a text file with one string per line; to train on raw bytes: --set corpus.unit=byte",
        "encoding": f"--set corpus.encoding={used}",
    }
    if found.source.fallback and not any(told.level == "problem" for told in found.source.told):
        what, remedy = said[found.source.fallback], remedies.get(found.source.fallback, "")
        yield Finding(level="problem", what=what, remedy=remedy)


def _bad_bytes(found: Inspection) -> Iterator[Finding]:
    encoding, name = found.encoding, found.encoding.used.upper()
    if not encoding.bad_lines:
        if found.normal_form:
            yield Finding(level="ok", what=f"all text is valid {name}")
        return
    line, byte = encoding.first_bad_line, encoding.first_bad_byte
    where = f"; the first is {found.source.where(line)}, byte {byte}" if line else ""
    remedy = "set the right encoding: --set corpus.encoding=NAME"
    if encoding.sound_lines > encoding.bad_lines:
        skip = ", or skip them: --set corpus.errors=skip" if encoding.errors == "strict" else ""
        remedy = f"most non-ASCII lines are valid {name}: repair the bad ones{skip}"
    elif encoding.guess:
        remedy = f"the text looks like {encoding.guess}: --set corpus.encoding={encoding.guess}"
    yield Finding(
        level="problem" if encoding.errors == "strict" else "warning",
        what=f"lines that are not valid {name}: {encoding.bad_lines:,}{where}",
        remedy=remedy,
    )


def _line_ends(found: Inspection) -> Iterator[Finding]:
    ends = found.line_ends
    if found.encoding.byte_order_mark:
        yield Finding(level="ok", what="the file begins with a byte order mark, which is removed")
    if ends is None:
        return
    if ends.lone_cr > 10 * max(1, ends.lf + ends.crlf):
        what = f"lines end with a carriage return only (classic Mac OS), {ends.lone_cr:,} in total, so the whole file "
        yield Finding(
            level="problem",
            what=what + "is read as one line or a few",
            remedy=r"convert the file first: tr '\r' '\n' < FILE > NEW",
        )
    elif ends.lone_cr:
        what = f"carriage returns within lines, which are learned like any character: {ends.lone_cr:,}"
        yield Finding(level="warning", what=what, remedy=r"to remove them: tr -d '\r' < FILE > NEW")
    if ends.crlf:
        which = f"LF ({ends.lf:,}) or CRLF ({ends.crlf:,})" if ends.lf else "CRLF"
        yield Finding(level="ok", what=f"lines end with {which}, which is harmless: line endings are removed")


def _blanks(found: Inspection) -> Iterator[Finding]:
    lines = found.lines
    is_running = found.outlook is not None and found.outlook.layout == "windows"
    if lines.empty and not is_running:
        yield Finding(level="note", what=f"empty lines (skipped): {lines.empty:,}")
    if lines.missing:
        yield Finding(level="note", what=f"cells without a string (skipped): {lines.missing:,}")
    around = max(lines.leading_blanks, lines.trailing_blanks)
    if is_running or not (lines.blank or around):
        return
    what = f"lines with leading white space: {lines.leading_blanks:,}; with trailing: {lines.trailing_blanks:,}"
    remove = r"; to remove it: sed 's/^\s*//; s/\s*$//' FILE > NEW" if _is_plain(found) else ""
    yield Finding(
        level=_level(lines.blank > 0 or around > BLANKS_MUCH * lines.filled),
        what=f"{what}; white space only: {lines.blank:,}",
        remedy=f"white space is learned like any character{remove}",
    )


def _repeats(found: Inspection) -> Iterator[Finding]:
    lines, outlook = found.lines, found.outlook
    if outlook is not None and outlook.layout == "windows":
        if outlook.rows < DISTINCT_FEW:
            yield Finding(level="warning", what="the text is short: the model may memorise it")
        return
    if 0 < lines.distinct < DISTINCT_FEW:
        what = f"{few_lines(lines.distinct)}: batches repeat them, and the model may memorise them"
        yield Finding(level="warning", what=what)
    if lines.repeated and not any(told.kind == "counts" for told in found.source.told):
        remove = "; to remove duplicates: sort -u FILE > NEW" if _is_plain(found) else ""
        about = "" if lines.distinct_is_exact else "about "
        yield Finding(
            level=_level(lines.repeated > REPEATED_MUCH * lines.filled),
            what=f"duplicate lines: {about}{lines.repeated:,} of {lines.filled:,}",
            remedy=f"frequent lines are generated more often{remove}",
        )


def _shape(found: Inspection) -> Iterator[Finding]:
    shape = found.shape
    if shape is None or found.source.kind != "text":
        return
    names = ", ".join(name[:20] for name in shape.columns[:5]) or "none"
    said = {
        "csv": f"the lines look like a table with {len(shape.columns)} columns; the first line is: {names}",
        "jsonl": f"the lines are JSON records with these text fields: {names}",
        "fasta": "the lines look like FASTA, with header lines between sequences",
    }
    remedies = {
        "csv": "to train on one column, give its name or number: --set corpus.field=COLUMN",
        "jsonl": "to train on one field, give its name: --set corpus.field=NAME",
        "fasta": "to train on the sequences only: --set corpus.format=auto",
    }
    yield Finding(level=_level(shape.kind != "csv"), what=said[shape.kind], remedy=remedies[shape.kind])


def _suspects(found: Inspection) -> Iterator[Finding]:
    if not found.characters.suspects:
        yield Finding(level="ok", what="no control or invisible characters")
    of_kind = sorted(found.characters.suspects, key=lambda suspect: suspect.kind)
    for kind, group in groupby(of_kind, key=lambda suspect: suspect.kind):
        own = list(group)
        if kind == "replacement" and found.encoding.bad_lines:
            continue  # they replace bad bytes, which have their own finding
        shown = ", ".join(f"{one.name} {one.code_point} ({one.count:,})" for one in own[:3])
        more = f", and {len(own) - 3} more" if len(own) > 3 else ""
        yield Finding(
            level=_level(any(map(_is_bad, own))),
            what=f"{kind} characters: {shown}{more}; first in {found.source.where(min(one.first_line for one in own))}",
            remedy="the text was damaged earlier: get it from its source again" if kind == "replacement" else "",
        )


_MEANT = {
    "control": ("U+0009", "U+000D"),  # the latter has its own rule
    "invisible": ("U+200C", "U+200D"),  # joiners, which some scripts need
    "unusual blank": None,
    "variation selector": None,
    "private use": None,
}
"""Kind -> characters that cause no warning; None: all."""


def _is_bad(suspect: Suspect) -> bool:
    meant = _MEANT.get(suspect.kind, ())
    return meant is not None and suspect.code_point not in meant


def _twice_encoded(found: Inspection) -> Iterator[Finding]:
    pairs = found.characters.twice_encoded
    total = sum(pairs.values())
    if not total:
        return
    pair = max(pairs, key=lambda pair: pairs[pair])
    is_utf8 = found.encoding.used in ("utf-8", "utf-8-sig")
    undo = "to repair it: iconv -f UTF-8 -t CP1252 FILE > NEW" if _is_plain(found) else ""
    yield Finding(
        level=_level(total >= 3 and total >= TWICE_ENCODED_MUCH * found.lines.filled),
        what=f"the text may be UTF-8 that was decoded as Latin-1 (mojibake): {total:,} pairs such as {pair!r}",
        remedy=undo if is_utf8 else "--set corpus.encoding=utf-8",
    )


def _forms(found: Inspection) -> Iterator[Finding]:
    form = found.normal_form
    if form is None:
        return
    if form.not_nfc:
        what = f"lines not in Unicode normal form NFC, so equal text may have different characters: {form.not_nfc:,}"
        yield Finding(level="warning", what=what, remedy="--set corpus.normalize=nfc")
    else:
        yield Finding(level="ok", what="all lines are in Unicode normal form NFC")
    if form.not_nfkc > form.not_nfc:
        what = f"lines that NFKC would change, for example full-width letters or ligatures: {form.not_nfkc:,}"
        yield Finding(level="note", what=what, remedy="to unify them: --set corpus.normalize=nfkc")


def _alphabet(found: Inspection) -> Iterator[Finding]:
    characters = found.characters
    if characters.both_cases >= MIN_CASES and found.source.kind != "smiles":  # c and C are different atoms
        what = f"letters that occur in both upper and lower case: {characters.both_cases:,}"
        yield Finding(
            level="note",
            what=what,
            remedy="if case does not matter, there is less to learn with: --set corpus.case=lower",
        )
    if characters.clusters:
        yield Finding(
            level="note",
            what="characters that consist of several code points, which are learnt one by one: "
            f"{characters.clusters:,} different ones in the first lines, such as {characters.cluster}",
            remedy="to learn each as one symbol: --set corpus.unit=grapheme",
        )
    if characters.under_three >= max(MIN_RARE, RARE_MUCH * characters.alphabet):
        what = f"characters that occur only once or twice, too rare to learn: {characters.under_three:,}"
        yield Finding(level="note", what=f"{what} of {characters.alphabet:,}")


def _long(found: Inspection) -> Iterator[Finding]:
    outlook, lengths = found.outlook, found.lengths
    if outlook is None or outlook.long is None or lengths is None or not outlook.long[outlook.way].lines:
        return
    longer = outlook.long[outlook.way].lines
    done = {"crop": "cropped", "drop": "dropped", "chunk": "split into chunks"}[outlook.way]
    enough = min(-(-lengths.p99 // 8) * 8, 4096)
    fits = f"to fit 99 % of the lines: --set corpus.length={enough}; " if enough > outlook.length else ""
    others = " or ".join(f"--set corpus.overflow={way}" for way in outlook.long if way != outlook.way)
    share = longer / found.lines.filled
    yield Finding(
        level=_level(share > LONG_MUCH),
        what=f"lines longer than {outlook.length} {lengths.unit} ({done}): {longer:,} ({share:.1%})",
        remedy=f"{fits}otherwise {others}" if share > LONG_MUCH else "",
    )


def _batch(found: Inspection) -> Iterator[Finding]:
    if found.outlook and found.outlook.batch_bytes > BATCH_LARGE:
        what = f"one batch takes {found.outlook.batch_bytes / 1e9:.1f} GB of memory, and training holds several"
        yield Finding(level="warning", what=what, remedy="lower training.batch_size or corpus.length")


RULES: tuple[Callable[[Inspection], Iterator[Finding]], ...] = (
    _kinds,
    _fallback,
    _bad_bytes,
    _line_ends,
    _shape,
    _twice_encoded,
    _suspects,
    _forms,
    _blanks,
    _repeats,
    _long,
    _alphabet,
    _batch,
)
