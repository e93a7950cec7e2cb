"""Prepare a corpus of 100 million lines in a stream, and train on it from disk and from memory.

    python -m benchmarks.large_corpus                      # some minutes, 4 GB of disk below --folder
    python -m benchmarks.large_corpus --lines 20000000 --seconds 20 --json large.json

Lines are made (5 to 12 letters and digits, always the same), prepared in a process of its own, and learnt from with the
recipe `fast` on one core. Speed: two trainers in one process, one with its ids on disk and one with all of them in
memory, take turns of a few rounds, so that what else the machine does falls on both; the ratio is the median of those
of the turns, by the clock and by the time that the processor worked for this process. Memory: two processes train in
the same way and evaluate, one on all lines and one on the first 20,000; what the former has more is what a large corpus
costs. RSS counts pages of files that the system could take away at any time; RssAnon does not. At last turns are run
with nothing of the ids in the system's cache, beside the same rounds once more with their rows there. Linux only.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.utils.counter_rng import hash_numpy

FEW = 20_000
"""Lines of the small corpus that memory is compared with."""

TURN = 3
"""Rounds at a turn."""

_LETTERS = np.frombuffer(b"etaoinshrdlcumwfgypbvk0123456789", np.uint8)
_LEAST, _MOST = 5, 12
_TOGETHER = 1 << 20


def make(path: Path, lines: int) -> None:
    """Write a file of so many made lines."""
    place_L = np.arange(_MOST + 1)
    with path.open("wb") as file:
        for first in range(0, lines, _TOGETHER):
            bits_N2 = hash_numpy(0, 0, np.arange(first, min(first + _TOGETHER, lines)), 2)
            size_N = _LEAST + (bits_N2[:, 0] >> np.uint64(32)).astype(np.int64) % (_MOST - _LEAST + 1)
            text_NL = np.empty((len(size_N), _MOST + 1), np.uint8)
            for place in range(_MOST):
                text_NL[:, place] = _LETTERS[(bits_N2[:, 1] >> np.uint64(5 * place)).astype(np.intp) & 31]
            text_NL[place_L == size_N[:, None]] = ord("\n")
            file.write(text_NL[place_L <= size_N[:, None]].data)


def memory() -> dict[str, float]:
    """Return what this process has of memory, and had at most, in megabytes. Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {name: int(size) / 1000 for name, size in re.findall(r"^(VmHWM|VmRSS|RssAnon):\s*(\d+) kB", status, re.M)}


# What is done in processes of their own


def prepared(file: str, folder: str) -> dict[str, float]:
    """Scan and prepare a file."""
    began, worked = time.perf_counter(), time.process_time()
    found = scan(open_source(file), CorpusSettings())
    scanned = time.perf_counter()
    prepare(found, Path(folder))
    taken = {"scan": scanned - began, "encode": time.perf_counter() - scanned}
    return {**taken, "processor": time.process_time() - worked, **memory()}


