"""Measure constrained generation: strings per second that satisfy, and how near they are to real lines that do.

    python -m benchmarks.constrained --fast runs/fast --causal runs/causal --json constrained.json

Runs of the recipes `fast` and `causal` on the same corpus are compared with a Markov chain (order 3) and a GRU, which
is trained here for `--gru-seconds`. The one-shot model finds the most probable string that satisfies, exactly. The
model `causal` draws from left to right with a look-ahead. All models that draw from left to right can reject what does
not satisfy; the baselines can also mask what leads to nothing allowed.

Each model makes strings until `--strings` of them satisfy, or for `--seconds` of processor time. A row shows how many
of a second's strings satisfy, the share of all strings that do, how many of them are different, and JS-3 above its
floor: between the strings and the test lines that satisfy, against as many training lines that do. Where fewer than
MIN_MEANT test lines satisfy there is no JS-3. One thread; seconds are of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.gru import BLOCK, fit
from benchmarks.left_to_right import LeftToRight, MarkovTable, TrellisMask
from seqgan_wgp import Model
from seqgan_wgp.text.constrained.compile import automata_of, trellis_of
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.corpus.dataset import Corpus, open_corpus
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import stream
from seqgan_wgp.text.metrics.ngrams import NgramReference, unique_fraction
from seqgan_wgp.text.vocabulary import mask_after_pad
from seqgan_wgp.utils.malloc import keep_memory

ORDER, MIN_MEANT = 3, 50
"""n of the JS-n; test lines that must satisfy for it to be measured."""

MARKOV_ORDER = 3

CASES: dict[str, Constraints] = {
    "prefix ma": Constraints(prefix="ma"),
    "suffix lyn": Constraints(suffix="lyn"),
    "contains ell": Constraints(contains=("ell",)),
    "mask ?l?l?l?l?1, ?1 = aeiou": Constraints(mask="?l?l?l?l?1", sets=("aeiou",)),
    "regex (a|b)[a-z]{3,5}n": Constraints(regex="(a|b)[a-z]{3,5}n"),
    "policy: 6 to 8 letters, an a, ends in n": Constraints(length=(6, 8), contains=("a",), suffix="n"),
    "rare: prefix x, length 7": Constraints(prefix="x", length=(7, 7)),
    "rare: regex [a-z]{2}q[a-z]{3,5}z[aeiou]": Constraints(regex="[a-z]{2}q[a-z]{3,5}z[aeiou]"),
}
"""What is asked of lower-case names."""

Rows: TypeAlias = npt.NDArray[Any]
Source: TypeAlias = Callable[[Constraints], Iterator[Rows]]
"""Constraints -> blocks of (N, L) ids without end, which need not satisfy."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a row is done."""

    strings: int
    seconds: float


def satisfying(rows_NL: Rows, constraints: Constraints, corpus: Corpus) -> Rows:
    """Return the rows whose strings satisfy, by the meaning of the constraints; pads behind the first pad."""
    rows_NL = mask_after_pad(rows_NL)
    strings = corpus.vocabulary.decode(rows_NL)
    return rows_NL[np.array([constraints.satisfied_by(string) for string in strings], np.bool_)]


def own(model: Model, seed: int) -> Source:
    """Return what the package's command `generate` does with a model and constraints."""

    def blocks(constraints: Constraints) -> Iterator[Rows]:
        request = Request(n=None, seed=seed, constraints=constraints)
        return (block.ids_NL for block, _at in stream(model.text_model(), request))

    return blocks


def rejecting(model: LeftToRight | Model, seed: int) -> Source:
    """Return strings drawn without regard to constraints."""

    def blocks(_constraints: Constraints) -> Iterator[Rows]:
        start = 0
        while True:
            yield from model.samples(BLOCK, seed=seed, start=start)
            start += BLOCK

    return blocks


def masking(model: LeftToRight, corpus: Corpus, seed: int) -> Source:
    """Return strings drawn with what leads to nothing allowed masked at each position."""

    def blocks(constraints: Constraints) -> Iterator[Rows]:
        vocabulary, length = corpus.vocabulary, corpus.facts.length
        trellis = trellis_of(automata_of(constraints.languages(), vocabulary, length), vocabulary, length)
        if trellis is None:
            raise SystemExit(f"no string satisfies {constraints}")
        start = 0
        while True:
            mask = lambda: TrellisMask(trellis, BLOCK, vocabulary.size)  # noqa: E731 (a fresh one for each block)
            yield from model.samples(BLOCK, seed=seed, start=start, allowed=mask)
            start += BLOCK

    return blocks


