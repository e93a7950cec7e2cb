"""Kinds of files that auditors of passwords have: hashes with or without passwords, accounts, and their counts."""

from __future__ import annotations

import re
from collections import Counter

from .sample import AS_LINES, NEARLY_ALL, Sample, Sighting, all_or_most, matching, nearly_all

_DIGITS = "(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64}|[0-9a-fA-F]{56}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})"

_CRYPT = r"(?:\$[A-Za-z0-9_-]{1,20}\$[^:\s]{8,}|\{[A-Za-z0-9-]{2,12}\}[A-Za-z0-9+/=$.]{8,})"

_HASH = rf"(?:{_DIGITS}|{_CRYPT})"

_POT = re.compile(rf"{_HASH}([:;,|\t]).*")

_HASHES = re.compile(rf"\*?{_HASH}|0x{_DIGITS}|WPA\*\d\d\*[0-9a-f]{{32}}\*.*")

_CHECKSUMS = re.compile(rf"({_DIGITS}) [ *](?=\S).*")

_DUMPED = re.compile(r"[^:\s]+:\d+:[0-9a-fA-F]{32}:[0-9a-fA-F]{32}:[^:]*:[^:]*:.*")

_OF_USERS = re.compile(rf"[^:\s]+:{_HASH}(?::.*)?")

_COUNTED = re.compile(rf"{_DIGITS}:\d{{1,12}}")

_MAIL = re.compile(r"[^\s@:;|]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}([:;|]).*")

_ACCOUNTS = re.compile(r"[^:\s]+:[^:]*:\d*:\d*:[^:]*:[^:]*:[^:]*")

_SHADOW = re.compile(r"[^:\s]+:[^:\s]*:\d+:\d*:\d*:\d*:\d*:\d*:\d*")


_WORDS = {";": "semicolon", "|": "bar", ",": "comma", "\t": "tab"}
"""Separators that a shell would not take as they are."""


def field_remedy(field: int, separator: str) -> str:
    """Return the remedy that learns one field of each line."""
    shown = _WORDS.get(separator, separator)
    return f"to learn field {field}: --set corpus.field={field} --set corpus.separator={shown}; {AS_LINES}"


def pot(sample: Sample) -> Sighting | None:
    """Hashes, each with what it was made of, as crackers of passwords keep them: HASH:PLAIN or HASH:SALT:PLAIN."""
    if not nearly_all(sample.lines, _POT):
        return None
    separator = Counter(found[1] for line in sample.lines if (found := _POT.fullmatch(line))).most_common(1)[0][0]
    first = sample.lines[0].partition(separator)[0]
    what = f"a {len(first)}-digit hash" if re.fullmatch(_DIGITS, first) else "a hash"
    lengths = {len(line.partition(separator)[0]) for line in sample.lines}
    what = what if len(lengths) == 1 else "a hash"
    fields = Counter(line.count(separator) + 1 for line in sample.lines).most_common(1)[0][0]
    all_ = all_or_most(matching(sample.lines, _POT), sample.lines)
    shown = "a TAB" if separator == "\t" else repr(separator)
    rest = f", {shown} and text" if fields == 2 else f" and {fields - 1} more fields with {shown} between them"
    return Sighting(f"{all_} are {what}{rest}", field_remedy(fields, separator))


def checksums(sample: Sample) -> Sighting | None:
    """Checksums of files, as md5sum and the like write them."""
    if not nearly_all(sample.lines, _CHECKSUMS):
        return None
    sizes = {len(found[1]) for line in sample.lines if (found := _CHECKSUMS.fullmatch(line))}
    names = f"to learn the names: cut -c{sizes.pop() + 3}- FILE > NEW.txt; " if len(sizes) == 1 else ""
    return Sighting("the lines are checksums and names of files", f"{names}{AS_LINES}")


def dumped_accounts(sample: Sample) -> Sighting | None:
    """Accounts of Windows with their hashes, as pwdump writes them: NAME:NUMBER:LM:NT and three more fields."""
    if not nearly_all(sample.lines, _DUMPED):
        return None
    return Sighting("the lines are accounts of Windows with hashes, ':' between them (pwdump)", field_remedy(1, ":"))


def hash_counts(sample: Sample) -> Sighting | None:
    """Hashes with how often each was seen."""
    if not nearly_all(sample.lines, _COUNTED):
        return None
    return Sighting(
        "the lines are hashes with counts: there are no passwords in them to learn from",
        f"give a text file with one password per line; {AS_LINES}",
    )


def hashes(sample: Sample) -> Sighting | None:
    """Hashes alone."""
    if not nearly_all(sample.lines, _HASHES):
        return None
    return Sighting(
        "the lines are hashes: there is nothing in them to learn but digits",
        f"give what the hashes were made of, one string per line; {AS_LINES}",
    )


def user_hashes(sample: Sample) -> Sighting | None:
    """Names with hashes."""
    if not nearly_all(sample.lines, _OF_USERS) or nearly_all(sample.lines, _POT):
        return None
    return Sighting("the lines are a name, ':' and a hash", field_remedy(1, ":"))


def logins(sample: Sample) -> Sighting | None:
    """Mail addresses with passwords."""
    if not nearly_all(sample.lines, _MAIL):
        return None
    separators = Counter(found[1] for line in sample.lines if (found := _MAIL.fullmatch(line)))
    (separator, count), *_ = separators.most_common(1)
    if count < NEARLY_ALL * len(sample.lines):
        return None
    return Sighting(f"the lines are a mail address, {separator!r} and a password", field_remedy(2, separator))


def accounts(sample: Sample) -> Sighting | None:
    """The accounts of a Unix system: /etc/passwd or /etc/shadow."""
    for pattern, name in ((_ACCOUNTS, "/etc/passwd"), (_SHADOW, "/etc/shadow")):
        if nearly_all(sample.lines, pattern):
            return Sighting(
                f"the lines are those of {name}: accounts with fields, ':' between them", field_remedy(1, ":")
            )
    return None