def trained(folder: str, rounds: int) -> dict[str, float]:
    """Train and evaluate twice, as a run does, and look at a report's part of the corpus."""
    from seqgan_wgp.text.domain import TextDomain
    from seqgan_wgp.text.report_data import text_report_data

    trainer = _trainer(Path(folder))
    domain = trainer.domain
    assert isinstance(domain, TextDomain)
    most: dict[str, float] = {}
    taken = []
    for _ in range(2):
        for _ in range(rounds // 2):
            trainer.round()
            most = {name: max(size, most.get(name, 0.0)) for name, size in memory().items()}
        samples = trainer.samples()
        began = time.perf_counter()
        domain.score(samples)
        taken.append(time.perf_counter() - began)
    evaluated = memory()
    began = time.perf_counter()
    text_report_data(Path(folder), trainer.config, samples)
    report = {"report_seconds": time.perf_counter() - began, "report_VmHWM": memory()["VmHWM"]}
    return {**most, "VmHWM": evaluated["VmHWM"], "first_score": taken[0], "next_score": taken[1], **report}


def compared(folder: str, seconds: float, cold: bool) -> dict[str, Any]:
    """Train from disk and from memory in turns; return rounds a second of both, and the ratios of the turns.

    `cold`: from disk and from disk once more, the system's cache being without the ids before the first of each two.
    """
    from seqgan_wgp.text.domain import TextDomain

    disk, ram = _trainer(Path(folder)), _trainer(Path(folder))
    assert isinstance(ram.domain, TextDomain)
    corpus = ram.domain.corpus
    if not cold:
        ram.domain.corpus = dataclasses.replace(corpus, ids_NS=np.array(corpus.ids_NS), file=None)

    ids = os.open(Path(folder) / "ids.npy", os.O_RDONLY)

    def turn(train: Callable[[], object], *, drop: bool) -> tuple[float, float]:
        """Return seconds of a round, by the clock and of work."""
        if drop:
            os.posix_fadvise(ids, 0, 0, os.POSIX_FADV_DONTNEED)
        began, worked = time.perf_counter(), time.process_time()
        for _ in range(TURN):
            train()
        return (time.perf_counter() - began) / TURN, (time.process_time() - worked) / TURN

    turn(disk.round, drop=False), turn(ram.round, drop=False)
    pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if len(pairs) % 2 and not cold:  # nobody is always first
            other = turn(ram.round, drop=False)
            pairs.append((turn(disk.round, drop=False), other))
        else:
            pairs.append((turn(disk.round, drop=cold), turn(ram.round, drop=False)))
    clock, work = (sorted(other[k] / one[k] for one, other in pairs) for k in range(2))
    return {
        "disk": 1 / statistics.median(one[0] for one, _ in pairs),
        "memory": 1 / statistics.median(other[0] for _, other in pairs),
        "ratio": statistics.median(clock),
        "quartiles": [clock[len(clock) // 4], clock[-1 - len(clock) // 4]],
        "ratio_of_work": statistics.median(work),
        "turns": len(pairs),
    }


def _trainer(folder: Path) -> Any:
    import torch

    from seqgan_wgp import config as configs
    from seqgan_wgp.text.corpus.auto_settings import by_rule
    from seqgan_wgp.text.corpus.dataset import open_corpus
    from seqgan_wgp.text.domain import TextDomain
    from seqgan_wgp.training.trainer import Trainer
    from seqgan_wgp.utils.malloc import keep_memory

    keep_memory()
    torch.set_num_threads(1)
    corpus = open_corpus(folder)
    config = configs.recipe("fast", {"training.device": "cpu"})
    config = configs.override(config, by_rule(config, corpus.facts))
    cpu = torch.device("cpu")
    return Trainer.from_config(TextDomain(corpus, config, cpu), config, cpu)


def apart(name: str, *args: object) -> dict[str, Any]:
    """Call one of the above in a process of its own."""
    program = f"import json; from benchmarks import large_corpus; print(json.dumps(large_corpus.{name}(*{args!r})))"
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Make, prepare, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each comparison of speed")
    parser.add_argument("--rounds", type=int, default=400, help="of the training whose memory is measured")
    parser.add_argument("--folder", type=Path, help="where files are made, and deleted at the end")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        results = measure(Path(scratch), options)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return all that is measured, and print it as it comes."""
    files = {"all": options.lines, "few": min(FEW, options.lines)}
    results: dict[str, Any] = {"lines": options.lines}
    for name, lines in files.items():
        began = time.perf_counter()
        make(folder / f"{name}.txt", lines)
        (folder / name).mkdir()
        made = time.perf_counter() - began
        results[f"prepare_{name}"] = apart("prepared", str(folder / f"{name}.txt"), str(folder / name))
        if name == "all":
            tell_prepared(folder, lines, made, results["prepare_all"])
            (folder / "all.txt").unlink()
    few, most = (apart("trained", str(folder / name), options.rounds) for name in ("few", "all"))
    results |= {"trained_few": few, "trained_all": most}
    more = {name: most[name] - few[name] for name in ("VmHWM", "VmRSS", "RssAnon")}
    print(
        f"training, {options.rounds} rounds and two evaluations: peak RSS {most['VmHWM']:.0f} MB, "
        f"{more['VmHWM']:+.0f} MB beside {FEW:,} lines; RssAnon {most['RssAnon']:.0f} MB, {more['RssAnon']:+.0f} MB\n"
        f"measuring 10,000 samples: {most['first_score']:.2f} s at first, then {most['next_score']:.2f} s "
        f"({few['first_score']:.2f} and {few['next_score']:.2f} of {FEW:,} lines)\n"
        f"the report's part: {most['report_seconds']:.1f} s ({few['report_seconds']:.1f}), peak RSS "
        f"{most['report_VmHWM']:.0f} MB ({most['report_VmHWM'] - few['report_VmHWM']:+.0f} MB)",
        flush=True,
    )
    for kind in ("warm", "cold"):
        found = results[kind] = apart("compared", str(folder / "all"), options.seconds, kind == "cold")
        low, high = found["quartiles"]
        beside = "from memory" if kind == "warm" else "the cache warm"
        print(
            f"{kind}: {found['disk']:.2f} rounds/s from disk, {found['memory']:.2f} {beside}, ratio "
            f"{found['ratio']:.3f} ({low:.3f} to {high:.3f}, {found['turns']} turns of {TURN} rounds), "
            f"of the processor's time {found['ratio_of_work']:.3f}",
            flush=True,
        )
    return results


def tell_prepared(folder: Path, lines: int, made: float, found: dict[str, float]) -> None:
    """Print what preparation took."""
    text = (folder / "all.txt").stat().st_size / 1e9
    sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e9:.2f} GB" for file in sorted((folder / "all").iterdir()))
    taken = found["scan"] + found["encode"]
    print(
        f"{lines:,} lines, {text:.2f} GB, made in {made:.0f} s\n"
        f"prepared in {taken:.1f} s (scan {found['scan']:.1f}, encode {found['encode']:.1f}), "
        f"{found['processor']:.1f} s of work: {lines / taken / 1e6:.2f} M lines/s, peak RSS {found['VmHWM']:.0f} MB\n"
        f"on disk: {sizes}",
        flush=True,
    )


if __name__ == "__main__":
    main()