def measure(source: Source, constraints: Constraints, corpus: Corpus, limits: Limits) -> dict[str, Any]:
    """Return one row: rate, share, JS-3 with its floor (None where too few real lines satisfy), and distinct share."""
    found: list[Rows] = []
    blocks, drawn, count, seconds = source(constraints), 0, 0, 0.0
    while count < limits.strings and seconds < limits.seconds:
        began = time.process_time()
        rows_NL = next(blocks)
        good_NL = satisfying(rows_NL, constraints, corpus)
        seconds += time.process_time() - began
        drawn += len(rows_NL)
        count += len(good_NL)
        found.append(good_NL)
    good_NL = np.concatenate(found)[: limits.strings]
    row: dict[str, Any] = {"per_second": count / seconds, "share": count / drawn, "strings": len(good_NL)}
    row["distinct"] = unique_fraction(good_NL) if len(good_NL) else None
    return row | distance(good_NL, constraints, corpus)


def distance(good_NL: Rows, constraints: Constraints, corpus: Corpus) -> dict[str, Any]:
    """Return JS-3 of strings and its floor, of as many strings as there are test lines; None where these are few."""
    test_NL = satisfying(np.asarray(corpus.test_NL), constraints, corpus)
    train_NL = satisfying(corpus.train.apart(), constraints, corpus)
    count = min(len(test_NL), len(train_NL))
    facts: dict[str, Any] = {"test_lines": len(test_NL), "js": None, "js_floor": None}
    if count < MIN_MEANT or len(good_NL) < count:
        return facts
    reference = NgramReference(test_NL, corpus.vocabulary.size, ORDER)
    evenly = train_NL[np.arange(count) * len(train_NL) // count]
    js, floor = (reference.divergences(rows_NL)[-1] for rows_NL in (good_NL[:count], evenly))
    return facts | {"js": js, "js_floor": floor}


def sources(corpus: Corpus, options: argparse.Namespace) -> dict[str, Source]:
    """Return all models by name, the baselines trained here."""
    seed, size, length = options.seed, corpus.vocabulary.size, corpus.facts.length
    fast, causal = (Model.load(path, device="cpu", best=path.is_dir()) for path in (options.fast, options.causal))
    markov = MarkovTable(corpus.train.apart(), size, MARKOV_ORDER)
    held_out_NL = np.asarray(corpus.validation_NL)
    gru, _step = next(fit(corpus.train, size, length, [options.gru_seconds], seed, held_out_NL))
    return {
        "fast, most probable string": own(fast, seed),
        "causal, look-ahead": own(causal, seed),
        "causal, rejection": rejecting(causal, seed),
        f"Markov {MARKOV_ORDER}, masking": masking(markov, corpus, seed),
        f"Markov {MARKOV_ORDER}, rejection": rejecting(markov, seed),
        f"GRU {options.gru_seconds:g} s, masking": masking(gru, corpus, seed),
        f"GRU {options.gru_seconds:g} s, rejection": rejecting(gru, seed),
    }


def markdown(case: str, name: str, row: dict[str, Any]) -> str:
    """Return a row of the table."""
    js = "" if row["js"] is None else f"{row['js'] - row['js_floor']:.4f}"
    distinct = "" if row["distinct"] is None else f"{row['distinct']:.1%}"
    case = case.replace("|", "\\|")
    return f"| {case} | {name} | {row['per_second']:,.0f} | {row['share']:.2%} | {js} | {distinct} |"


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", type=Path, required=True, help="run of a one-shot recipe; its corpus is measured on")
    parser.add_argument("--causal", type=Path, required=True, help="run of the recipe causal on the same corpus")
    parser.add_argument("--gru-seconds", type=float, default=60.0)
    parser.add_argument("--strings", type=int, default=2_000, help="that satisfy, for each row")
    parser.add_argument("--seconds", type=float, default=5.0, help="of processor time for each row at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    keep_memory()
    limits = Limits(strings=options.strings, seconds=options.seconds)
    corpus = open_corpus(options.fast)
    found, rows = sources(corpus, options), []
    print("| strings with | model | a second | share that satisfies | JS-3 over floor | distinct |\n|" + " --- |" * 6)
    for case, constraints in CASES.items():
        for name, source in found.items():
            row = measure(source, constraints, corpus, limits)
            rows.append({"case": case, "model": name, **row})
            print(markdown(case, name, row), flush=True)
    for case in CASES:
        count = next(row["test_lines"] for row in rows if row["case"] == case)
        print(f"{case}: {count:,} of {len(corpus.test_NL):,} test lines")
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
