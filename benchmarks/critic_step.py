"""Compare the speed of a critic step and a whole round with the published training loop.

    python -m benchmarks.critic_step --json critic_step.json
    python -m benchmarks.critic_step --engines plain eager:direct eager:fourier compiled

A critic step goes from ids in memory to an updated critic: fakes, one-hot text or what stands for it, gradients, Adam.
A round is a number of them and a generator step. Networks are those of Gulrajani et al. 2017: five blocks, kernel 5, no
normalisation. Ours is what the trainer does with an engine, or with ENGINE:CONVOLUTION; the other is `reference_loop`.
Both run in turns, so that what else the machine does falls on both. Prints medians with quartiles; `peak` is what a
large matrix product reaches here, and a critic step is counted as 10 F, F the operations of one forward pass (two for
real and fake, four back, four for the penalty): saving multiplications can bring its share above 1. `loop` is a turn of
the trainer's loop, with draws, average and record, beside the bare steps that it does. On a GPU a graph is a whole
round, so a critic step is taken to be a round's share by work.

Shapes are B,D,L: batch, width, length.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.nn.fast_conv.convolution import Convolution
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.engines.cuda_graph import unsupported_reason
from seqgan_wgp.training.loop import critic_step, one_round
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.training.trial import wait_for
from seqgan_wgp.utils.devices import to_device
from seqgan_wgp.utils.malloc import keep_memory

from . import reference_loop as published

SHAPES = ("64,64,16", "64,128,10", "64,128,32", "64,512,32")
V, LATENT, BLOCKS, KERNEL = 100, 128, 5, 5
ROWS = 20_000
WARM_UP = 3
SHARE_OF_GENERATOR = 0.5
"""A generator step is 5 F of work, a critic step 10 F and 1 F for its fakes."""
LINE = "{:>16} {:<16} {:>26} {:>26} {:>7} {:>7}"


class Ids:
    """Random ids in the device's memory, as the trainer's Domain: where both loops find them."""

    held_out_size = samples = 0
    criterion = "none"

    def __init__(self, length: int, device: torch.device) -> None:
        self.device = device
        self.spec = TextSpec(Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + V - 2)))), length, {})
        self.size = ROWS
        ids_NL = np.random.default_rng(0).integers(2, V, (ROWS, length), dtype=np.uint8)
        self.ids_NL = torch.from_numpy(ids_NL).to(device)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items."""
        return self.ids_NL[to_device(indices_B, self.device)]

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items."""
        return self.batch(indices_B)

    def score(self, samples: Any, *, half: str = "validation") -> dict[str, float]:
        """Nothing is measured here."""
        del samples, half
        return {}


def config(batch: int, width: int, length: int, entry: str, options: argparse.Namespace) -> Config:
    """Return the recipe `paper` at a shape, with an engine, written ENGINE or ENGINE:CONVOLUTION."""
    engine, _, convolution = entry.partition(":")
    return recipe(
        "paper",
        {
            "corpus.length": length,
            "training.batch_size": batch,
            "training.critic_steps": options.critic_steps,
            "training.engine": engine,
            "training.convolution": convolution or "auto",
            "training.precision": options.precision,
            "training.device": options.device,
            "generator.width": width,
            "critic.width": width,
            "generator.latent": LATENT,
            "evaluation.every": 10**6,
        },
    )


class Ours:
    """Our trainer's step, round and loop."""

    def __init__(self, settings: Config, ids: Ids) -> None:
        self.trainer = Trainer.from_config(ids, settings, ids.device)
        self.number = 0
        self.records = self.trainer.run()

    def step(self) -> None:
        """Do one critic step."""
        critic_step(self.trainer.train_state, self.number)
        self.number += 1

    def round(self) -> None:
        """Do one round."""
        self.trainer.round()

    def bare(self) -> None:
        """Do the steps of a round, and nothing else."""
        one_round(self.trainer.train_state, self.number)
        self.number += 1

    def loop(self) -> None:
        """Do one turn of the loop."""
        next(self.records)

    def name(self) -> str:
        """Return what it does, in words: engine and convolution."""
        settings, trainer = self.trainer.config.training, self.trainer
        layer = next(layer for layer in trainer.train_state.critic.modules() if isinstance(layer, Convolution))
        engine = type(trainer.train_state.engine).__name__.lower()
        if settings.engine in ("auto", "graph") and unsupported_reason(trainer.train_state) is None:
            engine = "graph"
        algorithm = layer.algorithm_for(torch.zeros(1, 1, trainer.domain.spec.event_shape[0], device=trainer.device))
        return f"{engine}:{algorithm}"


