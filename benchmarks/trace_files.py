"""List the package files that one critic step and one `seqgan-wgp generate` enter.

    python -m benchmarks.trace_files

A file counts when a function of it is called; imports do not. The critic step is the second one of the recipe `fast` on
names that are made here, so that what is worked out only once does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from seqgan_wgp.config import override, recipe
from seqgan_wgp.runs.train import train
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.loop import critic_step
from seqgan_wgp.training.trainer import Trainer

ROOT = Path(__file__).parents[1]
FOLDERS = ("seqgan_wgp", "cli")


@contextlib.contextmanager
def entered() -> Iterator[set[str]]:
    """Give the set of files, relative to the repository, whose functions are called within, by this thread."""
    codes: set[Any] = set()

    def called(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    files: set[str] = set()
    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield files
    finally:
        sys.setprofile(before)
        for code in codes:
            path = Path(code.co_filename)
            # A module's and a class's body run when they are imported.
            if code.co_flags & 0x02 and path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS:
                files.add(path.relative_to(ROOT).as_posix())


def names(count: int = 2_000) -> list[str]:
    """Return pseudo-words of two or three syllables, always the same."""
    syllables = np.array(["ka", "ro", "mi", "ten", "sul", "ba", ""])
    chosen = np.random.default_rng(0).integers(0, len(syllables), (count, 3))
    return ["la" + "".join(row) for row in syllables[chosen].tolist()]


def of_critic_step(folder: Path, **changes: object) -> set[str]:
    """Return the files that one critic step of the recipe `fast` enters."""
    decided: dict[str, object] = {
        "corpus.length": 16,
        "generator.width": 8,
        "generator.relaxation": "sampled",
        "critic.width": 8,
        "training.batch_size": 16,
        "training.device": "cpu",
        "evaluation.every": 100,
    }
    config = override(recipe("fast"), {**decided, **changes})
    corpus = prepare(scan(open_source(names()), config.corpus), folder)
    cpu = torch.device("cpu")
    state = Trainer.from_config(TextDomain(corpus, config, cpu), config, cpu).train_state
    critic_step(state, 0)
    with entered() as files:
        critic_step(state, 1)
    return files


def of_generate(folder: Path) -> set[str]:
    """Return the files that `seqgan-wgp generate` enters, from the command line to its last line."""
    from cli.app import main as run_command

    train(names(), steps=1, device="cpu", out=folder / "run", settings={"generator.width": 8, "critic.width": 8})
    arguments, sys.argv = sys.argv, ["seqgan-wgp", "generate", str(folder / "run"), "-n", "10"]
    try:
        thrown_away = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(thrown_away), entered() as files, contextlib.suppress(SystemExit):
            run_command()
    finally:
        sys.argv = arguments
    return files


WHAT: dict[str, Callable[[Path], set[str]]] = {"critic step": of_critic_step, "generate": of_generate}


def main() -> None:
    """Print the files of each; with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object: name -> files")
    options = parser.parse_args()
    found = {}
    for name, trace in WHAT.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = sorted(trace(Path(folder)))
    if options.json:
        print(json.dumps(found))
        return
    for name, files in found.items():
        print(f"{name}: {len(files)} files")
        print("".join(f"    {file}\n" for file in files), end="")


if __name__ == "__main__":
    main()
