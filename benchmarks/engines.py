"""Compare the quality of all engines after the same rounds of the default recipe.

    python -m benchmarks.engines names.txt --rounds 600 --seeds 0 1 2

Engines round differently, so runs part from each other after some hundred rounds; what they come to must be as good.
Prints the JS-4 above its floor that each reaches on the validation half, by seed, with mean and spread, and how far the
gradients of a first critic step are from those of the plain engine in double precision.

Where there is no GPU, tf32 is imitated: what goes into every product, forward and backward, is rounded to 10 bits of
mantissa first, as a GPU does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.factors import FIRST
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.record import Record
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream
from seqgan_wgp.utils.malloc import keep_memory

ENTRIES = (
    "plain",
    "eager:direct",
    "eager:fourier",
    "eager:toom-cook",
    "compiled",
    "eager:direct:bf16",
    "eager:direct:tf32",
)
LINE = "{:<20} {:>10} {:>28} {:>8} {:>8} {:>14}"


def config(entry: str, seed: int, options: argparse.Namespace) -> Config:
    """Return `fast` as it first was, so that results compare, with ENGINE[:CONVOLUTION[:PRECISION]]."""
    parts = entry.split(":")
    engine, convolution, precision = (*parts, *("auto", "float32")[len(parts) - 1 :]) if len(parts) < 3 else parts
    return recipe(
        "fast",
        FIRST
        | {
            "corpus.length": options.length,
            "generator.width": options.width,
            "critic.width": options.width,
            "training.batch_size": 64,
            "training.engine": engine,
            "training.convolution": convolution,
            "training.precision": precision,
            "training.device": options.device,
            "training.steps": options.rounds,
            "training.seed": seed,
            "evaluation.every": options.rounds,
            "log.diagnostics": 0,
        },
    )


PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward")
"""What a GPU rounds the factors of; of a sum the first term is not rounded, but here that is a bias or nothing."""


@final
class RoundedFactors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, what goes into products is rounded to TF32: to nearest, ties to even."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        if func.overloadpacket.__name__ in PRODUCTS:
            args = tuple(_tf32(value) if isinstance(value, Tensor) else value for value in args)
        return func(*args, **(kwargs or {}))


def _tf32(values: Tensor) -> Tensor:
    if values.dtype != torch.float32:
        return values
    bits = values.view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def computing(settings: Config) -> AbstractContextManager[Any]:
    """Return what a training is done within."""
    imitated = settings.training.precision == "tf32" and settings.training.device == "cpu"
    return RoundedFactors() if imitated else nullcontext()  # type: ignore[no-untyped-call]


def first_gradients(corpus: Corpus, settings: Config, dtype: torch.dtype) -> Tensor:
    """Return the gradients of the first critic step as one vector, float64 on the host."""
    device = torch.device(settings.training.device)
    trainer = Trainer.from_config(TextDomain(corpus, settings, device), settings, device)
    state = trainer.train_state
    with torch.no_grad():
        fake = state.generator(state.batches.latents(Stream.CRITIC_LATENT, 0)).to(dtype)
    trainer.train_state.critic.to(dtype)
    real = trainer.train_state.batches.real(0)
    if not trainer.train_state.engine.takes_items:
        real = trainer.domain.spec.embed(real).to(dtype)
    draw = trainer.train_state.batches.epsilon(0)
    with computing(settings):
        gradients, _ = trainer.train_state.engine.critic_gradients(real, fake, lambda columns: draw(columns).to(dtype))
    return torch.cat([gradient.flatten() for gradient in gradients]).double().cpu()


def quality(corpus: Corpus, settings: Config) -> tuple[float, float]:
    """Train; return JS-4 above its floor on the validation half, and seconds of rounds."""
    device = torch.device(settings.training.device)
    trainer = Trainer.from_config(TextDomain(corpus, settings, device), settings, device)
    seconds, js = 0.0, float("nan")
    records = trainer.run()
    while record := _next(records, settings):
        for note in record.notes:
            print(f"note: {note}")
        if record.measures:
            js = record.measures["js4"] - record.measures["js4_floor"]
        else:
            seconds = record.seconds
    return js, seconds


def _next(records: Iterator[Record], settings: Config) -> Record | None:
    with computing(settings):
        return next(records, None)


def main() -> None:
    """Parse, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--entries", nargs="+", default=list(ENTRIES), metavar="ENGINE[:CONVOLUTION[:PRECISION]]")
    parser.add_argument("--rounds", type=int, default=600)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    print(LINE.format("engine", "gradients", "JS-4 - floor by seed", "mean", "spread", "ms a round"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        plain = config("plain", 0, options)
        corpus = prepare(scan(open_source(options.corpus), plain.corpus), Path(scratch))
        exact = first_gradients(corpus, plain, torch.float64)
        for entry in options.entries:
            away = first_gradients(corpus, config(entry, 0, options), torch.float32) - exact
            error = float(away.norm() / exact.norm())
            runs = [quality(corpus, config(entry, seed, options)) for seed in options.seeds]
            js = [run[0] for run in runs]
            ms = 1000 * statistics.median(run[1] for run in runs) / options.rounds
            spread = max(js) - min(js)
            shown = " ".join(f"{value:.4f}" for value in js)
            print(
                LINE.format(entry, f"{error:.1e}", shown, f"{statistics.mean(js):.4f}", f"{spread:.4f}", f"{ms:.1f}"),
                flush=True,
            )
            rows.append({"engine": entry, "gradient_error": error, "js4_over_floor": js, "ms": ms})
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
