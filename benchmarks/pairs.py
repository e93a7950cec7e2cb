"""Train every loss with every constraint and report which pairs train.

    python -m benchmarks.pairs names.txt --images mnist --rounds 200

Small networks (width 16, one critic step a round) are trained on the lines of a file, on images in IDX form and on the
toy 25-gaussians, from the same seed, with every loss and constraint that are not refused together. Prints a Markdown
table for each kind of data: E[f(x)] - E[f(x~)] after the last round, "refused", or where it diverged.
"""

from __future__ import annotations

import argparse
import itertools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.domains import DOMAINS
from seqgan_wgp.errors import ConfigError, Diverged
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.training.adapter import PreparedData as Data
from seqgan_wgp.training.domain import Domain
from seqgan_wgp.training.losses import LOSSES
from seqgan_wgp.training.penalties import CONSTRAINTS
from seqgan_wgp.training.trainer import Trainer

CPU = torch.device("cpu")
SMALL: dict[str, object] = {
    "generator.width": 16,
    "critic.width": 16,
    "training.batch_size": 32,
    "training.critic_steps": 1,
    "training.device": "cpu",
    "evaluation.every": 1_000_000,
    "evaluation.patience": None,
}
WEIGHTS = {
    "gp": 10.0,
    "lp": 10.0,
    "gp-difference": 10.0,
    "gp-segment": 10.0,
    "dragan": 10.0,
    "dragan-notebook": 10.0,
    "r1": 1.0,
}


def of_pair(base: Config, loss: str, constraint: str, rounds: int) -> Config:
    """Return the config of a pair. Raises ConfigError when it is refused."""
    objective: dict[str, object] = {
        "objective.loss": loss,
        "objective.constraint": constraint,
        "objective.penalty_weight": WEIGHTS.get(constraint, 0.0),
        "objective.clip": 0.01 if constraint == "clip" else None,
    }
    return override(base, SMALL | objective | {"training.steps": rounds})


def outcome(domain: Callable[[Config], Domain], base: Config, loss: str, constraint: str, rounds: int) -> str:
    """Train a pair; return what became of it."""
    try:
        config = of_pair(base, loss, constraint, rounds)
        losses = [record.losses for record in Trainer.from_config(domain(config), config, CPU).run()][-1]
    except ConfigError:
        return "refused"
    except Diverged as error:
        return str(error.message)
    assert all(math.isfinite(value) for value in losses.values())
    return f"{losses['wasserstein']:.3g}"


def table(title: str, found: Data, base: Config, rounds: int) -> None:
    """Print the table of one kind of data."""
    print(f"\n{title}\n\n| loss | {' | '.join(CONSTRAINTS)} |\n|{' --- |' * (1 + len(CONSTRAINTS))}")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        found.write(Path(scratch), lambda _bytes: None)

        def domain(config: Config) -> Domain:
            return DOMAINS[config.domain].open(Path(scratch), config, CPU)

        for loss in LOSSES:
            cells = [outcome(domain, base, loss, constraint, rounds) for constraint in CONSTRAINTS]
            print(f"| {loss} | {' | '.join(cells)} |", flush=True)
    pairs = len(list(itertools.product(LOSSES, CONSTRAINTS)))
    print(f"\n{pairs} pairs in {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    """Parse, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", help="a text file")
    parser.add_argument("--images", type=Path, required=True, help="folder with images in IDX form")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    found, text = scan_data(options.lines, recipe("fast", SMALL))
    table(f"Lines of {options.lines}", found, text, options.rounds)
    image = recipe("mnist-fast", SMALL)
    table(f"Images of {options.images}", scan_images(options.images, image), image, options.rounds)
    toy = recipe("toy", SMALL)
    table("Toy 25-gaussians", scan_toy(toy), toy, options.rounds)


if __name__ == "__main__":
    main()
