r"""Compare mask files with brute force: random files on a tiny model.

    python -m benchmarks.mask_files --files 1000

Each file has one to four masks, some with custom sets, escaped commas, comments, repeated or impossible masks, over
strings of at most 3 characters of `a`, `b`, `1` and the comma. What a mask means is written here a second time, as a
regular expression, and all 84 strings are checked one by one. Then:

* `meaning`: the strings that satisfy each mask are the same, and so is their number;
* `shares`: each mask gets its part of n in proportion to the lines that satisfy it, up to rounding, or n with
  `--per-mask`, and never more than satisfy it;
* `strings`: the strings of each mask satisfy it, none comes twice in the whole file, each mask has as many as its
  share, or all that earlier masks left, and together they are n, or all that satisfy any mask;
* `refused`: a file that no string satisfies is refused.

Prints how many files were compared and how many differ; exits with 1 if any does.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.table_model import random_tables, table_model
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.mask_file import read_mask_file
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.mask_stream import MaskPlan, mask_stream, plan_masks
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import Limits, TextModel
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.vocabulary import Vocabulary

LETTERS, LENGTH, TABLES, IDLE, LINES = "ab1,", 3, 16, 512, 60
VOCABULARY = Vocabulary(LETTERS)
STRINGS = ["".join(letters) for size in range(1, LENGTH + 1) for letters in itertools.product(LETTERS, repeat=size)]
CLASSES = {"l": "a-z", "d": "0-9", "s": r" -/:-@\[-`{-~", "h": "0-9a-f", "a": " -~", "u": "A-Z"}
SETS = ("ab", "?d", "b?d", ",", "a,?d", "?h", "xyz", "?s1")


@dataclass(frozen=True)
class Written:
    """A mask as a file has it, and what it means."""

    sets: tuple[str, ...]
    mask: str

    @property
    def line(self) -> str:
        """The line of the file."""
        return ",".join(field.replace(",", "\\,") for field in (*self.sets, self.mask))

    @property
    def used(self) -> tuple[str | None, ...]:
        """The mask, and the sets that it uses."""
        kinds = symbols(self.mask)
        return (self.mask, *(given for place, given in enumerate(self.sets, 1) if f"?{place}" in kinds))

    @property
    def meaning(self) -> re.Pattern[str]:
        """The same as a regular expression."""
        return re.compile("".join(f"[{self._characters(symbol)}]" for symbol in symbols(self.mask)))

    def _characters(self, symbol: str) -> str:
        if symbol[0] != "?" or symbol == "??":
            return re.escape(symbol[-1])
        if symbol[1] in CLASSES:
            return CLASSES[symbol[1]]
        return "".join(map(self._characters, symbols(self.sets[int(symbol[1]) - 1])))


def symbols(text: str) -> list[str]:
    """Return the symbols of a mask or a set: ? with what follows, or a character."""
    return re.findall(r"\?.|[^?]", text)


def a_mask(rng: random.Random) -> Written:
    """Return a random mask, sometimes one that no string of the model satisfies."""
    sets = tuple(rng.choice(SETS) for _ in range(rng.choice([0, 0, 1, 2])))
    kinds = [
        "a",
        "b",
        "1",
        ",",
        "?l",
        "?d",
        "?s",
        "?h",
        "?a",
        "?u",
        *(f"?{place}" for place in range(1, len(sets) + 1)),
    ]
    return Written(sets, "".join(rng.choice(kinds) for _ in range(rng.randint(1, LENGTH))))


def compared(model: TextModel, rng: random.Random, file: Path) -> dict[str, bool]:
    """Return which comparisons were made of a random file, and whether each was equal."""
    masks = [a_mask(rng) for _ in range(rng.randint(1, 4))]
    lines = [line for mask in masks for line in ([mask.line] if rng.random() < 0.7 else ["# a comment", mask.line, ""])]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    # A mask that stands there several times is read once; sets that it does not use make no difference.
    different = {mask.used: {string for string in STRINGS if mask.meaning.fullmatch(string)} for mask in masks}
    allowed = [found for found in different.values() if found]
    learnt = rng.choices(STRINGS, k=LINES)
    n, each = rng.randint(1, 60), rng.random() < 0.3
    try:
        plan = plan_masks(model, Constraints(), read_mask_file(file), [VOCABULARY.encode(learnt, LENGTH)], n, each=each)
    except ConfigError:
        return {"refused": not allowed}
    if not allowed:
        return {"refused": False}
    return {
        "meaning": len(plan.shares) == len(allowed)
        and all(
            share.size == len(found) and {s for s in STRINGS if share.constraints.satisfied_by(s)} == found
            for share, found in zip(plan.shares, allowed, strict=True)
        ),
        "shares": shares_are_right(plan, allowed, learnt, n, each=each),
        "strings": strings_are_right(model, plan, allowed),
    }


def shares_are_right(plan: MaskPlan, allowed: Sequence[set[str]], learnt: list[str], n: int, *, each: bool) -> bool:
    """Return whether the shares are in proportion to the lines, within their bounds, and n in all if they can be."""
    sizes = [len(found) for found in allowed]
    given = [share.strings for share in plan.shares]
    if each:
        return given == [min(n, size) for size in sizes]
    counts = [sum(line in found for line in learnt) for found in allowed]
    weights = counts if any(counts) else [1] * len(counts)
    quotas = [n * weight / sum(weights) for weight in weights]
    bounded = any(quota > size for quota, size in zip(quotas, sizes, strict=True))
    proportional = bounded or all(abs(share - quota) < 1 for share, quota in zip(given, quotas, strict=True))
    within = all(share <= size for share, size in zip(given, sizes, strict=True))
    whole = sum(given) == min(n, sum(sizes))
    return [share.lines for share in plan.shares] == counts and proportional and within and whole


def strings_are_right(model: TextModel, plan: MaskPlan, allowed: Sequence[set[str]]) -> bool:
    """Return whether each mask gives its share of strings that satisfy it and are new, and all masks the number asked.

    In the first pass a mask gives its share, or all that are left; a second one brings what is missing, if there is.
    """
    found: dict[int, list[str]] = {}
    sieve = StringFilter(StringHashes(VOCABULARY, LENGTH), unique=True)
    for block, at in mask_stream(model, Request(n=plan.strings), plan, sieve, None, Limits(idle=IDLE)):
        found.setdefault(at.part, []).extend(VOCABULARY.decode(block.ids_NL))
    before: set[str] = set()
    for part in range(2 * len(allowed)):
        strings, satisfying = found.get(part, []), allowed[part % len(allowed)]
        new = set(strings)
        if len(new) != len(strings) or new & before or not new <= satisfying:
            return False
        if part < len(allowed) and len(new) != min(plan.shares[part].strings, len(satisfying - before)):
            return False
        before |= new
    return plan.each or len(before) == min(plan.strings, len(set().union(*allowed)))


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    logs_NLV = random_tables(np.random.default_rng(options.seed), TABLES, LENGTH, VOCABULARY.size)
    model = table_model(VOCABULARY, logs_NLV)
    made, differ = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "random.hcmask"
        for _ in range(options.files):
            for name, equal in compared(model, rng, file).items():
                made[name] += 1
                if not equal:
                    differ[name] += 1
                    print(f"{name} differs:\n{file.read_text(encoding='utf-8')}")
    print("| compared with brute force | files | differ |\n| --- | --- | --- |")
    for name, count in made.items():
        print(f"| {name} | {count:,} | {differ[name]:,} |")
    return int(bool(differ))


if __name__ == "__main__":
    raise SystemExit(main())
