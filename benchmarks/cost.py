"""Measure the cost of a round of the default recipe as length, vocabulary, width and batch size grow.

    python -m benchmarks.cost                # about a minute on one core
    python -m benchmarks.cost --seconds 0    # computed only

One size is changed at a time, from names: L = 16, V = 34, width 64, batch 64. Operations are multiplications and
additions of a forward pass F of the critic and G of the generator for each string, with K for the kernel, N for the
blocks, D for the width and Z for the latent:

    F = 2 L (V D + 2 N K D^2) + 2 L D        G = 2 Z L D + 2 L (2 N K D^2 + D V)

A critic step is G + (6 + 4 / t) F (forward and back for real and fake, and, at one item in t, for the penalty, whose
gradient is taken twice), a generator step 3 G + 2 F. The trainer leaves some of that out. Milliseconds are of a
processor's time, on ids without meaning, on one core.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from seqgan_wgp import config as configs
from seqgan_wgp.config import Config
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.schedule import penalty_every
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.training.trial import TrialData, TrialDomain
from seqgan_wgp.utils.malloc import keep_memory

BASE = {"L": 16, "V": 34, "width": 64, "batch": 64}
SIZES = {"L": (8, 16, 32, 64), "V": (34, 100, 1000, 3000), "width": (32, 64, 128, 256), "batch": (16, 64, 256)}
CPU = torch.device("cpu")


def config_of(sizes: dict[str, int]) -> Config:
    """Return the default recipe at these sizes."""
    settings = {
        "generator.width": sizes["width"],
        "critic.width": sizes["width"],
        "training.batch_size": sizes["batch"],
    }
    return configs.recipe("fast", {**settings, "training.device": "cpu", "evaluation.every": 1_000_000})


def operations(sizes: dict[str, int]) -> float:
    """Return the operations of a round, in 10^9."""
    config, length, vocabulary, width = config_of(sizes), sizes["L"], sizes["V"], sizes["width"]
    blocks = 2 * config.critic.blocks * config.critic.kernel * width**2
    critic = 2 * length * (vocabulary * width + blocks) + 2 * length * width
    generator = 2 * config.generator.latent * length * width + 2 * length * (blocks + width * vocabulary)
    share = 6 + 4 / penalty_every(config.objective, sizes["batch"])
    steps = config.training.critic_steps * (generator + share * critic) + 3 * generator + 2 * critic
    return sizes["batch"] * steps / 1e9


def milliseconds(sizes: dict[str, int], seconds: float) -> float:
    """Return what a round takes, measured for so many seconds of work."""
    spec = TextSpec(Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + sizes["V"] - 2)))), sizes["L"], {})
    domain = TrialDomain(TrialData(spec=spec, size=4_096, samples=1), CPU)
    trainer = Trainer.from_config(domain, config_of(sizes), CPU)
    trainer.round()
    trainer.round()
    began, rounds = time.process_time(), 0
    while (taken := time.process_time() - began) < seconds or not rounds:
        trainer.round()
        rounds += 1
    return 1000 * taken / rounds


def main() -> None:
    """Compute, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of work on each size; 0: nothing is measured")
    options = parser.parse_args()
    keep_memory()
    torch.set_num_threads(1)
    heads = ["changed", "10^9 operations a round", "times", *(["ms a round", "times"] if options.seconds else [])]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    base = milliseconds(BASE, options.seconds) if options.seconds else 0.0
    for name, values in SIZES.items():
        for value in values:
            sizes = BASE | {name: value}
            cells = [f"{name} {value:,}", f"{operations(sizes):.3g}", f"{operations(sizes) / operations(BASE):.2f}"]
            if options.seconds:
                taken = base if sizes == BASE else milliseconds(sizes, options.seconds)
                cells += [f"{taken:.1f}", f"{taken / base:.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
