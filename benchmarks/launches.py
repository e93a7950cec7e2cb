"""How many operations one steady round of training issues, by what they are for: before and now.

    python -m benchmarks.launches
    python -m benchmarks.launches --recipes fast toy --json launches.json

On a GPU each operation is a kernel at least, and the host takes some microseconds to start one; on a CPU it is a call.
Operations are those that torch dispatches (`aten`). Left out are views (operations whose result is an alias of what
goes in, by their schema), allocations, `detach` and reads of a number by the host: they start none.
A `_foreach` operation counts as one. The backward pass of everything but slopes is `backward`. `penalty` is the slopes
with their first derivative; their second one is within `backward`.

Noise is drawn for many rounds at once: the round that is counted draws none, and one in up to 64 rounds draws it for
all of them. Items are random and are looked up by one operation. Sizes are the recipes', except that images
have narrow networks and the language model is of width 64: neither changes the number of operations.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from seqgan_wgp.config import recipe
from seqgan_wgp.images.dataset import ImageFacts
from seqgan_wgp.images.domain import ImageSpec
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.toy.domain import ToySpec
from seqgan_wgp.toy.spec import ToyFacts
from seqgan_wgp.training.trainer import Trainer

COMMIT = "542d644"
BEFORE: dict[str, dict[str, int]] = {
    "fast": {
        "noise": 185,
        "data": 1,
        "forward": 102,
        "penalty": 40,
        "backward": 134,
        "optimizer": 8,
        "average": 1,
        "metrics": 19,
    },
    "paper": {
        "noise": 803,
        "data": 10,
        "forward": 3293,
        "penalty": 3280,
        "backward": 6139,
        "optimizer": 132,
        "average": 1,
        "metrics": 109,
    },
    "mnist-wgan-gp": {
        "noise": 423,
        "data": 5,
        "forward": 211,
        "penalty": 215,
        "backward": 239,
        "optimizer": 22,
        "average": 1,
        "metrics": 59,
    },
    "toy": {
        "noise": 195,
        "data": 2,
        "forward": 52,
        "penalty": 56,
        "backward": 114,
        "optimizer": 6,
        "average": 1,
        "metrics": 29,
    },
}
"""Operations of a steady round at COMMIT, measured with torch 2.13.0 on a CPU, counted as here."""

SOURCES = tuple(BEFORE["fast"])
_WIDTH: dict[str, int] = {"fast": 64, "paper": 64, "mnist-wgan-gp": 8}
_LENGTH = {"fast": 16, "paper": 32}
_SYMBOLS, _ITEMS, _SIDE = 34, 5_000, 28

_NO_KERNEL = frozenset(
    [
        "detach",
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "_unsafe_view",
        "lift_fresh",
        "_local_scalar_dense",
        "_record_function_enter_new",
        "_record_function_exit",
    ]
)
_BY_FUNCTION = (
    ("average", {"update_average"}),
    ("optimizer", {"apply_gradients", "clip_weights"}),
    ("metrics", {"gradient_norm", "_round_metrics"}),
    ("noise", {"_noise", "index"}),
    ("data", {"real"}),
    ("penalty", {"_weighted_penalty"}),
    ("backward", {"grad"}),
)
_MEASURING = {"one_round", "critic_step", "generator_step", "critic_loss"}


def starts_kernel(operation: Any) -> bool:
    """Say whether an operation computes something, so that it is not a view, an allocation or bookkeeping."""
    returns = operation._schema.returns
    alias = returns[0].alias_info if returns else None
    return operation.overloadpacket.__name__ not in _NO_KERNEL and (alias is None or alias.is_write)


def source_of(frame: FrameType | None) -> str:
    """Return which of SOURCES an operation belongs to, by the functions that it is called within."""
    within: list[str] = []
    while frame is not None:
        code = frame.f_code
        if "seqgan_wgp" in code.co_filename or code.co_filename.endswith("autograd/__init__.py"):
            within.append(code.co_name)
        frame = frame.f_back
    for source, functions in _BY_FUNCTION:
        if not functions.isdisjoint(within):
            return source
    return "metrics" if within and within[0] in _MEASURING else "forward"


@final
class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts by source the operations within that start a kernel."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        if starts_kernel(func):
            self.counts[source_of(sys._getframe(1))] += 1
        return func(*args, **(kwargs or {}))


@final
class Items:
    """Random items in memory, as the trainer's Domain."""

    held_out_size, samples, size, criterion = 1, 1, _ITEMS, "none"

    def __init__(self, spec: Any, rows: npt.NDArray[Any]) -> None:
        self.spec, self._rows = spec, torch.from_numpy(rows)

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        """Return items."""
        return self._rows[torch.from_numpy(indices_B)]

    held_out = batch

    def score(self, samples: Any, *, half: str = "validation") -> dict[str, float]:
        """Return no measure: no evaluation is due."""
        del samples, half
        return {}


def trainer_of(name: str) -> Trainer:
    """Return a trainer of a recipe over random items."""
    settings: dict[str, object] = {"training.device": "cpu", "evaluation.every": 1_000_000, "log.diagnostics": 0}
    if name in _WIDTH:
        settings |= {"generator.width": _WIDTH[name], "critic.width": _WIDTH[name]}
    if name == "fast":
        settings |= {"training.batch_size": 64, "generator.relaxation": "sampled"}
    config = recipe(name, settings)
    random = np.random.default_rng(0)
    spec: Any
    rows: npt.NDArray[Any]
    if config.domain == "text":
        length = _LENGTH[name]
        vocabulary = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + _SYMBOLS - 2))))
        spec, rows = TextSpec(vocabulary, length, {}), random.integers(2, _SYMBOLS, (_ITEMS, length), np.int64)
    elif config.domain == "image":
        sizes = {"train": _ITEMS, "validation": 1, "test": 1}
        facts = ImageFacts(name="noise", sha256="", channels=1, height=_SIDE, width=_SIDE, **sizes)
        spec = ImageSpec(facts, config.images.range)
        rows = random.integers(0, 256, (_ITEMS, 1, _SIDE, _SIDE), np.uint8)
    else:
        spec = ToySpec(ToyFacts(name=config.toy.name, theta=config.toy.theta))
        rows = random.normal(size=(_ITEMS, 2)).astype(np.float32)
    return Trainer.from_config(Items(spec, rows), config, torch.device("cpu"))


def count(name: str) -> dict[str, int]:
    """Return the operations of one steady round of a recipe, by source: of the second round."""
    trainer = trainer_of(name)
    trainer.round()
    with Operations() as operations:
        trainer.round()
    return {source: operations.counts[source] for source in SOURCES}


def main() -> None:
    """Print the table; with --json write the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=list(BEFORE), default=list(BEFORE))
    parser.add_argument("--json", type=Path, help="file for the counts: recipe -> before and now -> source -> count")
    options = parser.parse_args()
    line = "{:<14} {:>14}" + " {:>14}" * len(SOURCES)
    print(f"operations of a round, {COMMIT} -> now")
    print(line.format("recipe", "all", *SOURCES))
    found = {}
    for name in options.recipes:
        now, before = count(name), BEFORE[name]
        found[name] = {"before": before, "now": now}
        pairs = [f"{before[source]} -> {now[source]}" for source in SOURCES]
        print(line.format(name, f"{sum(before.values())} -> {sum(now.values())}", *pairs), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"commit_before": COMMIT, "recipes": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
