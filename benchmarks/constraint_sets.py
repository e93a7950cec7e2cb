"""Compare constrained generation with brute force, for random sets of constraints on a tiny model.

    python -m benchmarks.constraint_sets --sets 1000 [--json FILE]

Each set combines some of: prefix, suffix, contained and forbidden texts, mask, length, characters, counts, and one or
two regular expressions, some with lookaheads, over strings of at most 4 characters of 3. All 120 strings are checked
one by one by the meaning of the constraints (Python's `re`, `in`, `count`). Then:

* `best`: the decoded string is the most probable that satisfies, for 2 tables;
* `space`: the strings listed are those that satisfy, and their number is the one counted;
* `order`: each has the probability that the mean over all tables of the product of its characters' has;
* `stages`: a stream of distinct strings finds them all;
* `refused`: a set that no string satisfies is refused.

Prints how many sets were compared and how many differ; exits with 1 if any does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.table_model import random_tables, table_model
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.decoder import Decoder, compile_constraints
from seqgan_wgp.text.constrained.log_probs import score, table_of
from seqgan_wgp.text.constrained.space import count_strings, space_of
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stages import StagedStream
from seqgan_wgp.text.generation.stream import Limits, TextModel
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.vocabulary import Vocabulary

LETTERS, LENGTH, TABLES, DECODED, IDLE = "abc", 4, 16, 2, 512
VOCABULARY = Vocabulary(LETTERS)
STRINGS = ["".join(letters) for size in range(1, LENGTH + 1) for letters in itertools.product(LETTERS, repeat=size)]
SETS = ("ab", "c", "?l", "?dbc", "a??", "?b", "?h", "xyz")


def text(rng: random.Random, most: int = 2) -> str:
    """Return a short text."""
    return "".join(rng.choices(LETTERS, k=rng.randint(1, most)))


def pattern(rng: random.Random, depth: int = 2) -> str:
    """Return a random regular expression."""
    if not depth or rng.random() < 0.3:
        return rng.choice(["a", "b", "c", "[ab]", "[^a]", ".", r"\w", "b?", "x"])
    kind = rng.randrange(3)
    if kind == 0:
        return "".join(pattern(rng, depth - 1) for _ in range(rng.randint(1, 3)))
    if kind == 1:
        return f"(?:{pattern(rng, depth - 1)}|{pattern(rng, depth - 1)})"
    return f"(?:{pattern(rng, depth - 1)}){rng.choice(['*', '+', '?', '{2}', '{1,2}', '{2,}'])}"


def policy(rng: random.Random) -> str:
    """Return a random regular expression, some with lookaheads."""
    ahead = [f"(?{rng.choice('=!')}{pattern(rng, 1)}{rng.choice(['', '$'])})" for _ in range(rng.choice([0, 0, 1, 2]))]
    return f"{''.join(ahead)}(?:{pattern(rng)}|{pattern(rng)}.*)"


def counts(rng: random.Random) -> tuple[str, ...]:
    """Return one or two counts of characters."""
    return tuple(f"{rng.choice(SETS)}:{rng.randint(0, 3)}" for _ in range(rng.randint(1, 2)))


def random_constraints(rng: random.Random) -> Constraints:
    """Return a set of one to four constraints."""
    given: dict[str, Any] = {}
    made: dict[str, Callable[[], Any]] = {
        "prefix": lambda: text(rng),
        "suffix": lambda: text(rng),
        "contains": lambda: (text(rng),),
        "mask": lambda: "".join(rng.choice(["a", "?l", "?b", "?h", "?1"]) for _ in range(rng.randint(1, LENGTH))),
        "length": lambda: (rng.randint(0, 3), rng.choice([None, 3, 4])),
        "charset": lambda: rng.choice(SETS),
        "regex": lambda: tuple(policy(rng) for _ in range(rng.randint(1, 2))),
        "at_least": lambda: counts(rng),
        "at_most": lambda: counts(rng),
        "without": lambda: tuple(text(rng, 3) for _ in range(rng.randint(1, 4))),
    }
    for name in rng.sample(sorted(made), rng.randint(1, 4)):
        given[name] = made[name]()
    if "?1" in given.get("mask", ""):
        given["sets"] = (rng.choice(["ab", "?dc", "?hb"]),)
    if "without" in given:
        given["without"] = tuple(word.upper() if rng.random() < 0.3 else word for word in given["without"])
        given["ignore_case"] = rng.random() < 0.5
    return Constraints(**given)


def compared(constraints: Constraints, noise: np.random.Generator) -> dict[str, bool]:
    """Return which comparisons were made, and whether each was equal."""
    allowed = [string for string in STRINGS if constraints.satisfied_by(string)]
    try:
        decoder = compile_constraints(constraints, VOCABULARY, LENGTH)
    except ConfigError:
        return {"refused": not allowed}
    if not allowed:
        return {"refused": False}
    logs_NLV = random_tables(noise, TABLES, LENGTH, VOCABULARY.size)
    table_NLV = table_of(logs_NLV, logs=True)
    rows = VOCABULARY.encode(allowed, LENGTH)
    log_NS = np.stack([score(np.repeat(table_LV[None], len(rows), axis=0), rows) for table_LV in table_NLV])
    space = space_of(decoder.trellis)
    listed = VOCABULARY.decode(space.ids())
    mean = dict(zip(allowed, np.exp(log_NS).mean(axis=0).tolist(), strict=True))
    found = np.exp(space.log_probabilities([table_NLV[:5], table_NLV[5:]]))
    is_space = sorted(listed) == sorted(allowed) and count_strings(decoder.trellis) == len(allowed)
    return {
        "best": best_are_equal(decoder, logs_NLV[:DECODED], log_NS[:DECODED], rows),
        "space": is_space,
        "order": is_space and np.allclose(found, [mean[string] for string in listed], rtol=1e-9, atol=0),
        "stages": set(all_found(table_model(VOCABULARY, logs_NLV), constraints)) == set(allowed),
    }


def best_are_equal(decoder: Decoder, logs_NLV: Tensor, log_NS: np.ndarray, rows: np.ndarray) -> bool:
    """Return whether the decoded strings are the best, and of several equally good ones those with the lowest ids."""
    order = np.lexsort(rows.T[::-1])
    expected = [rows[order[log_S[order].argmax()]].tolist() for log_S in log_NS]
    return bool(decoder.decode(logs_NLV, logs=True).ids_NL.tolist() == expected)


def all_found(model: TextModel, constraints: Constraints) -> list[str]:
    """Return what a stream of distinct strings without end finds, if each comes once; otherwise nothing."""
    sieve = StringFilter(StringHashes(VOCABULARY, LENGTH), unique=True)
    found = StagedStream(model, Request(n=None, constraints=constraints), sieve, limits=Limits(idle=IDLE))
    strings = [string for block, _at in found for string in VOCABULARY.decode(block.ids_NL)]
    return strings if found.complete and len(set(strings)) == len(strings) else []


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rng, noise = random.Random(options.seed), np.random.default_rng(options.seed)
    made, differ = Counter[str](), Counter[str]()
    for _ in range(options.sets):
        constraints = random_constraints(rng)
        for name, equal in compared(constraints, noise).items():
            made[name] += 1
            if not equal:
                differ[name] += 1
                print(f"{name} differs: {constraints}")
    rows = [{"what": name, "sets": made[name], "differ": differ[name]} for name in made]
    print("| compared with brute force | sets | differ |\n| --- | --- | --- |")
    for row in rows:
        print(f"| {row['what']} | {row['sets']:,} | {row['differ']:,} |")
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    return int(bool(differ))


if __name__ == "__main__":
    raise SystemExit(main())
