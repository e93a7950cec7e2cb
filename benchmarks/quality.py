"""Compare the quality of recipes after the same training time, on held-out lines.

    python -m benchmarks.quality names.txt --recipes fast paper:generator.width=64,critic.width=64 --minutes 3

Every recipe trains from the same lines, in rows of the first recipe's length, and from the same seed for the same time.
N strings of the final model are then compared with all N held-out lines, validation and test together (nothing here
chose anything on either); the floor is N training lines in their stead, and Markov chains of the training lines stand
beside. Prints a table and ten strings of each recipe; `--json FILE` writes the rows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import seqgan_wgp
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.text.corpus.dataset import Corpus, open_corpus
from seqgan_wgp.text.metrics.markov import MarkovChain
from seqgan_wgp.text.metrics.ngrams import NgramReference, unique_fraction
from seqgan_wgp.utils.counter_rng import Stream, shuffled

ORDERS = 4


def measure(ids_NL: npt.NDArray[np.integer], corpus: Corpus) -> dict[str, Any]:
    """Return divergences of samples from the held-out lines, with floors, and shares of unique and novel ones."""
    held_out_NL = np.concatenate([corpus.validation_NL, corpus.test_NL])
    reference = NgramReference(held_out_NL, corpus.vocabulary.size, ORDERS)
    chosen_N = shuffled(0, Stream.FLOOR, np.arange(len(held_out_NL)), len(corpus.train))
    return {
        "js": reference.divergences(ids_NL),
        "js_floor": reference.divergences(corpus.train[chosen_N]),
        "unique": unique_fraction(ids_NL),
        "novel": corpus.novel(ids_NL),
    }


def run(corpus: str, entry: str, length: int | None, options: argparse.Namespace) -> dict[str, Any]:
    """Train one recipe, written NAME or NAME:KEY=VALUE,..., on rows of a length (None: its own), and measure it."""
    name, _, changes = entry.partition(":")
    settings = parse_assignments([text for text in changes.split(",") if text] + options.set)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        minutes, seed = options.minutes, options.seed
        settings |= {"training.steps": "none", "evaluation.patience": "none"}
        if length is not None:
            settings["corpus.length"] = str(length)
        model = seqgan_wgp.train(corpus, recipe=name, minutes=minutes, seed=seed, settings=settings, out=out)
        prepared = open_corpus(out)
        count = len(prepared.validation_NL) + len(prepared.test_NL)
        ids_NL = np.concatenate(list(model.samples(count, seed=seed)))
        row = {"recipe": entry, "steps": model.facts["step"], "minutes": model.facts["seconds"] / 60}
        facts = {"length": prepared.facts.length, "n": len(ids_NL), "strings": model.generate(10, seed=seed)}
        chain = MarkovChain.fit(
            [prepared.train.apart()], prepared.vocabulary.size, max(options.markov, default=0), smoothing="none"
        )
        chains = {
            order: measure(chain.of_order(order).sample(count, ids_NL.shape[1], seed=seed), prepared)
            for order in options.markov
        }
        return row | facts | measure(ids_NL, prepared) | {"markov": chains}


def show(title: str, steps: str, measured: dict[str, Any]) -> None:
    """Print one row of the table."""
    excess = measured["js"][-1] - measured["js_floor"][-1]
    print(f"{title:<44} {steps:>6} " + " ".join(f"{value:7.4f}" for value in measured["js"]), end="")
    print(f"   {excess:12.4f}  {measured['unique']:6.1%} {measured['novel']:6.1%}", flush=True)


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a text file or a bundled corpus")
    parser.add_argument("--recipes", nargs="+", default=["fast", "paper:generator.width=64,critic.width=64"])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every recipe")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markov", nargs="*", type=int, default=[2, 3, 4], metavar="ORDER", help="chains beside")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for entry in options.recipes:
        row = run(options.corpus, entry, rows[0]["length"] if rows else None, options)
        rows.append(row)
        if len(rows) == 1:
            print(f"{options.corpus}: {options.minutes:g} minutes each, L={row['length']}, N={row['n']:,}")
            print(f"{'':<44} {'steps':>6} " + " ".join(f"{f'JS-{n}':>7}" for n in range(1, ORDERS + 1)), end="")
            print("   JS-4 - floor  unique  novel")
            print(f"{'floor':<51} " + " ".join(f"{value:7.4f}" for value in row["js_floor"]))
            for order, measured in row["markov"].items():
                show(f"Markov chain, order {order}", "", measured)
        show(entry, str(row["steps"]), row)
    for row in rows:
        print(f"\n{row['recipe']}: {'  '.join(row['strings'])}")
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
