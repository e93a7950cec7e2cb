r"""Read hashcat mask files (.hcmask).

A line is a mask, or up to four custom sets and a mask, separated by commas: `?l?d,?u?1?1?d`. `\,` is a comma of a set
or of the mask; `\#` at the start of a line is the character #, while a line that begins with # is a comment. Empty
lines do not count. A set that the mask does not use does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from ...errors import ConfigError
from .constraints import Constraints
from .expressions import quoted
from .masks import OWN, written_symbols

_FIELD = re.compile(r"(?:\\,|[^,])*")

MAX_MASKS = 100_000
"""Largest number of masks of a file."""


@final
@dataclass(frozen=True, kw_only=True)
class FileMask:
    """A line of a mask file."""

    line: int
    mask: str
    sets: tuple[str | None, ...]

    def applied_to(self, constraints: Constraints) -> Constraints:
        """Return these constraints with the mask besides."""
        return replace(constraints, mask=self.mask, sets=self.sets)


def read_mask_file(path: Path) -> tuple[FileMask, ...]:
    """Read a mask file; a mask that stands there several times is read once.

    Raises:
        ConfigError: it cannot be read, has no mask, or a line is malformed, which the message names.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"--mask-file {path}: cannot be read ({reason})", "give a file of masks") from None
    return masks_from(text.split("\n"), f"--mask-file {path}")


def masks_from(lines: Iterable[str], where: str = "masks") -> tuple[FileMask, ...]:
    """Return the masks of the lines of a mask file; one that stands there several times comes once.

    Args:
        lines: without line feeds.
        where: what a message calls them.

    Raises:
        ConfigError: there is no mask, or a line is malformed, which the message names.
    """
    masks = tuple(_masks(where, lines))
    if not masks:
        raise ConfigError(f"{where}: has no mask", "give a file with a mask on each line, such as ?u?l?l?d")
    if len(masks) > MAX_MASKS:
        raise ConfigError(f"{where}: has more than {MAX_MASKS:,} masks", "give fewer")
    return masks


def _masks(where: str, lines: Iterable[str]) -> Iterator[FileMask]:
    known = set()
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        if not line or line.startswith("#"):
            continue
        line = line.removeprefix("\\") if line.startswith("\\#") else line
        try:
            mask, sets = _parsed(line)
            Constraints(mask=mask, sets=sets)
        except ConfigError as error:
            raise ConfigError(f"{where}, line {number}: {error.message}", error.remedy) from None
        if (mask, sets) not in known:
            known.add((mask, sets))
            yield FileMask(line=number, mask=mask, sets=sets)


def _parsed(line: str) -> tuple[str, tuple[str | None, ...]]:
    """Return the mask and the sets that it uses."""
    *given, mask = (field.replace("\\,", ",") for field in _fields(line))
    if len(given) > len(OWN):
        raise ConfigError(
            f"it has {len(given)} custom sets, but a mask can use {len(OWN)}: ?1 to ?4", "write \\, for a comma"
        )
    if not mask:
        raise ConfigError(f"{quoted(line)} has no mask behind its last comma", "write \\, for a comma")
    used, sets = set(written_symbols(mask, "--mask")), list[str | None](given)
    for place in reversed(range(len(given))):
        if f"?{OWN[place]}" in used:
            used |= set(written_symbols(given[place], f"-{OWN[place]}"))
        else:
            sets[place] = None
    while sets and sets[-1] is None:
        sets.pop()
    return mask, tuple(sets)


def _fields(line: str) -> Iterator[str]:
    place = 0
    while place <= len(line):
        found = _FIELD.match(line, place)
        assert found is not None  # it matches an empty field
        yield found[0]
        place = found.end() + 1
