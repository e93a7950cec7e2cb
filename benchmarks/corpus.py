"""Measure corpus preparation: lines per second on one core and memory, against a plain loop and `tokenizers`.

    python -m benchmarks.corpus                  # speed, about a minute
    python -m benchmarks.corpus --gigabytes 1    # also makes a file of that size and prints the peak memory

"encode" is what turns bytes into (N, L) ids and decides who is held out; "scan" is the first pass, which finds length,
alphabet and counts; "prepare" is both, written to disk. The loop is the plain Python that public scripts have; the
tokenizer is the one that defines our ids, in one thread, with its ids as an array. All take turns; medians of
`--repeats`. Every result is checked to be the same ids.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from seqgan_wgp.config import recipe
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.text.corpus.dataset import encoded_rows, prepare
from seqgan_wgp.text.corpus.scan import Scan, scan
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.recognition.recognise import recognised
from seqgan_wgp.text.vocabulary import PAD

SCRIPTS: dict[str, tuple[str, int, int]] = {
    "ASCII, 4 to 12 letters": ("abcdefghijklmnopqrstuvwxyz0123456789", 4, 12),
    "ASCII, 20 to 60 letters": ("abcdefghijklmnopqrstuvwxyz0123456789 ", 20, 60),
    "accented Latin, 4 to 12": ("abcdefghijklmnopqrstuvwxyzéèüößñçåø", 4, 12),
    "Cyrillic, 4 to 12": ("".join(map(chr, range(0x430, 0x450))), 4, 12),
    "Chinese, 1 to 4": ("".join(map(chr, range(0x4E00, 0x4E00 + 3000))), 1, 4),
}
"""Name -> alphabet, fewest and most characters of a line."""


def made_lines(script: str, count: int) -> list[str]:
    """Return lines of a script, always the same; the second half repeats the first."""
    alphabet, least, most = SCRIPTS[script]
    chance = random.Random(0)
    half = ["".join(chance.choices(alphabet, k=chance.randint(least, most))) for _ in range(count // 2)]
    return half + half


def encode(found: Scan) -> list[np.ndarray[Any, Any]]:
    """Return the ids of a scanned corpus, block by block."""
    return [ids_NL for ids_NL, *_ in encoded_rows(found)]


def loop(file: Path, found: Scan) -> list[list[int]]:
    """Return the ids as a plain loop makes them."""
    ids = {character: place for place, character in enumerate(found.vocabulary.characters, 2)}
    length = found.facts.length
    rows = []
    with file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            row = [ids.get(character, 1) for character in line.rstrip("\n")[:length]]
            rows.append(row + [PAD] * (length - len(row)))
    return rows


def tokenize(file: Path, found: Scan) -> np.ndarray[Any, Any]:
    """Return the ids as the tokenizer gives them."""
    tokenizer = found.vocabulary.tokenizer(found.facts.length)
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    return np.array([row.ids for row in tokenizer.encode_batch_fast(lines)], found.vocabulary.dtype)


def seconds(engines: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median processor time of each, taken in turns."""
    times: list[list[float]] = [[] for _ in engines]
    for _ in range(repeats):
        for engine, taken in zip(engines, times, strict=True):
            began = time.process_time()
            engine()
            taken.append(time.process_time() - began)
    return [statistics.median(taken) for taken in times]


def speed(script: str, count: int, repeats: int) -> dict[str, Any]:
    """Measure one script; return million lines a second of each engine."""
    slow = count // 20
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        large, small = folder / "large.txt", folder / "small.txt"
        lines = made_lines(script, count)
        large.write_bytes("".join(f"{line}\n" for line in lines).encode())
        small.write_bytes("".join(f"{line}\n" for line in lines[:slow]).encode())
        source, settings = open_source(large), CorpusSettings()
        found, few = scan(source, settings), scan(open_source(small), settings)
        ours = np.concatenate(encode(few))
        assert np.array_equal(ours, loop(small, few))
        assert np.array_equal(ours, tokenize(small, few))
        taken = seconds(
            [
                lambda: encode(found),
                lambda: scan(source, settings),
                lambda: prepare(scan(source, settings), folder),
                lambda: loop(small, few),
                lambda: tokenize(small, few),
            ],
            repeats,
        )
        size = large.stat().st_size
    rates = [n / t / 1e6 for n, t in zip((count, count, count, slow, slow), taken, strict=True)]
    names = ("encode", "scan", "prepare", "loop", "tokenizers")
    length = found.facts.length
    return {"script": script, "length": length, "megabytes": size / 1e6} | dict(zip(names, rates, strict=True))


def peak(gigabytes: float, kind: str) -> dict[str, Any]:
    """Prepare a file of that size in a process of its own; return its seconds and peak resident memory."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "large.txt"
        chance = random.Random(0)
        letters = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz     ", k=1 << 20))
        if kind == "lines":
            letters = "".join("\n" if chance.random() < 0.1 else letter for letter in letters)
        with file.open("w", encoding="ascii") as out:
            while out.tell() < gigabytes * 1e9:
                place = chance.randrange(len(letters))
                out.write(letters[place:] + letters[:place])
        program = f"from benchmarks.corpus import prepare_and_tell; prepare_and_tell({str(file)!r}, {scratch!r})"
        told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        measured: dict[str, Any] = json.loads(told)
        return {"kind": kind, "gigabytes": file.stat().st_size / 1e9} | measured


def prepare_and_tell(file: str, folder: str) -> None:
    """Scan and prepare a file, and print what it took, as JSON; seconds of the processor."""
    settings = recipe("fast").corpus
    began = time.process_time()
    source = recognised(open_source(file), settings)
    told = time.process_time()
    corpus = prepare(scan(source, settings), Path(folder))
    seconds = time.process_time() - told
    # Linux's own record: getrusage says, at least, what the process had that started this one.
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    kilobytes = int(peak[1]) if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = kilobytes * 1024 / 1e6
    found = {"rows": corpus.facts.rows, "telling_milliseconds": 1e3 * (told - began), "seconds": seconds}
    print(json.dumps(found | {"peak_megabytes": megabytes}))


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of each script")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=0.0, help="size of the file for the memory test; 0: none")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(
        f"million lines a second of processor time, one core; {options.lines:,} lines, a twentieth for loop and "
        "tokenizers"
    )
    names = ("encode", "scan", "prepare", "loop", "tokenizers")
    print(f"{'':<26} {'L':>3} {'MB':>6} " + " ".join(f"{name:>10}" for name in names) + "   encode/loop")
    rows, peaks = [], []
    for script in SCRIPTS:
        row = speed(script, options.lines, options.repeats)
        rows.append(row)
        rates = " ".join(f"{row[name]:10.3f}" for name in names)
        print(f"{script:<26} {row['length']:>3} {row['megabytes']:6.1f} {rates}   {row['encode'] / row['loop']:8.0f}")
    for kind in ("lines", "one line") if options.gigabytes else ():
        row = peak(options.gigabytes, kind)
        peaks.append(row)
        print(
            f"{row['gigabytes']:.2f} GB, {kind}: its kind told in {row['telling_milliseconds']:.1f} ms, "
            f"{row['rows']:,} rows in {row['seconds']:.0f} s, "
            f"peak resident memory {row['peak_megabytes']:.0f} MB"
        )
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows, "peaks": peaks}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
