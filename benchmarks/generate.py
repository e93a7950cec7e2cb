"""Measure the cost of generation: network, decoding, filters and writing.

    python -m benchmarks.generate [MODEL] [--strings 100000] [--json FILE]

Seconds are those that one core works, so that other programs on the machine do not count. First table: blocks of 512
strings of 16 characters, none shorter, as million strings a second; `lines` is ids to bytes, `file` the same and their
writing to a file on disk, `argmax` from (512, 16, V) probabilities to ids, `unique` a 64-bit hash and the look-up
among as many strings. `plain` is what a plain loop does with as many: argmax row by row, a dictionary, join, print,
64 strings at a time. Second table: `generate` from start to end, in process, and the share of the network in it:
latents, generator and its softmax. Without MODEL it is one of the recipe `fast` with its first weights, L = 16. Third
table: the same under constraints, all strings of 16 characters, for two alphabets; always with first weights.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cli.ui.output import in_background
from seqgan_wgp.config import recipe
from seqgan_wgp.model import Model
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.formats import LineEncoder
from seqgan_wgp.text.generation.request import Progress, Request, StringBlock
from seqgan_wgp.text.generation.stream import TextModel, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.networks import log_probabilities
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic
from seqgan_wgp.training.labels import LabelShares
from seqgan_wgp.training.latents import BLOCK, generate, run_latents
from seqgan_wgp.utils.counter_rng import Stream

LENGTH, PLAIN_BATCH = 16, 64
ALPHABETS = {
    "a to z": "abcdefghijklmnopqrstuvwxyz",
    "36 with accents": "abcdefghijklmnopqrstuvwxyzäöüßéèáàç-",
    "3,000 of Han": "".join(map(chr, range(0x4E00, 0x4E00 + 3_000))),
}


def rate(work: Callable[[], object], strings: int, repeats: int = 5) -> float:
    """Return million strings a second, of the quickest of some runs."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
    return strings / best / 1e6


def plain_lines(probabilities_NLV: Tensor, characters: dict[int, str]) -> Iterator[str]:
    """Yield strings as a plain loop makes them."""
    for first in range(0, len(probabilities_NLV), PLAIN_BATCH):
        for row_LV in probabilities_NLV[first : first + PLAIN_BATCH]:
            ids = [int(position_V.argmax()) for position_V in row_LV]
            ids = ids[: ids.index(0)] if 0 in ids else ids
            yield "".join(characters[each] for each in ids)


