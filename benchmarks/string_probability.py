"""Tell held-out lines from random strings by log p, by the critic and by a Markov model; and how exact log p is.

    python -m benchmarks.string_probability runs/names --strings 1500

Prints the area under the curve (AUC) of each for the first test lines against as many strings of random letters of the
same lengths; the standard error of log p from latents of the training distribution; and for the first lines that of
importance sampling, with the mean difference of the two estimates.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np

from seqgan_wgp import Model
from seqgan_wgp.text.corpus.dataset import open_corpus
from seqgan_wgp.text.fusion.ngram_model import NgramModel
from seqgan_wgp.text.refinement.calibration import area_under_curve
from seqgan_wgp.text.vocabulary import PAD, mask_after_pad

ORDER = 3


def random_strings(lines: list[str], letters: str, seed: int) -> list[str]:
    """Return strings of random letters, as long as the lines."""
    chance = np.random.default_rng(seed)
    return ["".join(chance.choice(list(letters), len(line))) for line in lines]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--strings", type=int, default=1_500)
    parser.add_argument("--latents", type=int, default=65_536)
    parser.add_argument("--importance", type=int, default=8_192)
    parser.add_argument("--few", type=int, default=100, help="strings with importance sampling")
    options = parser.parse_args()
    model, corpus = Model.load(options.run, device="cpu"), open_corpus(options.run)
    ids_NL = mask_after_pad(np.asarray(corpus.test_NL[: options.strings]))
    lines = corpus.vocabulary.decode(ids_NL)
    strings = [*lines, *random_strings(lines, "".join(corpus.vocabulary.texts), 0)]
    count = len(lines)

    began = time.process_time()
    found = list(model.log_probability(strings, latents=options.latents))
    seconds = time.process_time() - began
    log_p = np.array([one.log_probability for one in found])
    errors = np.array([one.error for one in found])
    critic = np.array([one.score for one in model.score(strings)])
    chain = NgramModel.fit([corpus.train.apart()], corpus.vocabulary.size, ORDER + 1)
    rows_NL = corpus.vocabulary.encode(strings, corpus.facts.length)
    symbols_N = np.minimum((rows_NL != PAD).sum(axis=1) + 1, corpus.facts.length)
    markov = np.array([-chain.nll(row_L[None]) for row_L in rows_NL]) * symbols_N
    print(f"{count:,} test lines of {corpus.facts.name} against as many strings of random letters of equal lengths")
    for name, of in (("log p", log_p), ("critic", critic), (f"Markov {ORDER}", markov)):
        print(f"AUC of {name}: {area_under_curve(of[:count], of[count:]):.3f}")
    bits = np.mean([one.bits_per_character for one in found[:count]])
    print(f"log p of test lines: mean {log_p[:count].mean():.2f} nats, {bits:.3f} bits per character")
    print(
        f"standard error, {options.latents:,} latents for all strings: mean {errors[:count].mean():.3f} nats, "
        f"median {np.median(errors[:count]):.3f}; {seconds:.0f} processor seconds for {len(strings):,} strings"
    )
    began = time.process_time()
    better = list(islice(model.log_probability(lines[: options.few], importance=options.importance), options.few))
    seconds = time.process_time() - began
    error = np.array([one.error for one in better])
    differences = np.array([one.log_probability for one in better]) - log_p[: len(better)]
    print(
        f"standard error, {options.importance:,} latents of importance sampling for each of {len(better)} lines: "
        f"mean {error.mean():.3f} nats, median {np.median(error):.3f}; {seconds / len(better):.2f} processor seconds "
        f"a line; log p is {differences.mean():+.2f} nats higher on average"
    )


if __name__ == "__main__":
    main()