class Published:
    """The published step and round."""

    def __init__(self, batch: int, width: int, length: int, critic_steps: int, ids: Ids) -> None:
        sizes = {"width": width, "length": length, "vocabulary": V, "blocks": BLOCKS, "kernel": KERNEL}
        self.generator = published.Generator(**sizes, latent=LATENT).to(ids.device)
        self.critic = published.Critic(**sizes).to(ids.device)
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), 1e-4, betas=(0.5, 0.9))
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), 1e-4, betas=(0.5, 0.9))
        self.batch, self.critic_steps = batch, critic_steps
        self.ids_NL = ids.ids_NL.long()

    def step(self) -> None:
        """Do one critic step."""
        real_BL = self.ids_NL[torch.randint(0, len(self.ids_NL), (self.batch,), device=self.ids_NL.device)]
        published.critic_step(self.critic, self.generator, self.critic_optimizer, real_BL, LATENT)

    def round(self) -> None:
        """Do one round."""
        for _ in range(self.critic_steps):
            self.step()
        published.generator_step(self.critic, self.generator, self.generator_optimizer, self.batch, LATENT)


def seconds(act: Callable[[], object], device: torch.device) -> float:
    """Return how long a device takes for an act: from when it is idle until it is idle again."""
    wait_for(device)
    began = time.perf_counter()
    act()
    wait_for(device)
    return time.perf_counter() - began


def peak_flops(device: torch.device, size: int = 2048) -> float:
    """Return operations a second of a large matrix product, the best of ten."""
    a, b = torch.randn(size, size, device=device), torch.randn(size, size, device=device)
    return 2 * size**3 / min(seconds(lambda: torch.mm(a, b), device) for _ in range(10))


def step_flops(batch: int, width: int, length: int) -> float:
    """Return 10 F: the operations of a critic step that does all of them once."""
    forward = 2 * length * (V * width + 2 * BLOCKS * KERNEL * width**2) + 2 * length * width
    return 10.0 * batch * forward


def spread(times: list[float]) -> str:
    """Return median and quartiles in milliseconds."""
    low, middle, high = (1000 * value for value in statistics.quantiles(times, n=4))
    return f"{middle:.1f} ({low:.1f} to {high:.1f}) ms"


def in_turns(
    mine: Callable[[], object], other: Callable[[], object], pairs: int, device: torch.device
) -> tuple[list[float], list[float]]:
    """Return the seconds of both, done in turns, after some turns to warm up."""
    times = [(seconds(mine, device), seconds(other, device)) for _ in range(WARM_UP + pairs)][WARM_UP:]
    return [a for a, _ in times], [b for _, b in times]


def measure(shape: tuple[int, int, int], entry: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time both in turns at a shape, and print a line each for the critic step, the round and the loop."""
    batch, width, length = shape
    device = torch.device(options.device)
    ids = Ids(length, device)
    ours = Ours(config(*shape, entry, options), ids)
    theirs = Published(*shape, options.critic_steps, ids)
    peak, name = peak_flops(device), ours.name()
    row: dict[str, Any] = {"B": batch, "D": width, "L": length, "engine": name, "asked": entry}
    for act in ("step", "round"):
        if act == "step" and name.startswith("graph"):
            continue
        mine, other = in_turns(getattr(ours, act), getattr(theirs, act), options.pairs, device)
        ratio = statistics.median(b / a for a, b in zip(mine, other, strict=True))
        share = step_flops(*shape) / statistics.median(mine) / peak if act == "step" else None
        shown = "" if share is None else f"{share:.0%}"
        title = f"{batch},{width},{length}" + (" round" if act == "round" else "")
        print(LINE.format(title, name, spread(mine), spread(other), f"{ratio:.2f}", shown), flush=True)
        prefix = "" if act == "step" else "round_"
        row |= {
            f"{prefix}ms": 1000 * statistics.median(mine),
            f"{prefix}reference_ms": 1000 * statistics.median(other),
            f"{prefix}ratio": ratio,
        }
        if share is not None:
            row["peak_fraction"] = share
    if name.startswith("graph"):
        steps = options.critic_steps + SHARE_OF_GENERATOR
        row |= {"ms": row["round_ms"] / steps, "reference_ms": row["round_reference_ms"] / steps}
        row |= {"ratio": row["round_ratio"], "peak_fraction": step_flops(*shape) * 1000 / row["ms"] / peak}
        print(LINE.format("a step of it", name, f"{row['ms']:.3f} ms", "", "", f"{row['peak_fraction']:.0%}"))
    else:
        bare, loop = in_turns(ours.bare, ours.loop, options.pairs, device)
        row["loop"] = statistics.median(b / a for a, b in zip(bare, loop, strict=True))
        print(LINE.format("loop / its steps", name, spread(loop), spread(bare), f"{row['loop']:.3f}", ""), flush=True)
    return row


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), metavar="B,D,L")
    parser.add_argument("--engines", nargs="+", default=["auto"], metavar="ENGINE[:CONVOLUTION]")
    parser.add_argument("--precision", default="float32", help="of ours, and tf32 of both")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--pairs", type=int, default=9, help="of ours and the published one, beside those to warm up")
    parser.add_argument("--critic-steps", type=int, default=1, help="in a round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    print(f"torch {torch.__version__}, {options.device}, {torch.get_num_threads()} threads, V={V}")
    print(LINE.format("B,D,L", "engine", "ours", "published", "ratio", "of peak"))
    shapes = [tuple(map(int, shape.split(","))) for shape in options.shapes]
    rows = [measure(shape, entry, options) for shape in shapes for entry in options.engines]  # type: ignore[arg-type]
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