def parts(name: str, alphabet: str, strings: int) -> dict[str, Any]:
    """Return the row of an alphabet; refuses to report a speed where the lines are not those of the plain loop."""
    vocabulary = Vocabulary(alphabet)
    rng = np.random.default_rng(0)
    blocks = rng.integers(2, vocabulary.size, (strings // BLOCK, BLOCK, LENGTH)).astype(vocabulary.dtype)
    encoder, hashes = LineEncoder(vocabulary, "txt"), StringHashes(vocabulary, LENGTH)
    spec = TextSpec(vocabulary, LENGTH, {})
    table_BLV = spec.embed(torch.from_numpy(blocks[0].astype(np.int64))) * 0.9 + 0.1 / vocabulary.size
    characters = dict(enumerate(["", "\ufffd", *vocabulary.characters]))

    def write() -> None:
        with tempfile.TemporaryFile() as file:
            for ids_BL in blocks:
                file.write(encoder.lines(ids_BL))

    def plain() -> None:
        with tempfile.TemporaryFile("w", encoding="utf-8") as file:
            for string in plain_lines(table_BLV, characters):
                print(string, file=file)

    def unique() -> None:
        sieve = StringFilter(hashes, unique=True)
        for ids_BL in blocks:
            sieve.passes(ids_BL)

    expected = "".join(string + "\n" for string in plain_lines(table_BLV, characters)).encode()
    if encoder.lines(spec.decode(table_BLV)) != expected:
        raise SystemExit(f"{name}: the lines differ from those of the plain loop")
    return {
        "alphabet": name,
        "argmax": rate(lambda: spec.decode(table_BLV), BLOCK, 50),
        "lines": rate(lambda: [encoder.lines(ids_BL) for ids_BL in blocks], blocks.size // LENGTH),
        "file": rate(write, blocks.size // LENGTH),
        "unique": rate(unique, blocks.size // LENGTH),
        "plain": rate(plain, BLOCK, 3),
    }


def fresh_model(alphabet: str = ALPHABETS["a to z"]) -> TextModel:
    """Return a model of the recipe `fast` with its first weights."""
    config, device = recipe("fast", {"generator.width": 64, "critic.width": 64}), torch.device("cpu")
    spec = TextSpec(Vocabulary(alphabet), LENGTH, {})
    generator, critic = build_generator_and_critic(config, spec)

    def tables(
        n: int, *, seed: int, start: int, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        del labels
        del seed
        source = log_probabilities(generator) if logs else generator
        return generate(source, lambda index_B: run_latents(config, Stream.SAMPLE_LATENT, index_B), start, n, device)

    return TextModel(spec=spec, tables=tables, generator=generator, critic=critic, device=device)


def trained_model(path: Path) -> TextModel:
    """Return the model that a file or a run's folder has."""
    loaded = Model.load(path, device="cpu")
    spec = loaded.text_spec("this benchmark")
    return TextModel(
        spec=spec, tables=loaded.tables, generator=loaded.generator, critic=loaded.critic, device=loaded.device
    )


PASSWORDS = "".join(map(chr, range(0x20, 0x7F)))
"""The printable characters of ASCII."""

CONSTRAINED: dict[str, tuple[str, Constraints]] = {
    "none but the length": (PASSWORDS, Constraints(length=(LENGTH, LENGTH))),
    "mask of a to z": (ALPHABETS["a to z"], Constraints(mask="?l" * LENGTH)),
    "mask of vowels first": (ALPHABETS["a to z"], Constraints(mask="?1" + "?l" * (LENGTH - 1), sets=("aeiou",))),
    "mask ?u?l..?d?s": (PASSWORDS, Constraints(mask="?u" + "?l" * 11 + "?d?d?d?s")),
    "a digit, a capital": (PASSWORDS, Constraints(at_least=("?d:1", "?u:1"), length=(LENGTH, LENGTH))),
    "the same by lookahead": (PASSWORDS, Constraints(regex=r"(?=.*[0-9])(?=.*[A-Z]).{16}")),
    "four kinds, 3 words": (
        PASSWORDS,
        Constraints(
            at_least=("?d:1", "?u:1", "?l:1", "?s:1"),
            length=(LENGTH, LENGTH),
            without=("pass", "word", "123"),
            ignore_case=True,
        ),
    ),
}
"""What is asked of strings -> alphabet and constraints."""


def constrained(name: str, strings: int) -> dict[str, Any]:
    """Return how many strings of 16 characters a second satisfy, from latents to ids."""
    alphabet, constraints = CONSTRAINED[name]
    model = fresh_model(alphabet)
    request = Request(n=strings, constraints=constraints)
    list(stream(model, replace(request, n=BLOCK)))
    begun = time.thread_time()
    for block, _at in stream(model, request):
        if not all(map(constraints.satisfied_by, model.spec.to_text(block.ids_NL[:1]))):
            raise SystemExit(f"{name}: a string does not satisfy")
    return {"what": name, "strings": strings, "per_second": strings / (time.thread_time() - begun)}


def whole(model: TextModel, strings: int, *, unique: bool, plainly: bool = False) -> dict[str, Any]:
    """Return what so many strings take from latents to a file, and how much of it the network does."""
    network = 0.0

    def timed(
        n: int, *, seed: int, start: int, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        nonlocal network
        tables = model.tables(n, seed=seed, start=start, logs=logs, labels=labels)
        while True:
            begun = time.thread_time()
            table_BLV = next(tables, None)
            network += time.thread_time() - begun
            if table_BLV is None:
                return
            yield table_BLV

    watched = TextModel(
        spec=model.spec, tables=timed, generator=model.generator, critic=model.critic, device=model.device
    )
    begun = time.process_time()
    with tempfile.TemporaryFile() as file:
        if plainly:
            characters = dict(enumerate(["", "\ufffd", *model.spec.vocabulary.characters]))
            for table_BLV in timed(strings, seed=0, start=0):
                for string in plain_lines(table_BLV, characters):
                    file.write(string.encode() + b"\n")
        else:
            encoder = LineEncoder(model.spec.vocabulary, "txt")
            sieve = (
                StringFilter(StringHashes(model.spec.vocabulary, model.spec.length), unique=True) if unique else None
            )

            def work(item: tuple[StringBlock, Progress]) -> None:
                file.write(encoder.lines(item[0].ids_NL))

            with in_background(work) as give:
                for item in stream(watched, Request(n=strings), sieve):
                    give(item)
    seconds = time.process_time() - begun
    name = "plain loop" if plainly else "with --unique" if unique else "generate"
    return {"what": name, "strings": strings, "seconds": seconds, "network": network / seconds}


def main() -> None:
    """Print the tables; write them as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL")
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("million strings a second, 16 characters each, one core")
    print(f"{'alphabet':>16}  {'argmax':>8} {'lines':>8} {'file':>8} {'unique':>8} {'plain':>8}")
    found: dict[str, list[dict[str, Any]]] = {"parts": [], "whole": []}
    for name, alphabet in ALPHABETS.items():
        row = parts(name, alphabet, min(options.strings, 200_000))
        found["parts"].append(row)
        print(
            f"{name:>16}  " + " ".join(f"{row[each]:8.3f}" for each in ("argmax", "lines", "file", "unique", "plain"))
        )
    model = trained_model(options.model) if options.model else fresh_model()
    whole(model, BLOCK, unique=False)
    print(f"\n{'to a file':>16}  {'strings':>10} {'us each':>8} {'of it network':>14}")
    for row in (
        whole(model, options.strings, unique=False),
        whole(model, options.strings // 4, unique=True),
        whole(model, min(options.strings, 20_000), unique=False, plainly=True),
    ):
        found["whole"].append(row)
        each = row["seconds"] / row["strings"] * 1e6
        print(f"{row['what']:>16}  {row['strings']:10,} {each:8.2f} {row['network']:14.1%}", flush=True)
    print(f"\n{'constraints':>22}  {'strings a second':>16}")
    found["constrained"] = []
    for name in CONSTRAINED:
        row = constrained(name, min(options.strings, 40_000))
        found["constrained"].append(row)
        print(f"{name:>22}  {row['per_second']:16,.0f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
